"""Columns that tell the target, new tables that lie outside what was trained on, and trainings that end early."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

import chainrule
from chainrule.errors import ModelFileError
from chainrule.estimators.table.classifier import TableClassifier
from chainrule.estimators.table.regressor import TableRegressor
from chainrule.fitting.question import asked
from chainrule.fitting.train import prepare
from chainrule.model.model import Model
from chainrule.model.seen import _is_more

PLAIN: dict[str, Any] = {"hidden": [4], "members": 1, "epochs": 4, "engine": "reference", "seed": 1}


def numbers(n: int = 240, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    y = np.where(x[:, 0] + rng.normal(size=n) > 0, "yes", "no")
    return {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y.tolist()}


# ---- leaks


def named(table: dict[str, Any], target: str = "y", **words: Any) -> list[str]:
    settings = {name: value for name, value in PLAIN.items() if name != "engine"}
    return [leak.column for leak in prepare(*asked(table, target, {**settings, **words})).leaks]


def test_a_copy_a_recoding_and_a_near_copy_are_named():
    rng = np.random.default_rng(1)
    table = numbers()
    yes = np.array(table["y"]) == "yes"
    odd = np.where(rng.random(240) < 0.01, ~yes, yes)
    copies = {
        "code": np.where(yes, 7, 3).tolist(),
        "word": np.where(yes, "paid", "open").tolist(),
        "finer": [f"{'p' if one else 'o'}{k}" for one, k in zip(yes, rng.integers(0, 4, 240), strict=True)],
        "near": odd.tolist(),
        "shifted": (np.where(yes, 5.0, -5.0) + rng.normal(size=240)).tolist(),
        "date": [
            f"20{20 if one else 21}-01-{1 + k:02}"
            for one, k in zip(yes, rng.integers(0, 28, 240), strict=True)
        ],
    }
    for name, column in copies.items():
        assert named({**table, name: column}) == [name]
    assert named(table) == []
    assert set(named({**table, **copies})) == set(copies)
    value = np.array(table["a"]) * 3 + np.array(table["b"])
    for name, column in {
        "copy": value,
        "scaled": 1.8 * value + 32,
        "rounded": value.round(1),
        "cube": value**3,
        "noisy": value + 0.2 * rng.normal(size=240),
    }.items():
        assert named({"a": table["a"], name: column.tolist(), "z": value.tolist()}, "z") == [name]
    assert named({"a": table["a"], "b": table["b"], "z": value.tolist()}, "z") == []
    # What alone is there, and a table of a few rows, say nothing of leaks.
    assert named({"x": value.tolist(), "z": value.tolist()}, "z") == []
    assert named({"a": table["a"][:30], "x": value[:30].tolist(), "z": value[:30].tolist()}, "z") == []
    # A column of a different value in each row tells what was seen, and nothing out of fold.
    assert named({**table, "k": rng.permutation(240).tolist()}) == []


def test_the_score_without_it_is_told():
    table = numbers()
    table["paid"] = [{"yes": 1, "no": 0}[one] for one in table["y"]]
    words = {**PLAIN, "epochs": 20, "learning_rate": 0.05}
    trained = chainrule.train(table, "y", **words)
    without = chainrule.train({name: table[name] for name in ("a", "b", "y")}, "y", **words)
    assert trained.without_leaks is not None
    assert trained.without_leaks.scores == without.evaluation.scores
    assert trained.verdict.startswith(
        "column 'paid' alone nearly tells y, out of fold it leaves 0.0% of the errors of "
    )
    accuracy = without.evaluation.scores["accuracy"]
    own = trained.evaluation.scores["accuracy"]
    assert trained.verdict.endswith(f"; without it accuracy is {accuracy:.4g} instead of {own:.4g}")
    assert without.without_leaks is None
    estimator = TableClassifier(**{k: v for k, v in words.items() if k != "seed"}, random_state=1)
    estimator.fit({name: table[name] for name in ("a", "b", "paid")}, table["y"])
    assert any("column 'paid' alone nearly tells" in note for note in estimator.notes_)


# ---- drift


def shapes(n: int, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {
        "size": rng.normal(1.8, 0.1, n).round(3).tolist(),
        "mass": rng.normal(70, 8, n).tolist(),
        "shift": rng.normal(0.02, 3, n).tolist(),
        "paid": rng.gamma(0.5, 900, n).tolist(),
        "kind": rng.choice(["u", "v", "w"], n).tolist(),
        "flag": rng.choice([True, False], n).tolist(),
        "day": [
            f"2023-{m:02}-{d:02}" for m, d in zip(rng.integers(1, 13, n), rng.integers(1, 29, n), strict=True)
        ],
        "y": rng.choice(["p", "q"], n).tolist(),
    }


@pytest.fixture(scope="module")
def model() -> Model:
    return chainrule.train(shapes(300, 0), "y", **PLAIN).model


def test_a_table_of_the_same_kind_is_predicted_without_a_note(model: Model):
    noted = [seed for seed in range(1, 40) if model.drift(shapes(60, seed))]
    assert len(noted) <= 1
    assert not [seed for seed in range(40) if model.drift(shapes(1, 100 + seed))]


@pytest.mark.parametrize(
    ("column", "change", "said"),
    [
        ("size", lambda v: [1000 * x for x in v], "100% of the cells lie outside .* about 1,000 times larger: is it"),
        ("mass", lambda v: [x / 1000 for x in v], "about 1,000 times smaller: is it another unit, or another decimal sign"),
        ("shift", lambda v: [100 * x for x in v], "lie outside .* about 100 times larger: is it another unit"),
        ("shift", lambda v: [x / 1000 for x in v], "lie in .*, where 1.% of training's were; they are about 1,000 times"),
        ("paid", lambda v: [x / 1000 for x in v], "lie in 0 to .*, where 10% of training's were; .* 1,000 times smaller"),
        ("mass", lambda v: [x + 500 if i < 30 else x for i, x in enumerate(v)], "5.% of the cells lie outside"),
        ("kind", lambda v: ["z"] * len(v), "100% of the cells are levels that training did not see"),
        ("kind", lambda v: ["z" if i % 4 == 0 else x for i, x in enumerate(v)], "25% of the cells are levels"),
        ("size", lambda v: [None] * len(v), "all 60 cells are missing, in training 0% were"),
        ("kind", lambda v: [None if i % 2 else x for i, x in enumerate(v)], "50% of the cells are missing, in training 0% were"),
        ("day", lambda v: ["2031-05-01"] * len(v), "100% of the cells lie outside what training saw, 2023-01-0. to 2023-12-"),
    ],
)  # fmt: skip
def test_a_drifted_column_gets_one_note(model: Model, column: str, change: Any, said: str):
    new = shapes(60, 3)
    new[column] = change(new[column])
    (note,) = model.drift(new)
    (alone,) = model.drift({name: values[:1] for name, values in new.items()}) if "larger" in said else ("",)
    assert alone == "" or re.search("about 1,?00+ times", alone)
    assert note.startswith(f"column {column!r}: ")
    assert re.search(said, note)


def test_the_card_has_bins_and_levels_and_no_single_row(model: Model, tmp_path: Any):
    seen, table = model.card["seen"], shapes(300, 0)
    left = chainrule.train(table, "y", **PLAIN).prepared.left
    mass = np.array(table["mass"])[left]
    edges, counts = np.array(seen["mass"]["edges"]), np.array(seen["mass"]["counts"])
    assert len(counts) == 10
    assert counts.sum() == len(left)
    assert counts.tolist() == np.histogram(mass, edges)[0].tolist()
    assert np.allclose(edges[1:-1], np.quantile(mass, np.arange(1, 10) / 10))
    assert edges[0] <= mass.min()
    assert edges[-1] >= mass.max()
    assert not set(edges[[0, -1]]) & set(mass)
    kinds = np.array(table["kind"])[left]
    assert seen["kind"]["counts"] == [int((kinds == level).sum()) for level in ("u", "v", "w")] + [0]
    model.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.card["seen"] == seen
    odd = json.loads(json.dumps(model.to_dict()))
    odd["card"]["seen"]["mass"]["edges"] = [3, 2, 1]
    with pytest.raises(ModelFileError, match="edges"):
        Model.from_dict(odd, model.arrays())
    # A model of before says nothing, and still answers.
    old = json.loads(json.dumps(model.to_dict()))
    del old["card"]["seen"]
    assert Model.from_dict(old, model.arrays()).drift({**shapes(60, 3), "kind": ["z"] * 60}) == ()


def test_what_is_no_chance_is_told_by_the_binomial_law():
    for n, share in ((1, 0.0005), (30, 0.01), (200, 0.02), (50, 0.3)):
        for count in range(n + 1):
            wanted = count / n >= 0.05 and binom.sf(count - 1, n, share) < 0.001 and count > 0
            assert _is_more(count, n, share, 0.05) == wanted


# ---- ended early


@pytest.mark.parametrize("estimator", [TableClassifier, TableRegressor])
def test_an_interrupted_fit_is_warned_of(estimator: Any):
    table = numbers(80)
    y = table["y"] if estimator is TableClassifier else table["a"]

    def stop(state: Any) -> None:
        if state.line.epoch == 2:
            os.kill(os.getpid(), signal.SIGINT)

    words = {"hidden": [4], "epochs": 400, "engine": "reference", "random_state": 0, "early_stopping": False}
    made = estimator(**words, callbacks=stop)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        made.fit({"a": table["a"], "b": table["b"]}, y)
    assert made.stopped_ == "interrupted"
    assert made.n_iter_ < 400
    assert any(note.startswith("training was interrupted after ") for note in made.notes_)
    whole = estimator(**{**words, "epochs": 3}).fit({"a": table["a"], "b": table["b"]}, y)
    assert whole.stopped_ == "epochs"
    assert not any("interrupted" in note for note in whole.notes_)
