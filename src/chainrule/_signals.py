"""What signals raise, such as Ctrl-C, kept back while something runs that it would break."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

Came = list[tuple[int, FrameType | None]]


@contextmanager
def kept_back(numbers: Iterable[int] | None = None) -> Iterator[Came]:
    """Let signals, all if None, wait until the block has ended, and give the list where they show.

    Python runs their handlers in the main thread alone; elsewhere nothing is to be kept back.
    """
    came: Came = []
    handlers: dict[int, Callable[[int, FrameType | None], Any]] = {}
    if threading.current_thread() is threading.main_thread():
        for number in signal.valid_signals() if numbers is None else numbers:
            if callable(handler := signal.getsignal(number)):
                handlers[number] = handler
    try:
        # One that comes while they are given back leaves none behind.
        with ExitStack() as stack:
            for number, handler in handlers.items():
                stack.callback(signal.signal, number, handler)
                signal.signal(number, lambda *which: came.append(which))
            yield came
    finally:
        for number, frame in dict(came).items():
            handlers[number](number, frame)
