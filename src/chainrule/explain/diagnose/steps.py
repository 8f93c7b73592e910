"""Gradients from layer to layer, and trial steps from where training ended, which show a wrong learning rate."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import numpy as np

from chainrule._doors import setting
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.engines import JUDGE, engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.step import batches, masks_of_step, take_step
from chainrule.equations.activations import activation
from chainrule.equations.network import Network
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.finding import Finding, whole
from chainrule.explain.diagnose.thresholds import limit

STEPS = 50
"""The trial steps: enough for the averages of Adam and momentum to settle."""

TIMES = (10.0, 100.0, 1000.0)
"""By how much the learning rate is raised to see whether it was too low."""


@dataclass(frozen=True)
class Trial(Plain):
    """What trial steps did: the cost of all rows before and after, and each layer's median |step| / |W|."""

    learning_rate: float
    steps: int
    before: float
    after: float
    ratios: tuple[float, ...]


def lengths_of_delta(batch: Batch) -> FloatArray:
    """Return for each layer the length of a row's delta, in root mean square over the rows."""
    return np.array([float(np.sqrt((back.delta**2).sum(axis=1).mean())) for back in batch.gradients.layers])


def gradient_findings(batch: Batch, member: int | None) -> list[Finding]:
    """Return a finding where the gradient vanishes or explodes on its way to the first layer."""
    lengths = lengths_of_delta(batch)
    if len(lengths) < 2 or not lengths[-1] > 0:
        return []
    whole_way = float(lengths[0] / lengths[-1])
    ratios = {
        f"|delta[{i + 1}]| / |delta[{i + 2}]|": float(lengths[i] / lengths[i + 1])
        if lengths[i + 1] > 0
        else 0.0
        for i in range(len(lengths) - 1)
    }
    members = (1,) if member is None else (member + 1,)
    where = (whole("delta", 1, member),)
    evidence: dict[str, float | str] = {"first layer / output layer": whole_way, **ratios}
    if whole_way < limit("vanishing"):
        return [
            Finding(
                "vanishing_gradient",
                f"the gradient vanishes: in layer 1 it is {whole_way:.2g} of what it is at the output",
                where,
                evidence,
                "each layer multiplies the gradient by its weights and slopes f'(z); small factors leave nothing for the "
                "first layers, which then don't learn",
                f"{setting('activation', 'relu')} instead of sigmoid or tanh, {setting('init', 'auto')}, or fewer "
                "hidden layers",
                1,
                members,
            )
        ]
    if whole_way > limit("exploding"):
        return [
            Finding(
                "exploding_gradient",
                f"the gradient explodes: in layer 1 it is {whole_way:.2g} times what it is at the output",
                where,
                evidence,
                "each layer multiplies the gradient by its weights and slopes f'(z); large factors make the steps of the "
                "first layers so long that the cost jumps",
                f"{setting('clip_norm', 1)}, {setting('init', 'auto')}, a lower {setting('learning_rate')}, or fewer "
                "hidden layers",
                1,
                members,
            )
        ]
    return []


def trial(
    batch: Batch, settings: StepSettings, learning_rate: float, steps: int = STEPS, strength: float = 1.0
) -> Trial:
    """Return what steps of the reference engine with a learning rate do, from the batch's parameters.

    ``strength`` multiplies dropout and weight decay.
    """
    n = len(batch.x)
    data = Data(batch.x, batch.y, np.arange(n), np.arange(0), batch.weights)
    slots = [
        batch.layout.slot(number, layer.product.name) for number, layer in enumerate(batch.network.layers, 1)
    ]
    flat, state = batch.flat, settings.optimizer.init(batch.flat, np)

    def cost(flat: FloatArray) -> float:
        return float(
            engine_named(JUDGE).start(batch.network, flat[None], data, settings).losses(data.train)[0]
        )

    ratios: list[list[float]] = []
    for epoch in count():
        for rows in batches(data, settings, epoch, 0):
            masks = masks_of_step(batch.network, len(rows), settings.seed, state.t, 0, strength)
            weights = None if data.weights is None else data.weights[rows]
            x, y = data.x[rows], data.y[rows]
            step = take_step(
                batch.layout, flat, state, x, y, settings, learning_rate, weights, masks, strength
            )
            with np.errstate(all="ignore"):
                ratios.append(
                    [_ratio(flat[s.start : s.stop], step.parameters[s.start : s.stop]) for s in slots]
                )
            flat, state = step.parameters, step.state
            if len(ratios) == steps or not np.isfinite(step.parameters).all():
                with np.errstate(all="ignore"):
                    medians = tuple(np.median(ratios, axis=0).tolist())
                    return Trial(learning_rate, len(ratios), cost(batch.flat), cost(flat), medians)
    raise AssertionError("count() doesn't end")


