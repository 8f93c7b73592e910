"""Workbooks: what their cells' formulas give, by an evaluator that is no relative of ours, is what the engine says."""

import io
import re
import zipfile
from dataclasses import replace

import pytest
from small_models import MODELS, certificate, small_model

from chainrule.equations.dense import Dense
from chainrule.errors import SettingsError
from chainrule.exports.export import check_export, export
from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun
from chainrule.exports.targets import LANGUAGES
from chainrule.exports.written.xlsx import CellFormula, Sheets, texts_of

pytest.importorskip("xlsxwriter", reason="XlsxWriter is not installed")

XLSX = LANGUAGES["xlsx"]


def tiny(columns=("width",), target="size", **how):
    return small_model(
        target,
        Dense(2, "tanh"),
        Dense(1),
        loss="mean_squared_error",
        columns=columns,
        **{"scaling": "minmax", **how},
    )


def changed(content: bytes, change) -> bytes:
    """A workbook with other text in its sheets."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for one in old.infolist():
            data = old.read(one)
            new.writestr(one, change(data.decode()).encode() if "worksheets" in one.filename else data)
    return out.getvalue()


def test_each_number_is_a_cell_with_its_formula_in_symbols():
    sheets = Sheets(Program(tiny())).written(())
    assert list(sheets) == ["Read me", "Row", "Words", "Inputs", "Network 1", "Answer"]
    assert sheets["Row"][1] == [("column", "cell"), ("width", None)]
    network = {line[0]: line[1:] for line in sheets["Network 1"][1]}
    assert network["W[2][2,1]"][0] == "as training left it"
    assert network["z[1][2]"][0] == "W[1][1,2]*x[1] + W[1][2,2]*x[2] + b[1][2]"
    assert re.fullmatch(r"=\('Inputs'!\$C\$\d+ \* \$C\$\d+ \+ .*\)\+\$C\$\d+", network["z[1][2]"][1])
    assert re.fullmatch(r"=TANH\(\$C\$\d+\)", network["a[1][2]"][1])
    inputs = {line[0]: line[1:] for line in sheets["Inputs"][1]}
    assert inputs["width as read"][1] == "=IF(ISNUMBER('Row'!$B$2),'Row'!$B$2,\"\")"
    assert inputs["x[1]"][0].startswith("(v - low)/(high - low)   with low = ")
    assert any(line[0] == "size" and line[2].startswith("=") for line in sheets["Answer"][1])


def test_a_workbook_is_the_same_bytes_again():
    assert XLSX.content(Program(tiny())) == XLSX.content(Program(tiny()))


def test_a_network_too_large_to_be_looked_at_is_refused():
    large = small_model("price", Dense(80, "relu"), Dense(80, "relu"), Dense(1), loss="mean_squared_error")
    with pytest.raises(
        SettingsError,
        match=r"a workbook of [\d,]+ parameters is none to look at, at most 5,000: train a small",
    ):
        XLSX.content(Program(large))
    wide = small_model("price", Dense(900, "relu"), Dense(1), loss="mean_squared_error", columns=("width",))
    with pytest.raises(
        SettingsError, match=r"a cell's formula would have .* characters, at most 8,000: train a narrower"
    ):
        XLSX.content(Program(wide))
    with pytest.raises(SettingsError, match="precision='int8': xlsx writes every weight out"):
        export(tiny(), "xlsx", precision="int8")


def test_a_name_that_looks_like_a_formula_stays_a_text():
    model = small_model("sold", Dense(1, "sigmoid"), loss="binary_cross_entropy", columns=("island", "width"))
    column = model.encoder.columns[0]
    encoder = replace(model.encoder, columns=(replace(column, name="=1+1"), *model.encoder.columns[1:]))
    content = XLSX.content(Program(replace(model, encoder=encoder)))
    assert b"=1+1" in texts_of(content)
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        row = packed.read("xl/worksheets/sheet2.xml")
    assert b"<f>" not in row
    assert isinstance(Sheets(Program(model)).written(())["Answer"][1][1][2], CellFormula)


def test_what_is_no_workbook_has_no_texts():
    assert texts_of(b"PK\x03\x04 no") == b""
    empty = io.BytesIO()
    with zipfile.ZipFile(empty, "w"):
        pass
    assert texts_of(empty.getvalue()) == b""
    assert b"SHA-256" in texts_of(XLSX.content(Program(tiny())))


@pytest.mark.slow
@pytest.mark.parametrize("which", ["one number in", "dates in", "two classes of one output"])
def test_kinds_of_models_in_cells(which):
    pytest.importorskip("formulas", reason="formulas is not installed")
    made = certificate(MODELS[which](), "xlsx", 20)
    assert made.wrong == ()
    assert made.largest_double < 1e-9


@pytest.mark.slow
def test_a_workbook_is_checked_written_and_checked_again(tmp_path):
    pytest.importorskip("formulas", reason="formulas is not installed")
    model = tiny()
    made = export(model, path=tmp_path / "m.xlsx")
    assert made.certificate.passed
    assert "Checked with formulas" in made.words[0]
    assert check_export(tmp_path / "m.xlsx", model).passed


FAULTS = {
    "a weight of the other sign": lambda text: re.sub(r'(<c r="C2"><v>)(-?)', lambda m: m[1] + ("" if m[2] else "-"), text),
    "another function": lambda text: text.replace("TANH(", "SIN("),
    "a missing cell taken for 0": lambda text: text.replace("!$B$2,&quot;&quot;)", "!$B$2,0)").replace('!$B$2,"")', "!$B$2,0)"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_cells_is_found(fault):
    pytest.importorskip("formulas", reason="formulas is not installed")
    model = tiny()
    right = XLSX.content(Program(model))
    wrong = changed(right, FAULTS[fault])
    assert wrong != changed(right, str)
    assert certificate(model, "xlsx", 20, wrong).wrong


def test_without_an_evaluator_the_file_says_so(tmp_path, monkeypatch):
    def none(*_):
        raise CantRun("the package formulas is not installed")

    monkeypatch.setattr("chainrule.exports.targets.run_xlsx", none)
    monkeypatch.setitem(LANGUAGES, "xlsx", replace(XLSX, run=none))
    made = export(tiny(), path=tmp_path / "m.xlsx")
    assert made.certificate is None
    assert b"Not checked where it was written" in texts_of(made.content)
