"""Lines of the forward pass: inputs, weighted sums, activations, softmax, dropout, losses and the cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.losses import Loss
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Sum, Writer, added
from chainrule.explain.trace.address import Address
from chainrule.formula.evaluate import Formula
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Call, Node, Number, Symbol, put
from chainrule.formula.parse import parse
from chainrule.formula.rounding import UNIT
from chainrule.tables.encoding.dates import PART_WORDS, part_named
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.encoding.scalings import ARITHMETIC
from chainrule.tables.spelling.values import truth_of


def input_neuron(writer: Writer, place: Address) -> Line:
    """Return x[i], the encoder's arithmetic on the cell."""
    assert writer.step.inputs is not None
    found = writer.step.inputs[writer.row_index(place)][place.index[0] - 1]
    cell = "no value" if found.cell is None else repr(found.cell)
    if found.formula.startswith("["):
        words = f"column {found.column!r} has {cell}: 1 if true, else 0"
        return writer.line(words, place, Symbol(found.formula), {found.formula: found.value})
    note = f"v is {_meant(found)}" if "v" in found.parameters else ""
    if found.formula == ARITHMETIC["count"].formula:
        note = (
            f"v counts {_listed(found.counted)} in the cell" if found.counted else "the cell has none of it"
        )
    own = "" if found.input == found.column else f", for {found.input}"
    words = f"column {found.column!r} has {cell}{own}"
    return writer.line(words, place, formula(found.formula).root, found.parameters, note=note)


def _meant(found: InputValue) -> str:
    """Say what v is of a cell: its number, a part of its date, a truth value as 1 or 0, or what is filled in for it."""
    if found.cell is None:
        return "filled in for the missing cell"
    label = found.input.removeprefix(f"{found.column}: ")
    if found.input != found.column and (part := part_named(label)):
        return PART_WORDS[part]
    return (
        "the number in the cell" if truth_of(found.cell) is None else "1 for true or yes, 0 for false or no"
    )


def _listed(words: Sequence[str]) -> str:
    """Return words as a list: 'data' and 'dat…'."""
    *first, last = [repr(word) for word in words]
    return f"{', '.join(first)} and {last}" if first else last


def entering(writer: Writer, layer: int, i: int, row: int | None = None) -> Address:
    """Return the address of what enters a layer from neuron i (from 1): x, a, or h where outputs were dropped."""
    if layer == 1:
        return writer.at(*(("x", None) if writer.network.features is None else ("a", 0)), i, row=row)
    dropped = writer.step.record.layers[layer - 2].mask is not None
    return writer.at("h" if dropped else "a", layer - 1, i, row=row)


def weighted_sum(writer: Writer, place: Address) -> Line:
    """Return z[l][j], the sum of the layer's terms: of W[l][i,j] h[l-1][i] over i, and b[l][j]."""
    number, (j,), row = place.number, place.index, place.row
    layer, p = writer.network.layers[number - 1], writer.arrays[number]
    total, nodes, words = Sum(Number(0.0)), [], []
    for term in layer.terms(p):
        name, count = term.name, len(p[term.name])
        if term.enters == "x":
            path = along_linear_path(writer, number, j, row)
            total = replace(total.plus(path), node=path.node)
            nodes.append(path.node)
            words.append(term.words)
        elif term.enters == "i":
            into = [entering(writer, number, i, row) for i in range(1, count + 1)]
            total = writer.products([(writer.at(name, number, i, j), h) for i, h in enumerate(into, 1)])
            nodes.append(scaled(writer, number, total.node))
            words.append(term.words)
            words += ["divided by the root of their number"] if nodes[-1] is not total.node else []
        elif term.enters:
            one = writer.symbol_of(entering(writer, number, j, row))
            nodes.append(Binary("*", writer.symbol(name, number, j), one))
            words.append(term.words)
        else:
            own = count > 1 or layer.n_out == 1
            nodes.append(writer.symbol(name, number, j if own else 1))
            words.append(f"plus the {term.noun}" if own else f"plus the layer's {term.noun}")
    return writer.line(", ".join(words), place, replace(total, node=added(nodes)))


