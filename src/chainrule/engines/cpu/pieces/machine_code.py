"""The equations as machine code: each activation, loss and update as a C function, found by its address.

A piece is traced from `equations`, written out by `codegen`, compiled by Numba, and kept on disk: in the
package's own folder, or in the user's cache folder where that can't be written. A piece that was compiled
once is loaded in milliseconds.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from itertools import takewhile
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from uuid import uuid4

import numpy as np
from numba import types

from chainrule.engines.cpu.kernels.compiling import compiled_piece, fingerprint, say_of_kept
from chainrule.engines.cpu.pieces.codegen import ELEMENTS, ROW, Array, Kernel, equation_source
from chainrule.equations.activations import Activation
from chainrule.equations.graph import Graph
from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer
from chainrule.equations.update import Chain, Stage, measures, run_chain, split_at_norm
from chainrule.errors import OutputError

STEP_NUMBERS = ("eta", "t", "decay", "limit", "norm", "l1", "l2", "decayed")
"""What every update reads from its numbers, in this order; what stages of other names and the optimizer need follows."""

MOST_KEPT = 1024
"""The most sources of a kind that are kept in memory, for the next training with the same equations."""

_HEAD = """# Made by chainrule; safe to delete. What it calls had the fingerprint {fingerprint}.
import math
import numpy as np
from numba import carray, float32, float64, uint64
from chainrule.engines.cpu.pieces import math32, math64
inf, nan = math.inf, math.nan


"""
_WHAT: dict[str, str] = {}
"""What the sources are, in words, as far as anybody said."""

_KEPT: list[Any] = []
"""Compiled functions, kept from being freed while their addresses are in use."""


@lru_cache(maxsize=MOST_KEPT)
def activation_source(activation: Activation, dtype: Any, *, output: bool = False) -> str:
    """Return the source of ``equation(z, a, scratch, rows, cols)``: a = f(z), and f'(z) in place of z.

    In an output layer z stays, and where there is no slope per neuron (softmax).
    """
    xp = Graph(dtype)
    z = xp.input("z", ELEMENTS)
    outputs = {"a": (Array("a"), xp.asarray(activation(z, xp)))}
    if activation.elementwise and not activation.output_only and not output:
        outputs["slope"] = (Array("slope", pointer="z"), xp.asarray(activation.prime(z, xp)))
    return equation_source(Kernel(xp, ("z", "a", "scratch"), (Array("z"),), outputs))


def output_source(activation: Activation, dtype: Any) -> str:
    """Return the source of ``equation(z, a, scratch, rows, cols)`` for an output layer: a = f(z), and z stays."""
    return activation_source(activation, dtype, output=True)


@lru_cache(maxsize=MOST_KEPT)
def loss_source(loss: Loss, activation: Activation, dtype: Any) -> str:
    """Return the source of ``equation(z, a, y, value, delta, scratch, rows, cols)``.

    It computes each row's loss and its derivative with respect to z. Labels are taken as they are given:
    smoothing is done on the targets beforehand.
    """
    xp = Graph(dtype)
    z, a, y = (xp.input(name, ELEMENTS) for name in ("z", "a", "y"))
    plain = loss.without_smoothing()
    outputs = {
        "value": (Array("value", ROW), xp.asarray(plain.of_rows(z, a, y, activation, xp))),
        "delta": (Array("delta"), xp.asarray(plain.delta(z, a, y, activation, xp))),
    }
    pointers = ("z", "a", "y", "value", "delta", "scratch")
    return equation_source(Kernel(xp, pointers, (Array("z"), Array("a"), Array("y")), outputs))


def step_numbers(stages: Chain) -> tuple[str, ...]:
    """Return the names of what an update reads from its numbers, in their order; the optimizer's parameters come last."""
    named = [name for stage in stages if isinstance(stage, Stage) for name, _ in stage.numbers]
    parameters = [name for stage in stages if isinstance(stage, Optimizer) for name in stage.parameters]
    return tuple(dict.fromkeys((*STEP_NUMBERS, *named, *parameters)))


