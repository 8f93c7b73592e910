"""The training card as a training writes it, and the training as a card tells it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from chainrule._random import order_rule
from chainrule.engines.base import StepSettings
from chainrule.model.card import FOUND_BY, Card, read_card
from chainrule.training.plan import Plan
from chainrule.training.refit import plateaus_met
from chainrule.training.result import FitResult
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Settings
from chainrule.training.settings.resolve import Resolved

OF_PLAN = {"stop_together": "together", "regularization_schedule": "regularization", "warmup_steps": "warmup"}
"""What a `Plan` calls otherwise than the card does."""

FACTS = ("warmup_steps", "shuffle")
"""What the card tells of the steps besides settings."""


def _settings(cls: type[Any]) -> list[str]:
    return [one.name for one in listed(cls) if one.card != "elsewhere"]


def told(resolved: Resolved, plan: Plan) -> dict[str, Any]:
    """Return what the card says of the settings of a training, each as it was in force, and of its steps."""
    sources, found = (resolved.steps, plan, resolved, resolved.settings), {}
    for name in (*FACTS, *_settings(type(resolved.settings))):
        places = ((one, OF_PLAN.get(name, name) if one is plan else name) for one in sources)
        value = next(getattr(one, place) for one, place in places if hasattr(one, place))
        found[name] = getattr(value, "spec", value)
    return found


def training_card(
    resolved: Resolved, plan: Plan, result: FitResult, of_each: int, **more: Any
) -> dict[str, Any]:
    """Return the card of a training of ``of_each`` rows a member; ``more`` are the fields of `Card` that these don't tell."""
    card = {
        **told(resolved, plan),
        "watch": plan.watched,
        "bagging": resolved.folds,
        "refit": result.first is not None,
        "most_steps": plan.most_steps,
        "epochs_run": len(result.history),
        "plateaus": plateaus_met(plan, result, of_each, resolved.steps.batch_size),
        "stopped": result.stopped,
        **more,
    }
    if resolved.steps.shuffle:
        card["order"] = order_rule(of_each, resolved.network.n_inputs)
    given = {name: value for name, value in card.items() if value is not None or not hasattr(Card, name)}
    # What is written is what would be read: floats where the user gave whole numbers, and nothing unknown.
    return read_card(given)


def settings_of(card: Mapping[str, Any]) -> tuple[StepSettings, Plan]:
    """Return what happened in every step, and how long and how fast, as a model's card tells it."""
    read = Card.from_dict(card)
    return _made(StepSettings, read, {}), _made(Plan, read, OF_PLAN)


def _made(cls: Any, card: Card, otherwise: Mapping[str, str]) -> Any:
    """Return the record of a class from what the card tells of it; the class calls some of that otherwise."""
    known = {field.name for field in fields(cls)}
    made = {}
    for name in (*FACTS, *_settings(Settings)):
        if (own := otherwise.get(name, name)) in known:
            value = getattr(card, name)
            made[own] = FOUND_BY[name](value) if name in FOUND_BY else value
    return cls(**made)
