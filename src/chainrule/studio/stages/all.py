"""The one list of what places show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chainrule.explain.notation.naming import Naming
from chainrule.studio.shown.looking import Look
from chainrule.studio.stages.backward import BACKWARD
from chainrule.studio.stages.base import Sight
from chainrule.studio.stages.forward import FORWARD
from chainrule.studio.stages.update import UPDATE
from chainrule.studio.training.walk import WalkPlace

STAGES: Mapping[tuple[str, str], Callable[[Sight], dict[str, Any]]] = {**FORWARD, **BACKWARD, **UPDATE}
"""What each kind of place shows, by its pass and step; at rest there is nothing."""


def stage_of(look: Look, place: WalkPlace, naming: Naming | None = None) -> dict[str, Any] | None:
    """Return what a place shows as plain data; None at rest."""
    made = STAGES.get((place.phase, place.step))
    return None if made is None else made(Sight(look, place, naming))
