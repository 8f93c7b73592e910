"""The training card as a training writes it, and the training as a card tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.model.card import Card, read_card
from chainrule.training.plan import Plan
from chainrule.training.refit import plateaus_met
from chainrule.training.result import FitResult

_OF_STEPS = ("batch_size", "l1", "l2", "weight_decay", "clip_norm", "shuffle", "seed", "sharing")
_OF_PLAN = ("epochs", "learning_rate", "early_stopping", "patience", "tolerance")


def training_card(steps: StepSettings, plan: Plan, result: FitResult, **more: Any) -> dict[str, Any]:
    """Return the card of a training; ``more`` are the fields of `Card` that these don't tell."""
    card = {
        **{name: getattr(steps, name) for name in _OF_STEPS},
        **{name: getattr(plan, name) for name in _OF_PLAN},
        "optimizer": steps.optimizer.spec,
        "schedule": plan.schedule.spec,
        "warmup_steps": plan.warmup,
        "regularization_schedule": plan.regularization.name,
        "stop_together": plan.together,
        "epochs_run": len(result.history),
        "plateaus": plateaus_met(plan, result, rows_of_each(more), steps.batch_size),
        "stopped": result.stopped,
        **more,
    }
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(card)


def rows_of_each(card: Mapping[str, Any]) -> int:
    """Return the number of rows that each member was trained on: with bagging all but those of a fold."""
    n: int = card["rows"]["training"]
    return n - -(-n // card["bagging"]) if "bagging" in card else n


def settings_of(card: Mapping[str, Any]) -> tuple[StepSettings, Plan]:
    """Return what happened in every step, and how long and how fast, as a model's card tells it."""
    told = Card.from_dict(card)
    plan = Plan(
        **{name: getattr(told, name) for name in _OF_PLAN},
        schedule=schedule(told.schedule),
        warmup=told.warmup_steps,
        regularization=strength(told.regularization_schedule),
        together=told.stop_together,
    )
    return StepSettings(optimizer(told.optimizer), **{name: getattr(told, name) for name in _OF_STEPS}), plan
