"""Where text goes: the screen and its width, what is said beside the output, JSON for programs."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chainrule._aside import tell

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""The width of what is printed to a file or a pipe."""

NARROWEST, WIDEST = 20, 500
"""The limits of what a terminal, or COLUMNS, can ask for: beyond them nothing is readable."""


def output_width(otherwise: int = WIDTH) -> int:
    """Return how wide to print: as the terminal is or COLUMNS says, ``otherwise`` where neither says a width."""
    if not (sys.stdout.isatty() or "COLUMNS" in os.environ):
        return otherwise
    return min(max(shutil.get_terminal_size((otherwise, 24)).columns, NARROWEST), WIDEST)


def screen() -> Console:
    """Return a console on standard output, as wide as `output_width` says."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process by itself, with another exit code than our `main`.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    return Screen(highlight=False, width=output_width())


def warn(lines: Iterable[str]) -> None:
    """Print notes to standard error, where they don't disturb what a program reads."""
    for line in lines:
        tell(f"note: {line}")


def print_json(result: Any) -> None:
    """Print a result as JSON; numbers that are not finite become null."""
    from chainrule.explain.show.json import written

    sys.stdout.write(written(result))
