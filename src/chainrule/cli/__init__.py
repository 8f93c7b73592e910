"""The command line: one file per command; nothing heavy is imported before a command runs."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from chainrule._doors import COMMAND_LINE, through
from chainrule._numbers import printable
from chainrule.cli.parsing import EXAMPLE_INDENT, closest
from chainrule.errors import ChainruleError, SettingsError

COMMANDS = {
    "train": "train a network on a table, score it, and write the model file",
    "evaluate": "score a model on a table whose target is known",
    "predict": "predict the target for every row of a table",
    "check": "check a model's gradients and predictions, and print a certificate",
    "diagnose": "look for what is wrong with a network and its training",
    "explain": "show how a prediction or a derivative comes about, number by number",
    "describe": "show what a model is: inputs, layers, target, training",
    "lesson": "walk through a worked example, every number shown and checked",
    "sheet": "print exercise sheets with their keys, each with fresh numbers",
    "formulas": "show every activation, loss, optimizer … with its formula",
    "warm-up": "compile the engine ahead of time",
}

OVERVIEW = """usage: chainrule COMMAND [options]

Neural networks for tables, fast, with every number in the open.

commands:
{commands}

options:
  -h, --help   show this help, or after a command that command's
  --version    show the version

examples:
{indent}chainrule train penguins.csv --target species
{indent}chainrule evaluate penguins.safetensors new.csv
{indent}chainrule predict penguins.safetensors new.csv --out predictions.csv
{indent}chainrule describe penguins.safetensors"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is one line on standard error and 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal's encoding doesn't have must not end a command.
            stream.reconfigure(errors="backslashreplace")
    with through(COMMAND_LINE):
        return _answered(list(sys.argv[1:] if arguments is None else arguments))


def _answered(arguments: list[str]) -> int:
    try:
        code = _run(arguments)
        sys.stdout.flush()
    except ChainruleError as error:
        return _failed(str(error))
    except MemoryError as error:
        what = f"there is not enough memory{f' ({error})' if str(error) else ''}"
        return _failed(f"{what}; use smaller --hidden layers, or fewer rows or columns")
    except KeyboardInterrupt:
        print("interrupted; no file was written", file=sys.stderr)
        return 130
    except OSError as error:
        # Python must not try once more, at exit, to write what could not be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            # The reader of our output has gone (`chainrule describe m | head`): nothing is left to say.
            return 0
        return _failed(f"{error.filename or 'standard output'}: {error.strerror}")
    return code


def _run(arguments: list[str]) -> int:
    """Run a command and return its exit code: that of ``run``, 0 where it gives none."""
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help"):
        rows = (f"  {command:<10} {summary}" for command, summary in COMMANDS.items())
        print(OVERVIEW.format(commands="\n".join(rows), indent=EXAMPLE_INDENT))
    elif name == "--version":
        from chainrule._version import __version__

        print(f"chainrule {__version__}")
    elif name in COMMANDS:
        command = import_module(f"{__name__}.{name.replace('-', '_')}")
        return command.run(command.parser().parse(arguments[1:])) or 0
    else:
        what = "option" if name.startswith("-") else "command"
        raise SettingsError(f"there is no {what} {name!r}; {closest(name, COMMANDS)}")
    return 0


def _failed(message: str) -> int:
    print(f"error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2
