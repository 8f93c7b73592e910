"""Lines of the feature stage, layer 0: cosines, embeddings, the scaling layer, and the derivatives through them.

The formulas are those of `equations.features`; every number is taken from the trace.
"""

from __future__ import annotations

from collections.abc import Mapping

from chainrule.equations.features import PARAMETERS, Features
from chainrule.explain.derive.backward import BY_PATH, by_entered, by_linear_path
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Sum, Writer, multiplied
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.stage_numbers import span_of_index, span_of_input, span_of_output
from chainrule.formula.nodes import Binary, Call, Constant, Node, Number
from chainrule.formula.rounding import UNIT


def features_of(writer: Writer) -> Features:
    """Return the stage, which the address has made sure of."""
    assert writer.network.features is not None
    return writer.network.features


# ---- forward


def _column(writer: Writer, place: Address) -> int:
    """Return the input (from 1) whose cosine a place is about."""
    return span_of_index(features_of(writer), "number", place.index[0]).columns[0]


def angle(writer: Writer, place: Address) -> Node:
    """Return 2π f x + phi of the cosine that a place is about."""
    x = writer.symbol("x", None, _column(writer, place), row=place.row)
    wave = multiplied([Number(2.0), Constant("pi"), writer.symbol("f", 0, *place.index), x])
    return Binary("+", wave, writer.symbol("phi", 0, *place.index))


def cosine(writer: Writer, place: Address) -> Line:
    """Return u[0][i,k] = cos(2π f x + phi)."""
    words = f"cosine {place.index[1]} of x[{_column(writer, place)}]"
    return writer.line(words, place, Call("cos", (angle(writer, place),)))


def embedded(writer: Writer, place: Address) -> Line:
    """Return e[0][j]: the input itself, a number's embedding, or a category's."""
    features, (j,), row = features_of(writer), place.index, place.row
    span = span_of_output(features, j)
    q = span.outputs.index(j)
    if span.kind == "plain" or (span.kind == "number" and q == 0):
        x = writer.symbol("x", None, span.columns[q], row=row)
        return writer.line("the input as it is", place, x)
    if span.kind == "number":
        i, cosines = span.before + 1, range(1, features.waves + 1)
        total = writer.products(
            [(writer.at("u", 0, i, k, row=row), writer.at("V", 0, i, k, q)) for k in cosines], "cosines"
        )
        total.node = Binary("+", total.node, writer.symbol("c", 0, i, q))
        return writer.line("a sum of the number's cosines, plus the bias", place, total)
    levels = enumerate(span.columns, span.before + 1)
    total = writer.products(
        [(writer.at("x", None, column, row=row), writer.at("E", 0, r, q + 1)) for r, column in levels],
        "levels",
    )
    return writer.line("the learned number of the category's level", place, total)


def stage_entered(writer: Writer, place: Address) -> Line:
    """Return a[0][j] = s[0][j] e[0][j], what enters layer 1."""
    e = writer.symbol("e", 0, *place.index, row=place.row)
    if not features_of(writer).scale:
        return writer.line("there is no scaling layer, so it enters as it is", place, e)
    node = Binary("*", writer.symbol("s", 0, *place.index), e)
    return writer.line("scaling layer: times its learned factor", place, node)


# ---- backward


def slope_of_cosine(writer: Writer, place: Address) -> Line:
    """Return the derivative of a cosine by its phase, its frequency or its number."""
    sine = Binary("*", Number(-1.0), Call("sin", (angle(writer, place),)))
    by = place.name.partition("/d")[2]
    if by == "phi":
        return writer.line("derivative of the cosine by its phase", place, sine)
    inner = writer.symbol("f", 0, *place.index)
    if by == "f":
        inner = writer.symbol("x", None, _column(writer, place), row=place.row)
    node = multiplied([sine, Number(2.0), Constant("pi"), inner])
    what = "frequency" if by == "f" else "number"
    return writer.line(f"chain rule: derivative of the cosine by its {what}", place, node)


Routes = list[tuple[Address, ...]]
"""The terms of a derivative by the chain rule: the derivative by what comes next, and the factors on the way there."""


