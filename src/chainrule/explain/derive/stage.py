"""Lines of the feature stage, layer 0: cosines, embeddings, the scaling layer, and the derivatives through them.

The formulas are those of `equations.features`; every number is taken from the trace.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.features import PARAMETERS, Features
from chainrule.explain.derive.backward import by_entered
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import Rule, Writer, multiplied
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.stage_numbers import (
    column_of_number,
    level_of,
    of_input,
    output_of,
    output_of_input,
    outputs_of_number,
    stage_array,
)
from chainrule.formula.nodes import Binary, Call, Constant, Node, Number
from chainrule.formula.rounding import UNIT


def features_of(writer: Writer) -> Features:
    """Return the stage, which the address has made sure of."""
    assert writer.network.features is not None
    return writer.network.features


# ---- forward


def angle(writer: Writer, i: int, k: int, row: int | None) -> Node:
    """Return 2π f x + phi of cosine k of number i."""
    x = writer.symbol("x", None, column_of_number(features_of(writer), i), row=row)
    wave = multiplied([Number(2.0), Constant("pi"), writer.symbol("f", 0, i, k), x])
    return Binary("+", wave, writer.symbol("phi", 0, i, k))


def cosine(writer: Writer, place: Address) -> Line:
    """Return u[0][i,k] = cos(2π f x + phi)."""
    i, k = place.index
    words = f"cosine {k} of x[{column_of_number(features_of(writer), i)}]"
    return writer.line(words, place, Call("cos", (angle(writer, i, k, place.row),)))


def embedded(writer: Writer, place: Address) -> Line:
    """Return e[0][j]: the input itself, a number's embedding, or a category's."""
    features, (j,) = features_of(writer), place.index
    made = output_of(features, j)
    if made.kind == "plain" or (made.kind == "number" and made.place == 0):
        x = writer.symbol("x", None, made.column + 1 + made.place, row=place.row)
        return writer.line("the input as it is", place, x)
    index, p = writer.row_index(place), writer.arrays[0]
    if made.kind == "number":
        i, q = made.number + 1, made.place
        total = writer.products(
            lambda k: writer.at("u", 0, i, k + 1, row=place.row),
            lambda k: writer.at("V", 0, i, k + 1, q),
            _cosines(writer)[index, i - 1],
            p["V"][i - 1, :, q - 1],
            "cosines",
        )
        node: Node = Binary("+", total.node, writer.symbol("c", 0, i, q))
        words = "a sum of the number's cosines, plus the bias"
    else:
        q = made.place + 1
        total = writer.products(
            lambda r: writer.at("x", None, made.column + r + 1, row=place.row),
            lambda r: writer.at("E", 0, made.number + r + 1, q),
            writer.step.record.x[index, made.column : made.column + made.size],
            p["E"][made.number : made.number + made.size, q - 1],
            "levels",
        )
        node, words = total.node, "the learned number of the category's level"
    return writer.line(words, place, node, total.values, slack=total.slack, note=total.note)


def _cosines(writer: Writer) -> FloatArray:
    found = stage_array(features_of(writer), writer.step, writer.arrays[0], "u")
    return np.asarray(found)


def entered(writer: Writer, place: Address) -> Line:
    """Return a[0][j] = s[0][j] e[0][j], what enters layer 1."""
    e = writer.symbol("e", 0, *place.index, row=place.row)
    if not features_of(writer).scale:
        return writer.line("there is no scaling layer, so it enters as it is", place, e)
    node = Binary("*", writer.symbol("s", 0, *place.index), e)
    return writer.line("scaling layer: times its learned factor", place, node)


# ---- backward


def by_embedded(writer: Writer, place: Address) -> Line:
    """Return dC/de[0][j] = dC/da[0][j] s[0][j]."""
    outer = writer.symbol("dC/da", 0, *place.index, row=place.row)
    if not features_of(writer).scale:
        return writer.line("there is no scaling layer", place, outer)
    node = Binary("*", outer, writer.symbol("s", 0, *place.index))
    return writer.line("chain rule through the scaling layer", place, node)


def by_cosine(writer: Writer, place: Address) -> Line:
    """Return dC/du[0][i,k] = sum over q of dC/de V[0][i,k,q]."""
    i, k = place.index
    outputs = outputs_of_number(features_of(writer), i)[1:]
    back = writer.step.gradients and writer.step.gradients.stage
    assert back is not None
    total = writer.products(
        lambda q: writer.at("dC/de", 0, outputs[q], row=place.row),
        lambda q: writer.at("V", 0, i, k, q + 1),
        back.de[writer.row_index(place), outputs[0] - 1 : outputs[-1]],
        writer.arrays[0]["V"][i - 1, k - 1],
        "embedded numbers",
    )
    words = "chain rule: every embedded number that the cosine is part of"
    return writer.line(words, place, total.node, total.values, slack=total.slack, note=total.note)


def slope_of_cosine(writer: Writer, place: Address) -> Line:
    """Return the derivative of a cosine by its phase, its frequency or its number."""
    i, k = place.index
    features = features_of(writer)
    sine: Node = Binary("*", Number(-1.0), Call("sin", (angle(writer, i, k, place.row),)))
    by = place.name.partition("/d")[2]
    if by == "phi":
        return writer.line("derivative of the cosine by its phase", place, sine)
    x = writer.symbol("x", None, column_of_number(features, i), row=place.row)
    inner = x if by == "f" else writer.symbol("f", 0, i, k)
    node = multiplied([sine, Number(2.0), Constant("pi"), inner])
    what = "frequency" if by == "f" else "number"
    return writer.line(f"chain rule: derivative of the cosine by its {what}", place, node)


def by_parameter(writer: Writer, place: Address) -> Line:
    """Return dC/d of a parameter of the stage; without a row the sum over the rows."""
    features, name = features_of(writer), place.parameter
    rows: list[int | None] = list(writer.step.rows)
    if place.row is not None or len(rows) == 1:
        rows = [place.row]
    factors = [_factors(writer, features, name, place.index, row) for row in rows]
    terms = np.array([float(np.prod([writer.trace[each] for each in row])) for row in factors])
    if writer.chain and writer.most_lines is None:
        terms = np.array([float(np.prod([writer.value(str(each)) for each in row])) for row in factors])
    total = writer.total(lambda r: multiplied([writer.symbol_of(each) for each in factors[r]]), terms, "rows")
    words = _WORDS[name] + (", summed over the rows" if len(rows) > 1 else "")
    return writer.line(words, place, total.node, total.values, slack=total.slack, note=total.note)


_WORDS: Mapping[str, str] = {
    "f": "chain rule: derivative by the cosine, times that of the cosine by its frequency",
    "phi": "chain rule: derivative by the cosine, times that of the cosine by its phase",
    "V": "derivative by the embedded number, times the cosine",
    "c": "the bias is a weight on 1: the derivative by the embedded number",
    "E": "derivative by the embedded number, times the level's input",
    "s": "derivative by what enters layer 1, times what is scaled",
}


def _factors(
    writer: Writer, features: Features, name: str, index: tuple[int, ...], row: int | None
) -> list[Address]:
    """Return the two factors of one row's derivative by a parameter, or the one of a bias."""
    if name in ("f", "phi"):
        return [writer.at("dC/du", 0, *index, row=row), writer.at(f"du/d{name}", 0, *index, row=row)]
    if name == "s":
        return [writer.at("dC/da", 0, *index, row=row), writer.at("e", 0, *index, row=row)]
    if name == "E":
        column, outputs = level_of(features, index[0])
        to = writer.at("dC/de", 0, outputs[index[1] - 1], row=row)
        return [to, writer.at("x", None, column, row=row)]
    to = writer.at("dC/de", 0, outputs_of_number(features, index[0])[index[-1]], row=row)
    return [to] if name == "c" else [to, writer.at("u", 0, *index[:2], row=row)]


