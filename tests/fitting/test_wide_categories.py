"""Categories of many levels: all that occur have an input, their means are shrunk, and no row tells its own target."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.tables import schema as levels_of
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from chainrule.training.starts import begin, linear_path

SMALL = {"hidden": [8], "recipe": True, "epochs": 4, "members": 3}


def many(n: int, levels: int, effect: float, seed: int = 0) -> dict[str, list]:
    """A category whose level adds to the target, and a number."""
    draws = np.random.default_rng(seed)
    place, a = draws.integers(0, levels, n), draws.normal(size=n)
    own = effect * draws.normal(size=levels)
    y = own[place] + a + 0.5 * draws.normal(size=n)
    return {"k": [f"u{i}" for i in place], "a": a.tolist(), "y": y.tolist()}


def test_levels_beyond_64_have_an_input_however_often_they_occur():
    words = [f"w{i}" for i in range(80) for _ in range(2)] + [f"once{i}" for i in range(40)]
    table = from_frame({"k": words, "y": list(range(200))})
    narrow, wide = (infer_schema(table, target="y", wide=one) for one in (False, True))
    assert (narrow.max_levels, wide.max_levels) == (64, 8_000)
    assert [len(fit_encoder(table, one).columns[0].levels) for one in (narrow, wide)] == [64, 120]
    assert [fit_encoder(table, one).columns[0].rare for one in (narrow, wide)] == [True, False]
    assert (
        infer_schema(from_frame({"k": list("abab"), "y": [1, 2, 3, 5]}), target="y", wide=True).max_levels
        == 64
    )


def test_there_are_no_more_of_them_than_there_is_room_for(monkeypatch):
    words = [f"w{i % 100}" for i in range(400)]
    table = from_frame({"k": words, "j": words[::-1], "y": list(range(400))})
    monkeypatch.setattr(levels_of, "MOST_CELLS", 400 * 150)
    found = infer_schema(table, target="y", wide=True)
    assert found.max_levels == 75  # 150 for two columns
    assert "the 75 most frequent have an input each" in "".join(found.notes)


@pytest.mark.slow
def test_a_plain_network_and_one_hot_inputs_keep_to_64():
    rows = many(600, 150, 1.0)
    for words in ({"hidden": [4], "epochs": 1}, {**SMALL, "category_embedding": "none"}):
        assert len(chainrule.train(rows, "y", **words).model.encoder.columns[0].levels) == 64
    assert len(chainrule.train(rows, "y", **SMALL).model.encoder.columns[0].levels) > 100


@pytest.mark.slow
def test_what_levels_add_is_learned():
    made = chainrule.train(many(3_000, 300, 2.0), "y", **SMALL)
    assert made.evaluation.scores["r2"] > 0.85
    narrow = chainrule.train(many(3_000, 300, 2.0), "y", **SMALL, category_embedding="none")
    assert narrow.evaluation.scores["r2"] < 0.5


@pytest.mark.slow
@pytest.mark.parametrize("task", ["numbers", "classes"])
def test_from_levels_that_tell_nothing_nothing_is_learned(task):
    rows = many(1_500, 500, 0.0)
    draws = np.random.default_rng(3)
    rows["y"] = draws.normal(size=1_500).tolist()
    if task == "classes":
        rows["y"] = np.where(draws.random(1_500) < 0.5, "no", "yes").tolist()
    made = chainrule.train(rows, "y", **SMALL)
    found = made.out_of_fold.scores
    # Each row's level is mostly known from two others; its own target would tell half of it.
    if task == "classes":
        assert found["log_loss"] > 0.69
    else:
        assert found["r2"] < 0.02


@pytest.mark.slow
def test_a_planted_leak_is_seen(monkeypatch):
    rows = many(1_500, 500, 0.0)
    rows["y"] = np.random.default_rng(3).normal(size=1_500).tolist()
    monkeypatch.setattr(linear_path, "EXACT", 5)
    assert chainrule.train(rows, "y", **SMALL).out_of_fold.scores["r2"] < 0.02
    honest = begin.on_linear_path

    def leaking(network, start, data, sharing="none", *, stage=False):
        # Every member's slopes come from all rows, and are judged on the fold that it should not have seen.
        everyone = np.unique(data.train)
        held = [np.setdiff1d(everyone, line) for line in data.train]
        monkeypatch.setattr(linear_path, "_held_out", lambda lines: held)
        lines = np.broadcast_to(everyone, (len(data.train), len(everyone)))
        return honest(network, start, replace(data, train=lines), sharing, stage=stage)

    monkeypatch.setattr(begin, "on_linear_path", leaking)
    found = chainrule.train(rows, "y", **SMALL).out_of_fold.scores
    assert found["r2"] > 0.05
