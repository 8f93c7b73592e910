"""What an ablation finds: its trainings, the differences that an ingredient makes, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chainrule._plain import Plain, read_number
from chainrule.errors import ModelFileError, SettingsError
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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Ablation:
        """Return what `to_dict` wrote; raises KeyError, TypeError or ModelFileError for anything else."""
        one = Ingredient(str(data["ingredient"]), str(data["what"]), dict(_table(data["without"], "without")))
        seeds = _count(data["seeds"])
        if "reason" in data:
            return cls(one, {}, seeds, reason=str(data["reason"]))
        differences = _table(data["differences"], "differences")
        found = {str(name): Difference.from_dict(each) for name, each in differences.items()}
        seconds = [read_number(data[name], name) for name in ("seconds_full", "seconds")]
        return cls(one, found, seeds, seconds[0], seconds[1])


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

    @classmethod
    def from_dict(cls, data: Any) -> Ablations:
        """Return what `to_dict` wrote; other keys are left alone. Raises SettingsError for anything else."""
        try:
            full = _table(_table(data, "it")["full"], "full")
            scores = {
                str(name): read_number(value, name)
                for name, value in _table(full["scores"], "scores").items()
            }
            if data["task"] not in get_args(Task):
                raise TypeError(f"{data['task']!r} is no task")
            if not isinstance(data["ingredients"], list):
                raise TypeError("ingredients: a list is expected")
            parts = tuple(Ablation.from_dict(_table(one, "an ingredient")) for one in data["ingredients"])
            seeds, rows = _count(data["seeds"]), _count(data["rows"])
            whole = bool(data.get("interrupted"))
            found = cls(
                data["task"], scores, read_number(full["seconds"], "seconds"), seeds, rows, parts, whole
            )
        except (KeyError, TypeError, ModelFileError) as error:
            what = f"there is no {error}" if isinstance(error, KeyError) else error
            raise SettingsError(f"this is not what an ablation found: {what}") from error
        if other := [one for one in parts if one.reason is None and list(one.differences) != list(scores)]:
            raise SettingsError(
                f"this is not what an ablation found: {other[0].ingredient.name} has other scores"
            )
        return found


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name}: names with values are expected")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise TypeError(f"{value!r} is no count")
    return value
