"""The good way: what each command prints and writes."""

import csv
import io
import json
import math
import os
import sys
from pathlib import Path

import polars as pl
import pytest

import chainrule
from chainrule.model.model import Model

from .conftest import FAST, Result, Run

TARGET = ["--target", "species"]


def ok(result: Result) -> str:
    assert result.code == 0, result.err
    return result.out


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines()]


# ---- train


def test_train_says_what_it_found_what_it_does_and_what_came_out(run: Run, folder: Path):
    table = (folder / "penguins.csv").read_text().splitlines()
    table[0] += ",id,remark"
    table[1:] = [f"{line},{i},same" for i, line in enumerate(table[1:])]
    table[5] = "NA" + table[5][table[5].index(",") :]  # a row without target
    (folder / "penguins.csv").write_text("\n".join(table) + "\n")
    said = ok(run("train", "penguins.csv", *TARGET, *FAST))
    printed = lines(said)
    assert printed[0] == "penguins.csv has 344 rows and 10 columns"
    for line in (
        " species             category   target         1   Adelie 151, Gentoo 124, Chinstrap 68",
        " bill_length_mm      number     input          2   32.1 to 59.6, median 44.45",
        " sex                 category   input         11   male 168, female 165",
        "left out:  remark  every cell is 'same'",
        "task      classification: the target names 3 classes",
        "network   17-3-3, relu, softmax; loss categorical_cross_entropy",
        "Score on 69 rows it never saw",
        "wrote penguins.safetensors; next:",
        "  chainrule evaluate penguins.safetensors NEW.csv",
        "  chainrule predict penguins.safetensors NEW.csv --out predictions.csv",
        "  chainrule explain penguins.safetensors penguins.csv --row 1",
        "  chainrule describe penguins.safetensors",
        "  chainrule lesson article-5",
    ):
        assert line in printed
    assert "network   majority class   logistic regression\n" in said.replace(" \n", "\n")
    assert "left out:  id" in said
    assert "rows      233 for training, 41 for validation, 69 held out for the score" in printed
    assert said.count("1 row has no target") == 1
    for name in ("accuracy", "balanced accuracy", "log-loss", "AUC", "true \\ predicted"):
        assert sum(line.startswith(f" {name} ") for line in printed) == 1
    assert (folder / "penguins.safetensors").exists()


