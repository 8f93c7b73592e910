"""The commands export and check, as a user meets them."""

import pytest
from tests.cli.conftest import Run


@pytest.mark.slow
def test_a_model_is_exported_and_checked(run: Run, penguins: str, folder):
    made = run("export", penguins, "--out", "penguins.py", "--check", "penguins.csv")
    assert made.code == 0, made.err
    assert made.out.startswith("Checked with Python ")
    assert "on 344 rows of a table and 2,000 made rows" in made.out
    assert made.err.startswith("wrote penguins.py, ")
    again = run("export", penguins, "--to", "python")
    assert again.out.count("def predict(row):") == 1
    checked = run("check", "penguins.py", "--model", penguins)
    assert checked.code == 0, checked.err
    assert checked.out.startswith("Checked with Python ")
    text = (folder / "penguins.py").read_text()
    (folder / "penguins.py").write_text(text.replace("'NULL', ", ""))
    wrong = run("check", "penguins.py", "penguins.csv", "--model", penguins)
    assert wrong.code == 1
    assert "wrong: " in wrong.err
    assert run("export", penguins, "--out", "penguins.py").err.startswith("error: penguins.py exists")


def test_what_is_no_language_is_refused_before_anything_is_read(run: Run):
    assert run("export", "none.safetensors", "--to", "cobol", "--out", "a").err == (
        "error: --to 'cobol' is unknown: choose python, javascript, c, onnx, sql, wasm, xlsx\n"
    )
    assert run("export", "none.safetensors", "--out", "a.txt").err.startswith(
        "error: a.txt: the ending says no language: choose .py (python), "
    )
    assert run("check", "none.safetensors").err == "error: TABLE is missing; see chainrule check --help\n"
    assert run("check", "none.mjs", "penguins.csv").err == (
        "error: none.mjs is called as what chainrule export writes: add --model with the model that it is of\n"
    )
    of_none = run("check", "a.txt", "--model", "none.safetensors").err
    assert of_none.startswith("error: a.txt: the ending says no language: choose .py (python), ")
    assert "--to" not in of_none
    assert run("export", "none.safetensors", "--to", "c", "--dialect", "sqlite").err == (
        "error: --dialect sqlite is about sql, not c: leave it out\n"
    )
