"""``train --ablate``: what it prints, where, and what it refuses."""

import json
import re

import pytest

from chainrule.cli.commands import train
from chainrule.fitting.studies import ablation
from chainrule.training.settings.recipe import INGREDIENTS

from .conftest import contents

COMMAND = ("train", "penguins.csv", "--target", "species", "--fast", "--epochs", "2", "--ablate")


@pytest.fixture
def two_ingredients(monkeypatch):
    """Only dropout is taken out, for time; there is no large category to embed."""
    few = tuple(one for one in INGREDIENTS if one.name in ("dropout", "category embedding"))
    whole = ablation.ablate_asked
    monkeypatch.setattr(ablation, "ablate_asked", lambda *a, **words: whole(*a, **words, ingredients=few))


def test_the_table_and_a_line_for_each_training(run, folder, two_ingredients):
    before = contents(folder)
    result = run(*COMMAND, "2")
    assert result.code == 0, result.err
    assert contents(folder) == before
    lines = result.err.splitlines()
    assert len(lines) == 4
    shown = r"error 0\.\d{4}, log-loss \d\.\d{4}, \d+\.\d\d s"
    assert re.fullmatch(rf"1/4 the full recipe, seed 0: {shown}", lines[0])
    assert re.fullmatch(rf"4/4 without dropout, seed 1: {shown}", lines[3])
    assert "penguins.csv has 344 rows" in result.out
    assert "What each ingredient adds, on 69 rows held out, means of 2 trainings each" in result.out
    table = result.out.partition("What each")[2]
    assert table.index("nothing: the full recipe") < table.index(" dropout ")
    assert re.search(r" dropout +0\.\d{4} +[+-]?0\.\d{4} ± 0\.\d{4}", table)
    assert "--category-embedding is none already" in table


def test_json_and_quiet_for_programs(run, two_ingredients):
    result = run(*COMMAND, "1", "--json", "-q")
    assert (result.code, result.err) == (0, "")
    found = json.loads(result.out)
    assert (found["table"], found["target"], found["seeds"]) == ("penguins.csv", "species", 1)
    embedding, dropout = found["ingredients"]
    assert dropout["without"] == {"dropout": 0.0}
    assert set(dropout["differences"]) == {"error", "log_loss"}
    assert embedding["reason"] == "--category-embedding is none already"


def test_a_table_to_score_on_may_come_from_standard_input(run, two_ingredients, folder, monkeypatch):
    import io
    import sys

    stream = io.TextIOWrapper(io.BytesIO((folder / "penguins.csv").read_bytes()), "utf-8")
    monkeypatch.setattr(sys, "stdin", stream)
    result = run(*COMMAND, "1", "--test-file", "-", "--quiet")
    assert result.code == 0, result.err
    assert "on 344 rows held out, one training each" in result.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--hidden", "4"],
            "--ablate takes the default recipe apart, and with --hidden it is a plain network",
        ),
        (["--optimizer", "sgd"], "with --optimizer it is a plain network"),
        (["--out", "m.safetensors"], "--out would have no effect: --ablate writes no model"),
        (["--history", "h.csv"], "--history would have no effect"),
        (["--overwrite"], "--overwrite would have no effect"),
        (["--time-limit", "9"], "give --epochs and --members instead"),
        (["--test-share", "0"], "--ablate compares scores on rows held out, and there are 0"),
        (["--ablate", "0"], "--ablate 0 must be a whole number of trainings each, at least 1"),
        (["--ablate", "x"], "'x' is not a whole number"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_refused(run, folder, words, line):
    before = contents(folder)
    result = run(*COMMAND, *words)
    assert result.code == 2
    assert line in result.err
    assert len(result.err.splitlines()) == 1
    assert contents(folder) == before


def test_without_ablate_nothing_is_taken_out():
    assert train.parser().parse(["t.csv"]).ablate is None