def test_the_confusion_matrix_counts_the_rows_held_out(run: Run):
    result = json.loads(ok(run("train", "penguins.csv", *TARGET, *FAST, "--json")))
    confusion = result["confusion"]
    assert result["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert sum(map(sum, confusion)) == result["rows"]["test"] == 69
    right = sum(confusion[i][i] for i in range(3))
    assert result["scores"]["accuracy"] == pytest.approx(right / 69)
    recall = [confusion[i][i] / sum(confusion[i]) for i in range(3)]
    assert result["scores"]["balanced_accuracy"] == pytest.approx(sum(recall) / 3)
    # Adelie is the majority: 30 of the 69 rows held out, 20 % of its 152.
    assert result["baselines"]["majority class"]["accuracy"] == pytest.approx(30 / 69)


def test_json_is_all_that_is_printed(run: Run, folder: Path):
    result = run("train", "penguins.csv", *TARGET, *FAST, "--json", "--out", "m.safetensors")
    assert result.code == 0
    made = json.loads(result.out)
    assert made["model"] == "m.safetensors"
    assert made["task"] == "classification"
    assert made["held_out"] is True
    assert made["training"]["epochs_run"] == 2
    assert made["training"]["seed"] == 0
    assert {column["name"]: column["role"] for column in made["columns"]}["species"] == "target"
    assert set(made["baselines"]) == {"majority class", "logistic regression"}


def test_quiet_prints_nothing_on_standard_output(run: Run):
    assert ok(run("train", "penguins.csv", *TARGET, *FAST, "--quiet")) == ""


def test_regression_has_an_error_summary_in_the_units_of_the_target(run: Run):
    words = [
        "--target",
        "body_mass_g",
        "--engine",
        "reference",
        "--members",
        "1",
        "--hidden",
        "8",
        "--seed",
        "3",
    ]
    said = lines(ok(run("train", "penguins.csv", *words, "--epochs", "40")))
    for name in ("RMSE", "mean absolute error", "median absolute error", "R²"):
        assert sum(line.startswith(f" {name} ") for line in said) == 1
    assert "errors are in the units of body_mass_g; R² is 1 if perfect, 0 if as good as the mean" in said
    header = next(line for line in said if "linear regression" in line and "   mean" in line)
    assert header.split("   ")[-2:] == [" mean", "linear regression"] or "mean   linear regression" in header
    rmse = next(line for line in said if line.startswith(" RMSE")).split()[1:]
    network, mean = (float(cell.replace(",", "")) for cell in rmse[:2])
    # The masses spread by some 800 g; a network that learned anything halves that.
    assert 200 < network < 500 < mean < 1000


def test_the_history_has_a_line_for_every_epoch(run: Run, folder: Path):
    ok(run("train", "penguins.csv", *TARGET, *FAST, "--history", "h.csv", "--quiet"))
    curves = list(csv.DictReader(io.StringIO((folder / "h.csv").read_text())))
    assert [row["epoch"] for row in curves] == ["1", "2"]
    assert all(
        0 < float(row["training_loss"]) < 10 and 0 < float(row["validation_loss"]) < 10 for row in curves
    )
    assert all(float(row["learning_rate"]) == 0.001 for row in curves)
    assert float(curves[0]["seconds"]) < float(curves[1]["seconds"])


def test_the_history_of_a_training_without_validation_leaves_it_empty(run: Run, folder: Path):
    ok(run("train", "penguins.csv", *TARGET, *FAST, "--no-early-stopping", "--history", "h.csv", "--quiet"))
    curves = (folder / "h.csv").read_text()
    assert {row["validation_loss"] for row in csv.DictReader(io.StringIO(curves))} == {""}


def test_overwrite_replaces_model_and_history(run: Run, folder: Path, penguins: str):
    before = (folder / penguins).read_bytes()
    (folder / "h.csv").write_text("old")
    ok(
        run(
            "train",
            "penguins.csv",
            *TARGET,
            *FAST,
            "--seed",
            "1",
            "--overwrite",
            "--history",
            "h.csv",
            "--quiet",
        )
    )
    assert (folder / penguins).read_bytes() != before
    assert (folder / "h.csv").read_text().startswith("epoch,")


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("data/a.b.csv.gz", "a.safetensors"),
        ("-", "model.safetensors"),
        ("my table.csv", "my table.safetensors"),
    ],
)
def test_the_model_is_named_after_the_table(table, model, run, folder, monkeypatch):
    import gzip

    content = (folder / "penguins.csv").read_bytes()
    (folder / "data").mkdir()
    (folder / "data/a.b.csv.gz").write_bytes(gzip.compress(content))
    (folder / "my table.csv").write_bytes(content)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    said = ok(run("train", table, *TARGET, *FAST))
    assert (folder / model).exists()
    quoted = f"'{model}'" if " " in model else model
    assert f"  chainrule describe {quoted}" in lines(said)


def test_a_test_file_takes_the_place_of_held_out_rows(run: Run, folder: Path):
    all_rows = (folder / "penguins.csv").read_text().splitlines()
    test_rows = [*all_rows[1::5], "", ",Biscoe,,,,,,2007"]
    (folder / "test.csv").write_text("\n".join([all_rows[0], *test_rows]) + "\n")
    result = json.loads(ok(run("train", "penguins.csv", *TARGET, *FAST, "--test-file", "test.csv", "--json")))
    assert result["rows"]["test"] == len(all_rows[1::5])
    assert result["rows"]["training"] + result["rows"]["validation"] == 344
    assert "test.csv: 1 blank line skipped, the first at line 71" in result["notes"]
    assert "test.csv: 1 row has no target, and can't be scored on" in result["notes"]


def test_without_held_out_rows_the_score_says_that_it_flatters(run: Run):
    said = ok(run("train", "penguins.csv", *TARGET, *FAST, "--test-share", "0"))
    assert "Score on the 344 rows it was trained on: it flatters, as none were held out" in said
    assert "majority class" not in said


