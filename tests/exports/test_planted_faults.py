"""Faults planted in exports, as a printer could make them: the certificate of each says so."""

import re

import pytest
from small_models import MODELS, certificate
from test_exports import needs

from chainrule.exports.program import Program
from chainrule.exports.run.base import ExportError
from chainrule.exports.targets import IN_DIALECTS, LANGUAGES

CLASSES, NUMBER = "classes by softmax", "a number"


def swapped(text: str, one: str, other: str) -> str:
    """Two things in each other's place."""
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


FAULTS = {
    ("python", CLASSES, "a missing word dropped"): lambda text: text.replace("'NULL', ", ""),
    ("python", CLASSES, "two levels swapped"): lambda text: swapped(text, "'u': ", "'v': "),
    ("python", NUMBER, "the clamp left out"): lambda text: re.sub(
        r"answers\[0\] = minimum\((.*), [\d.]+\)", r"answers[0] = \1", text
    ),
    ("python", NUMBER, "one parameter too far"): lambda text: text.replace(
        "product(x, p, 0", "product(x, p, 1"
    ),
    ("javascript", CLASSES, "blanks kept"): lambda text: text.replace(
        "while (start < end && column.blanks", "while (false && column.blanks"
    ),
    ("javascript", CLASSES, "a leap year too few"): lambda text: text.replace(" || year % 400 === 0", ""),
    ("javascript", NUMBER, "a scaling that multiplies"): lambda text: text.replace(") / ", ") * ", 1),
    ("c", CLASSES, "two inputs swapped"): lambda text: swapped(text, "row->width ", "row->x_y_z_drop "),
    ("c", CLASSES, "a member in another's place"): lambda text: text.replace(
        "members_1[k]", "members_1[k ? k : 1]"
    ),
    ("c", NUMBER, "the weights of the groups forgotten"): lambda text: re.sub(
        r"outputs\[j\] \+= 0\.\d+", "outputs[j] += 0.25", text
    ),
    ("sql", CLASSES, "missing taken for another level"): lambda text: re.sub(
        r" THEN (\d+) ELSE CASE", lambda m: f" THEN {int(m[1]) + 1} ELSE CASE", text
    ),
    ("sql", NUMBER, "another digit of the minute"): lambda text: text.replace(
        "substr(v5, 15, 2)", "substr(v5, 16, 2)"
    ),
    ("duckdb", CLASSES, "another label wins"): lambda text: re.sub(
        r"WHEN (c\d+) >= (c\d+)", r"WHEN \1 <= \2", text, count=1
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize(("to", "which", "fault"), FAULTS)
def test_a_planted_fault_is_found(to, which, fault):
    needs(to)
    model = MODELS[which]()
    right = (LANGUAGES | IN_DIALECTS)[to].content(Program(model)).decode()
    wrong = FAULTS[to, which, fault](right)
    assert wrong != right
    assert certificate(model, to, 300, right.encode()).passed
    assert certificate(model, to, 300, wrong.encode()).wrong


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["inputs", "level", "weights"])
def test_a_fault_planted_in_onnx_is_found(fault):
    onnx = pytest.importorskip("onnx")
    model = MODELS[CLASSES]()
    right = LANGUAGES["onnx"].content(Program(model))
    made = onnx.load_from_string(right)
    if fault == "inputs":
        node = next(node for node in made.graph.node if node.op_type == "Concat")
        node.input[0], node.input[1] = node.input[1], node.input[0]
    elif fault == "level":
        node = next(node for node in made.graph.node if node.op_type == "LabelEncoder")
        next(a for a in node.attribute if a.name == "default_int64").i -= 1
    else:
        weights = next(tensor for tensor in made.graph.initializer if list(tensor.dims) == [6, 4])
        array = onnx.numpy_helper.to_array(weights).copy()
        array[:, [0, 1]] = array[:, [1, 0]]
        weights.CopyFrom(onnx.numpy_helper.from_array(array, weights.name))
    assert certificate(model, "onnx", 300, made.SerializeToString()).wrong


def test_a_program_that_does_not_run_is_an_error():
    with pytest.raises(ExportError, match="the export doesn't run by"):
        certificate(MODELS[NUMBER](), "python", 20, b"predict = 1 +")