def by_input(writer: Writer, place: Address) -> Line:
    """Return dC/dx[i] through the stage: by its copy, its cosines, or its level's numbers."""
    features, (i,) = features_of(writer), place.index
    found = of_input(features, i)
    back = writer.step.gradients and writer.step.gradients.stage
    assert back is not None
    index, row = writer.row_index(place), place.row
    if found.kind == "category":
        _, outputs = level_of(features, found.number + found.place + 1)
        total = writer.products(
            lambda q: writer.at("dC/de", 0, outputs[q], row=row),
            lambda q: writer.at("E", 0, found.number + found.place + 1, q + 1),
            back.de[index, outputs[0] - 1 : outputs[-1]],
            writer.arrays[0]["E"][found.number + found.place],
            "embedded numbers",
        )
        words = "chain rule: every embedded number of the category"
        return writer.line(words, place, total.node, total.values, slack=total.slack, note=total.note)
    copy = writer.symbol("dC/de", 0, output_of_input(features, i), row=row)
    if found.kind == "plain":
        return writer.line("it enters the stage as it is", place, copy)
    n = found.number + 1
    slopes = stage_array(features, writer.step, writer.arrays[0], "du/dx")
    assert slopes is not None
    assert back.du is not None
    total = writer.products(
        lambda k: writer.at("dC/du", 0, n, k + 1, row=row),
        lambda k: writer.at("du/dx", 0, n, k + 1, row=row),
        back.du[found.number, index],
        slopes[index, found.number],
        "cosines",
    )
    words = "chain rule: the number itself, and every cosine of it"
    node = Binary("+", copy, total.node)
    slack = total.slack + UNIT * abs(writer.trace[copy.name])
    return writer.line(words, place, node, total.values, slack=slack, note=total.note)


