"""The export as ONNX: one input per column under its own name, cells in double, the networks in single precision."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from chainrule.equations.graph import Graph
from chainrule.errors import SettingsError
from chainrule.exports.columns import column_data, refuse_words
from chainrule.exports.dates import parts_graph
from chainrule.exports.program import Cell, Program, network_graph, parameter_slots
from chainrule.exports.written.head import first_lines
from chainrule.exports.written.onnx_nodes import Nodes
from chainrule.model.group import Group
from chainrule.tables.files.write import free_name

OPSET, ML_OPSET, IR = 18, 2, 8
"""The versions written if no other is asked for: ONNX Runtime has known them since 1.14, of February 2023."""

OPSETS = range(15, 25)
ROWS = "rows"


def onnx() -> ModuleType:
    """Return the package onnx; raises SettingsError where it isn't installed."""
    try:
        import onnx
    except ImportError as error:
        raise SettingsError("ONNX needs the package onnx: pip install 'chainrule[onnx]'") from error
    module: ModuleType = onnx
    return module


def onnx_usage(program: Program) -> list[str]:
    """Return how rows go in and answers come out."""
    kinds = {column["kind"] for column in map(column_data, program.cells)}
    said = [
        "One input per column, under the column's name, each of shape (rows,): numbers and truth values (1, 0) as double, NaN "
        "where missing; categories as text without blanks around it, '' where missing."
    ]
    if "date" in kinds:
        said.append(
            "Dates and times are numbers, since ONNX reads no dates: seconds since 1970-01-01 00:00 by the same clock (a time of "
            "day: since midnight), NaN where missing."
        )
    names = ", ".join(repr(name) for name in onnx_outputs(program))
    return [*said, f"The outputs are {names}.", "The networks are computed in single precision."]


def onnx_outputs(program: Program) -> list[str]:
    """Return the names of the outputs: for each target the answer, and of classes P(target)."""
    taken = {cell.name for cell in program.cells}
    made: list[str] = []
    for part in program.model.target.parts:
        made.append(free_name(part.name, {*taken, *made}, " (answer)"))
        if program.answers.kind != "number":
            made.append(free_name(f"P({part.name})", {*taken, *made}, " (answer)"))
    return made


def write_onnx(program: Program, certificate: Sequence[str], *, opset: int = OPSET) -> bytes:
    """Return the model as ONNX; raises SettingsError without the package, and for a version that isn't written."""
    if opset not in OPSETS:
        raise SettingsError(f"opset {opset}: choose {OPSETS[0]} to {OPSETS[-1]}")
    refuse_words(program, "ONNX", "has no operation for that")
    package = onnx()
    helper, kinds = package.helper, package.TensorProto
    names = onnx_outputs(program)
    taken = [cell.name for cell in program.cells]
    if "" in taken:
        raise SettingsError("a column without a name can't be an input in ONNX: name it and train again")
    nodes = Nodes(helper, opset, {*taken, *names})
    inputs = [
        helper.make_tensor_value_info(
            cell.name, kinds.STRING if column_data(cell)["kind"] == "place" else kinds.DOUBLE, [ROWS]
        )
        for cell in program.cells
    ]
    outputs = _written(nodes, program, names)
    nodes.leave(names)
    constants = [_tensor(package, name, array) for name, array in nodes.constants.items()]
    graph = helper.make_graph(nodes.nodes, "chainrule", inputs, outputs, constants)
    versions = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    said = "\n".join(first_lines(program, "ONNX, written", onnx_usage(program), certificate))
    model = helper.make_model(
        graph, opset_imports=versions, ir_version=IR, producer_name="chainrule", doc_string=said
    )
    helper.set_model_props(model, {"sha256": program.sha256, "certificate": "\n".join(certificate)})
    package.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _tensor(package: ModuleType, name: str, array: Any) -> Any:
    if array.dtype == object:
        return package.helper.make_tensor(
            name, package.TensorProto.STRING, array.shape, [str(v).encode() for v in array.flat]
        )
    return package.numpy_helper.from_array(array, name)


def _written(nodes: Nodes, program: Program, names: Sequence[str]) -> list[Any]:
    """Add all nodes, and return the outputs."""
    given: dict[str, str] = {}
    for cell in program.cells:
        given |= _cell(nodes, cell)
    first = next(iter(given.values()))
    x = nodes.graph(program.cells_graph(ROWS), given, first)["x"]
    entering = nodes.node("Cast", [x], to=1)
    mean = ""
    for number, (group, share) in enumerate(zip(program.groups, program.model.shares, strict=True)):
        part = _sum_of_members(nodes, program, number, group, entering)
        part = nodes.node("Mul", [part, nodes.number(share / group.members, np.float64)])
        mean = nodes.node("Add", [mean, part]) if mean else part
    answers = nodes.graph(program.answer_graph(ROWS), {"outputs": mean}, mean)["answers"]
    return list(_outputs(nodes, program, mean, answers, names))