def test_inputs_and_dropped_columns(run: Run, folder: Path):
    names = ["bill_length_mm", "bill_depth_mm"]
    ok(run("train", "penguins.csv", *TARGET, *FAST, "--inputs", ",".join(names), "--quiet"))
    assert [c.name for c in Model.load("penguins.safetensors").encoder.columns] == names
    ok(
        run(
            "train",
            "penguins.csv",
            *TARGET,
            *FAST,
            "--drop",
            "year",
            "--drop",
            "sex,island",
            "--quiet",
            "--overwrite",
        )
    )
    kept = {c.name for c in Model.load("penguins.safetensors").encoder.columns}
    assert kept == {"bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"}


def test_a_column_whose_name_has_a_comma(run: Run, folder: Path):
    rows = "".join(f"{i % 7},{i % 5},{'ab'[i % 2]}\n" for i in range(40))
    (folder / "t.csv").write_text('"length, mm",z,y\n' + rows)
    ok(run("train", "t.csv", "--target", "y", *FAST, "--inputs", "length, mm", "--quiet"))
    assert [c.name for c in Model.load("t.safetensors").encoder.columns] == ["length, mm"]


def test_weights_are_no_input_and_zero_leaves_a_row_out(run: Run, folder: Path):
    """Rows of weight 0 have the wrong class; a network that ignored the weights could not be right on the rest."""
    header, *rows = (folder / "abc.csv").read_text().splitlines()
    del header, rows
    right = [f"{i % 20 / 10:.1f},{'low' if i % 20 < 10 else 'high'},2" for i in range(60)]
    wrong = [f"{i % 20 / 10:.1f},{'high' if i % 20 < 10 else 'low'},0" for i in range(180)]
    (folder / "w.csv").write_text("\n".join(["x,y,w", *right, *wrong]) + "\n")
    words = ["--target", "y", "--engine", "reference", "--members", "1", "--hidden", "8", "--epochs", "150"]
    said = ok(run("train", "w.csv", *words, "--weights", "w", "--learning-rate", "0.02"))
    assert "left out:  w  it holds the weights of the rows" in said
    assert "note: 180 rows have the weight 0, and are left out of training and score" in said
    assert "weights   of the rows in training, from column w" in lines(said)
    model = Model.load("w.safetensors")
    assert [column.name for column in model.encoder.columns] == ["x"]
    assert model.card["weights"] == "w"
    assert model.card["scores"]["accuracy"] >= 0.9


def test_a_formula_as_activation_is_the_built_in_one(run: Run):
    """The formula of tanh gives tanh's network, to rounding."""
    scores = []
    for name in ("tanh", "(exp(z)-exp(-z))/(exp(z)+exp(-z))"):
        words = [*FAST, "--activation", name, "--init", "glorot_uniform", "--overwrite", "--json"]
        scores.append(json.loads(ok(run("train", "penguins.csv", *TARGET, *words)))["scores"])
    assert scores[0] == pytest.approx(scores[1], rel=1e-9)


def test_an_option_may_have_a_value_that_begins_with_a_dash(run: Run):
    ok(
        run(
            "train",
            "penguins.csv",
            *TARGET,
            *FAST,
            "--activation",
            "-z/(1+abs(z))",
            "--missing",
            "-inf",
            "--quiet",
        )
    )
    assert Model.load("penguins.safetensors").network.layers[0].activation.text == "-z/(1+abs(z))"


# ---- the articles


ARTICLE_1 = """
    --target Target --hidden 4 --activation sigmoid --output-activation sigmoid --bias none --scaling minmax
    --loss half_squared_error --optimizer sgd --batch-size 1 --members 1 --engine reference
    --learning-rate 1 --test-share 0 --no-early-stopping
"""


