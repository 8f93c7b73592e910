"""Engines run the equations: `reference` for reading and checking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from chainrule.engines.base import Engine

ENGINES = ("reference",)
"""The names that `engine_named` knows, the default first."""


def engine_named(name: str) -> Engine:
    """Return an engine by name; raises SettingsError for an unknown one."""
    if name == "reference":
        from chainrule.engines.reference import ReferenceEngine

        return ReferenceEngine()
    raise SettingsError(f"unknown engine {name!r}: choose {', '.join(ENGINES)}")
