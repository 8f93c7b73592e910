"""``chainrule train --search`` and ``chainrule search``: lines while it goes on, the record, the file that is gone on from."""

import json
import shlex

import pytest

from chainrule.cli import main
from chainrule.fitting.fit import fit_prepared

WORDS = shlex.split(
    "--target y --hidden 4 --recipe --members 2 --epochs 3 --engine reference --numeric-embedding none --search 3"
)


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of forty rows, and two trials that are cheap."""
    trials = ({"learning_rate": 0.05}, {"activation": "tanh"})
    monkeypatch.setattr("chainrule.fitting.search.space.PORTFOLIO", trials)
    monkeypatch.setattr("chainrule.fitting.search.search.PORTFOLIO", trials)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "t.csv"
    path.write_text(
        "a,b,y\n" + "".join(f"{i % 7},{i % 5},{'yn'[(i % 7 > 3) ^ (i % 5 > 2)]}\n" for i in range(60))
    )
    return path


def test_a_search_says_each_trial_and_leaves_a_record(table, capsys):
    assert main(["train", str(table), *WORDS]) == 0
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if line.startswith("trial ")]
    assert [line.split(":")[0] for line in lines] == [f"trial {i} (of 3 at most)" for i in range(3)]
    assert "The search" in said.out
    assert "chainrule search t.safetensors" in said.out
    assert not (table.parent / "t-search.safetensors").exists()
    assert main(["search", "t.safetensors", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [trial["number"] for trial in data["trials"]] == [0, 1, 2]
    assert data["metric"] == "log_loss"
    assert sum(trial.get("weight", 0) for trial in data["trials"]) == pytest.approx(1)
    assert main(["search", "t.safetensors", "--out", "s.svg"]) == 0
    assert (table.parent / "s.svg").read_text().startswith("<svg")


def test_the_same_command_goes_on_after_ctrl_c(table, capsys, monkeypatch):
    made = []

    def stops(prepared, **how):
        made.append(prepared)
        if len(made) == 2:
            raise KeyboardInterrupt
        return fit_prepared(prepared, **how)

    with monkeypatch.context() as patch:
        patch.setattr("chainrule.fitting.search.search.fit_prepared", stops)
        assert main(["train", str(table), *WORDS]) == 0
    said = capsys.readouterr()
    assert "the same command goes on from there" in said.err
    assert "interrupted" in said.out
    assert (table.parent / "t-search.safetensors").exists()
    assert main(["train", str(table), *WORDS, "--overwrite"]) == 0
    assert "going on from t-search.safetensors, in which 1 trial is finished" in capsys.readouterr().err
    assert not (table.parent / "t-search.safetensors").exists()
    cut = (table.parent / "t.safetensors").read_bytes()
    assert (
        main(["train", str(table), *WORDS, "--out", "u.safetensors", "--search-file", "kept.safetensors"])
        == 0
    )
    assert (table.parent / "u.safetensors").read_bytes() == cut
    assert (table.parent / "kept.safetensors").exists()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--search", "3", "--ablate"], "--ablate compares single trainings, and --search 3 makes several"),
        (["--search", "3", "--cross-validate"], "--cross-validate compares single trainings"),
        (["--search", "3", "--learning-curve"], "--learning-curve compares single trainings"),
        (["--search", "0"], "--search"),
        (["--search-file", "x"], "--search-file is for a search"),
        (["--search", "3", "--out", "x", "--search-file", "x"], "are the same file"),
    ],
)
def test_what_has_no_meaning_is_said(table, capsys, more, said):
    assert main(["train", str(table), "--target", "y", *more]) == 2
    assert said in capsys.readouterr().err


def test_a_model_of_a_single_training_has_no_search(table, capsys):
    assert main(["train", str(table), *WORDS[:-2], "--quiet"]) == 0
    capsys.readouterr()
    assert main(["search", "t.safetensors"]) == 2
    assert "train with --search 8" in capsys.readouterr().err
