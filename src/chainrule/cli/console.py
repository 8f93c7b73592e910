"""Where text goes: the screen, warnings, JSON for programs."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from chainrule._numbers import printable

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""The width of what is printed to a file or a pipe."""


def screen() -> Console:
    """Return a console on standard output, as wide as the terminal, or WIDTH where there is none."""
    from rich.console import Console

    class Screen(Console):
        def on_broken_pipe(self) -> None:
            # Rich would end the process with exit code 1; our `main` knows that nothing is wrong.
            raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    fits = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Screen(highlight=False, width=None if fits else WIDTH)


def warn(lines: Iterable[str]) -> None:
    """Print notes to standard error, where they don't disturb what a program reads."""
    for line in lines:
        print(f"note: {printable(line)}", file=sys.stderr)


def print_json(result: Any) -> None:
    """Print a result as JSON; numbers that are not finite become null."""
    from chainrule.explain.show.json import written

    sys.stdout.write(written(result))