@lru_cache(maxsize=MOST_KEPT)
def update_source(stages: Chain, dtype: Any) -> str:
    """Return the source of ``equation(w, g, s, free, numbers, size, stride)``: one update in place.

    ``numbers`` holds `step_numbers`; ``s`` the optimizer's state arrays, ``stride`` apart. Where a stage measures the
    gradient, ``g`` is expected as `prepare_source` has left it.
    """
    states = next(stage.state for stage in stages if isinstance(stage, Optimizer))
    arrays = [Array(name, pointer="s", place=place) for place, name in enumerate(states)]
    return _stages_source(split_at_norm(stages)[1], stages, dtype, [Array("w"), *arrays], arrays)


@lru_cache(maxsize=MOST_KEPT)
def prepare_source(stages: Chain, dtype: Any) -> str:
    """Return the source of ``equation(w, g, s, free, numbers, size, stride)``: g made ready to be measured."""
    plain = tuple(stage for stage in stages if isinstance(stage, Stage))
    return _stages_source(split_at_norm(stages)[0], plain, dtype, [Array("g")], [])


def _stages_source(part: Chain, stages: Chain, dtype: Any, made: list[Array], states: list[Array]) -> str:
    """Return the source that runs a part of a chain of stages and leaves what is ``made``."""
    xp = Graph(dtype)
    inputs = (Array("w"), Array("g"), Array("free"), *states)
    names = step_numbers(stages)
    values: dict[str, Any] = {array.name: xp.input(array.name, ELEMENTS) for array in inputs[:3]}
    values.update({name: xp.input(name) for name in names})
    own = sum(1 for _ in takewhile(lambda stage: isinstance(stage, Stage), part))
    values = run_chain(part[:own], {**values, "start": values["w"]}, xp)
    # Read where the optimizer's lines begin: the order of the source is that of the chain.
    values.update({array.name: xp.input(array.name, ELEMENTS) for array in states})
    values = run_chain(part[own:], values, xp)
    outputs = {array.name: (array, values[array.name]) for array in made}
    return equation_source(Kernel(xp, ("w", "g", "s", "free", "numbers"), inputs, outputs, names, flat=True))


def pieces_of(network: Network, stages: Chain, dtype: Any) -> dict[str, str]:
    """Return the sources that a training needs, in about the order in which it needs them, and what each is in words."""
    output, hidden = network.output.activation, [layer.activation for layer in network.layers[:-1]]
    made = {activation_source(each, dtype): f"{each.name} and its slope" for each in hidden}
    made[output_source(output, dtype)] = output.name
    for stage in stages:
        if isinstance(stage, Optimizer) and not stage.searches:
            made[update_source(stages, dtype)] = stage.name
    if measures(stages):
        made[prepare_source(stages, dtype)] = "clipping"
    made[loss_source(network.loss, output, dtype)] = network.loss.name
    for each in (*hidden, network.without_output_activation().output.activation):
        made[output_source(each, dtype)] = each.name
    _WHAT.update(made)
    return made


def compiled(source: str, dtype: Any) -> int:
    """Return the address of the machine code of a source; the same source is compiled once."""
    return 0 if _code_left_out.get() else _address(source, dtype)


@contextmanager
def without_code() -> Iterator[None]:
    """Let nothing be compiled meanwhile: all addresses are 0, and what has them can't be run."""
    before = _code_left_out.set(True)
    try:
        yield
    finally:
        _code_left_out.reset(before)


_code_left_out = ContextVar("code left out", default=False)


@lru_cache(maxsize=4096)
def _address(source: str, dtype: Any) -> int:
    made = _machine_code(source, _signature(source, dtype))
    _KEPT.append(made)
    return int(made.address)


class Tally(NamedTuple):
    """How many pieces this process compiled, and how many it found in the cache."""

    compiled: int
    found: int