def along_linear_path(writer: Writer, number: int, j: int, row: int | None = None) -> Sum:
    """Return what the linear path adds to z[L][j]: the sum of x[i] S[L][i,j] over the inputs i."""
    terms = [
        (writer.at("S", number, i, j), writer.at("x", None, i, row=row))
        for i in range(1, writer.network.n_inputs + 1)
    ]
    return writer.products(terms, "inputs", "rest_2")


def weight(writer: Writer, number: int, i: int, j: int) -> Address:
    """Return the address of what a layer multiplies the number from neuron i by, on its way to neuron j (from 1)."""
    term = writer.network.layers[number - 1].product
    return writer.at(term.name, number, *((i, j) if term.counts == "ij" else (j,)))


def entered(writer: Writer, number: int, i: int) -> range:
    """Return the neurons (from 1) of a layer that neuron i before enters."""
    layer = writer.network.layers[number - 1]
    return range(1, layer.n_out + 1) if layer.product.enters == "i" else range(i, i + 1)


def scaled(writer: Writer, layer: int, node: Node) -> Node:
    """Return a sum of products with a layer's weights times the layer's scale, where it has one."""
    if writer.network.layers[layer - 1].parametrization == "standard":
        return node
    return Binary("*", writer.symbol("scale", layer), node)


def scale_of(writer: Writer, place: Address) -> Line:
    """Return scale[l] = 1/sqrt(n_in)."""
    n_in = writer.network.sizes[place.number - 1]
    node = Binary("/", Number(1.0), Call("sqrt", (Number(float(n_in)),)))
    return writer.line(f"parametrization ntk: {n_in} numbers enter the layer", place, node)


def activation_of(writer: Writer, place: Address) -> Line:
    """Return a[l][j] = f(z[l][j]), mixed with z where the layer does that, or e^z over their sum for softmax."""
    layer = writer.network.layers[place.number - 1]
    record = layer.activation
    if not record.elementwise:
        return _softmax(writer, place)
    z = writer.symbol("z", place.layer, *place.index, row=place.row)
    node, words = put(record.formula.root, {"z": z}), f"activation: {spoken(record.name)}"
    if layer.mix:
        alpha = writer.symbol("alpha", place.layer, *place.index)
        node = Binary("+", z, Binary("*", alpha, Binary("-", node, z)))
        words += ", mixed with z"
    return writer.line(words, place, node, record.parameters)


def _softmax(writer: Writer, place: Address) -> Line:
    layer, (j,) = place.number, place.index
    z = writer.step.record.layers[layer - 1].z[writer.row_index(place)]
    words = "softmax: e to the z, divided by the sum over all outputs"
    top: Node | None = None
    shift = 0.0
    if float(np.max(np.abs(z))) > _TALL:
        k = int(np.argmax(z)) + 1
        top, shift = writer.symbol("z", layer, k, row=place.row), float(z[k - 1])
        words += (
            f"; the largest z, of output {k}, is taken off each, which changes nothing and can't overflow"
        )

    def power(i: int) -> Node:
        own = writer.symbol("z", layer, i, row=place.row)
        return Call("exp", (own if top is None else Binary("-", own, top),))

    total = writer.total(lambda i: power(i + 1), np.exp(z - shift), "outputs")
    return writer.line(
        words, place, replace(total, node=Binary("/", power(j), total.node), slack=len(z) * UNIT)
    )


_TALL = 700.0
"""e^709 is the largest power of e that is a float."""


