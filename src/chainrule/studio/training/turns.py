"""Turns: a training that is followed gives way to who asks about it, and who asks doesn't stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

MOST_SAVED = 0.1
"""The most seconds that are saved for waiting, so the longest that a training waits at once."""


class Turns:
    """Shares the time between a training and questions about it, half and half where both want all of it.

    Python runs one thread at a time, and hands over after milliseconds: without turns, an answer of many short steps would
    take a hundred times as long beside a training whose epochs are short. A training saves a second for each that it had, and
    may wait as long as its savings last. ``clock`` counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._free = threading.Condition()
        self._asking = 0
        self._saved = 0.0
        self._since = clock()

    @contextmanager
    def asked(self) -> Iterator[None]:
        """Let a training wait until the end of the block."""
        with self._free:
            self._asking += 1
        try:
            yield
        finally:
            with self._free:
                self._asking -= 1
                self._free.notify_all()

    def give_way(self) -> float:
        """Wait, between two epochs, while somebody asks, as long as the savings last; return the seconds waited."""
        now = self._clock()
        self._saved = min(MOST_SAVED, self._saved + now - self._since)
        with self._free:
            if self._asking:
                self._free.wait_for(lambda: not self._asking, self._saved)
        self._since = self._clock()
        waited = self._since - now
        self._saved = max(0.0, self._saved - waited)
        return waited
