"""The check beside a derivative: the central difference of the cost, by forward passes alone; and the run's own numbers.

The rows, their weights and the neurons that dropout left out are the step's own. What an update made is the run's, whose engine
adds up in another order than the trace's; so such a line is held against the run's number with room for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import Array, FloatArray, IntArray
from chainrule.equations.network import Gradients, Record
from chainrule.explain.check.batch import Batch, blocks
from chainrule.explain.check.differences import check_differences
from chainrule.explain.check.result import Check
from chainrule.explain.derive.lines import Derivation, Line, LineCheck
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.studio.shown.looking import Look

MOST_CHECKED = 400
"""The most derivatives of a step that are held against differences at once; of more every so many-th is."""

MOST_WORK = 4_000_000
"""The most numbers that are worked out for that: rows times neurons times derivatives."""

ROOM = {"float64": 1e-10, "float32": 1e-3}
"""How far the run's new numbers may be from the trace's, as a share of the largest of their array, by the run's precision."""


@dataclass(frozen=True)
class MaskedBatch(Batch):
    """A batch with the neurons that dropout left out in the step; ``masks`` as `Network.forward` takes them."""

    masks: Sequence[Array | None] | None = None

    @cached_property
    @np.errstate(all="ignore")
    def record(self) -> Record:
        """Every z and a."""
        return self.network.forward(self.p, self.x, np, self.masks)

    @cached_property
    @np.errstate(all="ignore")
    def gradients(self) -> Gradients:
        """Every delta and gradient as chainrule computes them."""
        return self.network.backward(self.p, self.record, self.y, np, self.weights)

    @np.errstate(all="ignore")
    def costs(self, flats: FloatArray) -> FloatArray:
        """Return the cost (m,) for each of the parameters ``flats`` (m, p)."""
        found = []
        for some in blocks(len(flats), self.flat.size + len(self.x) * sum(self.network.sizes)):
            record = self.network.forward(self.layout.unflatten(flats[some]), self.x, np, self.masks)
            found.append(self.network.cost(record, self.y, np, self.weights))
        return np.concatenate(found)


def step_batch(trace: Trace, index: int | None = None) -> MaskedBatch:
    """Return the rows of a trace's step, or one of them alone by its place, as what is checked."""
    step = trace.steps[0]
    rows = slice(None) if index is None else slice(index, index + 1)
    assert step.y is not None
    masks = [None if layer.mask is None else layer.mask[rows] for layer in step.record.layers]
    return MaskedBatch(
        trace.network,
        np.asarray(step.parameters),
        step.record.x[rows],
        step.y[rows],
        None if step.weights is None or index is not None else step.weights,
        step.rows[rows],
        masks if any(mask is not None for mask in masks) else None,
    )


def differences_of(trace: Trace, place: Address) -> LineCheck | None:
    """Return a derivative by a parameter beside its central difference; None for an address that is none."""
    found = parameter_index(trace, place)
    step = trace.steps[0]
    if found is None or step.y is None or step.shares is None:
        return None
    index = None if place.row is None else step.rows.index(place.row)
    share = 1.0 if index is None else float(step.shares[index])
    if share == 0:
        return None
    batch = step_batch(trace, index)
    gradient = np.zeros(batch.layout.size)
    gradient[found] = trace.number(trace.resolve(place)) / share
    made = check_differences(batch, gradient, np.array([found]), ())
    if made.kinks:
        kink = made.kinks[0]
        words = f"the one-sided differences at a kink of {kink.crossed}, {kink.left:.6g} and {kink.right:.6g}"
        return LineCheck(kink.found * share, 0.0, 0.0, True, words)
    if made.worst is None:
        return None
    worst = made.worst
    off, allowed = worst.error * share, worst.allowed * share
    return LineCheck(worst.expected * share, off, allowed, made.failed == 0, "the central difference")


def parameter_index(trace: Trace, place: Address) -> int | None:
    """Return the flat place of the parameter that a derivative of the cost is by; None for other addresses."""
    if not place.name.startswith("dC/d") or not place.parameter or place.is_whole or place.layer is None:
        return None
    slot = trace.layout.slot(place.layer, place.parameter)
    return slot.start + int(np.ravel_multi_index([i - 1 for i in place.index], slot.shape))


def check_of(trace: Trace) -> Check | None:
    """Return a step's gradient held against central differences; of many parameters every so many-th. None without targets."""
    step = trace.steps[0]
    if step.y is None or step.gradients is None:
        return None
    batch = step_batch(trace)
    whole = batch.layout.flatten(step.gradients.parameters)
    each = max(1, len(step.rows) * sum(trace.network.sizes) + batch.layout.size)
    most = max(1, min(MOST_CHECKED, MOST_WORK // (2 * each)))
    chosen: IntArray = np.unique(np.linspace(0, len(whole) - 1, min(most, len(whole))).astype(np.int64))
    return check_differences(batch, whole, chosen, ())


def held_against_run(derivation: Derivation, look: Look) -> Derivation:
    """Return a derivation whose lines about what the run's update made are held against the run's own numbers."""
    update = None if look.batch is None else look.batch.steps[0].update
    if update is None or look.new is None:
        return derivation
    return replace(derivation, lines=tuple(_held(line, look) for line in derivation.lines))


def _held(line: Line, look: Look) -> Line:
    check = line.check
    if check is None or not line.address or look.batch is None:
        return line
    place, update = Address.parse(line.address), look.batch.steps[0].update
    what = place.name.partition("/d")[0]
    new = place.name.endswith("_new") or what.endswith("_new")
    if update is None or not place.parameter or not (new or what in update.lines):
        return line
    largest = float(np.nanmax(np.abs(look.batch.array(replace(place, index=()))), initial=0.0))
    room = check.tolerance + ROOM[look.state.parameters.dtype.name] * largest
    check = replace(check, tolerance=room, ok=check.ok or check.difference <= room)
    # What the run made is shown as the run's own; the optimizer's other lines lead there from the trace's gradient.
    return (
        replace(line, result=check.value, check=replace(check, against="the run"))
        if new
        else replace(line, check=check)
    )
