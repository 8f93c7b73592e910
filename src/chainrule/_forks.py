"""Polars in a process that was forked: its threads stayed with the parent, and what waits for them would wait for ever."""

from __future__ import annotations

import os
from contextlib import suppress

from chainrule.errors import TableError

_WORKING = ("polars-0", "polars-1", "tokio-rt")
"""How the names of threads begin that polars' work is done by."""

_TASKS = "/proc/self/task"
_used = _had_threads = _lost = False


def check_polars() -> None:
    """Note that polars is used from now on; raises TableError in a process that its threads are missing in."""
    global _used
    if _lost:
        raise TableError(
            "tables can't be read in this process: it was forked when polars, which reads them, had begun its threads, which "
            'stayed behind; begin processes by multiprocessing.get_context("spawn"), or fork before any table is read'
        )
    _used = True


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


def _in_child() -> None:
    global _lost
    _lost = _lost or _had_threads


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
