"""Gradients from layer to layer, and trial steps from where training ended, which show a wrong learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count, islice, pairwise

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import percent
from chainrule._plain import Plain
from chainrule._types import FloatArray
from chainrule.engines import JUDGE, engine_named
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.step import batches, masks_of_step, take_step
from chainrule.equations.activations import activation
from chainrule.equations.dense import Dense
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.advice import UNKNOWN, Advice, any_of, rounded
from chainrule.explain.diagnose.finding import Finding, told_apart
from chainrule.explain.diagnose.neurons import sides_and_slope
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.trace.address import Address

STEPS = 50
"""The trial steps: enough for the averages of Adam and momentum to settle."""

HEALTHY = 1e-3
"""How long a step is beside the weights where the learning rate is right (Stanford CS231n, "Neural networks 3")."""

MOST_TRIALS = 8
"""The most rates that are tried on the way to such steps."""


@dataclass(frozen=True)
class Trial(Plain):
    """What trial steps did: the cost of all rows before and after, and each layer's median |step| / |W|."""

    learning_rate: float
    steps: int
    before: float
    after: float
    ratios: tuple[float, ...]

    @property
    def largest(self) -> float:
        """The largest of the ratios; of weights that are all 0 a step has no share."""
        return max((ratio for ratio in self.ratios if ratio != np.inf), default=0.0)


def lengths_of_delta(batch: Batch) -> FloatArray:
    """Return for each layer the length of a row's delta, in root mean square over the rows."""
    return np.array([float(np.sqrt((back.delta**2).sum(axis=1).mean())) for back in batch.gradients.layers])


def _sides(layer: Dense) -> tuple[bool, bool]:
    """Return on which sides a layer's activation is flat: below, above."""
    low, high, _ = sides_and_slope(layer.activation)
    return bool(low), bool(high)


def gradient_findings(batch: Batch, advice: Advice = UNKNOWN) -> Iterator[Finding]:
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
        curved = [
            one.activation.name
            for one in batch.network.layers[:-1]
            if all(sides_and_slope(one.activation)[:2])
        ]
        instead = " and ".join(dict.fromkeys(curved))
        ways = [f"{setting('activation', 'relu')} instead of {instead}" if curved else ""]
        if not curved and any(low != high for low, high in map(_sides, batch.network.layers[:-1])):
            ways = [f"{setting('activation', 'leaky_relu')}, which is flat on no side"]
    else:
        verb, times = "explod", "times"
        follows = "large factors can make the steps of the first layers so long that the cost jumps"
        ways = [advice.clipped(), advice.lower_rate()]
    drawn = all(one.init == "auto" for one in batch.network.layers)
    ways += ["" if drawn else str(setting("init", "auto"))]
    yield Finding(
        f"{verb}ing_gradient",
        f"the gradient {verb}es: in layer 1 it is {whole_way:.2g} {times} what it is at the output",
        (str(Address("delta", 1)),),
        evidence,
        f"each layer multiplies the gradient by its weights and slopes f'(z); {follows}",
        any_of(*ways, "fewer hidden layers" if len(batch.network.layers) > 2 else ""),
        1,
    )


