"""What may be advised: what the training card doesn't have yet, and a learning rate by what its trial steps have shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from chainrule._doors import setting
from chainrule.equations.optimizers import optimizer


@dataclass(frozen=True)
class Advice:
    """What a training was, as far as advice depends on it: its ``card`` (empty: unknown), and what its rate was found to be.

    ``better`` is a learning rate that was tried, and did better; None where none was found.
    """

    card: Mapping[str, Any] = field(default_factory=dict)
    rate: Literal["high", "low"] | None = None
    better: float | None = None

    @property
    def searches(self) -> bool:
        """Whether the optimizer searches along whole gradients (L-BFGS), which leaves much of what helps others out."""
        return optimizer(self.card.get("optimizer", "adam")).searches

    def tried_rate(self) -> str:
        """Return the rate that did better in the trial steps; empty where they say nothing against the training's."""
        if self.rate is None:
            return ""
        if self.better is None:
            return f"a {'lower' if self.rate == 'high' else 'higher'} {setting('learning_rate')}"
        return str(setting("learning_rate", rounded(self.better)))

    def lower_rate(self) -> str:
        """Return that a lower rate may help, for weights that have moved too far; empty where it was found too low."""
        if self.rate is None:
            return "" if self.searches else f"a lower {setting('learning_rate')}"
        return self.tried_rate() if self.rate == "high" else ""

    def clipped(self) -> str:
        """Return that gradients may be clipped; empty where they were."""
        return "" if self.searches or self.card.get("clip_norm") else str(setting("clip_norm", 1))

    def decayed(self) -> str:
        """Return that weights may be kept small, or smaller."""
        penalty = "l2" if self.searches else "weight_decay"
        return f"{'more ' if self.card.get(penalty) else ''}{setting(penalty)}"

    def dropped(self) -> str:
        """Return that neurons may be dropped."""
        return "" if self.searches else str(setting("dropout"))

    def stopped_early(self) -> str:
        """Return that training may stop early; empty where it could."""
        return "" if self.card.get("early_stopping") else str(setting("early_stopping", True))

    def longer(self) -> str:
        """Return that training may go on; empty where it ended by itself, or another rate would do more."""
        if self.rate is not None:
            return ""
        stopped = self.card.get("stopped", "epochs")
        return {
            "epochs": f"more {setting('epochs')}",
            "early stopping": f"more {setting('patience')}",
        }.get(stopped, "")


UNKNOWN = Advice()
"""What may be advised where nothing is known of the training."""


def rounded(rate: float) -> float:
    """Return a rate as it is written, so that what is advised is what was tried."""
    return float(f"{rate:g}")


def any_of(*ways: str) -> str:
    """Return what may be tried, without those that are empty: a, b, or c."""
    given = [way for way in ways if way]
    if len(given) < 3:
        return " or ".join(given)
    return f"{', '.join(given[:-1])}, or {given[-1]}"
