"""Where a search has little to go by, is stopped, or its record doesn't fit: a line, a file that can be read, no wrong weight."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

import chainrule
from chainrule.errors import ModelFileError, OutputError, SettingsError
from chainrule.fitting.question import Question
from chainrule.fitting.search.search import _Ran, evenly, guard_parts, notes_of
from chainrule.fitting.search.space import SearchTrial
from chainrule.fitting.train import prepare
from chainrule.model.card import CardSearch, CardTrial
from chainrule.model.model import Model
from chainrule.reports.search import verdict_of
from chainrule.tables.rows.split import split_folds
from chainrule.training.settings.record import Settings

N = 60
A = np.random.default_rng(0).normal(size=N)
RARE = np.where(np.isin(np.arange(N), [3, 20, 41]), "b", "a")
SMALL = {"hidden": [4], "recipe": True, "epochs": 3, "members": 2, "numeric_embedding": "none", "search": 3}


@pytest.fixture(autouse=True)
def small_portfolio(monkeypatch):
    """Trials that are cheap."""
    trials = ({"learning_rate": 0.05}, {"activation": "tanh"})
    monkeypatch.setattr("chainrule.fitting.search.space.PORTFOLIO", trials)
    monkeypatch.setattr("chainrule.fitting.search.search.PORTFOLIO", trials)


def searched(table, target, **more):
    return chainrule.train(table, target, **{**SMALL, "engine": "reference", **more})


@pytest.mark.parametrize(
    ("table", "target", "words", "known"),
    [
        ({"a": A, "y": RARE}, "y", {"watch": "auc", "bagging": False, "validation_share": 0.2}, False),
        ({"a": A, "n": (A**2 + 1) * 1e200}, "n", {}, True),
        ({"a": A, "n": (A**2 + 1) * 1e-200}, "n", {}, True),
    ],
)
def test_a_card_has_finite_numbers_alone_and_the_model_is_saved(table, target, words, known, tmp_path):
    trained = searched(table, target, **words)
    path = tmp_path / "m.safetensors"
    trained.model.save(path)
    record = CardSearch.from_dict(Model.load(path).card["search"])
    assert (record.error is not None) == known
    assert record.error != 0
    if known:
        assert 0 < record.trials[0].score < np.inf
    else:
        assert record.trials[0].weight == 1
        assert "can't be told how sure" in verdict_of(record)
        assert any("can't be told by the rows" in note for note in trained.notes)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_records_take_no_other_number(number):
    words = {"number": 1, "length": 1.0, "changes": {}, "state": "done", "operations": 1.0}
    for name in ("score", "gain", "error", "weight", "operations"):
        with pytest.raises(SettingsError, match=f"{name}: a finite number"):
            CardTrial(**{**words, name: number})
    for name in ("gain", "error"):
        told = {"asked": 1, "metric": "rmse", "rows": 2, "picks": 1, "gain": 0.0, "error": 0.0, "trials": ()}
        with pytest.raises(SettingsError, match=f"{name}: a finite number"):
            CardSearch(**{**told, name: number})


@pytest.mark.parametrize(
    ("rows", "words", "said"),
    [
        (6, {"watch": "mae", "bagging": False, "validation_share": 0.2}, "only 1 is held out of 5"),
        (1, {}, "none is held out of 1"),
        (1, {"recipe": None, "members": 1, "numeric_embedding": None}, "none is held out of 1"),
        (40, {"early_stopping": False}, "compares epochs that were kept"),
    ],
)
def test_too_few_rows_to_compare_by_are_refused_in_a_line(rows, words, said):
    with pytest.raises(SettingsError, match=said) as caught:
        searched({"a": A[:rows], "n": A[:rows] ** 2}, "n", **words)
    assert "\n" not in str(caught.value)


def test_a_search_file_that_can_not_be_written_is_refused_before_a_trial(tmp_path):
    trials = []
    with pytest.raises(OutputError, match=r"there is no folder .*choose another with search_file"):
        searched(
            {"a": A, "n": A}, "n", search_file=tmp_path / "no" / "s", on_trial=lambda *told: trials.append(1)
        )
    assert not trials


def test_a_trial_that_was_stopped_by_hand_is_made_again(tmp_path):
    path, table = tmp_path / "s.safetensors", {"a": A, "n": A**2}
    stopped = searched(table, "n", search_file=path, on_epoch_end=lambda log: True)
    assert stopped.fit.stopped == "callback"
    whole = searched(table, "n", search_file=path)
    assert whole.fit.stopped != "callback"
    assert whole.model.to_dict() == searched(table, "n").model.to_dict()


@pytest.fixture(scope="module")
def model():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chainrule.fitting.search.space.PORTFOLIO", ({"learning_rate": 0.05},))
        patch.setattr("chainrule.fitting.search.search.PORTFOLIO", ({"learning_rate": 0.05},))
        return searched({"a": A, "n": A**2}, "n", search=2).model


def test_a_record_that_does_not_fit_the_groups_is_refused_when_it_is_read(model):
    words = model.to_dict()
    assert Model.from_dict(words, model.arrays()).card == model.card
    for weights in ((0.5, 0.5), (0.0, 0.0)):
        changed = json.loads(json.dumps(words))
        for trial, weight in zip(changed["card"]["search"]["trials"], weights, strict=True):
            trial["weight"] = weight
        with pytest.raises(ModelFileError, match=r"card.search: as many trials with a weight as groups"):
            Model.from_dict(changed, model.arrays())
    of_group = json.loads(json.dumps(words))
    of_group["groups"][0]["card"] = changed["card"]
    with pytest.raises(ModelFileError, match=r"card.search"):
        Model.from_dict(of_group, model.arrays())


def test_a_search_and_more_waves_are_of_the_newest_version(model):
    old = {
        name: one for name, one in model.card.items() if name not in ("search", "fitted_start", "split_start")
    }
    plain = replace(model, card=old)
    searched_only = replace(model, card={**old, "search": model.card["search"]})
    assert (searched_only.to_dict()["model_version"], plain.to_dict()["model_version"]) == (8, 6)
    assert replace(plain, card={**plain.card, "more_waves": 2}).to_dict()["model_version"] == 8
    assert replace(plain, card={**plain.card, "more_waves": 0}).to_dict()["model_version"] == 6


def test_the_guard_parts_rows_as_the_table_is_parted():
    groups, chosen = np.arange(N) * 7 % 13, Settings(**SMALL)
    table = {"a": A, "g": groups, "n": A**2}
    assert guard_parts(prepare(Question({**table, "g": np.arange(N)}, "n"), chosen), np.arange(20)) is None
    by_group = prepare(Question(table, "n", groups="g"), chosen)
    rows = np.arange(by_group.arrays.n_fitted)
    parts = guard_parts(by_group, rows)
    assert len(parts) == 5
    np.testing.assert_array_equal(np.sort(np.concatenate(parts)), rows)
    each = [set(groups[by_group.places[part]].tolist()) for part in parts]
    assert sum(map(len, each)) == len(set.union(*each)) == len(set(groups[by_group.places].tolist()))
    by_time = prepare(Question(table, "n", time="g"), chosen)
    rows = np.arange(by_time.arrays.n_training, by_time.arrays.n_fitted)
    parts = guard_parts(by_time, rows)
    spans = sorted(
        (groups[by_time.places[rows[part]]].min(), groups[by_time.places[rows[part]]].max()) for part in parts
    )
    assert all(end < begun for (_, end), (begun, _) in pairwise(spans))


@pytest.mark.parametrize("k", [2, 5])
def test_thinned_rows_have_each_fold_in_proportion(k):
    n, most = 25_013, 10_000
    rows = evenly(np.arange(n), most)
    assert len(np.unique(rows)) == most
    np.testing.assert_array_equal(evenly(np.arange(most), most), np.arange(most))
    shares = np.bincount(split_folds(n, k, seed=0).own[rows]) / most
    np.testing.assert_allclose(shares, 1 / k, atol=4 * np.sqrt(1 / k / most))
    in_order = np.bincount((np.arange(n) * k // n)[rows]) / most
    np.testing.assert_allclose(in_order, 1 / k, atol=1e-3)


def test_the_notes_of_all_chosen_trainings_are_said_each_once():
    trial = SearchTrial(0, 1.0, Settings(), {})
    first = _Ran(trial, "done", notes=["of all", "of the first"])
    other = _Ran(replace(trial, number=4), "done", notes=["of all", "1 of 2 members diverged"])
    assert notes_of([first, other]) == ["of all", "of the first", "trial 4: 1 of 2 members diverged"]


@pytest.mark.parametrize(("metric", "watch"), [("mae", "mae"), ("rmse", "error")])
def test_a_watched_error_of_numbers_is_in_the_units_of_the_table(metric, watch):
    rng = np.random.default_rng(4)
    trained = searched({"a": A, "n": 5000 + 1000 * A + 100 * rng.normal(size=N)}, "n", watch=watch)
    record = CardSearch.from_dict(trained.model.card["search"])
    assert record.metric == metric
    (first, *_) = record.trials
    plain = searched({"a": A, "n": trained.prepared.table.column("n")}, "n", watch=watch, search=None)
    assert first.score == pytest.approx(plain.out_of_fold.scores[metric], rel=1e-9)
    assert first.score > 50
