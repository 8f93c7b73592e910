"""Made tables: their rules, and what is said beside the peers."""

import json

import numpy as np
import pytest

from benchmarks import made_tables
from benchmarks.made_tables import CASES, Case, compare
from benchmarks.tabular.methods import METHODS, ours
from benchmarks.tabular.tables import TARGET


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case_is_the_same_rows_each_time_and_others_in_each_draw(case):
    small = Case(case.name, case.about, case.task, case.draw, 30, 10, peers=case.peers)
    first, again, other = small.split(0), small.split(0), small.split(1)
    assert (len(first.train), len(first.test)) == (30, 10)
    assert first.train.equals(again.train)
    assert not first.train.equals(other.train)
    assert set(case.peers) <= set(METHODS)
    assert first.train[TARGET].dtype.is_numeric() == (case.task == "reg")


@pytest.mark.slow
def test_the_best_peer_and_the_ratio_are_told(capsys, tmp_path, monkeypatch):
    def straight(rng, n):
        x = rng.normal(size=n)
        return {"x": x}, 2 * x + 0.5 * rng.normal(size=n)

    case = Case("straight", "a line", "reg", straight, 60, 200, 2, peers=("linear", "constant"))
    monkeypatch.setattr(made_tables, "CASES", (case,))
    monkeypatch.setattr(made_tables, "warm_up", lambda: None)
    made_tables.main(
        ["--methods", "", "--variant", "one: hidden=[4]; epochs=2", "--out", str(tmp_path / "r.json")]
    )
    shown = capsys.readouterr().out
    assert "linear 0.2" in shown
    report = json.loads((tmp_path / "r.json").read_text())
    (found,) = report["results"]
    assert found["best"] == "linear"
    assert found["ratios"]["one"] == found["methods"]["one"]["score"] / found["methods"]["linear"]["score"]
    assert found["methods"]["constant"]["score"] == pytest.approx(1, abs=0.05)
    assert (" !" in shown) == (found["ratios"]["one"] > made_tables.AIM)
    assert np.isfinite(found["ratios"]["one"])


def test_a_failure_of_ours_is_said(capsys):
    (draw,) = (one.draw for one in CASES if one.name == "chance")
    case = Case("chance", "", "reg", draw, 30, 10, peers=("constant",))
    from rich.console import Console

    found = compare(case, [ours("wrong", "", hidden=[4], epochs=0)], Console())
    assert "wrong" not in found["methods"]
    assert "chance, wrong:" in capsys.readouterr().out
