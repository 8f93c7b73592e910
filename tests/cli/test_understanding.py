"""``chainrule importance``, ``dependence`` and ``whatif`` as a user meets them."""

import json

import pytest

import chainrule

from .conftest import FAST, Run

MODEL = ["penguins.safetensors", "penguins.csv"]


def test_importance_says_which_rows_which_columns_and_what_the_words_mean(run: Run, penguins):
    result = run("importance", *MODEL, "--repeats", "2", "--group", "bill_length_mm, bill_depth_mm")
    assert (result.code, result.err) == (0, "")
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert lines[0] == "What penguins.safetensors needs, on 69 rows of penguins.csv, held out of the training"
    assert lines[2].split("  ")[0].strip() == "column"
    assert any(line.startswith(" bill_length_mm + bill_depth_mm ") for line in lines)
    assert "the mean of 2 shuffles, drawn with seed 0" in " ".join(lines)
    assert all(len(line) <= 100 for line in lines)
    data = json.loads(run("importance", *MODEL, "--metric", "log_loss", "--repeats", "2", "--json").out)
    model = chainrule.load("penguins.safetensors")
    found = chainrule.importance(model, "penguins.csv", metric="log_loss", repeats=2)
    assert (data["metric"], data["score"], data["model"]) == ("log_loss", found.score, "penguins.safetensors")
    assert [one["drop"] for one in data["columns"]] == found.values.tolist()


def test_dependence_is_a_table_of_means_a_picture_or_json(run: Run, penguins):
    result = run("dependence", *MODEL, "--column", "bill_length_mm")
    assert result.code == 0, result.err
    assert "mean of P(species = …), with bill_length_mm set to:" in result.out
    assert "missing" in result.out
    assert "… and 29 more places, in its JSON" in result.out
    drawn = run("dependence", *MODEL, "--column", "island", "--class", "Gentoo", "--format", "svg")
    assert drawn.out.startswith("<svg")
    assert "P(species = Gentoo) by island" in drawn.out
    both = json.loads(run("dependence", *MODEL, "--column", "island,sex", "--json").out)
    assert (both["first"]["column"], both["second"]["texts"]) == ("island", ["female", "male", "missing"])
    assert len(both["surfaces"]) == 3


def test_whatif_says_the_answer_the_way_and_what_would_turn_it(run: Run, penguins):
    result = run("whatif", *MODEL, "--row", "17", "--set", "bill_length_mm=50", "--set", "sex=")
    assert result.code == 0, result.err
    assert "With bill_length_mm 38.7 → 50; sex female → missing" in result.out
    for part in ("as it is", "What changed on the way", "inputs: x[5] bill_length_mm", "What would turn "):
        assert part in result.out
    data = json.loads(run("whatif", *MODEL, "--row", "17", "--set", "bill_length_mm=50", "--json").out)
    model = chainrule.load("penguins.safetensors")
    found = chainrule.whatif(model, "penguins.csv", 17, {"bill_length_mm": 50})
    assert data["after"]["probabilities"] == list(found.after.probabilities)


def test_a_column_whose_name_has_signs_of_the_options_in_it_is_found(run: Run, folder):
    rows = "".join(f"{7 * i % 11},{i % 3},{'u' if i % 2 else 'v'},{i * 2}\n" for i in range(40))
    (folder / "odd.csv").write_text('"a=b","c,d",e,y\n' + rows)
    assert run("train", "odd.csv", "--target", "y", "--quiet", *FAST).code == 0
    result = run("whatif", "odd.safetensors", "odd.csv", "--set", "a=b=7", "--set", "c,d=1")
    assert "With a=b 0 → 7; c,d 0 → 1" in result.out, result.err
    assert (
        "depend on c,d, over 40 rows"
        in run("dependence", "odd.safetensors", "odd.csv", "--column", "c,d").out
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["importance", *MODEL, "--repeats", "0"], "--repeats 0 must be at least 1"),
        (["importance", *MODEL, "--metric", "rmse"], "--metric rmse is no score of this model: choose accuracy"),
        (["importance", *MODEL, "--group", "bill"], "--group: 'bill' is no input of the model; the columns are"),
        (["importance", *MODEL, "--seed", "-1"], "--seed -1 must be at least 0"),
        (["dependence", *MODEL], "--column is missing: name the column, as in --column bill_length_mm"),
        (["dependence", *MODEL, "--column", "isle"], "--column: 'isle' is no input of the model; did you mean"),
        (["dependence", *MODEL, "--column", "sex", "--class", "x"], "'x' is no class of 'species': choose Adelie"),
        (["whatif", *MODEL, "--set", "sex"], "--set 'sex' must be a column and its cell, as in bill_length_mm=50"),
        (["whatif", *MODEL, "--set", "sex=male", "--set", "sex="], "--set names the column 'sex' twice"),
        (["whatif", *MODEL, "--set", "year=soon"], "--set: year: 'soon' is not a number; give a number such as 2008"),
        (["whatif", *MODEL, "--row", "345"], "penguins.csv: there is no row 345; it has rows 1 to 344"),
        (["whatif", *MODEL, "--target-value", "x"], "--target-value 'x' is no class of 'species': choose Adelie"),
        (["whatif", *MODEL, "--out", "x.svg"], "--out x.svg: the ending says no format; use .txt"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line_and_exit_code_2(run: Run, penguins, words, said):
    result = run(*words)
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert said in result.err