def test_the_network_of_the_first_article_predicts_new_rows(run: Run, folder: Path):
    said = lines(ok(run("train", "abc.csv", *ARTICLE_1.split(), "--epochs", "1000")))
    assert "network   3-4-1, sigmoid, sigmoid, no biases; loss half_squared_error" in said
    assert "training  sgd, learning rate 1, row by row, 1,000 epochs" in said
    model = chainrule.load("abc.safetensors")
    assert [set(layer) for layer in model.layers()] == [{"W"}, {"W"}]
    # Min-max scaling: (90 - 10)/(100 - 10) = 0.888889, as the article has it.
    encoded = model.encoder.transform(model.table({"A": [90], "B": [100], "C": [10]}))
    assert encoded.round(6).tolist() == [[0.888889, 1, 0]]
    (folder / "new.csv").write_text("A,B,C\n95,95,95\n55,55,55\n15,15,15\n")
    predicted = [float(line) for line in ok(run("predict", "abc.safetensors", "new.csv")).split()[1:]]
    assert all(abs(p - true) < 10 for p, true in zip(predicted, (95, 55, 15), strict=True))


def test_equal_initial_weights_as_in_the_first_article_never_part(run: Run, folder: Path):
    """All weights 0.1: every step treats the hidden neurons alike, so the network stays as good as one of them."""
    words = [*ARTICLE_1.split(), "--init", "constant(value=0.1)", "--epochs", "100"]
    ok(run("train", "abc.csv", *words, "--quiet"))
    first, second = chainrule.load("abc.safetensors").layers()
    assert (first["W"] == first["W"][:, :1]).all()
    assert (second["W"] == second["W"][:1]).all()
    # a = sigmoid(4 w h) with h > 0 is on one side of 1/2 for every row, and that is 55 in the table's units.
    predicted = chainrule.load("abc.safetensors").predict("abc.csv").labels
    assert len(set(predicted > 55)) == 1


GATES = {"and": [0, 0, 0, 1], "or": [0, 1, 1, 1], "xor": [0, 1, 1, 0]}


@pytest.mark.parametrize("gate", GATES)
def test_a_perceptron_learns_and_and_or_but_never_xor_and_says_so(gate, run, folder):
    rows = "".join(f"{i // 2},{i % 2},{y}\n" for i, y in enumerate(GATES[gate]))
    (folder / "gate.csv").write_text("a,b,y\n" + rows)
    words = [
        "--target",
        "y",
        "--optimizer",
        "perceptron",
        "--scaling",
        "none",
        "--test-share",
        "0",
        "--engine",
        "reference",
    ]
    said = " ".join(ok(run("train", "gate.csv", *words)).split())
    if gate == "xor":
        assert (
            "of 4 training rows are wrong, and no plane separates the classes, so no perceptron can" in said
        )
    else:
        assert "note: the perceptron separates all 4 training rows" in said
        predicted = ok(run("predict", "gate.safetensors", "gate.csv")).split()
        assert predicted == ["y", *map(str, GATES[gate])]


# ---- evaluate, predict, describe, formulas


def test_evaluate_scores_a_table_and_leaves_rows_without_target_out(run: Run, folder: Path, penguins: str):
    header, *rows = (folder / "penguins.csv").read_text().splitlines()
    rows[3:5] = [row[row.index(",") :] for row in rows[3:5]]
    (folder / "new.csv").write_text("\n".join([header, *rows]) + "\n")
    said = lines(ok(run("evaluate", penguins, "new.csv")))
    assert "new.csv: score on 342 rows" in said
    assert "note: 2 rows have no target, and are left out" in said
    order = [
        line.split("  ")[0].strip() for line in said if line.startswith((" acc", " bal", " log", " AUC"))
    ]
    assert order == ["accuracy", "balanced accuracy", "log-loss", "AUC"]
    result = json.loads(ok(run("evaluate", penguins, "new.csv", "--json")))
    assert result["rows"] == 342
    model = Model.load(penguins)
    assert result["scores"] == model.evaluate("new.csv").scores
    assert sum(map(sum, result["confusion"])) == 342


def test_predict_prints_classes_and_their_probabilities(run: Run, folder: Path, penguins: str):
    said = ok(run("predict", penguins, "penguins.csv"))
    rows = list(csv.DictReader(io.StringIO(said)))
    assert list(rows[0]) == ["species", "P(Adelie)", "P(Chinstrap)", "P(Gentoo)"]
    assert len(rows) == 344
    for row in rows:
        chances = {name[2:-1]: float(row[name]) for name in list(row)[1:]}
        assert math.isclose(sum(chances.values()), 1, abs_tol=1e-9)
        assert max(chances, key=chances.__getitem__) == row["species"]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".ndjson", ".CSV"])
