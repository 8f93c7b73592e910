"""Lines of the backward pass: the slope f', delta layer by layer, and the derivative by any weight, bias or input."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule.equations.dense import Parameter
from chainrule.equations.network import Gradients
from chainrule.explain.derive.forward import (
    entered,
    entering,
    formula,
    own_parameters,
    scaled,
    shared,
    target_symbol,
    weight,
)
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Sum, Writer, multiplied
from chainrule.explain.trace.address import TERMS, Address
from chainrule.explain.trace.records import StepTrace
from chainrule.formula.names import spoken
from chainrule.formula.nodes import Binary, Node, Number, Symbol, put
from chainrule.formula.rounding import UNIT


def gradients_of(step: StepTrace) -> Gradients:
    """Return the gradients of a step whose targets are known, which the address has made sure of."""
    assert step.gradients is not None
    return step.gradients


def slope(writer: Writer, place: Address) -> Line:
    """Return f'(z[l][j]), written in the output a where that keeps its digits."""
    layer = place.number
    record, mixes = writer.network.layers[layer - 1].activation, writer.network.layers[layer - 1].mix
    if record.slope_in_a and not mixes:
        a = writer.symbol("a", layer, *place.index, row=place.row)
        node = put(formula(record.slope_in_a).root, {"a": a})
        words = f"slope of {spoken(record.name)}, written in its output"
        line = writer.line(words, place, node, slack=4 * UNIT)
        exact = writer.number(place)
        if writer.hand is not None or abs(line.result - exact) <= 1e-9 * abs(exact):
            return line
    z = writer.symbol("z", layer, *place.index, row=place.row)
    node, words = put(record.slope.root, {"z": z}), f"slope of {spoken(record.name)}"
    if mixes:
        alpha = writer.symbol("alpha", layer, *place.index)
        node = Binary("+", Number(1.0), Binary("*", alpha, Binary("-", node, Number(1.0))))
        words += ", mixed with the slope of z, which is 1"
    return writer.line(words, place, node, record.parameters)


def by_output(writer: Writer, place: Address) -> Line:
    """Return dC/da: of the output layer the loss's derivative times the row's share, else dC/dh times the mask."""
    layer = place.number
    if layer < len(writer.network.layers):
        dh = writer.symbol("dC/dh", layer, *place.index, row=place.row)
        if writer.step.record.layers[layer - 1].mask is None:
            return writer.line("nothing is dropped, so it is the derivative by what is passed on", place, dh)
        r = writer.symbol("r", layer, *place.index, row=place.row)
        return writer.line("chain rule through dropout", place, Binary("*", dh, r))
    record = writer.network.loss
    node = put(record.slope.root, _output_symbols(writer, place))
    node, words = _meant(writer, node, f"derivative of the loss {spoken(record.name)} by the output")
    return writer.line(words, place, shared(writer, node, place.row), own_parameters(record))


def _output_symbols(writer: Writer, place: Address) -> dict[str, Node]:
    (j,) = place.index
    return {
        "a": writer.symbol("a", len(writer.network.layers), j, row=place.row),
        "y": target_symbol(writer, j, place.row),
    }


def _meant(writer: Writer, node: Node, words: str) -> tuple[Node, str]:
    """Return the tree divided by the number of outputs, where the loss is their mean."""
    n_out = writer.network.output.n_out
    if writer.network.loss.over_outputs == "mean" and n_out > 1:
        return Binary("/", node, Number(float(n_out))), f"{words}; the loss is the mean over {n_out} outputs"
    return node, words


def by_passed_on(writer: Writer, place: Address) -> Line:
    """Return dC/dh[l][j] = sum over k of W[l+1][j,k] delta[l+1][k]; of the output layer it is dC/da."""
    layer, (j,) = place.number, place.index
    if layer == len(writer.network.layers):
        a = writer.symbol("dC/da", layer, j, row=place.row)
        return writer.line("the output is passed on as it is", place, a)
    return _through(writer, place, layer + 1, j)


def by_entered(writer: Writer, place: Address) -> Line:
    """Return dC/dx[i], or dC/da[0][i] of what enters layer 1 from a feature stage: likewise of W[1] and delta[1]."""
    if place.name == "dC/dx" and writer.network.output.linear_path:
        total = _back(writer, 1, place.index[0], place.row).plus(by_linear_path(writer, place))
        return writer.line(f"chain rule: every neuron of layer 1 that it enters, {BY_PATH}", place, total)
    return _through(writer, place, 1, place.index[0])


BY_PATH = "and every output that it reaches by the linear path"


def by_linear_path(writer: Writer, place: Address) -> Sum:
    """Return the part of dC/dx[i] that comes back through the linear path: sum over k of S[L][i,k] delta[L][k]."""
    (i,), last, row = place.index, len(writer.network.layers), place.row
    outputs = range(1, writer.network.output.n_out + 1)
    terms = [(writer.at("S", last, i, k), writer.at("delta", last, k, row=row)) for k in outputs]
    return writer.products(terms, "outputs", "rest_2")


def _through(writer: Writer, place: Address, layer: int, i: int) -> Line:
    words = f"chain rule: every neuron of layer {layer} that it enters"
    return writer.line(words, place, _back(writer, layer, i, place.row))


def _back(writer: Writer, layer: int, i: int, row: int | None) -> Sum:
    """Return sum over k of W[layer][i,k] delta[layer][k]."""
    onto = entered(writer, layer, i)
    found = writer.products(
        [(weight(writer, layer, i, k), writer.at("delta", layer, k, row=row)) for k in onto], "neurons"
    )
    found.node = scaled(writer, layer, found.node)
    return found


