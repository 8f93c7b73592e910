"""The training card as a training writes it, and the training as a card tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.model.card import read_card
from chainrule.training.plan import Plan
from chainrule.training.refit import plateaus_met
from chainrule.training.result import FitResult

_OF_STEPS = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed")


def training_card(steps: StepSettings, plan: Plan, result: FitResult, **more: Any) -> dict[str, Any]:
    """Return the card of a training; no dates and no seconds, so that the same seed gives the same file.

    ``more``: the table's name, its ``rows`` by use, the column of their ``weights``, the ``engine``, the ``test_share``
    and ``validation_share``, the SHA-256 of the training ``data``, the ``members``: how many were trained and the numbers
    of those kept, the held-out ``scores``, ``best_epochs`` of the members kept, and the ``temperature`` by
    which the output layer's parameters were divided after training (None: they weren't). Where they were chosen: what
    early stopping looked at (``watch``), and the number of folds that the rows were dealt out to (``bagging``),
    and that the training was done again on all rows (``refit``), which is the one the card is about, the
    seconds that it was given (``time_limit``), and the steps of the one epoch that didn't fit into them (``most_steps``).
    """
    card = {
        "optimizer": steps.optimizer.spec,
        **{name: getattr(steps, name) for name in _OF_STEPS},
        "learning_rate": plan.learning_rate,
        "schedule": plan.schedule.spec,
        "warmup_steps": plan.warmup,
        "epochs": plan.epochs,
        "early_stopping": plan.early_stopping,
        "patience": plan.patience,
        "tolerance": plan.tolerance,
        "epochs_run": len(result.history),
        "plateaus": plateaus_met(plan, result, rows_of_each(more), steps.batch_size),
        "stopped": result.stopped,
        **more,
    }
    if plan.regularization.name != "constant":
        card["regularization_schedule"] = plan.regularization.name
    if steps.sharing != "none":
        card["sharing"] = steps.sharing
    if plan.together:
        card["stop_together"] = True
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(card)


def rows_of_each(card: Mapping[str, Any]) -> int:
    """Return the number of rows that each member was trained on: with bagging all but those of a fold."""
    n: int = card["rows"]["training"]
    return n - -(-n // card["bagging"]) if "bagging" in card else n


def settings_of(card: Mapping[str, Any]) -> tuple[StepSettings, Plan]:
    """Return what happened in every step, and how long and how fast, as a model's card tells it."""
    plan = Plan(
        card["epochs"],
        card["learning_rate"],
        schedule(card["schedule"]),
        card["warmup_steps"],
        card["early_stopping"],
        card["patience"],
        card["tolerance"],
        regularization=strength(card.get("regularization_schedule", "constant")),
        together=card.get("stop_together", False),
    )
    steps = {name: card[name] for name in _OF_STEPS}
    return StepSettings(optimizer(card["optimizer"]), **steps, sharing=card.get("sharing", "none")), plan
