"""Locks that don't outlive a fork."""

from __future__ import annotations

import os
import threading


class ForkSafeLock:
    """A lock for ``with`` that a forked process finds open: a thread that it doesn't have may have held it."""

    def __init__(self) -> None:
        self._renew()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._renew)

    def _renew(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
