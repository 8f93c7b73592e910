"""The command line: one file per command in `commands`; nothing heavy is imported before a command runs."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module

from chainrule._aside import silence, tell
from chainrule._doors import COMMAND_LINE, through
from chainrule.cli.parsing import EXAMPLE_INDENT, closest
from chainrule.errors import ChainruleError, SettingsError

COMMANDS = {
    "train": "train a network on a table, score it, and write the model file",
    "studio": "open a page that trains, plays, rewinds and explains, number by number",
    "evaluate": "score a model on a table whose target is known",
    "predict": "predict the target for every row of a table",
    "check": "check a model's gradients and predictions, and print a certificate",
    "diagnose": "look for what is wrong with a network and its training",
    "explain": "show how a prediction or a derivative comes about, number by number",
    "derive": "derive a formula, or backpropagation, in symbols, every line checked",
    "importance": "say how much a model needs each column",
    "dependence": "show how answers depend on a column, or on two together",
    "whatif": "change cells of a row, and find what would turn its answer",
    "report": "write one page about a model: scores, mistakes, columns, rows, checks",
    "describe": "show what a model is: inputs, layers, target, training",
    "search": "show what a search has tried, and what it chose",
    "prune": "set a share of a model's weights to 0, and train the others again",
    "export": "write a model as a program in another language, and check it",
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
{indent}chainrule studio penguins.csv --target species
{indent}chainrule evaluate penguins.safetensors new.csv
{indent}chainrule predict penguins.safetensors new.csv --out predictions.csv
{indent}chainrule explain penguins.safetensors penguins.csv --row 1
{indent}chainrule describe penguins.safetensors
{indent}chainrule lesson article-5"""


BROKEN_PIPE = 141
"""The exit code where nobody reads the output: that of a program which the signal SIGPIPE, 13, has ended."""


_UNNAMED = {
    errno.EBADF: "standard output is closed; let it go to a file or a pipe",
    errno.ENOENT: "the folder that this runs in is gone; change to one that is there",
}
"""What fails without a file's name, where that isn't the writing of standard output."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a user's mistake is one line on standard error and 2.

    Raises SystemExit after a command's --help, and for a signal that ends programs, when what was begun is cleared away.
    """
    if arguments is None:
        # What is left at the end needs no looking through for what nobody holds, which takes a third of a second.
        atexit.register(gc.freeze)
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A letter that the terminal's encoding doesn't have must not end a command.
            stream.reconfigure(errors="backslashreplace")
    with through(COMMAND_LINE), _signals_clear_up():
        return _answered(list(sys.argv[1:] if arguments is None else arguments))


def _open_what_is_closed() -> None:
    """Put in the place of a closed standard stream one that no word comes from or gets to.

    Output and input fail as they are used, in one line; what is said on standard error is lost. Without these a file
    that is opened later would take their place.
    """
    for name, flag, mode in (
        ("stdin", os.O_WRONLY, "r"),
        ("stdout", os.O_RDONLY, "w"),
        ("stderr", os.O_WRONLY, "w"),
    ):
        if getattr(sys, name) is None:
            with suppress(OSError):
                # The lowest free number, as these are gone through from 0 on.
                opened = os.open(os.devnull, flag)
                setattr(sys, name, os.fdopen(opened, mode, encoding="utf-8", closefd=False))


@contextmanager
def _signals_clear_up() -> Iterator[None]:
    """Let the signals that end a program go up as SystemExit, so that no file is left half written."""

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    ending = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    is_main = threading.current_thread() is threading.main_thread()
    before = {
        number: signal.signal(number, end)
        for number in ending
        if is_main and signal.getsignal(number) == signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


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
        tell("interrupted; no file was written")
        return 130
    except OSError as error:
        silence(sys.stdout)
        if error.errno == errno.EPIPE:
            # The reader of our output has gone (`chainrule describe m | head`): nothing is left to say.
            return BROKEN_PIPE
        if error.filename is None and error.errno in _UNNAMED:
            return _failed(_UNNAMED[error.errno])
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
        command = import_module(f"{__name__}.commands.{name.replace('-', '_')}")
        return command.run(command.parser().parse(arguments[1:])) or 0
    else:
        what = "option" if name.startswith("-") else "command"
        raise SettingsError(f"there is no {what} {name!r}; {closest(name, COMMANDS)}")
    return 0


def _failed(message: str) -> int:
    tell(f"error: {' '.join(message.split())}")
    return 2
