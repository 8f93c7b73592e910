"""An independent evaluation in arithmetic of 50 digits, number by number from the formulas' texts.

It shares nothing with the engines but the parsed formulas: sums are mpmath's, functions are mpmath's, no stable
rearrangement is used, and derivatives are differences of the cost with h = 1e-20, whose own error is about 1e-30.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.explain.check.batch import Batch, GradientFunction, flat_gradient, not_dense
from chainrule.explain.check.result import About, Check, Comparison, Kink, joined
from chainrule.explain.derive.exact import PRECISIONS, mp, mpf, one_at_a_time, precise_value

DIGITS = PRECISIONS[0]

MOST_WORK = 600_000
"""The most products that are made: some seconds. Fewer weights and rows are compared, to stay within."""

SOME = 20
"""The weights for which rows are given up."""

NEAR = 1e-12
"""What float64 may be off by, as a share of the terms behind a number: about 5000 roundings."""

H = mpf(1e-20)

ABOUT = About(
    f"{DIGITS}-digit arithmetic",
    f"every z, a and the cost, and derivatives by differences with h = 1e-20, in {DIGITS} digits",
    "1e-12 of the terms behind each number, 1e-9 of a derivative",
)


def _exactly(numbers: Any) -> Any:
    """Return numbers, lists of them or numbers by name in mpmath's numbers."""
    if isinstance(numbers, Mapping):
        return {name: mpf(value) for name, value in numbers.items()}
    return [_exactly(each) for each in numbers] if isinstance(numbers, list) else mpf(numbers)