def test_predictions_in_every_format_are_the_same(ending, run, folder, penguins):
    result = run("predict", penguins, "penguins.csv", "--out", f"p{ending}")
    assert (result.code, result.out, result.err) == (0, "", f"wrote 344 predictions to p{ending}\n")
    table = chainrule.read_table(f"p{ending}").frame
    expected = Model.load(penguins).prediction_frame("penguins.csv")
    assert table.columns == expected.columns
    assert table.get_column("species").equals(expected.get_column("species"))
    assert table.get_column("P(Gentoo)").to_list() == expected.get_column("P(Gentoo)").to_list()


def test_predictions_beside_the_inputs(run: Run, folder: Path, penguins: str):
    ok(run("predict", penguins, "penguins.csv", "--with-inputs", "--out", "p.csv"))
    table = pl.read_csv("p.csv", null_values="NA")
    assert table.columns[:8] == pl.read_csv("penguins.csv").columns
    assert table.columns[8:] == ["species (predicted)", "P(Adelie)", "P(Chinstrap)", "P(Gentoo)"]
    ok(run("predict", penguins, "p.csv", "--with-inputs", "--out", "q.csv"))
    assert pl.read_csv("q.csv", null_values="NA").columns[12] == "species (predicted) (predicted)"


def test_predict_takes_missing_and_unseen_cells(run: Run, folder: Path, penguins: str):
    (folder / "new.csv").write_text(
        "sex,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,year\n"
        ",,,,,,\n"
        "unknown,Atlantis,1e300,-5,0,NA,1900\n"
    )
    rows = list(csv.DictReader(io.StringIO(ok(run("predict", penguins, "new.csv")))))
    assert len(rows) == 2
    assert all(0 <= float(row["P(Adelie)"]) <= 1 for row in rows)


def test_a_new_table_is_read_as_the_one_in_training(run: Run, folder: Path):
    """Decimal commas and a word for missing are remembered; the delimiter is each file's own."""
    numbers = [(i * 0.31 % 4, "ab"[i * 31 % 400 > 200]) for i in range(80)]
    text = "x;y\n" + "".join(f"{x:.2f};{y}\n".replace(".", ",") for x, y in numbers) + "-999;a\n"
    (folder / "t.csv").write_text(text)
    ok(run("train", "t.csv", "--target", "y", *FAST, "--decimal", ",", "--missing=-999", "--quiet"))
    model = Model.load("t.safetensors")
    assert [neuron.name for neuron in model.encoder.inputs] == ["x", "x is missing"]
    (folder / "tabs.tsv").write_text("x\n1,5\n-999\n")
    (folder / "points.csv").write_text("x\n1.5\nNA\n")
    with_commas = ok(run("predict", "t.safetensors", "tabs.tsv"))
    assert with_commas == ok(run("predict", "t.safetensors", "points.csv", "--decimal", "."))
    assert run("predict", "t.safetensors", "points.csv").code == 2


def test_notes_about_a_table_go_to_standard_error(run: Run, folder: Path, penguins: str):
    header, *rows = (folder / "penguins.csv").read_text().splitlines()
    (folder / "gaps.csv").write_text("\n".join([header, rows[0], "", rows[1]]) + "\n")
    result = run("predict", penguins, "gaps.csv")
    assert len(result.out.splitlines()) == 3
    assert result.err == "note: 1 blank line skipped, the first at line 3\n"