def _ratio(old: FloatArray, new: FloatArray) -> float:
    length = float(np.linalg.norm(old))
    moved = float(np.linalg.norm(new - old))
    if length == 0:
        return 0.0 if moved == 0 else float("inf")
    return moved / length


def cost_unit(batch: Batch) -> float:
    """Return how much worse the best constant outputs, the targets' mean, are than perfect ones: the unit of costs."""
    network, y = batch.network, batch.y
    perfect = 2 * y - 1 if network.loss.signed else y
    constant = np.broadcast_to(perfect.mean(axis=0), y.shape)
    plain = Network(
        [network.n_inputs, *network.layers],
        network.loss.without_smoothing(),
        network.reduction,
        network.features,
    )
    identity = activation("identity")
    costs = [float(np.mean(plain.loss.of_rows(a, a, y, identity, np))) for a in (constant, perfect)]
    unit = abs(costs[0] - costs[1])
    return (unit if network.reduction == "mean" else unit * len(y)) if np.isfinite(unit) else float("nan")


def rate_findings(
    batch: Batch,
    settings: StepSettings,
    learning_rate: float,
    stopped: str,
    member: int | None,
    strength: float = 1.0,
) -> tuple[list[Finding], Trial]:
    """Return whether the learning rate is too high or too low, and the trial with the rate itself."""
    made = trial(batch, settings, learning_rate, strength=strength)
    unit = cost_unit(batch)
    members = (1,) if member is None else (member + 1,)
    where = tuple(
        whole(layer.product.name, number, member) for number, layer in enumerate(batch.network.layers, 1)
    )
    largest = max(made.ratios)
    evidence: dict[str, float | str] = {
        "learning rate": learning_rate,
        "trial steps": made.steps,
        "cost before": made.before,
        "cost after": made.after,
        "largest |step| / |W|": largest,
    }
    rises = not np.isfinite(made.after) or made.after - made.before > limit("rise") * unit
    if rises or stopped == "diverged" or not largest < limit("update_high"):
        if stopped == "diverged":
            what = f"the learning rate {learning_rate:g} is too high: training diverged"
        elif rises:
            what = (
                f"the learning rate {learning_rate:g} is too high: {made.steps} more steps take the cost from "
                f"{made.before:.4g} to {made.after:.4g}"
            )
        else:
            what = f"the learning rate {learning_rate:g} is too high: a step moves weights by {largest:.0%} of their size"
        why = "a step that is too long overshoots the valley it should go down into, and the cost rises"
        remedy = (
            f"a lower {setting('learning_rate')}, such as {learning_rate / 10:g}, or {setting('schedule', 'cosine')}; "
            f"{setting('clip_norm', 1)}"
        )
        return [
            Finding(
                "learning_rate_high",
                what,
                where,
                evidence | ({"training": "diverged"} if stopped == "diverged" else {}),
                why,
                remedy,
                None,
                members,
            )
        ], made
    if largest >= limit("update_low") or not unit > 0:
        return [], made
    better = [trial(batch, settings, learning_rate * times, strength=strength) for times in TIMES]
    best = min(better, key=lambda one: one.after if np.isfinite(one.after) else np.inf)
    if not made.after - best.after > limit("gain") * unit:
        return [], made
    return [
        Finding(
            "learning_rate_low",
            f"the learning rate {learning_rate:g} is too low: {made.steps} more steps take the cost from "
            f"{made.before:.4g} to {made.after:.4g}, and with {best.learning_rate:g} to {best.after:.4g}",
            where,
            {**evidence, "cost after, with the better rate": best.after, "better rate": best.learning_rate},
            "steps that are too short hardly move the weights, so training ends before it has learned",
            f"{setting('learning_rate', float(f'{best.learning_rate:g}'))}, or more {setting('epochs')}",
            None,
            members,
        )
    ], made
