"""``chainrule explain``: what is printed, what is written, and one line for every mistake."""

import doctest
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.conftest import FAST, contents
from tests.explain.latex_check import complaints

from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.explain.show import RENDERERS
from chainrule.explain.show.json import read_json
from chainrule.explain.show.text import ASCII
from chainrule.explain.trace.sources import trace_rows
from chainrule.model.model import Model

PAGE = Path(__file__).parents[2] / "docs" / "pages.md"


def test_a_prediction_goes_from_the_cells_to_the_answer(run, penguins):
    result = run("explain", penguins, "penguins.csv", "--row", "17")
    assert result.code == 0, result.err
    lines = result.out.splitlines()
    assert re.fullmatch(r"Predicted: species = \w+, with probability 0\.\d+", lines[0])
    assert lines[2] == "model penguins.safetensors, table penguins.csv, row 17 (line 18)"
    titles = [line.split(" ─")[0] for line in lines if line.startswith("── ")]
    assert titles[0] == "── Inputs"
    assert titles[1].startswith("── Layer 1: 3 neurons")
    assert titles[2].startswith("── Layer 2, the output: 3 neurons, softmax")
    assert titles[3] == "── The answer"
    assert "'38.7'" in result.out  # the cell of line 18
    assert "✓" in result.out
    assert "✗" not in result.out
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in result.out


def test_the_answer_is_that_of_predict(run, penguins):
    text = run("explain", penguins, "penguins.csv", "--row", "17").out
    header, *rows = run("predict", penguins, "penguins.csv").out.splitlines()
    cells = dict(zip(header.split(","), rows[16].split(","), strict=True))
    species, probability = re.match(r"Predicted: species = (\w+), with probability (\S+)", text).groups()
    assert species == cells["species"]
    assert float(probability) == pytest.approx(float(cells[f"P({species})"]), rel=1e-3)


def test_a_number_target_comes_back_in_its_units(run, folder):
    train = ["--engine", "reference", "--hidden", "3", "--epochs", "2", "--members", "2", "--quiet"]
    assert run("train", "penguins.csv", "--target", "body_mass_g", "--out", "m.safetensors", *train).code == 0
    result = run("explain", "m.safetensors", "penguins.csv", "--row", "2", "--member", "2")
    assert result.code == 0, result.err
    value = float(re.match(r"Predicted: body_mass_g = (\S+)", result.out)[1])
    row = run("predict", "m.safetensors", "penguins.csv").out.splitlines()[2]
    assert value == pytest.approx(float(row), rel=1e-4)
    assert "member 2 of 2" in result.out
    assert "a[2][1]@member=1" in result.out  # the mean is over both


@pytest.mark.parametrize("kind", list(RENDERERS))
def test_every_format_is_printed_and_written(run, folder, penguins, kind):
    asked = ["explain", penguins, "penguins.csv", "--row", "3", "--address", "z[1][2]"]
    printed = run(*asked, "--format", kind)
    assert printed.code == 0, printed.err
    written = run(*asked, "--out", f"x{RENDERERS[kind].ending}")
    assert (written.code, written.out) == (0, "")
    assert written.err == f"wrote x{RENDERERS[kind].ending}\n"
    text = (folder / f"x{RENDERERS[kind].ending}").read_text("utf-8")
    assert text == printed.out
    number = trace_rows(Model.load(penguins), "penguins.csv", 3)["z[1][2]"]
    if kind == "json":
        assert read_json(text).result == pytest.approx(number, rel=1e-13)
        assert json.loads(text)["source"]["row"] == "3 (line 4)"
    elif kind == "html":
        assert text.startswith("<!DOCTYPE html>")
        assert f'data-address="z[1][2]" data-value="{number!r}"' in text
    else:
        assert f"{number:.6g}".removeprefix("-") in text
    if kind == "latex":
        assert complaints(text) == []


def test_paths_of_a_derivative(run, penguins):
    asked = ["explain", penguins, "penguins.csv", "--row", "3", "--address", "dC/dW[1][2,3]"]
    paths = run(*asked, "--paths")
    assert paths.code == 0, paths.err
    assert "P_1 = " in paths.out
    assert paths.out == run(*asked, "--form", "paths").out
    assert "P_1 = " not in run(*asked).out
    assert " @ " in run("explain", penguins, "penguins.csv", "--address", "dC/dW[1]", "--form", "matrix").out


