"""What the bits of a training depend on, as its card tells it, and what a replay makes of that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule._types import FloatArray
from chainrule._version import __version__
from chainrule.engines.base import Engine
from chainrule.engines.bits import ARITHMETIC
from chainrule.errors import SettingsError


def bits_told(engine: Engine, parameters: FloatArray) -> dict[str, Any]:
    """Return a card's ``bits``: what those of the parameters that an engine trained depend on."""
    machine = {**engine.machine(), "dtype": parameters.dtype.name}
    return {"arithmetic": ARITHMETIC, "chainrule": __version__, "machine": machine}


def check_arithmetic(bits: Mapping[str, Any] | None) -> None:
    """Raise SettingsError where a training with a card's ``bits`` was added up in another way than here."""
    arithmetic, made_by = 1, "a chainrule before 0.2.0"
    if bits is not None:
        arithmetic, made_by = bits["arithmetic"], f"chainrule {bits['chainrule']}"
    if arithmetic != ARITHMETIC:
        raise SettingsError(
            f"the model was trained by {made_by} with arithmetic {arithmetic}, and this is chainrule {__version__} with "
            f"arithmetic {ARITHMETIC}, which adds up in another order: its steps can't be had again to their bits; train "
            "it again here, or replay it there"
        )


def other_machine(bits: Mapping[str, Any], engine: Engine, parameters: FloatArray) -> str:
    """Return in what the machine that trained differs from this one; nothing where it doesn't."""
    here, there = bits_told(engine, parameters)["machine"], bits["machine"]
    names = [*there, *(name for name in here if name not in there)]
    return ", ".join(
        f"{name.replace('_', ' ')} {there.get(name, 'none')}, here {here.get(name, 'none')}"
        for name in names
        if here.get(name) != there.get(name)
    )