@np.errstate(all="ignore")
def cost_of_rows(batch: Batch, settings: StepSettings) -> float:
    """Return the cost of all rows of a batch with its parameters."""
    rows = np.arange(len(batch.x))
    data = Data(batch.x, batch.y, rows, np.arange(0), batch.weights)
    run = engine_named(JUDGE).start(batch.network, batch.flat[None], data, settings)
    return float(run.losses(rows)[0])


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
    before, after = (cost_of_rows(replace(batch, flat=at), settings) for at in (batch.flat, flat))
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
    batch: Batch,
    settings: StepSettings,
    made: Trial,
    stopped: str,
    strength: float = 1.0,
    begin: Batch | None = None,
    way: tuple[float, float] | None = None,
) -> Iterator[Finding]:
    """Return a finding where the learning rate of the trial ``made`` is too high or too low.

    ``stopped`` says why training ended; ``begin`` is the batch with the weights that training began with, which a lower
    rate is tried from; ``way`` are the costs of the training rows before and after it, where they are known.
    """
    rate, unit, largest = made.learning_rate, cost_unit(batch), made.largest
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
    climbed = way is not None and way[1] - way[0] > limit("rise") * unit
    if rises or climbed or stopped == "diverged" or not largest < limit("update_high"):
        why = "a step that is too long overshoots the valley it should go down into"
        if stopped == "diverged":
            says, evidence["training"] = f"is too high: training diverged; {taken}", "diverged"
            why += ", and the longer way back leads farther still"
        elif rises:
            says = f"is too high: {taken}"
            why += ", and the cost rises" if ends else ", until the numbers overflow"
        elif climbed and way is not None:
            evidence["cost of the training rows at first"], evidence["at last"] = way
            says = f"is too high: training took its rows' cost from {' to '.join(told_apart(*way))}; {taken}"
        else:
            where = tuple(
                place
                for place, ratio in zip(where, made.ratios, strict=True)
                if not ratio < limit("update_high")
            )
            says = f"is high: half of the steps move {' and '.join(where)} by {percent(largest)} of their size or more"
            says += f"; {taken}"
            why = "a step of a tenth of the weights' size or more can overshoot the valley it should go down into"
        found = [
            one for one in rates_tried(begin or batch, settings, strength, rate) if one.learning_rate < rate
        ]
        best = _best(one for one in found if one.after < one.before)
        remedy = f"a lower {setting('learning_rate')}"
        if best is not None:
            told = told_apart(best.before, best.after)
            start = "the initial weights" if begin else "here"
            remedy = (
                f"{setting('learning_rate', best.learning_rate)}: from {start} {best.steps} steps with it "
            )
            remedy += f"take the cost from {told[0]} to {told[1]}"
            evidence["better rate"] = best.learning_rate
        elif found:
            remedy += "; none that was tried lowers the cost, so look at the other findings first"
        yield Finding(
            "learning_rate_high", f"the learning rate {rate:g} {says}", where, evidence, why, remedy
        )
    elif largest < limit("update_low") and unit > 0:
        best = _best(one for one in rates_tried(batch, settings, strength, rate) if one.learning_rate > rate)
        if best is None or not made.after - best.after > limit("gain") * unit:
            return
        own, other = told_apart(made.after, best.after)
        yield Finding(
            "learning_rate_low",
            f"the learning rate {rate:g} is too low: {made.steps} more steps take the cost from {made.before:.4g} to {own}, "
            f"and with {best.learning_rate:g} to {other}",
            where,
            {**evidence, "cost after, with the better rate": best.after, "better rate": best.learning_rate},
            "steps that are too short hardly move the weights, so training ends before it has learned",
            str(setting("learning_rate", best.learning_rate)),
        )


def rates_tried(batch: Batch, settings: StepSettings, strength: float, rate: float) -> list[Trial]:
    """Return trials with rates of `HEALTHY` steps, ten times less and more, by the rate, and with a tenth of ``rate``.

    The way to them begins at the optimizer's own rate, and goes by how long its steps are.
    """
    made: dict[float, Trial] = {}

    def attempt(one: float) -> Trial:
        one = rounded(one)
        if one not in made:
            made[one] = trial(batch, settings, one, strength=strength)
        return made[one]

    at = settings.optimizer.learning_rate
    for _ in range(MOST_TRIALS):
        reached = attempt(at).largest
        if reached == 0:
            break
        power = round(np.log10(HEALTHY / reached)) if np.isfinite(reached) else -3
        if power == 0:
            break
        at *= 10.0**power
    for one in (at / 10, at, at * 10, rate / 10):
        if 0 < one < np.inf:
            attempt(one)
    return [made[one] for one in sorted(made)]


def _best(trials: Iterable[Trial]) -> Trial | None:
    """Return the trial with the lowest cost of those whose steps aren't too long, None where there is none."""
    sound = [one for one in trials if np.isfinite(one.after) and one.largest < limit("update_high")]
    return min(sound, key=lambda one: one.after, default=None)