def test_digits_and_rounding_by_hand(run, penguins):
    asked = ["explain", penguins, "penguins.csv", "--row", "3"]
    few = run(*asked, "--address", "z[2][1]", "--digits", "2")
    assert few.code == 0, few.err
    assert not re.search(r"\d\.\d{4,}", few.out)
    hand = run(*asked, "--hand", "2")
    assert hand.code == 0, hand.err
    assert "Rounded as by hand" in hand.out
    assert "probability[" in hand.out


def test_several_members_by_hand(run):
    trained = ["train", "penguins.csv", "--target", "species", *FAST, "--members", "3", "--quiet"]
    ask = [*trained, "--out", "three.safetensors"]
    assert run(*ask).code == 0
    asked = ["explain", "three.safetensors", "penguins.csv", "--row", "5", "--hand", "3"]
    for more in ([], ["--address", "probability[2]"], ["--address", "mean_a[1]"]):
        mixed = run(*asked, *more)
        assert (mixed.code, mixed.out) == (2, "")
        assert mixed.err == (
            "error: --hand works one member out, and the answer is the mean of 3: choose one, as in --member 1\n"
        )
    one = run(*asked, "--member", "2")
    assert one.code == 0, one.err
    assert "the model has one member" in one.out
    assert "member 2 of 3" in one.out
    assert "@member" not in one.out
    inside = run(*asked, "--address", "z[2][1]")
    assert inside.code == 0, inside.err
    assert inside.out != run(*asked, "--address", "z[2][1]", "--member", "2").out


def test_a_step_of_the_training(run, penguins):
    result = run("explain", penguins, "penguins.csv", "--step", "3")
    assert result.code == 0, result.err
    assert re.match(r"Step 3 of the training, on \d+ rows\n", result.out)
    for part in (
        "The cost before the step",
        "The gradient of W",
        "The update of W",
        "The cost after the step",
    ):
        assert f"── {part}" in result.out
    one = run("explain", penguins, "penguins.csv", "--step", "3", "--address", "W_new[1][1,2]")
    assert one.code == 0, one.err
    assert "adam" in one.out


def test_the_row_of_a_step_is_named(run, penguins):
    refused = run("explain", penguins, "penguins.csv", "--step", "3", "--address", "z[1][1]")
    assert refused.code == 2
    row = re.search(r"@row=(\d+)", refused.err)[1]
    for words in (["z[1][1]", "--row", row], [f"z[1][1]@row={row}"]):
        result = run("explain", penguins, "penguins.csv", "--step", "3", "--address", *words)
        assert result.code == 0, result.err
        assert f"row {row}" in result.out


