"""What an export needs to explain itself: the row that attributions start from, graphs of slopes, and formulas as text.

Nothing of an explanation is written a second time: slopes are `Network.backward` run on symbols, and a formula is the line
that `explain` derives, with the sums in it taken apart (`FormulaForm`), so that a program can fill in its own numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.graph import Graph, Traced
from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.explain.attribute.gradients import baseline_row
from chainrule.explain.attribute.outcome import Scale, scales_of, share_of_class
from chainrule.explain.derive.derivation import rules_of
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Sum, Writer
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.sources import trace_rows
from chainrule.explain.trace.trace import Trace
from chainrule.exports.program import Program, TypicalRow, parameter_slots
from chainrule.exports.run.made_rows import made_rows
from chainrule.formula.differentiate import derivative
from chainrule.formula.nodes import Node, Symbol
from chainrule.formula.parse import parse
from chainrule.formula.text import text
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.tables.table import Table


def typical_row(model: Model, table: Table) -> TypicalRow:
    """Return the row that `integrated_gradients` starts from on a table."""
    return TypicalRow(*baseline_row(model, table, "typical"))


# Attributions


def slopes_graph(group: Group, rows: int | str = 1) -> Graph:
    """Return the graph of ``slopes``, what a member's outputs, weighed by ``y``, change by per input: (rows, d).

    Its inputs are x, y (rows, n_out) and the parameters, as `network_graph` calls them.
    """
    network, graph = group.network, Graph()
    x = graph.input("x", (rows, network.n_inputs))
    y = graph.input("y", (rows, network.output.n_out))
    p = _parameters(graph, group)
    projection = Loss("projection", "a*y", over_outputs="sum")
    # Its gradient by the inputs is that of the outputs in direction y.
    of_outputs = Network([network.n_inputs, *network.layers], projection, "sum", network.features)
    gradients = of_outputs.backward(p, of_outputs.forward(p, x, graph), y, graph)
    graph.output("slopes", gradients.x)
    return graph


def firsts_graph(group: Group) -> Graph:
    """Return the graph of ``firsts``, what a member's sigmoids leave to the first classes, without cancellation: (1, n_out)."""
    network, graph = group.network, Graph()
    record = network.forward(_parameters(graph, group), graph.input("x", (1, network.n_inputs)), graph)
    graph.output("firsts", network.output.activation(-record.layers[-1].z, graph))
    return graph


def _parameters(graph: Graph, group: Group) -> dict[int, dict[str, Traced]]:
    """Return a member's parameters as inputs of a graph, by layer."""
    p: dict[int, dict[str, Traced]] = {number: {} for number in group.network.shapes()}
    for name, slot in parameter_slots(group).items():
        p[slot.layer][slot.name] = graph.input(name, slot.shape)
    return p


def needs_firsts(program: Program) -> bool:
    """Whether a logit needs the share of the first class by itself: where an output speaks for the second of two."""
    own = program.answers.kind == "labels" or program.n_outputs == 1
    return "logit" in scales_of(program.model) and own


def quantity_graph(program: Program, scale: Scale) -> Graph:
    """Return the graph of Q, what is explained, and of its slope by each of the mean ``outputs``: ``quantity`` (1, 1 + n_out).

    ``chosen`` (1, n_out) is 1 at the target or class, and 0 elsewhere; of one output that speaks for the second class
    −1 is the first. ``firsts`` (1, n_out) are the shares of the first classes, of which `needs_firsts` tells.
    """
    graph, model = Graph(), program.model
    m, chosen = (graph.input(name, (1, program.n_outputs)) for name in ("outputs", "chosen"))
    if scale == "logit":
        q, slope = _logit(graph, m, chosen, graph.input("firsts", m.dims) if needs_firsts(program) else None)
    elif scale == "units":
        made, slopes = [], []
        for j, target in enumerate(model.target.parts):
            own, one = m[..., j : j + 1], chosen[..., j : j + 1]
            undo = parse(target.inverse_formula)
            values = {"y": own, **target.inverse_parameters}
            made.append(undo.evaluate_like(values, own, graph) * one)
            slopes.append(derivative(undo, "y").evaluate_like(values, own, graph) * one)
        slope = graph.concat(slopes, axis=-1)
        q = graph.sum(graph.concat(made, axis=-1), axis=1, keepdims=True)
    elif scale == "probability" and program.answers.kind == "class" and program.n_outputs > 1:
        q, slope = share_of_class(m, chosen, graph)
    else:
        q, slope = graph.sum(m * chosen, axis=1, keepdims=True), chosen
        if scale == "probability":
            first = graph.where(chosen < 0, graph.traced(1.0), graph.traced(0.0))
            q = q + graph.sum(first, axis=1, keepdims=True)
    graph.output("quantity", graph.concat([graph.whole(q), graph.whole(slope)], axis=-1))
    return graph