def passed_on(writer: Writer, place: Address) -> Line:
    """Return h[l][j] = a[l][j] r[l][j]; without dropout it is a."""
    a = writer.symbol("a", place.layer, *place.index, row=place.row)
    if writer.step.record.layers[place.number - 1].mask is None:
        return writer.line("nothing is dropped, so the activation is passed on", place, a)
    r = writer.symbol("r", place.layer, *place.index, row=place.row)
    kept = writer.value(r.name) != 0
    p = writer.network.layers[place.number - 1].dropout
    update = writer.step.update
    if update is not None and update.regularization is not None:
        p *= update.regularization.value
    words = (
        f"dropout: kept, and divided by the share kept, 1 - p; p = {p:g}"
        if kept
        else f"dropout: dropped, p = {p:g}"
    )
    return writer.line(words, place, Binary("*", a, r))


def smoothed_target(writer: Writer, place: Address) -> Line:
    """Return y (1 - epsilon) + epsilon / classes."""
    classes = max(2, writer.network.output.n_out)
    node = formula("y*(1-epsilon) + epsilon/classes").root
    y = writer.symbol("y", None, *place.index, row=place.row)
    values = {"epsilon": writer.network.loss.smoothed, "classes": float(classes)}
    return writer.line("label smoothing", place, put(node, {"y": y}), values)


def target_symbol(writer: Writer, j: int, row: int | None) -> Symbol:
    """Return the symbol of what the loss compares output j with: y, or the smoothed one."""
    return writer.symbol("y_smooth" if writer.network.loss.smoothed else "y", None, j, row=row)


def own_parameters(record: Loss) -> dict[str, float]:
    """Return the parameters that are names in the loss's formula."""
    return {key: value for key, value in record.parameters.items() if key != "label_smoothing"}


def loss_of_row(writer: Writer, place: Address) -> Line:
    """Return the loss of a row: its formula, summed or meant over the outputs."""
    link = writer.network.loss.links.get(writer.network.output.activation.name)
    if link is not None and not link.why:
        # Rosenblatt's rule: the loss is one of the weighted sum, and no step of a gives it.
        return _loss(writer, place, in_z=True)
    line = _loss(writer, place, in_z=False)
    trusted = line.check is not None and line.check.tolerance <= 1e-6 * abs(line.result) + 1e-12
    if link is None or writer.hand is not None or trusted:
        return line
    # An output so near 0 or 1 that log(a) or log(1 - a) has lost its digits: the loss is worked out from z.
    return _loss(writer, place, in_z=True)


def _loss(writer: Writer, place: Address, *, in_z: bool) -> Line:
    network, row = writer.network, place.row
    record, last = network.loss, len(network.layers)
    index = writer.row_index(place)
    made = writer.step.record.layers[-1]
    y = record.smooth(_targets(writer, index))[0]
    link = record.links.get(network.output.activation.name)
    outputs = list(range(1, len(y) + 1))
    words = f"loss of the row: {spoken(record.name)}"
    if record.name == "categorical_cross_entropy":
        outputs = [j for j in outputs if y[j - 1] != 0] or outputs[:1]
        words += "; outputs with target 0 add nothing" if len(outputs) < len(y) else ""
    if in_z and link is not None:
        words += ", written in z, where it keeps its digits" if link.why else ", of the weighted sum"
        text, terms = link.text, link.value(made.z[index], y, np)
    else:
        text, terms = record.text, record.value(made.a[index : index + 1], _targets(writer, index), np)[0]

    def own(name: str, j: int) -> Symbol:
        return writer.symbol(name, last, j, row=row)

    def term(i: int) -> Node:
        j, name = outputs[i], "z" if in_z else "a"
        node = put(formula(text).root, {"y": target_symbol(writer, j, row), name: own(name, j)})
        return put_total(node, inner.node) if inner else node

    inner, errors = None, {}
    if in_z:
        z = made.z[index]
        top = int(np.argmax(z))
        largest = own("z", top + 1)
        inner = writer.total(
            lambda k: Call("exp", (Binary("-", own("z", k + 1), largest),)),
            np.exp(z - z[top]),
            "outputs",
            rest="rest_2",
        )
        inner.node = Binary("+", largest, Call("log", (inner.node,)))
    else:
        # Each a is itself rounded, which log(a) near 1 feels.
        errors = {own("a", j).name: 2 * UNIT * abs(made.a[index, j - 1]) for j in outputs}
    settings = {**own_parameters(record), **(inner.values if inner else {})}
    total = writer.total(term, np.asarray([terms[j - 1] for j in outputs]), "outputs", values=settings)
    if record.over_outputs == "mean" and len(y) > 1:
        total.node = Binary("/", total.node, Number(float(len(y))))
        words += f"; the mean over {len(y)} outputs"
    total.slack += len(y) * UNIT * (1 + abs(float(np.sum(terms)))) if inner else 0.0
    return writer.line(words, place, total, settings, errors=errors)


