"""The benchmark of the same calls with either import: that it runs and what it writes; no time is judged here."""

import json
import math

import pytest

from benchmarks import sklearn_swap as swap


@pytest.mark.slow
def test_a_run_writes_times_ratios_and_scores(tmp_path, capsys):
    swap.main(["--only", "^iris, early stopping$", "--repeats", "2", "--seeds", "2", "--out", str(tmp_path)])
    (path,) = tmp_path.iterdir()
    report = json.loads(path.read_text("utf-8"))
    (result,) = report["results"]
    medians = {name: result["seconds"][name]["median"] for name in (swap.OURS, swap.THEIRS)}
    assert result["ratio"] == pytest.approx(medians[swap.THEIRS] / medians[swap.OURS], rel=1e-2)
    assert {name: len(scores) for name, scores in result["scores"].items()} == {swap.OURS: 2, swap.THEIRS: 2}
    # One batch an epoch and the same initial weights and split: the very same model.
    assert result["scores"][swap.OURS] == result["scores"][swap.THEIRS]
    assert result["reached"] is None
    assert "iris, early stopping" in capsys.readouterr().out


def test_the_works_are_those_that_were_promised():
    promised = {work.name.split(",")[0]: work.at_least for work in swap.SWAPS if work.at_least}
    assert promised == {"iris": 3.0, "digits": 2.5, "grid search": 8.0}
    sizes = [len(values) for values in swap.GRID.values()]
    assert math.prod(sizes) == 24


def test_chunks_cover_the_rows_twice():
    calls = []

    class Recorder:
        def __init__(self, *args, **options):
            pass

        def partial_fit(self, X, y, classes):
            calls.append(len(X))

    x, y = swap.large(1300)
    swap.in_chunks(Recorder, x, y, 0)
    assert calls == [500, 500, 300] * 2
