"""Threads: how many, and how they are shared out."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

from chainrule._blas import keep_to_one_blas_thread
from chainrule._doors import setting
from chainrule._locks import ForkSafeLock
from chainrule._signals import kept_back
from chainrule.errors import SettingsError

_submitting = ForkSafeLock()


def thread_count(wanted: int | None = None) -> int:
    """Return how many threads to use.

    As wanted, else as `limited_threads` says, else OMP_NUM_THREADS, else the processors this process may run on.
    """
    wanted = _wanted.get() if wanted is None else wanted
    if wanted is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise SettingsError(f"{setting('threads')} {wanted!r} must be a whole number, at least 1")
        return wanted
    named = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if named.isascii() and named.isdigit() and len(named) < 7 and int(named) > 0:  # ² is a digit, too
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


_wanted: ContextVar[int | None] = ContextVar("threads", default=None)


@contextmanager
def limited_threads(count: int | None) -> Iterator[None]:
    """Let whatever doesn't say otherwise use ``count`` threads; None changes nothing.

    Raises SettingsError where there is no such number of threads.
    """
    before = _wanted.set(_wanted.get() if count is None else thread_count(count))
    try:
        yield
    finally:
        _wanted.reset(before)


def on_threads(count: int, work: Callable[[int], Any], stop: Callable[[], None] | None = None) -> None:
    """Run ``work(0)`` … ``work(count - 1)`` at the same time and wait for all.

    They may wait for each other; so either all of them begin or none does. Ctrl-C takes effect when all have
    ended. Without ``stop`` number 0 runs on this thread, which is right for short work. Else all run elsewhere, so
    that this thread can answer Ctrl-C at once: it calls ``stop``, which is to make the work end early.
    """
    if stop is None and count == 1:
        work(0)
        return
    here = 1 if stop is None else 0
    pool = _pool(os.getpid(), count - here)
    with kept_back([signal.SIGINT]) as came:
        # Without the lock two trainings could each hold a thread that the other one's work needs.
        taken = _processor() if here else None
        with _submitting:
            others = [pool.submit(_elsewhere, work, number, taken) for number in range(here, count)]
        try:
            if here:
                work(0)
        finally:
            while wait(others, timeout=_SECONDS_DEAF).not_done:
                if came and stop is not None:
                    stop()
        for other in others:
            other.result()


_SECONDS_DEAF = 0.05


def _elsewhere(work: Callable[[int], Any], number: int, taken: int | None) -> None:
    """Run ``work(number)`` on another processor than ``taken``.

    A thread that is woken begins on its waker's processor, and Linux may leave it there for a second while
    others idle (measured: two threads then took as long as one). So it is moved once, and left free to be
    moved again.
    """
    # Some containers forbid it, or change what is allowed meanwhile; the work must begin all the same.
    with suppress(OSError):
        allowed = os.sched_getaffinity(0) if taken is not None else set()
        if others := sorted(allowed - {taken}):
            os.sched_setaffinity(0, {others[(number - 1) % len(others)]})
            os.sched_setaffinity(0, allowed)
    keep_to_one_blas_thread()
    work(number)


def _processor() -> int | None:
    """Return the processor this thread runs on, or None where that can't be told or threads can't be moved."""
    if _getcpu is None or not hasattr(os, "sched_setaffinity"):
        return None
    return int(_getcpu())


def _find_getcpu() -> Callable[[], int] | None:
    try:
        return cast("Callable[[], int]", ctypes.CDLL(None).sched_getcpu)
    except (OSError, AttributeError, TypeError):
        return None


_getcpu = _find_getcpu()


@lru_cache(maxsize=8)
def _pool(process: int, count: int) -> ThreadPoolExecutor:
    """Return a pool whose threads all run: work that waits for work must not wait for one that can't be started."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="chainrule")
    begin = threading.Event()
    try:
        # None is idle before the event, so each of these starts a thread of its own.
        started = [pool.submit(begin.wait) for _ in range(count)]
    except RuntimeError as error:
        raise SettingsError(
            f"this machine doesn't start {count} more threads: choose fewer with {setting('threads')}"
        ) from error
    finally:
        begin.set()
    wait(started)
    return pool