def test_a_table_without_the_target(run, folder, penguins):
    lines = (folder / "penguins.csv").read_text("utf-8").splitlines()
    (folder / "new.csv").write_text("\n".join(line.split(",", 1)[1] for line in lines[:4]), "utf-8")
    result = run("explain", penguins, "new.csv", "--row", "2")
    assert result.code == 0, result.err
    assert "There is no loss and no gradient here: the table has no column 'species'." in result.out
    refused = run("explain", penguins, "new.csv", "--row", "2", "--address", "dC/dW[1][2,3]")
    assert (refused.code, refused.out) == (2, "")
    assert "target" in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--row", "999"], "there is no row 999; it has rows 1 to 344"),
        (["--row", "0"], "there is no row 0"),
        (["--row", "two"], "'two' is not a whole number"),
        (["--member", "9"], "there is no member 9"),
        (["--address", "q[1]"], "there is no quantity 'q'"),
        (["--address", "z[9][1]"], "there is no layer 9"),
        (["--address", "z[1][1]", "--paths"], "paths"),
        (["--address", "z[1][1]", "--form", "long"], "form 'long' is unknown"),
        (["--paths"], "name it with --address"),
        (["--form", "matrix"], "name it with --address"),
        (["--address", "dC/dW[1][1,1]", "--paths", "--form", "short"], "contradict"),
        (["--digits", "0"], "--digits 0"),
        (["--hand", "0"], "hand 0"),
        (["--step", "99999"], "there is no step 99999"),
        (["--step", "3", "--hand", "2"], "--address"),
        (["--format", "pdf"], "format"),
        (["--out", "x.pdf"], "the ending says no format"),
        (["--out", "nowhere/x.html"], "there is no folder nowhere"),
        (["--out", "penguins.csv", "--format", "text"], "exists"),
        (["--out", "penguins.csv", "--format", "text", "--overwrite"], "would be lost"),
        (["--out", "penguins.safetensors", "--format", "text", "--overwrite"], "would be lost"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_mistakes_are_one_line_and_write_nothing(run, folder, penguins, words, told):
    before = contents(folder)
    result = run("explain", penguins, "penguins.csv", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert told in result.err
    assert contents(folder) == before


def test_the_commands_of_the_page_run(folder, run):
    (block,) = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (folder / "examples").mkdir()
    (folder / "penguins.csv").rename(folder / "examples" / "penguins.csv")
    commands = [shlex.split(line.removeprefix("$ chainrule ")) for line in block.splitlines()]
    assert [command[0] for command in commands] == ["train", *["explain"] * (len(commands) - 1)]
    fast = ["--engine", "reference", "--members", "3", "--hidden", "3", "--epochs", "8"]
    for command in commands:
        result = run(*command, *(fast if command[0] == "train" else []))
        assert result.code == 0, result.err


def test_the_examples_of_the_page_run():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0


def test_a_file_is_replaced_only_if_asked(run, folder, penguins):
    asked = ["explain", penguins, "penguins.csv", "--out", "x.html"]
    assert run(*asked).code == 0
    assert run(*asked).code == 2
    assert run(*asked, "--overwrite").code == 0


def test_a_terminal_without_the_signs_gets_ascii(run, penguins, monkeypatch):
    monkeypatch.setattr("chainrule.cli.documents.signs", lambda: ASCII)
    result = run("explain", penguins, "penguins.csv", "--row", "17")
    assert result.code == 0
    assert result.out.isascii()
    assert "  ok\n" in result.out
    for other in (["describe", penguins], ["evaluate", penguins, "penguins.csv"]):
        printed = run(*other)
        assert (printed.code, printed.out.isascii()) == (0, True)


def test_attributions_add_up(run, penguins):
    result = run("explain", penguins, "penguins.csv", "--row", "17", "--attributions")
    assert result.code == 0, result.err
    assert result.out.startswith("What each column adds to P(species = ")
    assert re.search(r"= \S+  ✓", result.out)
    assert "'38.7'" not in result.out
    assert re.search(r"s_2 +bill_length_mm +\S+ +38.7 ", result.out)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--attributions", "--hand", "2"], "--attributions and --hand are about different things"),
        (["--hand", "2", "--digits", "4"], "--hand says how many digits are shown; leave out --digits"),
        (["--attributions", "--address", "C"], "--attributions and --address are about different things"),
        (["--baseline", "missing"], "--baseline is where --attributions start from; add it"),
        (["--step", "3", "--row", "3"], "--row chooses a row of the step for --address"),
        (["--attributions", "--row", "0"], "there is no row 0; it has rows 1 to 344"),
    ],
)
def test_options_that_have_no_effect_are_refused(run, penguins, options, said):
    result = run("explain", penguins, "penguins.csv", *options)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(result.err.splitlines()) == 1


def test_numbers_have_the_names_of_an_author(run, penguins):
    told = run("explain", penguins, "penguins.csv", "--row", "17", "--as", "article-4")
    assert told.code == 0, told.err
    assert "notation article-4" in told.out
    assert "── Layer 2: 3 neurons" in told.out  # the input is layer 1
    assert re.search(r"w_\{\d,1\}\^\{1,2\}\*a_\d\^1 ", told.out)
    assert re.search(r"z_1\^2 +z\[1\]\[1\] +the weighted sum of neuron 1 of layer 2", told.out)


def test_an_address_is_read_in_the_notation(run, penguins):
    own = run("explain", penguins, "penguins.csv", "--row", "17", "--address", "W[1][1,1]")
    told = run("explain", penguins, "penguins.csv", "--row", "17", "--address", "w1", "--as", "article-5")
    assert told.out.startswith("w1: the weight from input 1 to neuron 1 of layer 1\n")
    assert own.out.splitlines()[-1].partition("=")[2] in told.out


def test_wrong_notations_and_names_are_answered(run, penguins):
    told = run("explain", penguins, "penguins.csv", "--as", "artcle-5")
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "--as: there is no notation 'artcle-5'; did you mean article-5" in told.err
    told = run("explain", penguins, "penguins.csv", "--as", "article-5", "--address", "wx1")
    assert (told.code, told.err.count("\n")) == (2, 1)
    told = run("explain", penguins, "penguins.csv", "--as", "article-5", "--attributions")
    assert "--attributions and --as" in told.err


