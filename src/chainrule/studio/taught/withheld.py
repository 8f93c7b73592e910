"""What is withheld while a question is open: all that would give its answer away, whatever a page asks for.

A question is about numbers that come about at some place of an update. From the first such place on nothing is told of that
update, nor of a later one: not in a frame, not in an answer, not in a curve.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address
from chainrule.studio.training.walk import UpdateWalk

if TYPE_CHECKING:  # a table needs no lessons, which take a while to be loaded
    from chainrule.lessons.asking import LessonQuestion

GIVEN = frozenset(("x", "y", "y_smooth", "W", "b", "eta", "t", "strength", "scale"))
"""What is there before an update begins."""

FORWARD = frozenset(("z", "a", "r", "h", "u", "e"))
AT_LOSS = frozenset(("loss", "C", "penalty", "share", "mean_a", "answer", "prediction", "probability"))

FRAME = frozenset((
    "seq", "generation", "phase", "t", "frontier", "updates", "epoch", "steps_per_epoch", "playing", "direction", "speed",
    "grain", "driver", "member", "notation", "row", "row_picked", "row_in_batch", "batch", "eta", "cells", "place", "stage",
    "names", "frozen", "run", "runs", "branch", "follows", "settings",
))  # fmt: skip
"""The fields of a frame that tell nothing of what comes at a place that isn't reached; all others are left out."""

EVENTS = frozenset(("hello", "frame", "curve", "status", "problem", "bye", "lesson"))
"""The events that go on while something is withheld; a frame and a curve as far as they may."""

COMMANDS = frozenset((
    "step", "play", "pause", "run_to", "seek", "reset", "row", "member", "notation", "take_over", "end", "lesson", "answer",
    "reveal", "predict",
))  # fmt: skip
"""The commands that are followed while something is withheld."""

TAKEN = frozenset(("command", "python"))
"""What may be taken along meanwhile."""

FIRST = "answer the question first: this would tell what is asked"


def place_after(walk: UpdateWalk, seen: str) -> int:
    """Return the first place that isn't seen where ``seen`` is: nothing, or all up to a pass."""
    if seen == "nothing":
        return 1
    wanted = {
        "forward": ("loss", "backward", "update"),
        "loss": ("backward", "update"),
        "backward": ("update",),
    }[seen]
    return next((one.start for one in walk.sections if one.phase in wanted), len(walk))


def first_place(walk: UpdateWalk, name: str) -> int:
    """Return the first place of an update at which a number can be read off; 0 for one that is there before."""
    try:
        place = Address.parse(name)
    except SettingsError:
        return 1
    kind = place.quantity.name
    if kind in GIVEN:
        return 0
    if kind in FORWARD and place.layer:
        section = walk.find("forward", place.layer, "z")
        return 1 if section is None else section.start
    if kind in FORWARD:
        return 1
    if kind in AT_LOSS:
        return place_after(walk, "forward")
    if kind.startswith("dC/") or kind in ("delta", "f'"):
        return place_after(walk, "loss")
    return place_after(walk, "backward")


def limit_of(walk: UpdateWalk, questions: Iterable[AskedAbout]) -> int | None:
    """Return the first place that is withheld for some questions; None where there are none."""
    found = [one.limit(walk) for one in questions]
    return min(found, default=None)


class AskedAbout:
    """What a question is about, without its answer."""

    def __init__(self, names: Iterable[str], seen: str | None) -> None:
        self.names, self.seen = tuple(names), seen

    @classmethod
    def of(cls, question: LessonQuestion) -> AskedAbout:
        """Return what a question is about."""
        return cls(question.names, question.seen)

    def limit(self, walk: UpdateWalk) -> int:
        """Return the first place that tells of it."""
        if self.seen is not None:
            return place_after(walk, self.seen)
        places = [first_place(walk, name) for name in self.names]
        # What is there already, W, is asked for as it will be.
        return min((place or place_after(walk, "backward") for place in places), default=1)


def masked(
    frame: Mapping[str, Any], limit: int, walk: UpdateWalk, arrays: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a frame without what lies at or behind a place; ``arrays`` are those of the last place before it."""
    last = len(walk.network.layers)
    told = {name: value for name, value in frame.items() if name in FRAME}
    told["blocks"] = [_weights_alone(block) for block in frame.get("blocks", ())]
    if told.get("phase") in ("diverged", "failed"):
        told["phase"] = "paused"
    shows_cost, shows_answer = (first_place(walk, name) < limit for name in ("C", f"a[{last}][1]"))
    none = dict.fromkeys(("cost", "cost_new", "row_loss", "answer"))
    if shows_cost:
        none |= {name: frame[name] for name in ("cost", "row_loss")}
    if shows_answer:
        none["answer"] = frame["answer"]
    return {**told, **none, "arrays": dict(arrays), "withheld": True}


def _weights_alone(block: Mapping[str, Any]) -> dict[str, Any]:
    """Return a block's pictures without those of what comes later."""
    if "pictures" not in block:
        return dict(block)
    return {**block, "pictures": {name: one for name, one in block["pictures"].items() if name == "weight"}}


def allows(walk: UpdateWalk, limit: int, name: str) -> bool:
    """Tell whether a number may be asked for."""
    return first_place(walk, name) < limit
