"""Threads: how many, and how they are shared out."""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from types import FrameType
from typing import Any, cast

from threadpoolctl import ThreadpoolController

from chainrule.errors import SettingsError

_submitting = threading.Lock()


def thread_count(wanted: int | None = None) -> int:
    """Return how many threads to use: as wanted, else OMP_NUM_THREADS, else the processors this process may run on."""
    if wanted is not None:
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 1:
            raise SettingsError(f"threads {wanted!r} must be a whole number, at least 1")
        return wanted
    named = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    if named.isdigit() and int(named) > 0:
        return int(named)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)


def on_threads(count: int, work: Callable[[int], Any]) -> None:
    """Run ``work(0)`` … ``work(count - 1)`` at the same time, number 0 on this thread, and wait for all.

    They may wait for each other; so either all of them begin or none does. Ctrl-C takes effect when all have
    ended.
    """
    if count == 1:
        work(0)
        return
    pool = _pool(os.getpid(), count - 1)
    with _interrupts_kept_back():
        # Without the lock two trainings could each hold a thread that the other one's work needs.
        here = _processor()
        with _submitting:
            others = [pool.submit(_elsewhere, work, number, here) for number in range(1, count)]
        try:
            work(0)
        finally:
            for other in others:
                other.result()


def _elsewhere(work: Callable[[int], Any], number: int, taken: int | None) -> None:
    """Run ``work(number)`` on another processor than ``taken``.

    A thread that is woken begins on its waker's processor, and Linux may leave it there for a second while
    others idle (measured: two threads then took as long as one). So it is moved once, and left free to be
    moved again.
    """
    if taken is not None:
        allowed = os.sched_getaffinity(0)
        others = sorted(allowed - {taken})
        if others:
            os.sched_setaffinity(0, {others[(number - 1) % len(others)]})
            os.sched_setaffinity(0, allowed)
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


@contextmanager
def _interrupts_kept_back() -> Iterator[None]:
    """Let Ctrl-C wait until the block has ended; outside the main thread it never comes."""
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda number, frame: came.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        if came:
            handler(*came[0])


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS on the thread that calls it, since the threads are ours to share out."""
    with _controller().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=8)
def _pool(process: int, count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="chainrule")


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
