"""What ``predict`` writes: no column hides another, and with --safe-csv no cell is a formula."""

import csv
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.cli import main
from chainrule.cli.commands.predict import _beside
from chainrule.errors import OutputError
from chainrule.model.model import Model, Prediction
from chainrule.tables.files.write import FORMULA_SIGNS, table_bytes, without_formulas

from .conftest import FAST, Run

NAMES = st.sampled_from(
    [
        "yes",
        "no",
        "P(yes)",
        "P(no)",
        "y",
        "P(P(yes))",
        "P(y)",
        "yes) (probability",
        "P(yes) (probability)",
        "y (predicted)",
    ]
)


@given(
    target=NAMES,
    labels=st.lists(NAMES, min_size=2, max_size=4, unique=True),
    inputs=st.lists(NAMES, max_size=4, unique=True),
)
def test_no_column_hides_another(target, labels, inputs):
    """Whatever target and classes are called, all are there, the target under its name and in the first place."""
    labels = sorted(labels)
    p = np.array([[0.25 + k / 8, 0.5 - k / 8] for k in range(len(labels))]).T
    prediction = Prediction(np.array(labels[:2]), np.arange(2), p, np.ones(2, np.bool_))
    named = SimpleNamespace(name=target, labels=tuple(labels))
    model = SimpleNamespace(target=named, predict=lambda source: prediction)
    frame = Model.prediction_frame(model, "t.csv")
    assert frame.columns[0] == target
    assert frame[target].to_list() == labels[:2]
    assert frame.width == 1 + len(labels)
    for k, name in enumerate(frame.columns[1:]):
        assert name.removesuffix(" (probability)").startswith(f"P({labels[k]}"[:4])
        assert frame[name].to_list() == p[:, k].tolist()
        assert name == f"P({labels[k]})" or f"P({labels[k]})" == target
    if not inputs:
        return
    given_columns = pl.DataFrame({name: [name, name] for name in inputs})
    both = _beside(given_columns, frame)
    assert both.columns[: len(inputs)] == inputs
    assert len(set(both.columns)) == both.width == len(inputs) + frame.width
    assert both[:, len(inputs) :].rows() == frame.rows()


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".ndjson"])
def test_a_target_called_like_a_probability(run: Run, folder: Path, ending):
    rows = "\n".join(f"{i},{'maybe' if i % 3 else 'sure'}" for i in range(40))
    (folder / "t.csv").write_text(f"x,P(sure)\n{rows}\n")
    assert run("train", "t.csv", "--target", "P(sure)", *FAST, "--quiet").code == 0
    assert run("predict", "t.safetensors", "t.csv", "--out", f"p{ending}", "--with-inputs").code == 0
    read = {".csv": pl.read_csv, ".parquet": pl.read_parquet, ".ndjson": pl.read_ndjson}[ending]
    frame = read(folder / f"p{ending}")
    assert frame.columns == ["x", "P(sure)", "P(sure) (predicted)", "P(maybe)", "P(sure) (probability)"]
    assert set(frame["P(sure) (predicted)"]) <= {"maybe", "sure"}
    assert (frame["P(maybe)"] + frame["P(sure) (probability)"] - 1).abs().max() < 1e-9


def is_formula(cell: str) -> bool:
    """Tell whether a spreadsheet may read a cell as more than a text or a number, here of the digits 1 and 5."""
    return cell.startswith(FORMULA_SIGNS) and re.fullmatch("[+-][15]+([.,][15]+)?", cell) is None


TEXTS = st.text(st.sampled_from([*FORMULA_SIGNS, "1", "a", " ", "'", "(", ",", '"', "é"]), max_size=6)


@given(cells=st.lists(TEXTS, min_size=1, max_size=8), name=TEXTS)
def test_no_text_is_a_formula(cells, name):
    frame = pl.DataFrame({name: cells, "number": [-1.5] * len(cells), "'" + name: cells})
    safe = without_formulas(frame)
    assert safe["number"].to_list() == [-1.5] * len(cells)
    assert safe.width == 3
    for before, after in zip(cells, safe[:, 0], strict=True):
        assert not is_formula(after)
        assert after == (f"'{before}" if is_formula(before) else before)
    assert not any(map(is_formula, safe.columns))
    for suffix, sign in ((".csv", ","), (".tsv", "\t")):
        read = list(
            csv.reader(
                io.StringIO(table_bytes(frame, suffix, safe=True).decode(), newline=""), delimiter=sign
            )
        )
        # A cell of a row by itself that is empty is no cell to Python's reader.
        assert not any(is_formula(cell) for row in read for cell in row)


def test_a_number_among_texts_is_a_number():
    numbers = ["-1", "+2", "-1.5", "-1,5", "+1e-9", "-0", "7"]
    formulas = [
        "-1-1",
        "-1 kg",
        "+",
        "-.",
        "-1e",
        "-1.5.2",
        "-１",
        "－1",
        "-1\n=2",
        "--1",
        "\ufeff=1",
        "\0=1",
        "=1",
    ]
    frame = pl.DataFrame({"-2": numbers + formulas, "\ufeff-2": 1})
    safe = without_formulas(frame)
    assert safe["-2"].to_list() == numbers + [f"'{cell}" for cell in formulas]
    assert safe.columns == ["-2", "'\ufeff-2"]


def test_safe_csv_on_the_command_line(run: Run, folder: Path):
    rows = "\n".join(f"{-i},{'=cmd|x' if i % 3 else '@sum'},-{i} kg" for i in range(1, 40))
    (folder / "t.csv").write_text(f"x,y,+note\n{rows}\n")
    assert run("train", "t.csv", "--target", "y", "--drop", "+note", *FAST, "--quiet").code == 0
    raw = run("predict", "t.safetensors", "t.csv", "--with-inputs").out
    assert "=cmd|x" in raw.split("\n")[1]
    safe = run("predict", "t.safetensors", "t.csv", "--with-inputs", "--safe-csv").out
    header, first = next(rows := csv.reader(io.StringIO(safe))), next(rows)
    assert header[:4] == ["x", "y", "'+note", "y (predicted)"]
    assert header[4:] == ["P(=cmd|x)", "P(@sum)"]
    assert first[:4] == ["-1", "'=cmd|x", "'-1 kg", first[3]]
    assert first[3][0] == "'"
    assert run("predict", "t.safetensors", "t.csv", "--with-inputs", "--safe-csv", "--out", "p.tsv").code == 0
    assert (folder / "p.tsv").read_text().replace("\t", ",") == safe
    for name in ("p.parquet", "p.ndjson"):
        refused = run("predict", "t.safetensors", "t.csv", "--safe-csv", "--out", name)
        assert (refused.code, refused.out) == (2, "")
        assert "--safe-csv is about .csv, .tsv, .tab" in refused.err
    with pytest.raises(OutputError, match="safe_csv"):
        table_bytes(pl.DataFrame({"a": ["=1"]}), ".parquet", safe=True)


def test_numbers_stay_numbers(run: Run, folder: Path):
    assert main(["train", "penguins.csv", "--target", "body_mass_g", *FAST, "--quiet"]) == 0
    plain = run("predict", "penguins.safetensors", "penguins.csv")
    assert run("predict", "penguins.safetensors", "penguins.csv", "--safe-csv").out == plain.out
