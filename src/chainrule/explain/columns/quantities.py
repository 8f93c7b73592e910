"""What a model answers as numbers: the target's number, or the probability of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.attribute.outcome import place_of
from chainrule.model.model import Model, Prediction
from chainrule.model.scoring import of_target
from chainrule.tables.encoding.target import TargetEncoder


@dataclass(frozen=True)
class AnswerNumber:
    """One number of a prediction: a target's number, or of a class the probability; without probabilities whether it is answered.

    ``place`` is the target's, ``code`` the class's, both from 0.
    """

    model: Model
    place: int
    code: int | None

    @property
    def target(self) -> TargetEncoder:
        """The target."""
        return self.model.target.parts[self.place]

    @property
    def name(self) -> str:
        """What it is: ``body_mass_g``, ``P(species = Adelie)``, ``share of species = Adelie``."""
        if self.code is None:
            return self.target.name
        what = f"{self.target.name} = {self.target.labels[self.code]}"
        return f"P({what})" if self.model.gives_probabilities else f"share of {what}"

    @property
    def short(self) -> str:
        """Its class, or its target."""
        return self.target.name if self.code is None else str(self.target.labels[self.code])

    def of(self, made: Prediction) -> FloatArray:
        """Return its values (n,) in predictions."""
        one = of_target(made, self.place)
        if self.code is None:
            return np.asarray(one.labels, np.float64)
        if one.probabilities is not None:
            return one.probabilities[:, self.code]
        return np.asarray(one.codes == self.code, np.float64)


def quantities(model: Model, label: object = None, target: str | None = None) -> tuple[AnswerNumber, ...]:
    """Return what a model answers: each target's number, or each class's probability, of two classes the second's.

    ``label`` is the one class, ``target`` the one target asked for. Raises SettingsError for one that isn't there.
    """
    parts = model.target.parts
    places = range(len(parts)) if target is None and label is None else [place_of(model, target)]
    if label is None:
        return tuple(
            AnswerNumber(model, place, code) for place in places for code in _codes(parts[place].n_classes)
        )
    one = parts[places[0]]
    labels = list(map(str, one.labels))
    if not labels:
        raise SettingsError(f"the target {one.name!r} is a number: leave out the class {label!r}")
    if str(label) not in labels:
        raise SettingsError(f"{label!r} is no class of {one.name!r}: choose {', '.join(labels)}")
    return (AnswerNumber(model, places[0], labels.index(str(label))),)


def _codes(n_classes: int) -> tuple[int | None, ...]:
    return {0: (None,), 2: (1,)}.get(n_classes, tuple(range(n_classes)))