def test_a_program_that_predicts_the_row(run, penguins, folder):
    result = run("explain", penguins, "penguins.csv", "--row", "17", "--as-python")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(
        "# Row 17 of penguins.csv: species as the network of the model predicts it.\n"
    )
    again = run(
        "explain", penguins, "penguins.csv", "--row", "17", "--member", "1", "--as-python", "--out", "a.py"
    )
    assert (again.code, again.out, again.err) == (0, "", "wrote a.py\n")
    done = subprocess.run(
        [sys.executable, "-I", "-S", "a.py"], cwd=folder, capture_output=True, text=True, check=True
    )
    said = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    predicted = run("predict", penguins, "penguins.csv").out.splitlines()
    row = dict(zip(predicted[0].split(","), predicted[17].split(","), strict=True))
    assert said.pop("species") == row.pop("species")
    assert {name: float(p) for name, p in said.items()} == pytest.approx(
        {n: float(p) for n, p in row.items()}, rel=1e-6
    )
    for more in (["--address", "C"], ["--step", "1"], ["--json"], ["--digits", "3"], ["--attributions"]):
        refused = run("explain", penguins, "penguins.csv", "--as-python", *more)
        assert refused.code == 2
        assert (
            refused.err
            == f"error: {more[0]} has no effect on a program in Python: leave it out, or --as-python\n"
        )
    assert run("explain", penguins, "penguins.csv", "--as-python", "--out", "a.py").code == 2
    assert run("explain", penguins, "penguins.csv", "--as-python", "--out", penguins, "--overwrite").code == 2


def test_the_cost_over_one_weight_in_a_notation(run, penguins):
    asked = ("explain", penguins, "penguins.csv", "--row", "17", "--as", "article-5", "--curve")
    model = Model.load(penguins)
    naming = Naming(notation("article-5"), model.groups[0].network)
    weight = naming.text("W[2][1,1]")
    found = run(*asked, "--address", weight)
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith(f"The cost over {weight}, all else held\n")
    assert f"{weight} to the right, E_total up" in found.out
    assert re.search(rf"∂E_total/∂{weight} +the slope", found.out)
    data = json.loads(run(*asked, "--address", weight, "--json").out)
    assert (data["address"], data["notation"]["name"]) == ("W[2][1,1]", "article-5")
    assert data["notation"]["names_of"]["W[2][1,1]"]["text"] == weight
    same = json.loads(run(*asked, "--address", "W[2][1,1]", "--json").out)
    assert same == data
    refused = run(*asked, "--address", "w99999")
    assert refused.code == 2
    assert "'w99999' is no name in the notation article-5, and no address; did you mean w" in refused.err


def test_the_cost_over_one_weight(run, penguins):
    asked = ("explain", penguins, "penguins.csv", "--row", "17", "--address", "W[2][1,1]")
    result = run(*asked, "--curve")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("The cost over W[2][1,1], all else held\n")
    assert "what the tangent says of it" in result.out
    data = json.loads(run(*asked, "--curve", "--learning-rate", "0.25", "--json").out)
    trace = trace_rows(Model.load(penguins), "penguins.csv", 17)
    assert data["slope"] == trace["dC/dW[2][1,1]"]
    assert data["landing"] == trace["W[2][1,1]"] - 0.25 * data["slope"]
    assert len(data["values"]) == len(data["costs"]) == 201
    for form in RENDERERS:
        assert run(*asked, "--curve", "--format", form).code == 0
    step = run(
        "explain", penguins, "penguins.csv", "--step", "2", "--address", "W[2][1,1]", "--curve", "--json"
    )
    assert json.loads(step.out)["eta"] is None
    for more, message in [
        ([*asked[:5], "--curve"], "--curve is over one parameter: name it with --address"),
        ([*asked, "--curve", "--paths"], "--curve and --paths are about different things"),
        ([*asked, "--learning-rate", "1"], "--learning-rate is of the step that --curve draws; add it"),
        ([*asked[:6], "z[1][1]", "--curve"], "z[1][1] is no single parameter"),
    ]:
        refused = run(*more)
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
        assert message in refused.err
