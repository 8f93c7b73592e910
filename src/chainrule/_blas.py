"""BLAS on one thread while ours work: the threads are ours to share out, and how a product is split decides its last bits.

NumPy and SciPy each bring a BLAS of their own. threadpoolctl finds them; what its limits then reach differs between its
versions (since 3.8 those of one thread at a time do anything), so the libraries are asked by their own functions.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import sys
import threading
from collections.abc import Callable
from contextlib import ContextDecorator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from chainrule._locks import ForkSafeLock


def one_blas_thread() -> OneBlasThread:
    """Return a context, which decorates functions too, that keeps the calling thread's BLAS on this thread.

    Any number of threads may be in it, and come and go in any order: the last one that leaves gives every library back as
    the first one found it, or as somebody else set it meanwhile. Where a library has one number for the whole process, as
    OpenBLAS with threads of its own has, it is one for other threads, too, as long as anybody is in.
    """
    return _context


def keep_to_one_blas_thread() -> None:
    """Keep the calling thread's own BLAS on this thread for good: for threads that do nothing but our work.

    What is one number for the whole process (found out where nobody knows) is left to who waits for that work, in
    `one_blas_thread`.
    """
    for library in _libraries(_SCIPY in sys.modules):
        with _lock:
            if library.count() != 1 and not library.is_everywhere():
                library.limit(1)


@dataclass(eq=False)
class _Library:
    """One BLAS: how many threads it may use, and who keeps it to one.

    ``limit`` may return what is to be given to it later to undo it; None: the number from before.
    ``everywhere``: whether it is one number for the whole process, None while nobody knows.
    ``before``: the numbers by thread; of a number for the whole process there is one, at 0.
    """

    count: Callable[[], int]
    limit: Callable[[int], int | None]
    everywhere: bool | None = None
    holders: set[int] = field(default_factory=set)
    before: dict[int, int] = field(default_factory=dict)

    def hold(self) -> None:
        """Set it to one thread, for the calling thread if it can."""
        found = self.count()
        if found != 1:
            self.is_everywhere()
            undo = self.limit(1)
            self.before[self._whose()] = found if undo is None else undo
        self.holders.add(threading.get_ident())

    def release(self) -> None:
        """Give it back as it was found, unless another thread still holds it or somebody has set it meanwhile."""
        self.holders.discard(threading.get_ident())
        if self.everywhere and self.holders:
            return
        before = self.before.pop(self._whose(), None)
        if before is not None and self.count() == 1:
            self.limit(before)

    def forked(self) -> None:
        """Forget the holders that a new process doesn't have."""
        mine, had = threading.get_ident(), bool(self.holders)
        self.holders &= {mine}
        self.before = {whose: before for whose, before in self.before.items() if whose in (0, mine)}
        if had and not self.holders:
            self.release()

    def _whose(self) -> int:
        return 0 if self.everywhere else threading.get_ident()

    def is_everywhere(self) -> bool:
        """Return whether its number, which isn't 1, is that of all threads: tried once, by another thread that sets it."""
        if self.everywhere is None:
            found, other = self.count(), threading.Thread(target=self.limit, args=(1,))
            try:
                other.start()
            except RuntimeError:
                return False  # no more threads can be started: each looks after its own
            other.join()
            self.everywhere = self.count() == 1
            if self.everywhere:
                self.limit(found)
        return self.everywhere


class _Mine(threading.local):
    """How deep in the context a thread is, and what it holds."""

    def __init__(self) -> None:
        self.depth = 0
        self.held: list[_Library] = []


class OneBlasThread(ContextDecorator):
    """What `one_blas_thread` returns: the same one each time."""

    def __enter__(self) -> None:
        held = _mine.held
        for library in _libraries(_SCIPY in sys.modules):
            if library not in held or library.count() != 1:
                with _lock:
                    library.hold()
                    if library not in held:
                        held.append(library)
        _mine.depth += 1

    def __exit__(self, *_: object) -> None:
        _mine.depth -= 1
        if not _mine.depth:
            with _lock:
                while _mine.held:
                    _mine.held.pop().release()


def blas_of(package: str) -> str:
    """Return the name, version and kernels of the BLAS that a package brings, as ``openblas 0.3.30 SkylakeX``.

    Where it brings none of its own they are those of every BLAS that is loaded.
    """
    from threadpoolctl import ThreadpoolController

    found = [each.info() for each in ThreadpoolController().lib_controllers if each.user_api == "blas"]
    own = [each for each in found if {package, f"{package}.libs"} & set(Path(each["filepath"]).parts)]
    names = ("internal_api", "version", "architecture")
    words = {" ".join(str(each[name]) for name in names if each.get(name)) for each in own or found}
    return ", ".join(sorted(words)) or "unknown"


_SCIPY = "scipy.linalg.cython_blas"
"""The module whose products compiled code calls; with it comes SciPy's BLAS."""

_lock = ForkSafeLock()
_mine = _Mine()
_context = OneBlasThread()
_known: dict[str, _Library] = {}


@lru_cache(maxsize=2)
def _libraries(with_scipy: bool) -> tuple[_Library, ...]:
    """Return the BLAS libraries that are loaded: to look for them takes longer than a small training."""
    from threadpoolctl import ThreadpoolController

    found = [each for each in ThreadpoolController().lib_controllers if each.user_api == "blas"]
    return tuple(_known.setdefault(each.filepath, _library(each)) for each in found)


def _library(found: Any) -> _Library:
    """Return a library that threadpoolctl found, by its own functions where they are known."""
    code = found.dynlib
    if found.internal_api == "openblas":
        for prefix, suffix in itertools.product(("", "scipy_"), ("", "64_", "_64")):
            own: list[Any] = [getattr(code, f"{prefix}openblas_{name}{suffix}", None) for name in _OPENBLAS]
            if all(own):
                count, limit, parallel = own
                # 2: made with OpenMP, whose number each thread has for itself, and OpenBLAS goes by it.
                if parallel() == 2 and hasattr(code, "omp_get_max_threads"):
                    return _Library(_getter(code.omp_get_max_threads), _setter(code.omp_set_num_threads))
                return _Library(_getter(count), _setter(limit), everywhere=True)
    if found.internal_api == "mkl" and hasattr(code, "MKL_Set_Num_Threads_Local"):
        # Returns the thread's own number from before: 0 where it had none.
        limit = _setter(code.MKL_Set_Num_Threads_Local, ctypes.c_int)
        return _Library(_getter(code.MKL_Get_Max_Threads), limit)
    return _Library(found.get_num_threads, found.set_num_threads)


_OPENBLAS = ("get_num_threads", "set_num_threads", "get_parallel")


def _getter(function: Any) -> Callable[[], int]:
    function.restype, function.argtypes = ctypes.c_int, ()
    getter: Callable[[], int] = function
    return getter


def _setter(function: Any, returns: Any = None) -> Callable[[int], int | None]:
    function.restype, function.argtypes = returns, (ctypes.c_int,)
    setter: Callable[[int], int | None] = function
    return setter


def _after_fork() -> None:
    """Let go of what threads hold that a new process doesn't have."""
    for library in _known.values():
        library.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
