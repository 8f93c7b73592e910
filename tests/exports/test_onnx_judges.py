"""ONNX by further judges: tract, which is no relative of ONNX Runtime's."""

import numpy as np
import pytest
from small_models import MODELS

from chainrule.exports.certificate import certify_export
from chainrule.exports.program import Program
from chainrule.exports.run.base import SaidOfRows
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.run.onnx import onnx_inputs
from chainrule.exports.targets import LANGUAGES

onnx = pytest.importorskip("onnx")
tract = pytest.importorskip("tract", reason="tract is not installed")

pytestmark = pytest.mark.slow


def for_tract(content):
    """The graph from places among levels on, and without labels: tract has no texts. And each LabelEncoder's table by its input."""
    model, tables = onnx.load_from_string(content), {}
    graph, kept = model.graph, []
    for node in graph.node:
        if node.op_type == "LabelEncoder":
            given = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
            places = dict(zip(given["keys_strings"], given["values_int64s"], strict=True))
            tables[node.input[0]] = (places, given["default_int64"])
            entry = next(one for one in graph.input if one.name == node.input[0])
            entry.type.tensor_type.elem_type = onnx.TensorProto.INT64
            node.CopyFrom(onnx.helper.make_node("Identity", node.input, node.output))
        kept.append(node)
    numbers = [one for one in graph.output if one.type.tensor_type.elem_type == onnx.TensorProto.DOUBLE]
    del graph.output[:]
    graph.output.extend(numbers)
    needed = {one.name for one in numbers}
    for node in reversed(kept):
        if set(node.output) & needed:
            needed |= set(node.input)
    left = [node for node in kept if set(node.output) & needed]
    del graph.node[:]
    graph.node.extend(left)
    used = {name for node in left for name in node.input}
    arrays = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(arrays)
    return model, tables


def run_by_tract(program, content, rows, folder):
    """What tract says of rows; labels are what the numbers decide."""
    model, tables = for_tract(content)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    made = tract.onnx().load(str(folder / "model.onnx"))
    arrays = []
    for i, cell in enumerate(program.cells):
        array = onnx_inputs(program, rows)[cell.name]
        if cell.name in tables:
            places, other = tables[cell.name]
            array = np.array([places.get(text.encode(), other) for text in array], np.int64)
        made.set_input_fact(i, f"{len(rows)},{'i64' if array.dtype == np.int64 else 'f64'}")
        arrays.append(array)
    said = [one.to_numpy() for one in made.into_model().into_runnable().run(arrays)]
    answers = said[0] if said[0].ndim > 1 else np.stack(said, axis=1)
    places = None
    if program.answers.kind != "number":
        one = np.argmax(answers, axis=1)[:, None]
        limit = program.limit
        places = (answers > limit).astype(int) if program.n_outputs == 1 or program.answers.kind == "labels" else one
        if program.n_outputs == 1 and answers.shape[1] == 2:
            places = one
    return SaidOfRows(np.asarray(answers, np.float64), places, f"tract {tract.version()}")


@pytest.mark.parametrize("int8", [False, True])
@pytest.mark.parametrize("which", MODELS)
def test_tract_says_what_the_engine_says(which, int8, tmp_path):
    from chainrule.exports.smaller import int8_program

    program = int8_program(MODELS[which]()) if int8 else Program(MODELS[which]())
    content = LANGUAGES["onnx"].content(program)
    made = certify_export(
        program, lambda rows: run_by_tract(program, content, rows, tmp_path), None, double=False, made=made_rows(program, 200)
    )
    assert made.wrong == ()
