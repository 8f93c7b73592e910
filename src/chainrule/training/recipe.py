"""The default recipe: what is chosen where the user chose nothing, from the task and the table's size alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chainrule.equations.optimizers import optimizer

if TYPE_CHECKING:
    from chainrule.training.settings import Problem, Settings


def fill(settings: Settings, problem: Problem) -> Settings:
    """Return the settings with every None replaced, except those that follow from the optimizer's own record."""
    method = optimizer(settings.optimizer or "adam")
    filled: dict[str, Any] = {
        name: value
        for name, value in (
            _perceptron() if method.name == "perceptron" else _general(settings, problem)
        ).items()
        if getattr(settings, name) is None
    }
    chosen = replace(settings, **filled)
    if (chosen.early_stopping is False or chosen.bagging) and settings.validation_share is None:
        # Nothing watches validation rows, or each member has its own: they are better used for training.
        chosen = replace(chosen, validation_share=0.0)
    return chosen


def _general(settings: Settings, problem: Problem) -> dict[str, Any]:
    method = optimizer(settings.optimizer or "adam")
    # Dropout and weight decay go with the recipe's own layers and optimizer; who chooses either gets what was
    # said, no more.
    own = settings.hidden is None and settings.optimizer is None
    return {
        "hidden": (128, 64),
        "activation": "relu",
        "loss": _loss(settings, problem),
        "optimizer": "adam",
        "batch_size": "all" if method.whole else batch_size(problem.n_rows),
        "epochs": 200,
        "schedule": "constant",
        "dropout": 0.2 if own else 0.0,
        "weight_decay": 0.05 if own else method.weight_decay,
        "early_stopping": True,
        "patience": 20,
        "validation_share": 0.15,
        "members": 8,
    }


def _loss(settings: Settings, problem: Problem) -> str:
    if problem.task == "regression":
        return "mean_squared_error"
    if settings.output_activation == "softmax" or problem.n_classes > 2:
        return "categorical_cross_entropy"
    return "binary_cross_entropy"


def _perceptron() -> dict[str, Any]:
    """Rosenblatt's perceptron: one layer, the binary step, row by row, for a hundred epochs."""
    return {
        "hidden": (),
        "loss": "perceptron",
        "optimizer": "perceptron",
        "batch_size": 1,
        "epochs": 100,
        "schedule": "constant",
        "dropout": 0.0,
        "early_stopping": False,
        "patience": 1,
        "validation_share": 0.0,
        "members": 1,
    }


def batch_size(n_rows: int) -> int:
    """Return the rows per update: 32 for small tables, doubling with the table up to 256."""
    for rows, size in ((2_000, 32), (5_000, 64), (20_000, 128)):
        if n_rows <= rows:
            return size
    return 256