def test_describe_shows_layers_inputs_and_scores_in_order(run: Run, penguins: str):
    said = lines(ok(run("describe", penguins)))
    for line in (
        "penguins.safetensors",
        "task            classification of species",
        "classes         Adelie, Chinstrap, Gentoo",
        "loss            -y*log(a), mean over rows",
        "parameters      66 in each network, float64",  # 17·3 + 3 + 3·3 + 3
        "trained on      penguins.csv: 234 training, 41 validation, 69 held-out rows",
        "     1         3   relu         max(0, z)            17 × 3   3",
        "     2         3   softmax      exp(z)/sum(exp(z))   3 × 3    3",
        ' x[1]     island: Biscoe                 [island = "Biscoe"]',
        " x[6]     bill_length_mm is missing      [bill_length_mm is missing]",
        "robust(v) = (v - median)/scale/sqrt(1 + ((v - median)/scale/3)^2)",
    ):
        assert line in said
    score = next(line for line in said if line.startswith("held-out score"))
    places = [score.index(name) for name in ("accuracy", "balanced accuracy", "log-loss", "AUC")]
    assert places == sorted(places)
    assert "robust(v), median" in next(line for line in said if line.startswith(" x[5]"))


def test_the_clamp_is_said_before_training_and_in_the_description(run: Run, folder: Path):
    rows = "".join(f"{i / 8},{i % 7 + i / 8}\n" for i in range(40))
    (folder / "line.csv").write_text("x,y\n" + rows)
    words = ("train", "line.csv", "--target", "y", "--hidden", "none", "--epochs", "2", "--test-share", "0")
    line = "answers   clamped to 0 … 10.25, the range of the training rows"  # 34 % 7 + 34/8
    for clamp, wanted in (("--clamp", True), ("--no-clamp", False)):
        said = lines(ok(run(*words, clamp, "--overwrite")))
        assert (" ".join(line.split()) in [" ".join(one.split()) for one in said]) is wanted
        said = lines(ok(run("describe", "line.safetensors")))
        assert (" ".join(line.split()) in [" ".join(one.split()) for one in said]) is wanted


def test_describe_as_json_is_the_whole_description(run: Run, penguins: str):
    made = json.loads(ok(run("describe", penguins, "--json")))
    model = Model.load(penguins)
    assert {key: made[key] for key in model.to_dict()} == model.to_dict()
    assert (made["members"], made["parameters_per_member"]) == model.parameters.shape


def test_formulas_lists_every_record(run: Run, monkeypatch):
    from chainrule.equations.activations import ACTIVATIONS
    from chainrule.equations.initializers import INITIALIZERS
    from chainrule.equations.losses import LOSSES
    from chainrule.equations.optimizers import OPTIMIZERS
    from chainrule.equations.schedules import SCHEDULES
    from chainrule.tables.encoding.scalings import SCALINGS

    said = ok(run("formulas"))
    firsts = [line.split()[0] for line in lines(said) if line.startswith(" ") and line.strip()]
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS, SCALINGS):
        assert set(registry) <= set(firsts)
    only = ok(run("formulas", "activations"))
    assert "1/(1+exp(-z))" in only
    assert "--loss" not in only


# ---- how it looks


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_wider_than_the_terminal(columns, run, folder, penguins, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for arguments in (
        ["train", "penguins.csv", *TARGET, *FAST, "--overwrite"],
        ["train", "penguins.csv", "--target", "body_mass_g", *FAST, "--overwrite"],
        ["evaluate", "penguins.safetensors", "penguins.csv"],
        ["describe", "penguins.safetensors"],
        ["formulas"],
    ):
        widest = max(ok(run(*arguments)).splitlines(), key=len)
        assert len(widest) <= columns, widest


def test_a_model_of_many_classes_and_columns_is_shown_in_short(run: Run, folder: Path):
    names = [f"c{i}" for i in range(200)]
    rows = [",".join([f"k{i % 40}", *(str(i * j % 7 / 7) for j in range(200))]) for i in range(160)]
    (folder / "wide.csv").write_text("\n".join([",".join(["y", *names]), *rows]) + "\n")
    said = ok(run("train", "wide.csv", "--target", "y", *FAST))
    assert len(said.splitlines()) < 110
    assert "more columns" in said
    assert "different confusions among 40 classes; the most frequent:" in said
    described = ok(run("describe", "wide.safetensors"))
    assert "more inputs (JSON has all)" in described
    assert "and 20 more" in described
    assert len(described.splitlines()) < 80


def test_no_color_and_no_bar_where_there_is_no_terminal(run: Run):
    result = run("train", "penguins.csv", *TARGET, *FAST)
    assert "\x1b" not in result.out
    assert result.err == ""
    assert os.environ["COLUMNS"] == "100"
