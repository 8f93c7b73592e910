"""``chainrule diagnose`` as a user meets it."""

import json

import pytest

from .conftest import Run

HOW = ["--engine", "reference", "--quiet", "--overwrite"]


def test_a_healthy_model_gets_its_facts_and_no_finding(run: Run):
    run(
        "train",
        "penguins.csv",
        "--target",
        "species",
        "--hidden",
        "16",
        "--members",
        "2",
        "--epochs",
        "60",
        *HOW,
    )
    result = run("diagnose", "penguins.safetensors", "penguins.csv")
    assert result.code == 0, result.err
    assert result.err == ""
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert lines[0] == "penguins.safetensors on 344 rows of penguins.csv"
    assert any(line.startswith("     1   relu") for line in lines)
    assert any(line.startswith("the layers of member 1; its JSON has all 2 members.") for line in lines)
    assert lines[-1] == "nothing is wrong, as far as this can tell"
    assert all(len(line) <= 100 for line in lines)


def test_findings_say_what_where_evidence_why_and_what_to_try(run: Run):
    run(
        "train",
        "penguins.csv",
        "--target",
        "species",
        "--scaling",
        "none",
        "--hidden",
        "8",
        "--members",
        "3",
        *HOW,
    )
    result = run("diagnose", "penguins.safetensors", "penguins.csv")
    assert result.code == 0
    assert "1. 5 of the 17 inputs are large, beyond 10 in root mean square: bill_length_mm," in result.out
    for heading in ("where", "evidence", "why", "try"):
        assert f"\n   {heading} " in result.out
    assert "x[5], x[7], x[9], x[11], x[17]" in result.out
    assert "--scaling robust" in result.out


def test_json_is_the_whole_diagnosis(run: Run):
    run(
        "train",
        "penguins.csv",
        "--target",
        "species",
        "--hidden",
        "8",
        "--learning-rate",
        "1e-6",
        "--members",
        "1",
        "--epochs",
        "2",
        *HOW,
    )
    result = run("diagnose", "penguins.safetensors", "penguins.csv", "--json", "--member", "1")
    data = json.loads(result.out)
    assert data["rows"] == 344
    finding = next(finding for finding in data["findings"] if finding["kind"] == "learning_rate_low")
    assert finding.keys() == {"kind", "what", "where", "evidence", "why", "remedy", "layer", "members"}
    assert finding["evidence"]["learning rate"] == 1e-6
    assert data["layers"]["1"][0]["activation"] == "relu"
    assert data["trial"]["steps"] == 50


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--member", "0"], "--member 0 must be at least 1"),
        (["--member", "2"], "there is no member 2: the model has 1 member"),
        (["--seed", "-1"], "--seed -1 must be at least 0"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(run: Run, penguins: str, words, said):
    result = run("diagnose", penguins, "penguins.csv", *words)
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
