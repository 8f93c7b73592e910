"""Whether a loss leads to the targets: it should be smallest where the outputs are what they should be."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network

MOST_TARGETS = 32
"""The different targets that are tried: the least and the largest, and others between them."""

ROUNDING = 32 * np.finfo(float).eps
"""The share of a loss by which two that are the same may differ."""

EDGE, STEP = 1e-3, 0.05
"""How far from the ends of what an output can be, and from the target, shares of the span of the targets."""


class Doubt(NamedTuple):
    """What speaks against a loss; ``hopeless`` where no training with it can tell a right answer from a wrong one."""

    words: str
    hopeless: bool


@np.errstate(all="ignore")
def doubt_of_loss(network: Network, y: FloatArray) -> Doubt | None:
    """Return what speaks against a network's loss with the targets ``y`` (n, n_out) in use, if anything does.

    For each target the loss of outputs that are the target is compared with that of outputs which are another target,
    and with that of outputs a little beside it. Outputs are kept to what the last activation can give; each is looked
    at by itself, but for softmax, whose outputs depend on each other. A loss with a `Link` to the activation needs none of this.
    """
    cost, output = network.loss.without_smoothing(), network.output.activation
    if output.name in cost.links:
        return None
    # What ours make of a small difference may be lost in rounding, but they know right from wrong.
    sound = cost.name in LOSSES and cost.output != "softmax"
    targets = _some(y.reshape(-1, 1) if output.elementwise else y)
    if len(targets) < 2:
        return None
    right = 2 * targets - 1 if cost.signed else targets
    low, high = _reach(output)
    span = float(np.ptp(right))
    low, high = low + EDGE * span, high - EDGE * span
    answers = np.clip(right, low, high)
    if np.ptp(answers) == 0:  # all are beyond what the outputs can be, which is no fault of the loss
        return None

    def losses(a: FloatArray) -> Any:
        """Return the loss of each target for the outputs ``a`` (…, targets, n_out)."""
        return np.asarray(cost.value(a, np.broadcast_to(targets, a.shape), np)).sum(axis=-1)

    own = losses(answers)
    # What rounding may make of a loss; its own size says nothing, since a constant may stand in it.
    least = own - ROUNDING * np.abs(own)
    others = np.broadcast_to(answers[:, None], (len(answers), *answers.shape))
    # And far from it, where rounding hides none of the difference.
    far = np.clip(answers * np.array([0.5, 2.0])[:, None, None], low, high)
    wrong = losses(np.concatenate([others, far])).max(axis=0)
    name, remedy = f"the loss {network.loss.spec}", f"choose another {setting('loss')}"
    for place in np.flatnonzero((wrong <= own) & (not sound)):
        what = f"costs the same, or less, with any wrong answer where the target is {_shown(targets[place])}"
        return Doubt(f"{name} {what}, so nothing is learned there: {remedy}", True)
    for step in (-STEP * span, STEP * span):
        beside = np.clip(answers[:, :1] + step, low, high)
        for place in np.flatnonzero(losses(np.hstack([beside, answers[:, 1:]])) < least):
            found = f"an output of {beside[place, 0]:.4g} costs less than {answers[place, 0]:.4g}"
            words = f"{name} isn't smallest at the target: {found} where it is {_shown(targets[place])}"
            return Doubt(f"{words}; {remedy} if that isn't meant", False)
    return None


def _some(y: FloatArray) -> FloatArray:
    """Return different targets, the least and the largest of each of the first outputs among them."""
    drawn = y[:: len(y) // 1000 + 1]
    ends = np.unique(np.concatenate([y[:, :MOST_TARGETS].argmin(axis=0), y[:, :MOST_TARGETS].argmax(axis=0)]))
    distinct = np.unique(np.vstack([drawn, y[ends]]), axis=0)
    some: FloatArray = distinct[np.unique(np.linspace(0, len(distinct) - 1, MOST_TARGETS).astype(int))]
    return some


def _shown(target: FloatArray) -> str:
    return ", ".join(f"{value:.4g}" for value in target)


def _reach(output: Activation) -> tuple[float, float]:
    """Return the least and the largest that an activation gives."""
    if not output.elementwise:
        return 0.0, 1.0
    z = np.concatenate([np.geomspace(1e-3, 1e12, 61), [0.0]])
    a = np.asarray(output(np.concatenate([-z, z]), np))
    a = a[np.isfinite(a)]
    return float(a.min()), float(a.max())