def delta(writer: Writer, place: Address) -> Line:
    """Return delta[l][j] = dC/dz[l][j]: of the output layer from the loss, else from the next layer's deltas."""
    layer, (j,) = place.number, place.index
    if layer == len(writer.network.layers):
        return output_delta(writer, place)
    total = _back(writer, layer + 1, j, place.row)
    factors: list[Symbol] = []
    words = "chain rule: back from the next layer's weighted sums"
    if writer.step.record.layers[layer - 1].mask is not None:
        factors.append(writer.symbol("r", layer, j, row=place.row))
        words += ", through dropout"
    factors.append(writer.symbol("f'", layer, j, row=place.row))
    total.slack *= float(np.prod([abs(writer.exactly(factor)) for factor in factors]))
    total.node = multiplied([total.node, *factors])
    return writer.line(f"{words}, times the slope", place, total)


def output_delta(writer: Writer, place: Address) -> Line:
    """Return delta of an output: a - y where loss and activation go together, else dC/da times the slope."""
    network, (j,) = writer.network, place.index
    last = len(network.layers)
    output = network.output.activation
    link = network.loss.links.get(output.name)
    if link is not None:
        node = put(link.delta_formula.root, _output_symbols(writer, place))
        both = f"{spoken(network.loss.name)} and {spoken(output.name)} together: their derivatives cancel to {link.delta}"
        node, words = _meant(writer, node, both)
        return writer.line(words, place, shared(writer, node, place.row))
    outer = writer.symbol("dC/da", last, j, row=place.row)
    if output.elementwise:
        node = Binary("*", outer, writer.symbol("f'", last, j, row=place.row))
        return writer.line("chain rule: derivative by the output, times the slope", place, node)
    names, outputs = ("dC/da", "a"), range(1, network.output.n_out + 1)
    total = writer.products(
        [[writer.at(name, last, k, row=place.row) for name in names] for k in outputs], "outputs"
    )
    a = writer.symbol("a", last, j, row=place.row)
    total.node = Binary("*", a, Binary("-", outer, total.node))
    total.slack *= abs(writer.exactly(a))
    words = "softmax: every output depends on every z, da_k/dz_j = a_k (1 if k = j, else 0) - a_k a_j"
    return writer.line(words, place, total)


def by_parameter(writer: Writer, place: Address) -> Line:
    """Return dC/d of a parameter, such as dC/dW[l][i,j] = delta[l][j] h[l-1][i]; without a row the sum over the rows."""
    layer = writer.network.layers[place.number - 1]
    term = layer.term(place.parameter)
    return _by_factor(writer, place, term) if term.enters else _by_added(writer, place, term)


def _by_factor(writer: Writer, place: Address, term: Parameter) -> Line:
    """Return the derivative by what multiplies something that enters: delta of the neuron, times that."""
    layer, (i, j) = place.number, (place.index[0], place.index[-1])
    rows, by_input = writer.rows_of(place), term.enters == "x"

    def entered_by(row: int | None) -> Address:
        return writer.at("x", None, i, row=row) if by_input else entering(writer, layer, i, row)

    factors = [(writer.at("delta", layer, j, row=row), entered_by(row)) for row in rows]
    if len(rows) == 1:
        node = writer.product(factors[0])
        node = node if by_input else scaled(writer, layer, node)
        return writer.line(f"delta of the neuron, times {term.by}", place, node)
    total = writer.products(factors, "rows")
    total.node = total.node if by_input else scaled(writer, layer, total.node)
    return writer.line(f"delta of the neuron times {term.by}, summed over the rows", place, total)


def _by_added(writer: Writer, place: Address, term: Parameter) -> Line:
    """Return the derivative by what is added: delta, summed over the neurons where the layer shares one number."""
    layer, size = place.number, writer.network.sizes[place.number]
    shares = writer.arrays[layer][term.name].shape != (size,)
    rows, neurons = writer.rows_of(place), range(1, size + 1) if shares else place.index
    what = "neurons" if len(rows) == 1 else "rows" if not shares else "rows and neurons"
    total = writer.products([[writer.at("delta", layer, k, row=row)] for row in rows for k in neurons], what)
    words = f"{term.by}: delta of the neuron"
    if len(rows) * len(neurons) > 1:
        words += f", summed over the {what}"
    return writer.line(words, place, total)


def by_mix(writer: Writer, place: Address) -> Line:
    """Return dC/dalpha[l][j] = dC/da[l][j] (f(z[l][j]) - z[l][j]), summed over the rows."""
    layer, (j,) = place.number, place.index
    dense, rows = writer.network.layers[layer - 1], writer.rows_of(place)
    z, da = ([writer.at(name, layer, j, row=row) for row in rows] for name in ("z", "dC/da"))

    def term(r: int) -> Node:
        own = writer.symbol_of(z[r])
        part = Binary("-", put(dense.activation.formula.root, {"z": own}), own)
        return Binary("*", writer.symbol_of(da[r]), part)

    mixed = dense.mixed_part(writer.numbers(z), np)
    own = dense.activation.parameters
    total = writer.total(term, writer.numbers(da) * mixed, "rows", values=own)
    words = "the mix is a weight on f(z) - z: the derivative by the activation, times that"
    return writer.line(words + ", summed over the rows" * (len(rows) > 1), place, total, own)


BACKWARD: Mapping[str, Rule] = {
    "f'": slope,
    "dC/da": by_output,
    "dC/dh": by_passed_on,
    "dC/dx": by_entered,
    "delta": delta,
    **{f"dC/d{name}": by_parameter for name in TERMS},
    "dC/dalpha": by_mix,
}
