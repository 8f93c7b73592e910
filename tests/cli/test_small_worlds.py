"""The worked examples of the articles, trained by `chainrule train` itself: their digits come out."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Run

from chainrule.model.model import Model

ONE = ["--members", "1", "--engine", "reference", "--loss", "half_squared_error", "--optimizer", "sgd"]
SETTINGS = "".join(f"{v},{v},{v},{v}\n" for v in range(100, 0, -10))
ARTICLE_1 = [
    "--target", "Target", "--hidden", "4", "--activation", "sigmoid,sigmoid", "--bias", "none", "--init",
    "constant(value=0.1)", "--scaling", "minmax", "--learning-rate", "1", "--batch-size", "1", "--no-shuffle",
    "--no-early-stopping", *ONE,
]  # fmt: skip


@pytest.fixture
def table(folder: Path) -> Path:
    (folder / "article-1.csv").write_text("A,B,C,Target\n" + SETTINGS)
    return folder


def test_article_1_goes_through_its_rows_one_by_one(run: Run, table: Path) -> None:
    train = ["train", "article-1.csv", *ARTICLE_1, "--test-share", "0", "--epochs", "1", "--quiet"]
    assert run(*train).code == 0
    asked = ["explain", "article-1.safetensors", "article-1.csv", "--digits", "10", "--step"]
    first = run(*asked, "1", "--address", "dC/dW[2][1,1]").out
    assert "a[1][1]       0.5744425168" in first
    assert "= -0.06275977484" in first
    assert "= -0.002670789" in run(*asked, "1", "--address", "dC/dW[1][1,1]").out
    assert "W[2][1,1] = 0.1627597748" in run(*asked, "2", "--address", "W[2][1,1]").out
    # The second row of the table is the second step's: its settings are 90, scaled 80/90.
    assert "= 0.8888888889" in run(*asked, "2", "--address", "x[1]").out


def test_article_1_holds_out_a_fifth_of_its_rows(run: Run, table: Path) -> None:
    done = run("train", "article-1.csv", *ARTICLE_1, "--seed", "1", "--epochs", "20", "--json")
    found = json.loads(done.out)
    assert found["rows"] == {"training": 8, "validation": 0, "test": 2}
    assert "rmse" in found["scores"]


def test_one_row_is_trained_on_and_said_to_be_one(run: Run, folder: Path) -> None:
    (folder / "one.csv").write_text("i1,i2,o1\n.05,.10,.01\n")
    (folder / "w.csv").write_text('address,value\n"W[1][1,1]",.15\nb[1],.35\nb[2],.6\n')
    words = ["--hidden", "2", "--activation", "sigmoid,sigmoid", "--bias", "layer", "--weights-from", "w.csv"]
    words += ONE
    done = run("train", "one.csv", "--target", "o1", *words, "--epochs", "3")
    assert done.code == 0, done.err
    assert "one.csv has 1 row and 3 columns" in done.out
    assert "note: the table has one row: nothing is held out" in done.out
    assert "3 parameters set by hand" in done.out
    assert "Score on the 1 row it was trained on" in " ".join(done.out.split())
    model = Model.load(folder / "one.safetensors")
    assert model.target.scaling == "none"
    assert model.card["rows"] == {"training": 1, "validation": 0, "test": 0}
    assert run("predict", "one.safetensors", "one.csv").code == 0
    assert run("check", "one.safetensors", "one.csv").code == 0
