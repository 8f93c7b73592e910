"""Moves about what parts of a neuron do: the bias that shifts its curve, its weights' influence, layers without activations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.activations import activation
from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation, Matrix, MatrixLine
from chainrule.explain.derive.matrices import matrix
from chainrule.explain.derive.writer import compare
from chainrule.explain.show.document import Words, Worked
from chainrule.explain.trace.address import Address
from chainrule.formula.nodes import Binary, Node, Symbol, names_in
from chainrule.lessons.fields import Field, listing, toml_number, toml_text
from chainrule.lessons.moves.base import Move, MoveResult, Scene
from chainrule.lessons.moves.pictures import CURVES, MOST_CURVES, curves_picture, read_ends
from chainrule.plots.kinds.curves import curves_chart

POINTS = 201
"""How many points a curve has."""

HEIGHT = 15
"""The lines of its picture."""


def shift(scene: Scene) -> MoveResult:
    """Draw a neuron's output over its one input for several weights and biases, and show where z = 0: at -b/w."""
    f = activation(scene["activation"])
    if not f.elementwise:
        raise SettingsError(f"{f.spec} is no function of one z: choose another activation")
    weights, biases = _as_long(scene, "w", "b"), _as_long(scene, "b", "w")
    if not all(weights):
        raise SettingsError("w: a weight of 0 makes the same of every input; choose another")
    if len(weights) > MOST_CURVES:
        raise SettingsError(f"w, b: at most {MOST_CURVES} curves are drawn")
    low, high = scene["across"]
    x = np.linspace(low, high, POINTS)
    names = [f"w = {scene.number(w)}, b = {scene.number(b)}" for w, b in zip(weights, biases, strict=True)]
    curves = {name: f(w * x + b, np) for name, w, b in zip(names, weights, biases, strict=True)}
    title = f"{f.spec}(w·x + b) over x"
    chart = curves_chart(curves, x=x.tolist(), title=title, x_label="x", y_label="output", log=False)
    how: dict[str, Any] = {"labels": ("x", "the output"), "lines": HEIGHT, "log": False, "chart": chart}
    known: dict[str, float] = {}
    rows = []
    for i, (w, b) in enumerate(zip(weights, biases, strict=True), 1):
        middle = -b / w
        found = (middle, float(f(np.float64(w * middle + b), np)), w * float(f.prime(np.float64(0.0), np)))
        known |= zip((f"middle[{i}]", f"output[{i}]", f"slope[{i}]"), found, strict=True)
        rows.append((CURVES[i - 1], *map(scene.number, (w, b, *found))))
    headers = ("curve", "w", "b", "-b/w, where z = 0", "output there", "slope there")
    return MoveResult(
        [curves_picture(x, curves, number=scene.number, **how), Grid(headers, tuple(rows), ("curve",))], known
    )


def _as_long(scene: Scene, key: str, other: str) -> tuple[float, ...]:
    """Return a list of numbers, one number as often as the other list is long."""
    own: tuple[float, ...] = scene[key]
    others: tuple[float, ...] = scene[other]
    if len(own) not in (1, len(others)) and len(others) != 1:
        raise SettingsError(f"{key} has {len(own)} numbers and {other} {len(others)}; give as many, or one")
    return own * len(others) if len(own) == 1 else own


def influence(scene: Scene) -> MoveResult:
    """Show for one row what each input gives to a neuron's weighted sum, and what it does to the output when it is more."""
    setup = scene.setup
    network = setup.network
    if len(network.layers) != 1 or network.output.n_out != 1:
        raise SettingsError(f"the influence of weights is shown of one neuron; {setup.name!r} has more")
    row = setup.rows_of(scene["rows"])[0]
    x, more = setup.x[row], scene["more"]
    before = float(setup.outputs(x[None])[0, 0])
    changed = setup.outputs(x + more * np.eye(len(x)))[:, 0]
    trace = setup.trace([int(row) + 1])
    z = np.float64(trace["z[1][1]"])
    steepness = float(network.output.activation.prime(z, np))
    known: dict[str, float] = {"output": before}
    rows = []
    for i, name in enumerate(setup.input_names, 1):
        w, value = float(trace[f"W[1][{i},1]"]), float(x[i - 1])
        found = (w * value, steepness * w, float(changed[i - 1]) - before)
        known |= zip((f"product[{i}]", f"slope[{i}]", f"change[{i}]"), found, strict=True)
        rows.append((name, *map(scene.number, (value, w, *found))))
    headers = ("input", "x", "w", "w·x", "slope f'(z)·w", f"change at x + {scene.number(more)}")
    words = (
        f"Row {row + 1}: the output is {scene.number(before)}. Its slope by an input is the same f'(z) = "
        f"{scene.number(steepness)} times that input's own weight."
    )
    return MoveResult([Words(words), Grid(headers, tuple(rows), ("input",))], known)


