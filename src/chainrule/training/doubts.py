"""Whether a loss leads to the targets: it should be smallest where the outputs are what they should be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation, activation
from chainrule.equations.losses import LOSSES, Loss
from chainrule.equations.network import Network

MOST_TARGETS = 32
"""The different targets that are tried: the least and the largest, and others between them."""

ROUNDING = 32 * np.finfo(float).eps
"""The share of a loss by which two that are the same may differ."""

EDGE, STEP = 1e-3, 0.05
"""How far from the ends of what an output can be, and from the target, shares of the span of the targets."""

POINTS = 401
"""The outputs that are tried over three spans of the targets, and between two of those where the loss falls again."""

SHALLOW, VISIBLE = 1e-9, 1e3
"""The share of the rise between two answers by which their losses may differ, and how far above rounding it must be."""

AWAY = 0.25
"""How far from the target another answer is another one, as a share of the span."""

OTHER_OUTPUTS = ("sigmoid", "softmax", "tanh", "exponential", "softplus")
"""The output activations that may be a remedy, in this order."""


class Doubt(NamedTuple):
    """What speaks against a loss; ``hopeless`` where no training with it can tell a right answer from a wrong one."""

    words: str
    hopeless: bool


def doubt_of_loss(network: Network, y: FloatArray) -> Doubt | None:
    """Return what speaks against a network's loss with the targets ``y`` (n, n_out) in use, if anything does.

    For each target the loss of outputs that are the target is compared with that of outputs which are another target,
    and with that of outputs a little beside it; with a formula of the user's own also with outputs all around. Outputs are
    kept to what the last activation can give; each is looked at by itself, but for softmax, whose outputs depend on each
    other. A loss with a `Link` to the activation needs none of this. The remedy is another output activation where
    nothing speaks against the loss with that.
    """
    cost, output = network.loss.without_smoothing(), network.output.activation
    found = _doubt(cost, output, y)
    if found is None:
        return None
    what, meant = (
        f"the loss {network.loss.spec} {found.words}",
        "" if found.hopeless else " if that isn't meant",
    )
    others = (name for name in OTHER_OUTPUTS if name != output.name and (name != "softmax" or y.shape[1] > 1))
    for name in others if cost.name not in LOSSES else ():
        if _doubt(cost, activation(name), y, certain=True) is None:
            instead = f"{setting('output_activation', name)}, or another {setting('loss')}"
            break
    else:
        instead = f"another {setting('loss')}"
    return Doubt(f"{what}{': ' if found.hopeless else '; '}choose {instead}{meant}", found.hopeless)


@np.errstate(all="ignore")
def _doubt(cost: Loss, output: Activation, y: FloatArray, *, certain: bool = False) -> Doubt | None:
    """Return what speaks against a loss with an output activation, in words that follow its name.

    ``certain``: whatever can't be told speaks against it too.
    """
    nothing_known = Doubt("", False) if certain else None
    if output.name in cost.links:
        return None
    # What ours make of a small difference may be lost in rounding, but they know right from wrong.
    ours = cost.name in LOSSES
    sound = ours and cost.output != "softmax"
    targets = _some(y.reshape(-1, 1) if output.elementwise else y)
    if len(targets) < 2:
        return nothing_known
    right = 2 * targets - 1 if cost.signed else targets
    low, high = _reach(output)
    span = float(np.ptp(right))
    low, high = low + EDGE * span, high - EDGE * span
    answers = np.clip(right, low, high)
    if certain and not np.abs(answers - right).max() <= 2 * EDGE * span:
        return nothing_known
    if np.ptp(answers) == 0:  # all are beyond what the outputs can be, which is no fault of the loss
        return None

    def losses(a: FloatArray) -> Any:
        """Return the loss of each target for the outputs ``a`` (…, targets, n_out)."""
        return np.asarray(cost.value(a, np.broadcast_to(targets, a.shape), np)).sum(axis=-1)

    own = losses(answers)
    for place in np.flatnonzero(~np.isfinite(own)):
        what = f"is no finite number where the output is {_shown(answers[place])}, as it should be for the target"
        return Doubt(f"{what} {_shown(targets[place])}, so nothing is learned there", True)
    # What rounding may make of a loss; its own size says nothing, since a constant may stand in it.
    least = own - ROUNDING * np.abs(own)
    others = np.broadcast_to(answers[:, None], (len(answers), *answers.shape))
    # And far from it, where rounding hides none of the difference.
    far = np.clip(answers * np.array([0.5, 2.0])[:, None, None], low, high)
    wrong = losses(np.concatenate([others, far]))
    wrong = np.where(np.isnan(wrong), -np.inf, wrong).max(axis=0)
    for place in np.flatnonzero((wrong <= own) & (not sound)):
        what = f"costs the same, or less, with any wrong answer where the target is {_shown(targets[place])}"
        return Doubt(f"{what}, so nothing is learned there", True)
    for step in (-STEP * span, STEP * span):
        beside = np.clip(answers[:, :1] + step, low, high)
        for place in np.flatnonzero(losses(np.hstack([beside, answers[:, 1:]])) < least):
            found = f"an output of {beside[place, 0]:.4g} costs less than {answers[place, 0]:.4g}"
            return Doubt(f"isn't smallest at the target: {found} where it is {_shown(targets[place])}", False)
    if ours or not output.elementwise:
        return None
    return _elsewhere(losses, targets, answers, (low, high), output.name)


def _elsewhere(
    losses: Callable[[FloatArray], Any],
    targets: FloatArray,
    answers: FloatArray,
    reach: tuple[float, float],
    output: str,
) -> Doubt | None:
    """Return that a loss is no number somewhere around its targets (n, 1), or as small as at one of them."""
    span = float(np.ptp(answers))
    least, most = max(float(answers.min()) - span, reach[0]), min(float(answers.max()) + span, reach[1])
    points = np.linspace(least, most, POINTS)
    mirrored, own = np.clip(-answers, *reach), losses(answers)
    around: FloatArray = losses(np.broadcast_to(points[:, None, None], (POINTS, *answers.shape)))
    for place, at in np.argwhere(~np.isfinite(around.T)):
        what = (
            f"is no finite number where an output is {points[at]:.4g} and the target {_shown(targets[place])}"
        )
        return Doubt(f"{what}, which {output} outputs can be", False)
    lowest = (around[1:-1] < around[:-2]) & (around[1:-1] < around[2:])
    for place in range(len(answers)):
        again = [float(mirrored[place, 0])]
        for at in np.flatnonzero(lowest[:, place]) + 1:
            again.append(_lowest(losses, points[at - 1], points[at + 1], answers, place))
        for one in again:
            if not abs(one - answers[place, 0]) > AWAY * span:
                continue
            between = np.linspace(one, answers[place, 0], POINTS)
            path = losses(np.broadcast_to(between[:, None, None], (POINTS, *answers.shape)))[:, place]
            rise = path.max() - own[place]
            seen = rise > VISIBLE * ROUNDING * abs(own[place])
            if seen and path[0] <= own[place] + SHALLOW * rise:
                found = f"an output of {one:.4g} costs no more than {answers[place, 0]:.4g}"
                return Doubt(
                    f"isn't smallest at the target alone: {found} where it is {_shown(targets[place])}", False
                )
    return None


def _lowest(
    losses: Callable[[FloatArray], Any], low: float, high: float, answers: FloatArray, place: int
) -> float:
    """Return where between two outputs the loss of a target is lowest."""
    for _ in range(3):
        points = np.linspace(low, high, POINTS)
        found = losses(np.broadcast_to(points[:, None, None], (POINTS, *answers.shape)))[:, place]
        at = int(np.argmin(found))
        low, high = points[max(at - 1, 0)], points[min(at + 1, POINTS - 1)]
    return float(points[at])


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
