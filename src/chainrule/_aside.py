"""What is said beside the output, on standard error: it may be lost, but no work ends for it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import IO

from chainrule._numbers import printable


def is_watched() -> bool:
    """Tell whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def tell(line: object) -> None:
    """Print a line on standard error, if there is one that can be written."""
    if sys.stderr is not None:
        try:
            print(printable(line), file=sys.stderr, flush=True)
        except OSError:
            silence(sys.stderr)


def silence(stream: IO[str]) -> None:
    """Let a stream that can't be written lead nowhere, so that Python doesn't try once more at exit."""
    with suppress(OSError), open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), stream.fileno())