def collapse(scene: Scene) -> MoveResult:
    """Show that layers without an activation between them are one layer: one matrix, and every row by it."""
    setup = scene.setup
    layers = setup.network.layers
    if len(layers) < 2:
        raise SettingsError(f"network {setup.name!r} has one layer already; give it two or more")
    for number, layer in enumerate(layers[:-1], 1):
        if layer.activation.name != "identity":
            raise SettingsError(
                f"layer {number} has the activation {layer.activation.spec}, so that no single matrix does what the layers do; "
                'write activation = "identity" for every layer but the last'
            )
    arrays = setup.layout.unflatten(setup.flat)
    values = {f"W[{n}]": own["W"] for n, own in arrays.items()}
    values |= {
        f"b[{n}]": np.broadcast_to(own["b"], (1, layers[n - 1].n_out))
        for n, own in arrays.items()
        if "b" in own
    }
    product, bias = _as_one(len(layers), values)
    W = _worked(product, values)
    known = {f"one.W[{i + 1},{j + 1}]": float(value) for (i, j), value in np.ndenumerate(W)}
    whole: Node = Binary("@", Symbol("x"), Symbol("W"))
    lines = [
        MatrixLine(
            "the weights, one matrix after the other", "W", product, _shown(product, values), _matrix("W", W)
        )
    ]
    values |= {"x": setup.x, "W": W}
    if bias is not None:
        b = _worked(bias, values)
        known |= {f"one.b[{j}]": float(value) for j, value in enumerate(b[0], 1)}
        rule = "the biases, each through the layers after it"
        lines.append(MatrixLine(rule, "b", bias, _shown(bias, values), _matrix("b", b)))
        values["b"], whole = b, Binary("+", whole, Symbol("b"))
    z = _worked(whole, values)
    through = np.asarray(setup.network.forward(arrays, setup.x, np).layers[-1].z)
    worst = int(np.argmax(np.abs(z - through)))
    ours, theirs = float(z.flat[worst]), float(through.flat[worst])
    check = compare(
        ours, theirs, 1e-12 * (1 + abs(theirs)), f"the {len(layers)} layers one after the other, worst number"
    )
    known["difference"] = check.difference
    name = f"z[{len(layers)}]"
    rule = f"every row through the one layer: what the {len(layers)} layers make of it"
    lines.append(MatrixLine(rule, name, whole, _shown(whole, values), _matrix(name, z), check))
    title = f"{len(layers)} layers without an activation between them are one"
    return MoveResult([Worked(Derivation("", title, matrices=tuple(lines)), scene.digits)], known)


def _as_one(count: int, values: Mapping[str, FloatArray]) -> tuple[Node, Node | None]:
    """Return W[1] @ W[2] @ … of so many layers, and the biases, each through the layers after its own; None without any."""
    weights = [Symbol(f"W[{n}]") for n in range(1, count + 1)]
    product: Node = weights[0]
    bias: Node | None = None
    for n, weight in enumerate(weights, 1):
        product = product if n == 1 else Binary("@", product, weight)
        bias = None if bias is None else Binary("@", bias, weight)
        own = Symbol(f"b[{n}]")
        if own.name in values:
            bias = own if bias is None else Binary("+", bias, own)
    return product, bias


def _worked(node: Node, values: Mapping[str, FloatArray]) -> FloatArray:
    match node:
        case Symbol(name):
            return values[name]
        case Binary("@", left, right):
            return _worked(left, values) @ _worked(right, values)
        case Binary(_, left, right):
            return _worked(left, values) + _worked(right, values)
    raise AssertionError(node)


def _matrix(name: str, array: FloatArray) -> Matrix:
    return replace(matrix(Address("W"), array), address=name)


def _shown(node: Node, values: Mapping[str, FloatArray]) -> dict[str, Matrix]:
    return {name: _matrix(name, values[name]) for name in names_in(node)}


MEANING: dict[str, Move] = {
    "shift": Move(
        shift,
        {
            "activation": Field(toml_text, "the name of an activation, or its formula in z", "sigmoid"),
            "w": Field(listing(toml_number), "the weight of each curve, or one for all", (1.0,)),
            "b": Field(listing(toml_number), "the bias of each curve, or one for all", (0.0,)),
            "across": Field(read_ends, "the ends of the input's axis", (-6.0, 6.0)),
        },
        r"(middle|output|slope)\[\d+\]",
    ),
    "influence": Move(
        influence,
        {"more": Field(toml_number, "by how much each input is raised, one at a time", 1.0)},
        r"output|(product|slope|change)\[\d+\]",
    ),
    "collapse": Move(collapse, {}, r"one\.W\[\d+,\d+\]|one\.b\[\d+\]|difference"),
}
