"""Processes that are forked: what only another thread of the parent could end, nobody ends in the child.

A fork waits until no other thread imports or compiles (`wait_for`), a minute at most. What isn't whole then, and what
waits for the threads of polars, which stay with the parent, is refused in the child, where it would wait for ever.
"""

from __future__ import annotations

import importlib
import os
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from importlib import import_module
from typing import Protocol

from chainrule.errors import ChainruleError, TableError

_LONGEST, _SHORT, _PAUSE = 60.0, 1.0, 0.002
"""Seconds that a fork waits at most, with no lock held and with all: what the other thread waits for may be this one."""

_WORKING = ("polars-0", "polars-1", "tokio-rt")
"""How the names of threads begin that polars' work is done by."""

_OURS = sys.stdlib_module_names | {
    *(
        "chainrule",
        "jinja2",
        "llvmlite",
        "markupsafe",
        "mpmath",
        "numba",
        "numpy",
        "polars",
        "rich",
        "safetensors",
    ),
    *("scipy", "sklearn", "threadpoolctl"),
}
"""Whose imports a fork waits for: those of a program may last as long as it runs."""

_TASKS = "/proc/self/task"
_REMEDY = 'begin processes by multiprocessing.get_context("spawn")'


class Holdable(Protocol):
    """A lock, such as `threading.RLock`."""

    def acquire(self, *, timeout: float) -> bool:
        """Take the lock; say whether it was had in that time."""

    def release(self) -> None:
        """Give the lock back."""


class _Held(threading.local):
    """The locks that the thread which forks holds for it, and whether these are all."""

    def __init__(self) -> None:
        self.locks: list[Holdable] = []
        self.all = True


_used = _had_threads = _lost = _torn = False
_waited_for: list[Holdable] = []
_held = _Held()


def check_polars() -> None:
    """Note that polars is used from now on; raises TableError in a process that its threads are missing in."""
    global _used
    if _lost:
        raise TableError(
            "tables can't be read in this process: it was forked when polars, which reads them, had begun its threads, which "
            f"stayed behind; {_REMEDY}, or fork before any table is read"
        )
    _used = True


def check_whole() -> None:
    """Raise ChainruleError in a process that was forked while a thread, which it lacks, imported or compiled."""
    if _torn:
        raise ChainruleError(
            "chainrule can't work in this process: it was forked while another thread imported or compiled, which stayed "
            f"behind with the half of it; {_REMEDY}, or fork before that thread begins, or after its first training"
        )


@cache
def watch_imports() -> None:
    """Let forks from now on wait for imports and locks."""
    # Their hooks take locks that an import may wait for, and the last hook comes first: ours is to be after theirs.
    import_module("logging")
    import_module("concurrent.futures.thread")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_wait, after_in_parent=_release, after_in_child=_release)


def wait_for(lock: Holdable) -> None:
    """Let forks from now on wait for a lock, and begin with it held: the child finds what it guards whole."""
    watch_imports()
    _waited_for.append(lock)


def _before_fork() -> None:
    global _had_threads
    # Where the system tells the names of threads they show it, whoever uses polars.
    names, tasks = [], []
    with suppress(OSError):
        tasks = os.listdir(_TASKS)
    for task in tasks:
        # One may have ended since.
        with suppress(OSError), open(f"{_TASKS}/{task}/comm", encoding="utf-8", errors="replace") as file:
            names.append(file.read())
    chosen = os.environ.get("POLARS_THREAD_NAME")
    begins = (*_WORKING, chosen) if chosen else _WORKING
    _had_threads = any(name.startswith(begins) for name in names) if names else _used
    # An import that began since the locks were taken; it may wait for one of them, or of another hook.
    until = time.monotonic() + _SHORT
    while _is_imported_elsewhere() and time.monotonic() < until:
        time.sleep(_PAUSE)


def _wait() -> None:
    """Wait until no other thread imports, with all locks held; where that takes too long, with those that were had."""
    until = time.monotonic() + _LONGEST
    while True:
        _held.all = True
        for lock in _waited_for:
            if lock.acquire(timeout=max(0.0, until - time.monotonic())):
                _held.locks.append(lock)
            else:
                _held.all = False
        if not _is_imported_elsewhere() or time.monotonic() > until:
            return
        # An import may need a lock to end.
        _release()
        time.sleep(_PAUSE)


def _is_imported_elsewhere() -> bool:
    """Return whether another thread is in the midst of importing anything of ours."""
    locks = getattr(getattr(importlib, "_bootstrap", None), "_module_locks", {})
    for name, reference in list(locks.items()):
        owner = getattr(reference(), "owner", None)
        if owner not in (None, threading.get_ident()) and str(name).partition(".")[0] in _OURS:
            return True
    return False


def _release() -> None:
    while _held.locks:
        _held.locks.pop().release()


def _in_child() -> None:
    global _lost, _torn
    _lost = _lost or _had_threads
    _torn = _torn or not _held.all or _is_imported_elsewhere()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