# ---- paths


def ways_in(writer: Writer, place: Address, row: int | None) -> list[tuple[int, list[Address]]]:
    """Return for each way from a place in the stage to what enters layer 1 its output (from 1) and its factors."""
    features, index = features_of(writer), place.index

    def on(j: int, *factors: Address) -> tuple[int, list[Address]]:
        scale = [writer.at("s", 0, j)] if features.scale else []
        return j, [*factors, *scale]

    if place.name == "dC/dx":
        found = of_input(features, index[0])
        if found.kind == "category":
            r = found.number + found.place + 1
            outputs = level_of(features, r)[1]
            return [on(j, writer.at("E", 0, r, q)) for q, j in enumerate(outputs, 1)]
        ways = [on(output_of_input(features, index[0]))]
        if found.kind == "number":
            n = found.number + 1
            ways += [
                on(j, writer.at("du/dx", 0, n, k, row=row), writer.at("V", 0, n, k, q))
                for k in range(1, features.waves + 1)
                for q, j in enumerate(outputs_of_number(features, n)[1:], 1)
            ]
        return ways
    match place.parameter:
        case "f" | "phi" as name:
            first = writer.at(f"du/d{name}", 0, *index, row=row)
            outputs = outputs_of_number(features, index[0])[1:]
            return [on(j, first, writer.at("V", 0, *index, q)) for q, j in enumerate(outputs, 1)]
        case "V":
            j = outputs_of_number(features, index[0])[index[2]]
            return [on(j, writer.at("u", 0, *index[:2], row=row))]
        case "c":
            return [on(outputs_of_number(features, index[0])[index[1]])]
        case "E":
            column, outputs = level_of(features, index[0])
            return [on(outputs[index[1] - 1], writer.at("x", None, column, row=row))]
    return [(index[0], [writer.at("e", 0, *index, row=row)])]


RULES: Mapping[str, Rule] = {
    "u": cosine,
    "e": embedded,
    "a": entered,
    "dC/da": by_entered,
    "dC/de": by_embedded,
    "dC/du": by_cosine,
    "dC/dx": by_input,
    **{f"du/d{name}": slope_of_cosine for name in ("f", "phi", "x")},
    **{f"dC/d{name}": by_parameter for name in PARAMETERS},
}
"""The rules of layer 0, and of dC/dx of a network that has one."""

LEADS: Mapping[str, frozenset[str]] = {
    "a": frozenset({"e", "u"}),
    "e": frozenset({"u"}),
    **{f"dC/d{name}": frozenset({"dC/du", "dC/de"}) for name in (*PARAMETERS, "x")},
}
"""What of layer 0 gets lines of its own on the way to a number of it."""
