"""The curves of a training by epoch: losses, rate, and the length of the gradient, as far as somebody was told of them."""

from __future__ import annotations

from typing import Any

from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.training.made import Made

MOST_NORMS = 4
"""The most epochs, of those told at once, whose gradient is worked out: of more every so many-th."""


class CurveRecord:
    """What was told of each epoch, by name; a validation loss is None where no rows are watched."""

    def __init__(self) -> None:
        names = ("epochs", "training", "validation", "rate", "gradient")
        self.all: dict[str, Any] = {name: [] for name in names}

    def lacks(self, made: Made) -> bool:
        """Tell whether there are epochs that weren't told of."""
        return len(made.worker.history) > len(self.all["epochs"])

    def news(self, made: Made) -> dict[str, Any] | None:
        """Return what there is to tell of the epochs since; None if there is none."""
        begin = len(self.all["epochs"])
        lines = made.worker.history[begin:]
        if not lines:
            return None
        each = -(-len(lines) // MOST_NORMS)
        whole = made.tape.last
        ends = made.tape.epochs if whole is None else -(-whole // made.tape.steps_per_epoch) - 1
        news: dict[str, Any] = {
            "whole": not begin,
            "epochs": [line.epoch for line in lines],
            "training": [number_or_none(line.training_loss) for line in lines],
            "validation": [number_or_none(line.validation_loss) for line in lines],
            "rate": [number_or_none(line.learning_rate) for line in lines],
            "gradient": [
                number_or_none(made.gradient_norm(line.epoch))
                if line.epoch % each == 0 and line.epoch <= ends
                else None
                for line in lines
            ],
        }
        if not made.course.data.validation.size:
            news["validation"] = self.all["validation"] = None
        self.all = {
            name: None if news[name] is None else [*(values or ()), *news[name]]
            for name, values in self.all.items()
        }
        return news