def _targets(writer: Writer, index: int) -> FloatArray:
    assert writer.step.y is not None
    return writer.step.y[index : index + 1]


def put_total(node: Node, total: Node) -> Node:
    """Return a tree with another in the place of log(sum(…))."""
    match node:
        case Call("log", (Call("sum", _),)):
            return total
        case Binary(op, left, right):
            return Binary(op, put_total(left, total), put_total(right, total))
    return node


def cost(writer: Writer, place: Address) -> Line:
    """Return C: the mean or the sum of the rows' losses, or with the rows' shares."""
    step, network = writer.step, writer.network
    rows, n = step.rows, len(step.rows)
    assert step.losses is not None
    assert step.shares is not None
    own: list[int | None] = [None] if n == 1 else [*rows]
    losses = [writer.symbol("loss", row=row) for row in own]
    if n == 1 and step.shares[0] == 1:
        return writer.line("the cost of one row is its loss", place, losses[0])
    if step.weights is not None:
        shares = [writer.symbol("share", row=row) for row in own]
        total = writer.total(lambda i: Binary("*", shares[i], losses[i]), step.losses * step.shares, "rows")
        return writer.line(f"the cost is the weighted {network.reduction} of the rows' losses", place, total)
    total = writer.total(lambda i: losses[i], step.losses, "rows")
    if network.reduction == "mean":
        total.node = Binary("/", total.node, Number(float(n)))
    return writer.line(f"the cost is the {network.reduction} of the rows' losses", place, total)


def row_share(writer: Writer, place: Address) -> Line:
    """Return a row's share in the cost: 1/n, 1, w/sum(w) or w."""
    step = writer.step
    index, n = writer.row_index(place), len(step.rows)
    mean = writer.network.reduction == "mean"
    if step.weights is None:
        node: Node = Binary("/", Number(1.0), Number(float(n))) if mean else Number(1.0)
        return writer.line("every row counts the same", place, node)
    weight = float(step.weights[index])
    if not mean or weight == 0:
        return writer.line("the row's weight", place, Symbol("weight"), {"weight": weight})
    values = {"weight": weight, "weights": float(np.sum(step.weights))}
    node = Binary("/", Symbol("weight"), Symbol("weights"))
    return writer.line("the row's weight, divided by the sum of the rows' weights", place, node, values)


def shared(writer: Writer, node: Node, row: int | None) -> Node:
    """Return a tree times the row's share in the cost, unless that is 1."""
    assert writer.step.shares is not None
    index = 0 if row is None else writer.step.rows.index(row)
    return node if writer.step.shares[index] == 1 else Binary("*", writer.symbol("share", row=row), node)


@cache
def formula(text: str) -> Formula:
    """Return a formula that is the same for all."""
    return parse(text)


FORWARD: Mapping[str, Rule] = {
    "x": input_neuron,
    "scale": scale_of,
    "z": weighted_sum,
    "a": activation_of,
    "h": passed_on,
    "y_smooth": smoothed_target,
    "loss": loss_of_row,
    "share": row_share,
    "C": cost,
}
