"""The explanations that an export in JavaScript can carry: slopes, records, forms of formulas, and the frame that uses them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from chainrule.equations.graph import trace_forward
from chainrule.explain.attribute.outcome import scales_of
from chainrule.exports.explaining import (
    FormulaForm,
    explained_arrays,
    firsts_graph,
    formula_forms,
    needs_firsts,
    quantity_graph,
    slopes_graph,
)
from chainrule.exports.program import Program, TypicalRow, parameter_slots
from chainrule.exports.written.head import EXPLAINS_WORDS, frame
from chainrule.exports.written.javascript_functions import mean_over_members, written_function
from chainrule.exports.written.languages import JAVASCRIPT
from chainrule.exports.written.rowwise import Lies, write_rowwise
from chainrule.model.group import Group

EXPLAINED = (
    f"{EXPLAINS_WORDS} `attributions(row)` says what each column adds to a prediction (integrated gradients), "
    '`numbers(row)` what the numbers on the way are, and `formula(row, "z[1][2]")` and `formulas(row)` how they come about: in '
    "symbols, with numbers, and the result.",
)


def explanations(program: Program, typical: TypicalRow) -> Iterator[str]:
    """Yield the lines of what explains."""
    yield from _quantities(program)
    cells = program.cells_graph(scaled=False)
    given = {name: Lies("v", start) for name, start in program.starts.items()}
    written = write_rowwise(cells, JAVASCRIPT, given, {"x": Lies("x")})
    what = "The numbers of cells as the formulas of their scalings meet them."
    yield from written_function("unscaled", "v", "x", program.n_inputs, what, written)
    groups = []
    for number, group in enumerate(program.groups, 1):
        yield from _slopes(program, number, group)
        if needs_firsts(program):
            yield from _firsts(program, number, group)
        places = yield from _record(program, number, group)
        slots = {name: [slot.start, list(slot.shape)] for name, slot in parameter_slots(group).items()}
        yield f"const FORMS_{number} = {{"
        for name, forms in formula_forms(program, number - 1):
            shape = list(explained_arrays(program, number - 1)[name])
            yield f"  {_data(name)}: {_data({'shape': shape, **_in_common(forms)})},"
        yield "};"
        own = [f"{name}: {name}{number}" for name in _of_networks(program)]
        functions = ", ".join([f"members: MEMBERS_{number}", *own, f"forms: FORMS_{number}"])
        groups.append(f"  {{ {functions}, slots: {_data(slots)}, places: {_data(places)} }},")
    what = "What the mean of outputs weighed by y changes by per input."
    yield from mean_over_members(program, "meanSlopes", "slopes", ", y", what, program.n_inputs)
    every = ["outputs: meanOutputs", "slopes: meanSlopes"]
    if needs_firsts(program):
        what = "What the mean outputs leave to the first classes."
        yield from mean_over_members(program, "meanFirsts", "firsts", "", what, program.n_outputs)
        every.append("firsts: meanFirsts")
    yield "\n".join(["const GROUPS = [", *groups, "];"])
    yield f"const ALL = {{ {', '.join(every)} }};"
    parts = program.model.target.parts
    targets = [{"name": part.name, "labels": list(part.labels) or None} for part in parts]
    yield f"const TARGETS = {_data(targets)};"
    starts = [0, *accumulate(len(cell.steps.inputs) for cell in program.cells)]
    yield f"const INPUTS = {_data(starts)};"
    yield f"// {typical.words}"
    yield f"const TYPICAL = {_data(typical.inputs.tolist())};"
    yield f"const TYPICAL_CELLS = {_data([typical.cells[cell.name] for cell in program.cells])};\n"
    if program.answers.kind == "number":
        yield "const placesOf = () => [];\n"
    yield frame("explained.mjs").split("\n", 2)[2].rstrip()


def _quantities(program: Program) -> Iterator[str]:
    """Yield the functions of what attributions can be of, and the table of them."""
    names = {}
    for scale in scales_of(program.model):
        graph, names[scale] = quantity_graph(program, scale), f"{scale}Of"
        lies = {name: Lies(name) for name in graph.inputs}
        written = write_rowwise(graph, JAVASCRIPT, lies, {"quantity": Lies("found")})
        what = f"What is explained, of the scale {scale}, and its slope by each of the mean outputs."
        given = "outputs, firsts, chosen" if needs_firsts(program) else "outputs, _, chosen"
        yield from written_function(names[scale], given, "found", 1 + program.n_outputs, what, written)
    listed = ", ".join(f"{scale}: {name}" for scale, name in names.items())
    yield f"const QUANTITIES = {{ {listed} }};"


def _of_networks(program: Program) -> tuple[str, ...]:
    """Return the functions that each group has for its members, by the beginning of their names."""
    return ("network", "record", "slopes", *(["firsts"] if needs_firsts(program) else []))


def _firsts(program: Program, number: int, group: Group) -> Iterator[str]:
    slots = {name: Lies("p", slot.start) for name, slot in parameter_slots(group).items()}
    inputs = {"x": Lies("x"), **slots}
    written = write_rowwise(firsts_graph(group), JAVASCRIPT, inputs, {"firsts": Lies("firsts")})
    what = "What a network's outputs leave to the first classes."
    yield from written_function(f"firsts{number}", "x, p", "firsts", program.n_outputs, what, written)


def _slopes(program: Program, number: int, group: Group) -> Iterator[str]:
    graph = slopes_graph(group)
    slots = {name: Lies("p", slot.start) for name, slot in parameter_slots(group).items()}
    inputs = {"x": Lies("x"), "y": Lies("y"), **slots}
    written = write_rowwise(graph, JAVASCRIPT, inputs, {"slopes": Lies("slopes")})
    what = "What a network's outputs, weighed by y, change by per input."
    yield from written_function(f"slopes{number}", "x, p, y", "slopes", program.n_inputs, what, written)


def _record(program: Program, number: int, group: Group) -> Any:
    """Yield the function of a network's numbers; return where each array is among them, and its shape."""
    graph = trace_forward(group.network, rows=1)
    shapes = {
        re.sub(r"\[(\d+)\]$", r"\1", address): list(shape)
        for address, shape in explained_arrays(program, number - 1).items()
    }
    places: dict[str, list[Any]] = {}
    start = 0
    for name in sorted(graph.outputs.keys() & shapes.keys()):
        places[name] = [start, shapes[name]]
        start += math.prod(shapes[name])
    slots = {name: Lies("p", slot.start) for name, slot in parameter_slots(group).items()}
    outputs = {name: Lies("r", place) for name, (place, _) in places.items()}
    written = write_rowwise(graph, JAVASCRIPT, {"x": Lies("x"), **slots}, outputs)
    what = "All numbers between the input neurons and a network's outputs."
    yield from written_function(f"record{number}", "x, p", "r", start, what, written)
    return places