class Exact:
    """A batch in mpmath numbers, with the cost worked out row by row."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.w, self.x, self.y = (_exactly(array.tolist()) for array in (batch.flat, batch.x, batch.y))
        weights = [mpf(1)] * len(self.x) if batch.weights is None else _exactly(batch.weights.tolist())
        total = mp.fsum(weights) if batch.network.reduction == "mean" else mpf(1)
        self.shares = [w / total for w in weights]

    def layers(self, row: int) -> list[tuple[list[Any], list[Any]]]:
        """Return z and a of every layer for one row."""
        network, layout = self.batch.network, self.batch.layout
        found, h = [], self.x[row] if network.features is None else self.stage(row)
        for number, layer in enumerate(network.layers, 1):
            start = layout.slot(number, "W").start
            z = [
                mp.fdot(h, self.w[start + j : start + len(h) * layer.n_out : layer.n_out])
                for j in range(layer.n_out)
            ]
            if layer.parametrization != "standard":
                z = [value / mp.sqrt(len(h)) for value in z]
            if layer.linear_path:
                s, x = layout.slot(number, "S").start, self.x[row]
                stop = s + len(x) * layer.n_out
                z = [value + mp.fdot(x, self.w[s + j : stop : layer.n_out]) for j, value in enumerate(z)]
            if layer.bias != "none":
                b = layout.slot(number, "b").start
                z = [value + self.w[b + (j if layer.bias == "neuron" else 0)] for j, value in enumerate(z)]
            values = {"z": z, "sums": {}, **_exactly(layer.activation.parameters)}
            a = [precise_value(layer.activation.formula.root, {**values, "place": j}) for j in range(len(z))]
            if layer.mix:
                alpha = layout.slot(number, "alpha").start
                a = [own + self.w[alpha + j] * (a[j] - own) for j, own in enumerate(z)]
            found.append((z, a))
            h = a
        return found

    def stage(self, row: int) -> list[Any]:
        """Return a[0] of the feature stage for one row."""
        features, layout, x = self.batch.network.features, self.batch.layout, self.x[row]
        assert features is not None
        starts = {slot.name: slot.start for slot in layout.slots if slot.layer == 0}
        waves, width, levels = features.waves, features.width, features.level_width
        made: list[Any] = []
        column = number = level = 0
        for group in features.groups:
            own = x[column : column + group.size]
            if group.kind == "category":
                at = starts["E"] + level * levels
                stop = at + group.size * levels
                made += [mp.fdot(own, self.w[at + q : stop : levels]) for q in range(levels)]
                level += group.size
            else:
                made += own
            if group.kind == "number":
                f, phi = starts["f"] + number * waves, starts["phi"] + number * waves
                v, c = starts["V"] + number * waves * width, starts["c"] + number * width
                u = [mp.cos(2 * mp.pi * self.w[f + k] * own[0] + self.w[phi + k]) for k in range(waves)]
                sums = [mp.fdot(u, self.w[v + q : v + waves * width : width]) for q in range(width)]
                made += [total + self.w[c + q] for q, total in enumerate(sums)]
                number += 1
            column += group.size
        if features.scale:
            made = [self.w[starts["s"] + j] * e for j, e in enumerate(made)]
        return made

    def loss(self, row: int, z: list[Any], a: list[Any]) -> Any:
        """Return the loss of one row from z and a of the last layer."""
        network, loss = self.batch.network, self.batch.network.loss
        link = loss.links.get(network.output.activation.name)
        smoothed = mpf(loss.smoothed)
        y = [target * (1 - smoothed) + smoothed / max(2, len(a)) for target in self.y[row]]
        values = {"z": z, "a": a, "y": y, "sums": {}, **_exactly(loss.parameters)}
        root = (loss.formula if link is None else link.formula).root
        total = mp.fsum(precise_value(root, {**values, "place": j}) for j in range(len(a)))
        return total / len(a) if loss.over_outputs == "mean" else total

    def cost(self) -> Any:
        """Return C."""
        shares = ((row, share) for row, share in enumerate(self.shares) if share)
        return mp.fsum(share * self.loss(row, *self.layers(row)[-1]) for row, share in shares)

    def differences(self, index: int, at: Any) -> tuple[Any, Any]:
        """Return the one-sided differences of the cost, whose value is ``at``, by one parameter."""
        own = self.w[index]
        self.w[index] = own - H
        low = self.cost()
        self.w[index] = own + H
        high = self.cost()
        self.w[index] = own
        return (at - low) / H, (high - at) / H


def check_exact(batch: Batch, function: GradientFunction, chosen: IntArray) -> Check:
    """Compare z, a, cost and the gradient at the chosen parameters with values in 50 digits."""
    if why := not_dense(batch):
        return ABOUT.skipped(why)
    products = batch.layout.size + 20 * sum(batch.network.sizes[1:])
    # Each weight takes two values of the cost: rows give way until there is time for some weights.
    rows = max(1, min(len(batch.x), MOST_WORK // (products * (1 + 2 * min(SOME, len(chosen))))))
    weights = min(len(chosen), (MOST_WORK // (products * rows) - 1) // 2)
    if weights < 1:
        return ABOUT.skipped(
            f"the network is too large: one value of the cost takes {products:,} products for each row, and "
            f"{MOST_WORK:,} are made in all"
        )
    part = batch.part(rows)
    few = chosen[np.linspace(0, len(chosen) - 1, weights).astype(int)]
    gradient, _ = flat_gradient(part, function(part.network, part.p, part.x, part.y, part.weights))
    try:
        with one_at_a_time:
            exact = Exact(part)
            values = _values(part, exact)
            slopes, kinks = _slopes(part, exact, gradient, few)
    except (ArithmeticError, TypeError, ValueError) as error:
        # mpmath raises these for 1/0 and turns log(-1) into a complex number, where floats go on with inf and NaN.
        return ABOUT.skipped(f"a formula has no real value for these numbers ({error})")
    limits = [
        f"{some:,} of the {of:,} {what}"
        for some, of, what in ((rows, len(batch.x), "rows"), (weights, len(chosen), "weights"))
        if some < of
    ]
    notes = (f"for the time it takes, {' and '.join(limits)}",) if limits else ()
    return joined([*values, slopes]).check(ABOUT, kinks, notes)


def _values(batch: Batch, exact: Exact) -> list[Comparison]:
    """Compare every z and a of every row, and the cost, whose limits grow along the way as roundings do."""
    parts: list[Comparison] = []

    def compare(name: str, number: int, found: FloatArray, expected: list[Any], allowed: FloatArray) -> None:
        right = np.array(expected, np.float64).reshape(-1)
        address = partial(batch.at, name, number)
        parts.append(Comparison(found.reshape(-1), right, allowed.reshape(-1), address))

    rows = range(len(batch.x))
    wanted = [exact.layers(row) for row in rows]
    carried = np.zeros_like(batch.x)
    if batch.record.stage is not None:
        carried = _roundings_of_stage(batch)
        compare("a", 0, batch.record.stage.a, [exact.stage(row) for row in rows], carried)
    for number, layer in enumerate(batch.network.layers, 1):
        w = batch.unsigned(number)["W"]
        of_z = NEAR * batch.terms_of_z(number) + carried @ w * layer.scale(len(w))
        z, a, slope = *batch.record.layers[number - 1][:2], batch.gradients.layers[number - 1].slope
        if slope is not None:
            of_a = np.abs(slope) * of_z
        else:
            of_a = 2 * a * of_z.max(axis=-1, keepdims=True)
        size = np.abs(a) + np.abs(z) if layer.mix else np.abs(a)
        carried = 2 * of_a + NEAR * np.maximum(size, 1e-3)
        compare("z", number, z, [row[number - 1][0] for row in wanted], of_z)
        compare("a", number, a, [row[number - 1][1] for row in wanted], carried)
    losses = [exact.loss(row, *layers[-1]) for row, layers in enumerate(wanted)]
    cost = float(mp.fsum(s * loss for s, loss in zip(exact.shares, losses, strict=True) if s))
    near = float(np.sum(np.abs(batch.gradients.layers[-1].delta) * of_z)) + NEAR * abs(cost)
    found, right, allowed = np.array([[float(batch.gradients.cost)], [cost], [near]])
    return [*parts, Comparison(found, right, allowed, lambda _: "C")]


def _roundings_of_stage(batch: Batch) -> FloatArray:
    """Return how far rounding may move each number of a[0]: its terms', and those of the angles that it comes from."""
    features = batch.network.features
    assert features is not None
    p, x = batch.unsigned(0), np.abs(batch.x)
    record = features.forward(p, x, np)
    if record.u is not None:
        angles = 1 + features.angles(p, x, np)
        # As if every cosine were 1 off by its angle's roundings.
        sums = np.moveaxis(angles @ p["V"] + p["c"][:, None], -3, -2).reshape(len(x), -1)
        own = record.e.copy()
        own[:, features.column_map.embedded_to] = sums
        record = record._replace(a=own * p["s"] if "s" in p else own)
    return np.asarray(NEAR * record.a)


def _slopes(batch: Batch, exact: Exact, gradient: FloatArray, few: IntArray) -> tuple[Comparison, list[Kink]]:
    scale = float(np.max(batch.size_of_roundings, initial=0.0))
    at = exact.cost()
    expected, kinks = np.empty(len(few)), []
    for place, index in enumerate(few):
        left, right = exact.differences(int(index), at)
        low, high = sorted((float(left), float(right)))
        middle, g = float((left + right) / 2), float(gradient[index])
        # At a kink or jump the one-sided differences are two numbers, and the derivative may be any between.
        if high - low > 1e-12 * scale and low - NEAR * scale <= g <= high + NEAR * scale:
            if abs(g - middle) > NEAR * scale:
                kinks.append(Kink(batch.address(int(index)), "C", low, high, g))
            middle = g
        expected[place] = middle
    allowed = 1e-9 * np.abs(expected) + NEAR * scale
    return Comparison(gradient[few], expected, allowed, lambda i: batch.address(int(few[i]))), kinks
