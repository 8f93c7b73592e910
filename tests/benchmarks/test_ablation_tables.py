"""The benchmark of the recipe's ingredients: its means over tables, and its report."""

import json

import numpy as np
import polars as pl
import pytest

from benchmarks import ablation
from benchmarks.tabular.tables import marked


def one(name, value, full, seconds, verdict="helps", score="error"):
    found = {score: {"value": value, "full": full, "verdict": verdict}}
    return {"ingredient": name, "differences": found, "seconds": seconds, "seconds_full": 2.0}


def test_a_summary_by_hand():
    results = [
        {"table": "t", "ingredients": [one("a", 0.1, 0.2, 1.0), {"ingredient": "b", "reason": "not there"}]},
        {"table": "u", "ingredients": [one("a", -0.1, 0.4, 4.0, "hurts"), one("b", 0.1, 0.0, 2.0)]},
        {"table": "v", "failed": "no"},
    ]
    a, b = ablation.summarize(results)
    # 50 % and -25 %: mean 12.5 %, s = 75/sqrt(2) %, over sqrt(2); seconds sqrt(1/2 · 2) = 1.
    change = a["scores"]["error"]
    assert (change["mean"], change["error"]) == (pytest.approx(0.125), pytest.approx(0.375))
    assert (change["tables"], change["helps"], change["hurts"]) == (2, 1, 1)
    assert a["seconds_ratio"] == pytest.approx(1.0)
    assert (a["tables"], a["not_taken_out_of"]) == (2, [])
    assert b["scores"]["error"] == {"mean": None, "error": None, "tables": 0, "helps": 1, "hurts": 0}
    assert (b["seconds_ratio"], b["not_taken_out_of"]) == (1.0, ["t"])


@pytest.mark.slow
def test_a_run_over_a_folder(tmp_path, capsys, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=160)
    for name, target in (("classes", np.where(x > 0, "yes", "no").tolist()), ("numbers", (2 * x).tolist())):
        marked(pl.DataFrame({"x": x, "target": target})).write_parquet(tmp_path / f"{name}.parquet")
    out = tmp_path / "report.json"
    given = [
        "--tables",
        str(tmp_path),
        "--out",
        str(out),
        "--seeds",
        "1",
        "--settings",
        "fast=True; epochs=2",
    ]
    ablation.main(given)
    report = json.loads(out.read_text("utf-8"))
    assert report["scored_on"] == ablation.INNER_ROWS
    assert report["settings"] == {"fast": True, "epochs": 2}
    # A quarter of the 128 training rows; the test rows only where they are asked for.
    assert [result["rows"] for result in report["results"]] == [32, 32]
    assert {row["ingredient"]: row["tables"] for row in report["summary"]}["weight decay"] == 2
    printed = capsys.readouterr().out
    assert "RMSE: change in % without the ingredient" in printed
    ablation.main([*given, "--on-test", "--only", "numbers"])
    report = json.loads(out.read_text("utf-8"))
    assert [result["rows"] for result in report["results"]] == [32]
    assert report["scored_on"] == "the test rows"
    ablation.main([*given, "--only", "numbers", "--settings", "hidden=[3]"])
    assert "plain network" in json.loads(out.read_text("utf-8"))["results"][0]["failed"]
    with pytest.raises(SystemExit):
        ablation.main([*given, "--settings", "fast"])
    assert "settings: 'fast' must be setting=value" in capsys.readouterr().err
