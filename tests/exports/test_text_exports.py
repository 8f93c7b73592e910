"""Exports of models of text: hostile texts give the engine's numbers, and faults planted in the hash are found."""

import numpy as np
import pytest
from small_models import certificate, periodic, small_model
from test_exports import needs

from chainrule.equations.dense import Dense
from chainrule.errors import SettingsError
from chainrule.exports.export import export
from chainrule.exports.program import Program
from chainrule.exports.reference import encoded
from chainrule.exports.run.made_rows import made_rows
from chainrule.exports.targets import LANGUAGES
from chainrule.tables.encoding.steps import HashWords, parts_read


def of_text(missing: bool = True, dates: bool = False):
    """A small model of a text, with a gap or without, beside a number and perhaps a date."""
    own = "title" if missing else "full title"
    columns = ("width", own, "when") if dates else ("width", own)
    return small_model(
        "kind", Dense(4, "tanh"), Dense(4, "softmax", linear_path=True), loss="categorical_cross_entropy",
        columns=columns, features=periodic, members=2,
    )  # fmt: skip


def test_the_graph_of_cells_says_what_the_encoder_says():
    program = Program(of_text(dates=True))
    rows = made_rows(program, 150)
    read = {}
    for cell in program.cells:
        reads = cell.steps.reads
        if isinstance(reads, HashWords):
            counts = np.zeros((len(rows), len(reads.kept)))
            gap = np.zeros(len(rows))
            for row, found in enumerate(reads.column(rows.table, cell.name)):
                if found is None:
                    gap[row] = np.nan
                else:
                    counts[row, list(found[0])] = found[1]
            read |= {cell.inputs["counts"]: counts, cell.inputs["value"]: gap}
        else:
            found = parts_read(reads, rows.table, cell.name)
            read |= {name: found[part] for part, name in cell.inputs.items()}
    x = program.model.encoder.transform(rows.table)
    np.testing.assert_array_equal(encoded(program, read), x)
    assert x.any(axis=0).all()


def test_made_texts_are_hostile():
    rows = made_rows(Program(of_text()), 150)
    cells = [row["title"] for row in rows.cells]
    assert {None, "", " \t", "NA", "--- ... !!!", "日本語 エンジニア"} <= set(cells)
    assert max(len(cell or "") for cell in cells) > 500
    assert any(cell and "�" not in cell and not cell.isascii() for cell in cells)


@pytest.mark.parametrize("to", ["python", "javascript"])
def test_texts_are_certified(to):
    needs(to)
    made = certificate(of_text(), to, 200)
    assert made.wrong == ()
    assert made.largest_double < 1e-12


@pytest.mark.slow
@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("dates", [True, False])
@pytest.mark.parametrize("to", ["python", "javascript", "c", "wasm"])
def test_texts_are_certified_in_each_language(to, dates, missing):
    needs(to)
    assert certificate(of_text(missing, dates), to, 400).wrong == ()


FAULTS = {
    ("python", "another prime"): ("FNV_PRIME = 0x01000193", "FNV_PRIME = 0x01000195"),
    ("python", "case kept"): ("return lower | dict.fromkeys", "return dict.fromkeys"),
    ("python", "pieces of four"): ("'piece': 3", "'piece': 4"),
    ("javascript", "another start"): ("0x811c9dc5", "0x811c9dc4"),
    ("javascript", "signs of UTF-16"): ("new TextEncoder().encode(text)", "[...text].map((s) => s.charCodeAt(0))"),
    ("javascript", "words of letters alone"): ("words.filter((word) => word.length)", "words.slice(0, 1)"),
    ("c", "FNV-1 for FNV-1a"): (
        "((hash ^ sign->bytes[k]) * 0x01000193UL)", "((hash * 0x01000193UL) ^ sign->bytes[k])",
    ),
    ("c", "a piece too few"): ("size > model_piece ||", "size > model_piece + 1 ||"),
    ("c", "capitals kept"): ("(unsigned long)(code + one[3])", "(unsigned long)code"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("to", "fault"), FAULTS)
def test_a_fault_in_the_hash_is_found(to, fault):
    needs(to)
    model = of_text()
    right = LANGUAGES[to].content(Program(model)).decode()
    wrong = right.replace(*FAULTS[to, fault])
    assert wrong != right
    assert certificate(model, to, 300, wrong.encode()).wrong


@pytest.mark.parametrize("to", ["onnx", "sql", "xlsx"])
def test_where_no_text_can_be_taken_apart_is_said(to, tmp_path):
    with pytest.raises(
        SettingsError, match=r"the column 'title' is text, whose words are hashed, and .* for that: export to"
    ):
        export(of_text(), to, tmp_path / "m.out")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_text_is_explained_by_the_export_itself():
    needs("javascript")
    model = of_text()
    table = made_rows(Program(model), 60).table
    made = export(model, "javascript", explain=table.frame)
    assert made.certificate.passed
    assert "Explanations checked" in made.words[-1]
