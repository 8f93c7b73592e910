"""Engines run the equations, each a folder behind one protocol (`base`); `REGISTRY` is the only list of them.

Nothing outside of this room names an engine: it asks for one by name, for the default, or for the judge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chainrule._doors import setting
from chainrule._forks import check_whole
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.engines.base import Engine, MakesEngine


@dataclass(frozen=True)
class EngineRow:
    """An engine that can be chosen: how it is loaded, what it is in words, and whether it works on several threads."""

    name: str
    load: Callable[[], MakesEngine]
    words: str
    threaded: bool = False


def _cpu() -> MakesEngine:
    try:
        from numba import config

        from chainrule.engines.cpu.engine import CpuEngine
    except ValueError as error:
        # Numba reads its variables as it is imported.
        raise SettingsError(
            f"Numba can't be loaded ({error}): correct or unset its variables NUMBA_…"
        ) from error
    if getattr(config, "DISABLE_JIT", 0):
        raise SettingsError("NUMBA_DISABLE_JIT is set, and the cpu engine has to be compiled: unset it")
    return CpuEngine


def _reference() -> MakesEngine:
    from chainrule.engines.reference.engine import ReferenceEngine

    return ReferenceEngine


_ROWS = (
    EngineRow("cpu", _cpu, "compiled loops on this machine's processors", threaded=True),
    EngineRow("reference", _reference, "the equations as they are written, in NumPy and float64: slow"),
)
REGISTRY: dict[str, EngineRow] = {row.name: row for row in _ROWS}
"""The engines by name, the default first."""

ENGINES = tuple(REGISTRY)
"""The names that `engine_named` knows, the default first."""

JUDGE = "reference"
"""The engine that others are held against, and that explanation runs."""


def engine_named(name: str, *, threads: int | None = None, dtype: Any = None) -> Engine:
    """Return an engine by name; ``threads``: all processors if None; ``dtype``: the engine's own if None.

    Raises SettingsError for an unknown name, or where there is no such number of threads or such a dtype, and
    ChainruleError in a process that was forked in the midst of another thread's work.
    """
    if not isinstance(name, str) or name not in REGISTRY:
        raise SettingsError(f"{setting('engine')}: unknown engine {name!r}: choose {', '.join(REGISTRY)}")
    row = REGISTRY[name]
    if threads is not None and not row.threaded:
        raise SettingsError(
            f"the {name} engine works on one thread: "
            f"leave out {setting('threads')}, or use {setting('engine', ENGINES[0])}"
        )
    check_whole()
    return row.load()(dtype, threads)


def in_words() -> str:
    """Return what can be chosen, for a help text: cpu (the default) or reference."""
    first, *others = REGISTRY
    *names, last = [f"{first} (the default)", *others]
    return f"{', '.join(names)} or {last}" if names else last
