"""What is worth saying about a training that ended: who diverged, who never learned, what can't be learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.training.plan import Plan
from chainrule.training.result import FitResult
from chainrule.training.scores.baselines import linearly_separable
from chainrule.training.settings.resolve import Resolved

MOST_CELLS = 2_000_000
"""The largest table, in encoded cells, for which the linear program of separability is solved."""


STILL_FALLING = "the loss was still falling at the last epoch"
"""What is said of a training that was cut off."""


def trained_members(result: FitResult) -> list[int]:
    """Return the members whose kept parameters are better than their initial ones; all where none are."""
    learned = [member for member, epoch in enumerate(result.best_epochs) if epoch > 0]
    return learned or list(range(len(result.best_epochs)))


def no_finite_outputs(result: FitResult, large: str = "the inputs") -> str:
    """Say why no network with finite outputs came out of a training; ``large`` is what may have to be scaled."""
    first = min(result.diverged.values(), key=lambda divergence: divergence.step, default=None)
    if first is None:
        others = f"{setting('activation')}, or {setting('scaling')}"
        return f"the network's outputs are not finite numbers: choose another {others}"
    if first.step == 1:
        return (
            f"with its initial weights the network's numbers are not finite from layer {first.layer} on: choose "
            f"another {setting('activation')}, {setting('loss')} or {setting('scaling')}"
        )
    return f"{first.told(large)}; no epoch before it left a network to keep"


def training_notes(
    result: FitResult, resolved: Resolved, *, limited: bool = False, large: str = "the inputs"
) -> list[str]:
    """Say which members diverged, which are left out, and whether more epochs, or time where it is limited, would help.

    ``large`` is what may have to be scaled.
    """
    trained_again = result.first is not None
    if result.first is not None:
        result = replace(result.first, diverged={**result.first.diverged, **result.diverged})
    notes = []
    members, plan = len(result.best_epochs), resolved.plan
    if result.diverged:
        first = min(result.diverged, key=lambda member: result.diverged[member].step)
        who = f"{len(result.diverged)} of {members} members diverged, member {first + 1} first: "
        notes.append((who if members > 1 else "") + result.diverged[first].told(large))
    untrained = result.best_epochs.count(0)
    if untrained == members:
        kept = "so these were kept: the network has learned nothing"
        notes.append(f"no epoch was better than the initial weights, {kept}")
    elif untrained:
        never = f"{untrained} of {members} members never got better than their initial weights"
        notes.append(f"{never}, and are left out")
    elif plan.early_stopping and result.stopped == "epochs" and _was_falling(result, plan):
        more = f", or a longer {setting('time_limit')}," if limited else ""
        notes.append(f"{STILL_FALLING}: more {setting('epochs')}{more} may help")
    if resolved.refit and not trained_again and untrained < members:
        notes.append(
            "training ended before it could be done again on all rows: the validation rows are not learned from"
        )
    return notes


def _was_falling(result: FitResult, plan: Plan) -> bool:
    """Return whether all planned epochs were too few: the last wave was worth another, or the last epoch is the best."""
    if not plan.more_waves:
        return min(result.best_epochs) == len(result.history)
    greater = plan.watch is not None and plan.watch.metric.greater_is_better
    watched = [-line.watched if greater else line.watched for line in result.history]
    return plan.was_worth(watched, plan.more_waves)


def separability(x: FloatArray, y: IntArray, answers: IntArray | None) -> str:
    """Say whether a perceptron still makes mistakes because no plane could avoid them.

    ``x`` (n, d); ``y`` and ``answers`` (n,) are the true classes and the perceptron's.
    """
    wrong = int(np.sum(answers != y))
    if not wrong:
        return f"the perceptron separates all {len(y)} training rows"
    found = f"{wrong} of {len(y)} training rows are wrong"
    if x.size > MOST_CELLS:
        return f"{found}; whether a plane separates the classes is not checked for so large a table"
    if linearly_separable(x, y):
        return f"{found}, though a plane separates the classes: use more {setting('epochs')}"
    return (
        f"{found}, and no plane separates the classes, so no perceptron can: "
        f"use a hidden layer ({setting('optimizer', 'adam')}, {setting('hidden', [8])})"
    )