def tally() -> Tally:
    """Count the pieces this process has used so far."""
    found = sum(1 for made in _KEPT if made.cache_hits)
    return Tally(len(_KEPT) - found, found)


def _signature(source: str, dtype: Any) -> Any:
    """Return the C signature of a source: pointers to numbers, then two integers."""
    names = source[source.index("(") + 1 : source.index(")")].split(", ")
    real = types.float32 if np.dtype(dtype) == np.float32 else types.float64
    pointer: Any = types.CPointer
    pointers = [pointer(types.float64 if name == "numbers" else real) for name in names[:-2]]
    return types.void(*pointers, types.int64, types.int64)


def _machine_code(source: str, signature: Any) -> Any:
    what, folder = _WHAT.get(source, "a formula"), _folder()
    # Where nothing can be kept (no permission, a full disk) the code lasts as long as the process.
    if folder is not None:
        try:
            return compiled_piece(_stored(source, folder).equation, signature, what, kept=True)
        except OSError as error:
            say_of_kept(str(folder), f"can't be kept in {folder} ({error.strerror})")
    try:
        private = _private_folder(os.getpid())
        return compiled_piece(_stored(source, private).equation, signature, what, kept=False)
    except OSError as error:
        raise OutputError(
            f"compiled equations need a folder that can be written ({error.strerror}): set NUMBA_CACHE_DIR or TMPDIR to one"
        ) from error


def cache_folder() -> Path | None:
    """Return the folder where compiled pieces are kept, or None where none can be written.

    It is ``pieces`` in NUMBA_CACHE_DIR where that is set; else in the package's own ``__pycache__``; else in
    ``chainrule`` in the user's cache folder: LOCALAPPDATA, XDG_CACHE_HOME or ``~/.cache``.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    own = Path(__file__).parent / "__pycache__"
    for folder in [Path(chosen)] if chosen else [own, *_users_folders()]:
        pieces = folder / "pieces"
        try:
            pieces.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=pieces):
                return pieces
        except OSError:
            continue
    return None


def _users_folders() -> list[Path]:
    named = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME")
    if named:
        return [Path(named) / "chainrule"]
    try:
        return [Path.home() / ".cache" / "chainrule"]
    except RuntimeError:  # a user without a home
        return []


def _stored(source: str, folder: Path) -> ModuleType:
    """Return the module of a source, written to the folder so that Numba can keep its code beside it.

    Raises OSError where it can't be written. Several processes may do so at once: each writes a name of its
    own and renames it, and what they write is the same.
    """
    text = _HEAD.format(fingerprint=fingerprint()) + source
    name = "piece_" + hashlib.sha256(text.encode()).hexdigest()[:24]
    path = folder / f"{name}.py"
    if not (path.exists() and path.read_bytes() == text.encode()):
        _write(path, text)
    spec = importlib.util.spec_from_file_location(
        f"{__package__}.{name}", path, loader=_Sourced(f"{__package__}.{name}", str(path))
    )
    if spec is None or spec.loader is None:
        raise FileNotFoundError(errno.ENOENT, "no module can be read from it", str(path))
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


class _Sourced(SourceFileLoader):
    """Reads a module from its source alone: bytecode beside it could be damaged, and Numba keeps what is compiled."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Raise OSError, as there is no bytecode that could be compared with the source."""
        raise FileNotFoundError(errno.ENOENT, "bytecode is not kept", path)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f"{path.stem}-{uuid4().hex}.tmp")
    try:
        temporary.write_bytes(text.encode())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@lru_cache(maxsize=1)
def _folder() -> Path | None:
    found = cache_folder()
    if found is None:
        say_of_kept("", f"can't be kept in {os.environ.get('NUMBA_CACHE_DIR') or 'any folder'}")
    return found


@lru_cache(maxsize=1)
def _private_folder(process: int) -> Path:
    """Return a folder of this process alone, removed when it ends."""
    folder = Path(tempfile.mkdtemp(prefix="chainrule-"))

    def remove() -> None:
        if os.getpid() == process:  # not a fork of it
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder
