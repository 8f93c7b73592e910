"""Engines run the equations: `cpu` for training, `reference` for reading and checking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule._doors import setting
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.engines.base import Engine

ENGINES = ("cpu", "reference")
"""The names that `engine_named` knows, the default first."""


def engine_named(name: str, *, threads: int | None = None) -> Engine:
    """Return an engine by name; ``threads``: of the cpu engine, all processors if None.

    Raises SettingsError for an unknown name, or where there is no such number of threads.
    """
    if name == "cpu":
        from chainrule.engines.cpu.engine import CpuEngine

        return CpuEngine(threads=threads)
    if name == "reference":
        if threads is not None:
            raise SettingsError(
                "the reference engine works on one thread: "
                f"leave out {setting('threads')}, or use {setting('engine', 'cpu')}"
            )
        from chainrule.engines.reference.engine import ReferenceEngine

        return ReferenceEngine()
    raise SettingsError(f"unknown engine {name!r}: choose {', '.join(ENGINES)}")
