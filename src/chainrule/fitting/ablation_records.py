"""What an ablation finds: its trainings, the differences that an ingredient makes, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from chainrule._plain import Plain
from chainrule.training.scores.metrics import Scores
from chainrule.training.settings.recipe import Ingredient
from chainrule.training.settings.record import Task

Verdict = Literal["helps", "hurts", "no difference"]


@dataclass(frozen=True)
class AblationRun:
    """One training of an ablation: the ``place``-th ``of`` all, of the full recipe if ``ingredient`` is None.

    ``scores`` are on the rows held out, less is better: ``error`` and ``log_loss`` of classes, ``rmse`` of numbers.
    """

    ingredient: str | None
    seed: int
    scores: Scores
    seconds: float
    place: int
    of: int


@dataclass(frozen=True)
class Difference(Plain, names=(..., "standard_error", "verdict")):
    """What a score rises by when an ingredient is taken out, score without it - score of the full recipe.

    ``full`` and ``without`` are means over the seeds. The standard errors are those of paired differences:
    ``over_seeds`` of the mean over the seeds (None with one seed), ``over_rows`` of the mean over the rows of the score.
    """

    full: float
    without: float
    value: float
    over_seeds: float | None
    over_rows: float

    @property
    def standard_error(self) -> float:
        """The larger of the two standard errors."""
        return max(self.over_rows, self.over_seeds or 0.0)

    @property
    def verdict(self) -> Verdict:
        """Whether the ingredient makes the score better or worse by more than two standard errors."""
        if abs(self.value) <= 2 * self.standard_error:
            return "no difference"
        return "helps" if self.value > 0 else "hurts"


@dataclass(frozen=True)
class Ablation:
    """What one ingredient adds: its differences by score, and the seconds of a training with and without it.

    ``seeds`` are those that were trained with; where there are none, ``reason`` says why the ingredient wasn't taken out.
    """

    ingredient: Ingredient
    differences: Mapping[str, Difference]
    seeds: int = 0
    seconds_full: float = math.nan
    seconds: float = math.nan
    reason: str | None = None

    @property
    def verdict(self) -> Verdict | Literal["both"] | None:
        """What all scores say together; ``both``: one gets better, another worse. None: it wasn't taken out."""
        if self.reason is not None:
            return None
        found = {difference.verdict for difference in self.differences.values()}
        if {"helps", "hurts"} <= found:
            return "both"
        return "helps" if "helps" in found else "hurts" if "hurts" in found else "no difference"

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        one = self.ingredient
        named = {"ingredient": one.name, "what": one.what, "without": dict(one.without), "seeds": self.seeds}
        if self.reason is not None:
            return {**named, "reason": self.reason}
        differences = {name: found.to_dict() for name, found in self.differences.items()}
        seconds = {"seconds_full": self.seconds_full, "seconds": self.seconds}
        return {**named, "verdict": self.verdict, "differences": differences, **seconds}


@dataclass(frozen=True)
class Ablations:
    """What each ingredient of the recipe adds, in the recipe's order.

    ``scores`` and ``seconds`` are the full recipe's, means over ``seeds`` trainings; ``rows`` is how many rows the scores
    are about. ``interrupted``: Ctrl-C came before all was trained; what had been is here.
    """

    task: Task
    scores: Scores
    seconds: float
    seeds: int
    rows: int
    ingredients: tuple[Ablation, ...]
    interrupted: bool = False

    def named(self, verdict: str) -> list[str]:
        """Return the names of the ingredients with a verdict."""
        return [found.ingredient.name for found in self.ingredients if found.verdict == verdict]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        full = {"scores": dict(self.scores), "seconds": self.seconds}
        ingredients = [found.to_dict() for found in self.ingredients]
        whole = {"task": self.task, "rows": self.rows, "seeds": self.seeds, "full": full}
        return {**whole, "ingredients": ingredients, "interrupted": self.interrupted}