def _data(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _in_common(forms: Sequence[FormulaForm]) -> dict[str, Any]:
    """Return the forms of an array: one for all, in which # is the place, or each."""
    data: list[list[Any]] = [
        [form.formula, [_counted(terms) for terms in form.sums], dict(form.values), list(form.brackets)]
        for form in forms
    ]
    if len(data) > 1 and len(data[0][1]) == len(data[1][1]):
        one: list[Any] = [_between(data[0][0], data[1][0], "#"), [], data[0][2], data[0][3]]
        for first, second in zip(data[0][1], data[1][1], strict=True):
            one[1].append(
                [
                    a if a == b or not isinstance(a, str) else _between(a, b, "#")
                    for a, b in zip(first, second, strict=False)
                ]
            )
        if all(_put(one, j) == own for j, own in enumerate(data, 1)):
            return {"all": one}
    return {"each": data}


def _put(form: list[Any], j: int) -> list[Any]:
    sums = [
        [part.replace("#", str(j)) if isinstance(part, str) else part for part in terms] for terms in form[1]
    ]
    return [form[0].replace("#", str(j)), sums, *form[2:]]


def _counted(terms: Sequence[str]) -> list[Any]:
    """Return the terms of a sum, or how many there are and what they have in common, with % in the place of the number."""
    if len(terms) > 2:
        one = _between(terms[0], terms[1], "%")
        if all(one.replace("%", str(i)) == term for i, term in enumerate(terms, 1)):
            return [len(terms), one]
    return list(terms)


def _between(one: str, other: str, sign: str) -> str:
    """Return a text of number 1 with a sign where that of number 2 differs from it."""
    pairs = zip(re.split(r"(\d+)", one), re.split(r"(\d+)", other), strict=False)
    return "".join(sign if (a, b) == ("1", "2") else a for a, b in pairs)
