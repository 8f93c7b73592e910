"""The command line: one file per command; nothing heavy is imported until a command runs."""

from __future__ import annotations

import os
import sys

import typer

from chainrule.cli import describe, evaluate, predict, train
from chainrule.cli.console import fail
from chainrule.errors import ChainruleError

app = typer.Typer(
    name="chainrule",
    help="Neural networks for tables, fast, with every number in the open.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train", epilog=train.EXAMPLES)(train.command)
app.command("evaluate", epilog=evaluate.EXAMPLES)(evaluate.command)
app.command("predict", epilog=predict.EXAMPLES)(predict.command)
app.command("describe", epilog=describe.EXAMPLES)(describe.command)


def _version(asked: bool) -> None:
    if asked:
        from chainrule import __version__

        print(f"chainrule {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version."
    ),
) -> None:
    """Neural networks for tables, fast, with every number in the open."""


def main() -> None:
    """Run the command line; a mistake of the user's is one line and exit code 2."""
    try:
        app()
    except ChainruleError as error:
        fail(str(error))
    except BrokenPipeError:
        # The reader of our output has gone (`chainrule describe m | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)
