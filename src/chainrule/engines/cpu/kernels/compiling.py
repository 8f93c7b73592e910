"""How Numba compiles our functions, and how what it made is kept: whole, for this code and this processor, or not at all.

An entry, which Python calls, is optimized together with all that it calls, once: a function that only compiled code
calls waits as it was written for the entry it is linked into, and is never made machine code by itself.
"""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

from llvmlite.binding import ffi
from numba import njit
from numba._dynfunc import make_function
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.ccallback import CFunc
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock

from chainrule._aside import tell
from chainrule._forks import wait_for
from chainrule._random import MULTIPLIERS, ROUNDS, WEYL, Purpose
from chainrule._signals import kept_back
from chainrule._waiting import compiling

_HOW: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
_DIGEST = hashlib.sha256().digest_size

wait_for(global_compiler_lock._lock)
wait_for(ffi.lib._lock._lock)


def compiled_loop(function: Any, *, counts: bool = False) -> Any:
    """Have Numba compile a function when it is first called, without Python's lock, and keep it where it can.

    It ``counts`` who holds an array, a tenth of the time to compile, only where it makes arrays itself.
    """
    how: dict[str, Any] = {"pipeline_class": _Entry, "_nrt": counts}
    made: Any = njit(fastmath={"contract"}, **how, **_HOW)(function)
    made._cache = _cache_of(function) or made._cache
    return made


def inner_loop(function: Any, *more: str, counts: bool = False) -> Any:
    """Have Numba compile a function that only compiled code calls: with its caller, as a part of it."""
    bare: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    how: dict[str, Any] = {"pipeline_class": _Inner, "_nrt": counts, "fastmath": {"contract", *more}}
    return njit(**how, **bare, **_HOW)(function)


def summing_loop(function: Any) -> Any:
    """Have Numba compile a function whose sums may be added in the order that suits vector instructions.

    That order is fixed when it is compiled, so the same numbers give the same bits.
    """
    return inner_loop(function, "reassoc")


def compiled_piece(function: Any, signature: Any, what: str, *, kept: bool) -> Any:
    """Return a C function, from the folder of its source if it is ``kept``: a `numba.core.ccallback.CFunc`."""
    function.what = what
    # arcp and contract let a division by a number of the whole call become a product, and a·b + c one instruction.
    how = {"error_model": "numpy", "fastmath": {"arcp", "contract"}}
    made: Any = CFunc(function, (signature.args, signature.return_type), {}, how, pipeline_class=_Entry)
    made._cache = (kept and _cache_of(function)) or made._cache
    made.compile()
    return made


def is_for(dtype: Any, signature: Any) -> bool:
    """Return whether a loop's signature is that of a run in a dtype; costs and rates are float64 in every run."""
    return ("float32" in str(signature)) == (str(dtype) == "float32")


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Return a digest of the code that is compiled together: Numba looks at one file alone, and a change of any counts."""
    own = Path(__file__).parent
    code = hashlib.sha256(
        repr((MULTIPLIERS, ROUNDS, WEYL, {one.name: one.value for one in Purpose})).encode()
    )
    for path in (*sorted(own.glob("*.py")), *sorted((own.parent / "pieces").glob("math*.py"))):
        code.update(path.read_bytes())
    return code.hexdigest()[:16]


# ---- compiling


class _Entry(Compiler):
    """Numba's compiler; Python's search for unused cycles, which takes a seventh of the time, waits meanwhile."""

    def compile_extra(self, func: Any) -> Any:
        searches = gc.isenabled()
        gc.disable()
        try:
            with compiling(
                getattr(func, "what", f"the loop {func.__name__}"), long=not hasattr(func, "what")
            ):
                return super().compile_extra(func)
        finally:
            if searches:
                gc.enable()

    def define_pipelines(self) -> Any:
        state = self.state
        state.library = _Undisturbed(state.targetctx.codegen(), state.func_id.func_qualname)
        state.library.enable_object_caching()
        return super().define_pipelines()


class _Undisturbed(JITCodeLibrary):
    """Code whose making hands the machine code over in a callback: what a signal raised there would be lost, and the code."""

    def _finalize_specific(self) -> None:
        with kept_back():
            super()._finalize_specific()


class _Inner(Compiler):
    """Numba's compiler, stopping before the optimizer."""

    def define_pipelines(self) -> Any:
        state = self.state
        state.library = _Unfinished(state.targetctx.codegen(), state.func_id.func_qualname)
        # The context is a copy for this function alone.
        state.targetctx.get_executable = _never_called
        return super().define_pipelines()


class _Unfinished(JITCodeLibrary):
    """Code as it was written, with what it calls, to be linked into its caller's."""

    def _optimize_functions(self, module: Any) -> None:
        module.data_layout = self._codegen._data_layout

    def _optimize_final_module(self) -> None:
        """Leave it to the caller's library."""

    def _finalize_final_module(self) -> None:
        self._finalized = True


def _never_called(library: Any, function: Any, environment: Any) -> Any:
    """Return what stands for a function that Python doesn't call."""
    return make_function(function.lookup_module(), function.qualname, "", 0, environment, (library,))


# ---- keeping


def _cache_of(function: Any) -> Any:
    """Return where a function's code is kept, or None where Numba found no folder that it may write."""
    try:
        return _Kept(function)
    except RuntimeError:
        return None


class _Kept(FunctionCache):
    """Numba's cache, by the code's fingerprint in place of one file's time; it is done without where it can't be written."""

    def __init__(self, function: Any) -> None:
        super().__init__(function)
        self._cache_file = _WholeFiles(self._cache_path, f"{self._impl.filename_base}.whole", fingerprint())

    def holds(self, dtype: Any) -> bool:
        """Return whether there is code for a run in a dtype."""
        return any(is_for(dtype, signature) for signature, *_ in self._cache_file._load_index())

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        with kept_back():  # as in `_Undisturbed`
            return super().load_overload(sig, target_context)

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            say_of_kept(self._cache_path, f"can't be kept in {self._cache_path} ({error.strerror})")


class _WholeFiles(IndexDataCacheFile):
    """Numba's files, each with a digest at its end: one that is damaged would be run, or end in a traceback."""

    def _load_index(self) -> Any:
        return super()._load_index() if self._whole(self._index_path) else {}

    def _load_data(self, name: str) -> Any:
        if not self._whole(self._data_path(name)):
            raise FileNotFoundError(name)  # for Numba it isn't there
        return super()._load_data(name)

    def _whole(self, path: str) -> bool:
        """Return whether a file is there and as it was written."""
        try:
            content = Path(path).read_bytes()
        except FileNotFoundError:
            return False
        except OSError as error:
            say_of_kept(self._cache_path, f"can't be read in {self._cache_path} ({error.strerror})")
            return False
        if hashlib.sha256(content[:-_DIGEST]).digest() != content[-_DIGEST:]:
            say_of_kept(self._cache_path, f"was damaged in {self._cache_path}", "it is compiled anew")
            return False
        return True

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[BytesIO]:
        content = BytesIO()
        with super()._open_for_write(filepath) as file:
            yield content
            # What is unpickled ends before the digest.
            file.write(content.getvalue() + hashlib.sha256(content.getvalue()).digest())


_SAID: set[str] = set()
_REMEDY = "each process compiles it anew: set NUMBA_CACHE_DIR to a folder that can be written"


def say_of_kept(folder: str, what: str, remedy: str = _REMEDY) -> None:
    """Say on standard error, once for a folder, what is wrong with the compiled code that is kept there."""
    if folder not in _SAID:
        _SAID.add(folder)
        tell(f"note: compiled code {what}; {remedy}")