def routes(writer: Writer, place: Address, row: int | None) -> Routes:
    """Return the terms of one row's derivative by a number of the stage, or by an input before it."""
    features, index = features_of(writer), place.index
    name, first = place.name.removeprefix("dC/d"), place.index[0]

    def at(name: str, *index: int) -> Address:
        return writer.at(name, 0, *index, row=row if name not in PARAMETERS else None)

    match name:
        case "f" | "phi":
            return [(at("dC/du", *index), at(f"du/d{name}", *index))]
        case "s":
            return [(at("dC/da", first), at("e", first))]
        case "e":
            return [(at("dC/da", first), *([at("s", first)] if features.scale else []))]
        case "x":
            span = span_of_input(features, first)
            place_in = span.columns.index(first)
            if span.kind == "category":
                r = span.before + place_in + 1
                return [(at("dC/de", j), at("E", r, q)) for q, j in enumerate(span.outputs, 1)]
            copy = (at("dC/de", span.outputs[place_in]),)
            n, cosines = span.before + 1, range(features.waves if span.kind == "number" else 0)
            return [copy, *((at("dC/du", n, k + 1), at("du/dx", n, k + 1)) for k in cosines)]
        case "E":
            span = span_of_index(features, "category", first)
            x = writer.at("x", None, span.columns[first - span.before - 1], row=row)
            return [(at("dC/de", span.outputs[index[1] - 1]), x)]
    outputs = span_of_index(features, "number", first).outputs
    if name == "u":
        return [(at("dC/de", j), at("V", *index, q)) for q, j in enumerate(outputs[1:], 1)]
    return [(at("dC/de", outputs[index[-1]]), *([at("u", *index[:2])] if name == "V" else []))]


def ways_in(writer: Writer, place: Address, row: int | None) -> list[tuple[int, list[Address]]]:
    """Return for each way from a place in the stage to what enters layer 1 its output (from 1) and its factors."""
    return [
        (output, [*factors, *more])
        for onto, *factors in routes(writer, place, row)
        for output, more in ([(onto.index[0], [])] if onto.name == "dC/da" else ways_in(writer, onto, row))
    ]


def by_embedded(writer: Writer, place: Address) -> Line:
    """Return dC/de[0][j] = dC/da[0][j] s[0][j]."""
    ((outer, *scale),) = routes(writer, place, place.row)
    words = "chain rule through the scaling layer" if scale else "there is no scaling layer"
    return writer.line(words, place, writer.product((outer, *scale)))


def by_cosine(writer: Writer, place: Address) -> Line:
    """Return dC/du[0][i,k] = sum over q of dC/de V[0][i,k,q]."""
    total = writer.products(routes(writer, place, place.row), "embedded numbers")
    return writer.line("chain rule: every embedded number that the cosine is part of", place, total)


def stage_by_parameter(writer: Writer, place: Address) -> Line:
    """Return dC/d of a parameter of the stage; without a row the sum over the rows."""
    rows = writer.rows_of(place)
    terms = [term for row in rows for term in routes(writer, place, row)]
    if writer.chain:
        writer.numbers([each for term in terms for each in term])  # Each row's lines stand together.
    words = _WORDS[place.parameter] + ", summed over the rows" * (len(rows) > 1)
    return writer.line(words, place, writer.products(terms, "rows"))


_WORDS: Mapping[str, str] = {
    "f": "chain rule: derivative by the cosine, times that of the cosine by its frequency",
    "phi": "chain rule: derivative by the cosine, times that of the cosine by its phase",
    "V": "derivative by the embedded number, times the cosine",
    "c": "the bias is a weight on 1: the derivative by the embedded number",
    "E": "derivative by the embedded number, times the level's input",
    "s": "derivative by what enters layer 1, times what is scaled",
}


def stage_by_input(writer: Writer, place: Address) -> Line:
    """Return dC/dx[i] through the stage: by its copy, its cosines, or its level's numbers."""
    first, *others = terms = routes(writer, place, place.row)
    kind, slack = span_of_input(features_of(writer), place.index[0]).kind, UNIT * abs(writer.number(first[0]))
    copy = writer.symbol_of(first[0])
    if kind == "category":
        words, total = (
            "chain rule: every embedded number of the category",
            writer.products(terms, "embedded numbers"),
        )
    elif kind == "plain":
        words, total, slack = "it enters the stage as it is", Sum(copy), 0.0
    else:
        words, total = (
            "chain rule: the number itself, and every cosine of it",
            writer.products(others, "cosines"),
        )
        total.node = Binary("+", copy, total.node)
    if writer.network.output.linear_path:
        words, total = f"{words}, {BY_PATH}", total.plus(by_linear_path(writer, place))
    return writer.line(words, place, total, slack=slack)


RULES: Mapping[str, Rule] = {
    "u": cosine,
    "e": embedded,
    "a": stage_entered,
    "dC/da": by_entered,
    "dC/de": by_embedded,
    "dC/du": by_cosine,
    "dC/dx": stage_by_input,
    **{f"du/d{name}": slope_of_cosine for name in ("f", "phi", "x")},
    **{f"dC/d{name}": stage_by_parameter for name in PARAMETERS},
}
"""The rules of layer 0, and of dC/dx of a network that has one."""

LEADS: Mapping[str, frozenset[str]] = {
    "a": frozenset({"e", "u"}),
    "e": frozenset({"u"}),
    **{f"dC/d{name}": frozenset({"dC/du", "dC/de"}) for name in (*PARAMETERS, "x")},
}
"""What of layer 0 gets lines of its own on the way to a number of it."""