def _sum_of_members(nodes: Nodes, program: Program, number: int, group: Group, entering: str) -> str:
    """Add the networks of a group (from 0), and return the sum of their outputs, in double.

    One after the other they are fast, since runtimes then add biases as they multiply; all at once they are small, which is
    what whole numbers are for.
    """
    if not program.weights or group.members == 1:
        made = ""
        for k in range(group.members):
            one = _members(nodes, program, number, group, entering, slice(k, k + 1))
            made = nodes.node("Add", [made, one]) if made else one
        return made
    made = _members(nodes, program, number, group, entering, slice(None))
    return nodes.node("ReduceSum", [made, nodes.constant(np.array([0], np.int64))], keepdims=0)


def _members(nodes: Nodes, program: Program, number: int, group: Group, entering: str, which: slice) -> str:
    """Add one of a group's (from 0) networks, or all, and return the outputs (rows, n_out) or (k, rows, n_out), in double."""
    whole, flat = program.whole_numbers(number), np.asarray(group.parameters, np.float32)[which]
    outer = (len(flat),) if which == slice(None) else ()
    members = outer[0] if outer else None
    graph, output = network_graph(
        group, dtype=np.float32, rows=ROWS, whole=whole, members=members, products=not whole
    )
    own: dict[str, str] = {}
    for name, slot in parameter_slots(group).items():
        if name not in whole:
            own[name] = nodes.constant(flat[:, slot.start : slot.stop].reshape(*outer, *slot.shape))
            continue
        numbers, scales, units = whole[name]
        own[f"{name}q"] = nodes.single(numbers[which].reshape(*outer, *slot.shape))
        if scales is not None:
            own[f"{name}s"] = nodes.single(scales[which].reshape(*outer, *slot.shape[:-2], slot.shape[-1]))
        own[f"{name}t"] = nodes.constant(
            units[which].reshape([int(size) for size in graph.inputs[f"{name}t"].dims])
        )
    return nodes.node("Cast", [nodes.graph(graph, {"x": entering, **own}, entering)[output]], to=11)


def _cell(nodes: Nodes, cell: Cell) -> dict[str, str]:
    """Add what reads a column's input, and return what it gives to the graph of cells."""
    data = column_data(cell)
    match data["kind"]:
        case "place":
            known = dict.fromkeys(("", *data["missing"]), data["gap"]) | data["levels"]
            words = [word.encode() for word in known]
            places = nodes.node(
                "LabelEncoder",
                [cell.name],
                keys_strings=words,
                values_int64s=list(known.values()),
                default_int64=data["other"],
            )
            return {cell.inputs["value"]: nodes.node("Cast", [places], to=11)}
        case "date":
            graph: Graph = parts_graph(list(cell.inputs), time_only=data["time_only"], rows=ROWS)
            made = nodes.graph(graph, {"seconds": cell.name}, cell.name)
            return {name: made[part] for part, name in cell.inputs.items()}
    nan, most = nodes.number(np.nan, np.float64), nodes.number(np.finfo(np.float64).max, np.float64)
    finite = nodes.node("LessOrEqual", [nodes.node("Abs", [cell.name]), most])
    return {cell.inputs["value"]: nodes.node("Where", [finite, cell.name, nan])}


def _outputs(nodes: Nodes, program: Program, mean: str, answers: str, names: Sequence[str]) -> Any:
    """Yield the outputs: numbers, or labels and what they were decided by."""
    make, waiting = nodes.make, iter(names)
    parts = program.model.target.parts
    limit = program.limit

    def column(array: str, j: int, output: str = "") -> str:
        return nodes.node("Gather", [array, nodes.constant(np.array(j, np.int64))], output, axis=1)

    for j, part in enumerate(parts):
        if program.answers.kind == "number":
            name = column(answers, j, next(waiting))
            yield make.make_tensor_value_info(name, 11, [ROWS])
            continue
        if program.answers.kind == "labels" or program.n_outputs == 1:
            over = nodes.node("Greater", [column(mean, j), nodes.number(limit, np.float64)])
            place = nodes.node("Cast", [over], to=7)
        else:
            place = nodes.node("ArgMax", [mean], axis=1, keepdims=0, select_last_index=0)
        labels = np.array(part.labels)
        kind = {"U": 8, "b": 9, "i": 7, "f": 11}[labels.dtype.kind]
        table = nodes.constant(labels.astype(object) if kind == 8 else labels)
        yield make.make_tensor_value_info(
            nodes.node("Gather", [table, place], next(waiting), axis=0), kind, [ROWS]
        )
        name = next(waiting)
        if program.answers.kind == "labels":
            yield make.make_tensor_value_info(column(answers, j, name), 11, [ROWS])
        else:
            nodes.node("Identity", [answers], name)
            yield make.make_tensor_value_info(name, 11, [ROWS, program.n_answers])
