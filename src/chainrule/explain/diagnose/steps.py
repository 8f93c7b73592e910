"""Gradients from layer to layer, and trial steps from where training ended, which show a wrong learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count, islice, pairwise

import numpy as np

from chainrule._doors import setting
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.engines import JUDGE, engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.step import batches, masks_of_step, take_step
from chainrule.equations.activations import activation
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.finding import Finding, percent, told_apart
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.trace.address import Address

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


def gradient_findings(batch: Batch) -> Iterator[Finding]:
    """Return a finding where the gradient vanishes or explodes on its way to the first layer."""
    lengths = lengths_of_delta(batch).tolist()
    if len(lengths) < 2 or not lengths[-1] > 0:
        return
    whole_way = lengths[0] / lengths[-1]
    if not (whole_way < limit("vanishing") or whole_way > limit("exploding")):
        return
    evidence = {"first layer / output layer": whole_way}
    for number, (own, after) in enumerate(pairwise(lengths), 1):
        if after > 0:
            evidence[f"|delta[{number}]| / |delta[{number + 1}]|"] = own / after
    if whole_way < limit("vanishing"):
        verb, times = "vanish", "of"
        follows = "small factors leave next to nothing for the first layers, which then hardly learn"
        remedy = f"{setting('activation', 'relu')} instead of sigmoid or tanh, {setting('init', 'auto')}"
    else:
        verb, times = "explod", "times"
        follows = "large factors can make the steps of the first layers so long that the cost jumps"
        remedy = f"{setting('clip_norm', 1)}, {setting('init', 'auto')}, a lower {setting('learning_rate')}"
    yield Finding(
        f"{verb}ing_gradient",
        f"the gradient {verb}es: in layer 1 it is {whole_way:.2g} {times} what it is at the output",
        (str(Address("delta", 1)),),
        evidence,
        f"each layer multiplies the gradient by its weights and slopes f'(z); {follows}",
        f"{remedy}, or fewer hidden layers",
        1,
    )


@np.errstate(all="ignore")
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
    ratios: list[list[float]] = []
    epochs = (batches(data, settings, epoch, 0) for epoch in count())
    for rows in islice(chain.from_iterable(epochs), steps):
        masks = masks_of_step(batch.network, len(rows), settings.seed, state.t, 0, strength)
        weights = None if data.weights is None else data.weights[rows]
        x, y = data.x[rows], data.y[rows]
        step = take_step(batch.layout, flat, state, x, y, settings, learning_rate, weights, masks, strength)
        ratios.append([_ratio(flat[s.start : s.stop], step.parameters[s.start : s.stop]) for s in slots])
        flat, state = step.parameters, step.state
        if not np.isfinite(flat).all():
            break
    judge = engine_named(JUDGE)
    before, after = (
        float(judge.start(batch.network, at[None], data, settings).losses(data.train)[0])
        for at in (batch.flat, flat)
    )
    return Trial(learning_rate, len(ratios), before, after, tuple(np.median(ratios, axis=0).tolist()))


def _ratio(old: FloatArray, new: FloatArray) -> float:
    length, moved = float(np.linalg.norm(old)), float(np.linalg.norm(new - old))
    if length == 0:
        return 0.0 if moved == 0 else float("inf")
    return moved / length


def cost_unit(batch: Batch) -> float:
    """Return how much worse the best constant outputs, the targets' mean, are than perfect ones: the unit of costs."""
    network, y = batch.network, batch.y
    perfect = 2 * y - 1 if network.loss.signed else y
    constant = np.broadcast_to(perfect.mean(axis=0), y.shape)
    loss, identity = network.loss.without_smoothing(), activation("identity")
    costs = [float(np.mean(loss.of_rows(a, a, y, identity, np))) for a in (constant, perfect)]
    unit = abs(costs[0] - costs[1])
    return (unit if network.reduction == "mean" else unit * len(y)) if np.isfinite(unit) else float("nan")


def rate_findings(
    batch: Batch, settings: StepSettings, made: Trial, stopped: str, strength: float = 1.0
) -> Iterator[Finding]:
    """Return a finding where the learning rate of the trial ``made`` is too high or too low.

    ``stopped`` says why training ended.
    """
    # Of weights that are all 0 a step has no share.
    rate, unit = made.learning_rate, cost_unit(batch)
    largest = max((ratio for ratio in made.ratios if ratio != np.inf), default=0.0)
    where = tuple(
        str(Address(layer.product.name, number)) for number, layer in enumerate(batch.network.layers, 1)
    )
    evidence: dict[str, float | str] = {
        "learning rate": rate,
        "trial steps": made.steps,
        "cost before": made.before,
        "cost after": made.after,
        "largest |step| / |W|": largest,
    }
    before, after = told_apart(made.before, made.after)
    taken = f"{made.steps} more steps take the cost from {before} to {after}"
    ends = np.isfinite(made.after)
    rises = not ends or made.after - made.before > limit("rise") * unit
    if rises or stopped == "diverged" or not largest < limit("update_high"):
        why = "a step that is too long overshoots the valley it should go down into"
        if stopped == "diverged":
            says, evidence["training"] = f"is too high: training diverged; {taken}", "diverged"
            why += ", and the longer way back leads farther still"
        elif rises:
            says = f"is too high: {taken}"
            why += ", and the cost rises" if ends else ", until the numbers overflow"
        else:
            where = tuple(
                place
                for place, ratio in zip(where, made.ratios, strict=True)
                if not ratio < limit("update_high")
            )
            says = f"is high: half of the steps move {' and '.join(where)} by {percent(largest)} of their size or more"
            says += f"; {taken}"
            why = "a step of a tenth of the weights' size or more can overshoot the valley it should go down into"
        yield Finding(
            "learning_rate_high",
            f"the learning rate {rate:g} {says}",
            where,
            evidence,
            why,
            f"a lower {setting('learning_rate')}, such as {rate / 10:g}, or {setting('schedule', 'cosine')}; "
            f"{setting('clip_norm', 1)}",
        )
    elif largest < limit("update_low") and unit > 0:
        better = [trial(batch, settings, rate * times, strength=strength) for times in TIMES]
        best = min(better, key=lambda one: one.after if np.isfinite(one.after) else np.inf)
        if not made.after - best.after > limit("gain") * unit:
            return
        own, other = told_apart(made.after, best.after)
        yield Finding(
            "learning_rate_low",
            f"the learning rate {rate:g} is too low: {made.steps} more steps take the cost from {made.before:.4g} to {own}, "
            f"and with {best.learning_rate:g} to {other}",
            where,
            {**evidence, "cost after, with the better rate": best.after, "better rate": best.learning_rate},
            "steps that are too short hardly move the weights, so training ends before it has learned",
            f"{setting('learning_rate', float(f'{best.learning_rate:g}'))}, or more {setting('epochs')}",
        )
