"""What an engine compiles before it can begin, for who waits: a line that comes and goes on a terminal, elsewhere one line."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from chainrule._aside import is_watched, tell
from chainrule._numbers import printable

_WIDTH = 79
_expected: list[str] = []
_done: set[str] = set()
_listeners: list[Callable[[str], None]] = []
_said = False


def expect(names: Iterable[str]) -> None:
    """Note what the work that begins now needs, in about the order in which it is looked for."""
    _expected[:] = dict.fromkeys(names)
    _done.clear()


@contextmanager
def compiling(name: str, *, long: bool) -> Iterator[None]:
    """Tell what is compiled meanwhile; where nobody listens and no terminal is there, once, and only of what takes ``long``."""
    global _said
    # Trainings in other threads expect and hear things too, so what is looked at twice is a copy.
    expected, listeners = list(_expected), list(_listeners)
    if name not in expected or name in _done:
        expected.append(name)
        _expected.append(name)
    _done.add(name)
    place = len(expected) - expected[::-1].index(name)
    text = printable(f"compiling piece {place} of {len(expected)}: {name}")
    if listeners or is_watched():
        show = listeners[-1] if listeners else _on_terminal
        show(text)
        try:
            yield
        finally:
            show("")
        return
    if long and not _said:
        _said = True
        tell("compiling the engine for this processor; this happens once …")
    yield


@contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Give the texts to ``listener`` meanwhile, an empty one at each end, and print none."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


def _on_terminal(text: str) -> None:
    with suppress(OSError):
        print(f"\r{text[:_WIDTH]:<{_WIDTH}}", end="" if text else "\r", file=sys.stderr, flush=True)
