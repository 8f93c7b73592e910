"""``chainrule check`` as a user meets it: the certificate, its exit codes, its mistakes."""

import json
from pathlib import Path

import pytest

from .conftest import Run


def test_a_certificate_says_what_was_checked_and_that_it_passed(run: Run, penguins: str):
    result = run("check", penguins, "penguins.csv")
    assert result.code == 0, result.out
    assert result.err == ""
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert lines[0] == "penguins.safetensors on penguins.csv"
    assert "network  17-3-3, loss categorical_cross_entropy, member 1, in float64" in lines
    assert "rows     32 of 344, drawn by chance" in lines
    assert "weights  all 66" in lines
    for name in (
        "central differences",
        "50-digit arithmetic",
        "cpu and reference engine",
        "rows and batch",
        "attributions",
        "slopes by column",
    ):
        (line,) = [line for line in lines if line.startswith(f" {name} ")]
        assert line.endswith(" ok")
    assert lines[-1] == "6 checks passed"
    assert all(len(line) <= 100 for line in lines)


def test_a_row_and_some_weights(run: Run, penguins: str):
    result = run("check", penguins, "penguins.csv", "--row", "17", "--sample", "5")
    assert result.code == 0
    assert "rows     row 17" in result.out
    assert "weights  5 of 66" in result.out


def test_json_is_the_whole_certificate(run: Run, penguins: str):
    result = run("check", penguins, "penguins.csv", "--rows", "4", "--seed", "2", "--json")
    assert result.code == 0
    data = json.loads(result.out)
    assert data["passed"] is True
    assert data["model"] == "penguins.safetensors"
    assert data["table"] == "penguins.csv"
    assert len(data["subject"]["rows"]) == 4
    first = data["checks"][0]
    assert first["name"] == "central differences"
    assert first["compared"] == 66
    assert first["failed"] == 0
    assert first["worst"].keys() == {"address", "found", "expected", "error", "allowed"}
    assert first["worst"]["error"] <= first["worst"]["allowed"]
    again = run("check", penguins, "penguins.csv", "--rows", "4", "--seed", "2", "--json")
    assert again.out == result.out


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["text", "json"])
def test_a_failed_check_is_exit_code_1_and_names_the_mistake(run: Run, penguins: str, monkeypatch, how):
    from chainrule.explain.check import certificate as check

    right = check.network_gradient

    def flipped(*given):
        layers = right(*given)
        return {number: {name: -array for name, array in layer.items()} for number, layer in layers.items()}

    monkeypatch.setattr(check, "network_gradient", flipped)
    result = run("check", penguins, "penguins.csv", "--row", "3", *how)
    assert result.code == 1
    assert result.err == ""
    if how:
        data = json.loads(result.out)
        assert data["passed"] is False
        assert data["checks"][0]["mistakes"][0]["name"] == "wrong sign"
    else:
        assert "looks like: wrong sign: every derivative has the wrong sign" in result.out
        assert "failed: central differences, 50-digit arithmetic" in result.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--row", "0"], "--row 0 must be at least 1"),
        (["--row", "345"], "there is no row 345; it has 344 rows"),
        (
            ["--row", "1", "--rows", "2"],
            "--row names one row and --rows a number of rows: leave one of them out",
        ),
        (["--all-weights", "--sample", "2"], "--all-weights and --sample exclude each other"),
        (["--sample", "many"], "'many' is not a whole number"),
        (["--member", "2"], "there is no member 2: the model has 1 member"),
        (["--seed", "-1"], "--seed -1 must be at least 0"),
        (["--rows", "0"], "--rows 0 must be at least 1"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(run: Run, penguins: str, words, said):
    result = run("check", penguins, "penguins.csv", *words)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert said in result.err
    assert result.err.count("\n") == 1


def test_a_table_without_target_is_refused(run: Run, penguins: str, folder: Path):
    text = (folder / "penguins.csv").read_text().splitlines()
    (folder / "bare.csv").write_text("\n".join(line.partition(",")[2] for line in text) + "\n")
    result = run("check", penguins, "bare.csv")
    assert result.code == 2
    assert "there is no column 'species'" in result.err


def test_the_help_has_every_option(run: Run):
    with pytest.raises(SystemExit) as done:
        run("check", "--help")
    assert not done.value.code