def _logit(graph: Graph, m: Traced, chosen: Traced, firsts: Traced | None) -> tuple[Any, Any]:
    """Return ln(p/(1-p)) of a class's share p, and its slope by the mean outputs m, as `Outcome` has them."""
    one = graph.traced(1.0)
    if firsts is None:
        own = graph.sum(m * chosen, axis=1, keepdims=True)
        others = graph.sum(m * (one - chosen), axis=1, keepdims=True)
        return graph.log(own) - graph.log(others), chosen / own - (one - chosen) / others
    odds = graph.log(m) - graph.log(firsts)
    # Where an output isn't the chosen one its share may be 0, and 0 times infinity is no number.
    is_own = chosen != graph.traced(0.0)
    none = graph.traced(0.0)
    q = graph.sum(graph.where(is_own, odds * chosen, none), axis=1, keepdims=True)
    return q, graph.where(is_own, (one / m + one / firsts) * chosen, none)


# Formulas


class FormulaForm(NamedTuple):
    """A formula as text, in which ``Σ_1`` … are sums: their terms as text, in order; ``values`` are names that are no addresses.

    ``brackets`` tells for each sum whether it stands in brackets where it has more than one term.
    """

    formula: str
    sums: tuple[tuple[str, ...], ...]
    values: Mapping[str, float]
    brackets: tuple[bool, ...]


@dataclass(eq=False, repr=False)
class _Former(Writer):
    """Writes lines in which sums stand as symbols, and works nothing out."""

    sums: list[tuple[str, ...]] = field(default_factory=list)

    def total(
        self,
        term: Callable[[int], Node],
        terms: FloatArray,
        what: str = "terms",
        rest: str = "rest",
        values: Mapping[str, float] | None = None,
    ) -> Sum:
        self.sums.append(tuple(text(term(i)) for i in range(len(terms))))
        return Sum(Symbol(f"Σ_{len(self.sums)}"))

    def line(
        self,
        rule: str,
        address: Address | None,
        node: Node | Sum,
        values: Mapping[str, float] | None = None,
        **_: Any,
    ) -> Line:
        return Line(rule, str(address), node.node if isinstance(node, Sum) else node, values or {}, 0.0)


def formula_forms(program: Program, number: int) -> Iterator[tuple[str, list[FormulaForm]]]:
    """Yield the forms of each array of numbers of a group's (from 0) members, by its address such as ``z[1]``.

    Of an array of several axes they are those of its numbers in order. Those of the answer are yielded too, by group.
    """
    trace = _trace_of(program, number)
    step, network = trace.steps[0], trace.network
    rule_of = rules_of(step)
    for address, shape in explained_arrays(program, number).items():
        made = []
        for at in np.ndindex(*shape):
            place = Address.parse(_of_array(address, at))
            rule = rule_of(place)
            assert rule is not None
            writer = _Former(trace, place, rule_of)
            line = rule(writer, place)
            made.append(_form(line, writer.sums, network))
        yield address, made


def explained_arrays(program: Program, number: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each array of numbers that is explained of a group's (from 0) members, by its address, in order."""
    network = program.groups[number].network
    shapes: dict[str, tuple[int, ...]] = {"x": (network.n_inputs,)}
    if (features := network.features) is not None:
        if "f" in features.shapes():
            shapes["u[0]"] = features.shapes()["f"]
        shapes |= {"e[0]": (features.n_outputs,), "a[0]": (features.n_outputs,)}
    for layer, own in enumerate(network.layers, 1):
        shapes |= {f"z[{layer}]": (own.n_out,), f"a[{layer}]": (own.n_out,)}
    shapes["mean_a"] = (program.n_outputs,)
    parts = program.model.target.parts
    if len(parts) > 1:
        return shapes | {"answer": (len(parts),)}
    if program.answers.kind == "number":
        return shapes | {"prediction": ()}
    return shapes | ({"probability": (parts[0].n_classes,)} if program.model.gives_probabilities else {})


def _of_array(address: str, at: Sequence[int]) -> str:
    return f"{address}[{','.join(str(i + 1) for i in at)}]" if at else address


def _trace_of(program: Program, number: int) -> Trace:
    """Return the trace of a row of missing cells by the first of a group's members, without large weighted sums."""
    model = program.model
    first = 1 + sum(group.members for group in program.groups[:number])
    trace = trace_rows(model, made_rows(program, 1).table, 1, first)
    (step,) = trace.steps
    # Softmax of large sums is written otherwise; here the form without a shift is wanted.
    layers = tuple(layer._replace(z=np.zeros_like(layer.z)) for layer in step.record.layers)
    step = replace(step, record=step.record._replace(layers=layers))
    # No member's own, so that outputs in the mean are named by members.
    return Trace(trace.network, (step,), 0, trace.target, trace.source)


def _form(line: Line, sums: list[tuple[str, ...]], network: Network) -> FormulaForm:
    formula = line.text
    values = {name: float(value) for name, value in line.values.items() if name != "v"}
    for layer, own in enumerate(network.layers, 1):
        if own.parametrization != "standard" and f"scale[{layer}]" in formula:
            values[f"scale[{layer}]"] = float(own.scale(network.sizes[layer - 1]))
    brackets = tuple(
        bool(re.search(rf"[*/^-] ?Σ_{k}\b|\bΣ_{k}[*/^]", formula)) for k in range(1, len(sums) + 1)
    )
    return FormulaForm(formula, tuple(sums), values, brackets)
