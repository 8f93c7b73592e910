"""Several members a fold: they hold out the same rows, answer for them together, and each can be replayed."""

from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.cli import main
from chainrule.engines import engine_named
from chainrule.engines.step import OptimizerState, take_step
from chainrule.equations.layout import Layout
from chainrule.errors import SettingsError
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.held_out import held_out, held_out_rows
from chainrule.fitting.question import Question
from chainrule.fitting.replay import replay
from chainrule.fitting.train import prepare
from chainrule.tables.rows.split import split_folds
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import resolve

N = 70
RNG = np.random.default_rng(5)
A, B = RNG.normal(size=N), RNG.normal(size=N)
TABLE = {"a": A, "b": B, "n": A * B + 0.1 * RNG.normal(size=N)}
HOW = {
    "hidden": [5],
    "recipe": True,
    "epochs": 5,
    "members": 6,
    "fold_members": 2,
    "numeric_embedding": "none",
}
CLASSES = Problem("classification", 1000, 5, 3)


@pytest.fixture(scope="module")
def trained() -> chainrule.Trained:
    return chainrule.train(TABLE, "n", engine="reference", **HOW)


def test_folds_that_are_repeated_are_held_out_by_members_in_turn():
    folds = split_folds(11, 3, seed=0).repeated(2)
    assert folds.of_members.tolist() == [0, 1, 2, 0, 1, 2]
    for member, fold in enumerate(folds.of_members):
        assert set(np.flatnonzero(folds.own == fold)) <= set(folds.held[member])
        assert not set(folds.rest[member]) & set(folds.held[member])
    np.testing.assert_array_equal(folds.rest[:3], folds.rest[3:])
    assert folds.n_rest == split_folds(11, 3, seed=0).n_rest


def test_a_row_is_answered_by_the_members_that_have_not_seen_it(trained):
    model, prepared = trained.model, trained.prepared
    n, by = prepared.arrays.n_fitted, engine_named("reference")
    every = by.predict(model.network, model.parameters, prepared.arrays.x[:n])
    mean = np.empty((n, 1))
    for row in range(n):
        own = [member for member in range(6) if row not in prepared.folds.rest[member]]
        assert len(own) >= 2
        own = [member for member in range(6) if member % 3 == prepared.folds.own[row]]
        mean[row] = every[own, row].mean(axis=0)
    score = lambda outputs: model.score(model.answer_of(outputs), prepared.fitted_targets).scores["rmse"]  # noqa: E731
    assert trained.out_of_fold.scores["rmse"] == pytest.approx(score(mean), rel=1e-9)
    planted = every[prepared.folds.own, np.arange(n)]
    assert trained.out_of_fold.scores["rmse"] != pytest.approx(score(planted), rel=1e-6)


def test_of_a_fold_whose_other_member_is_not_kept_the_one_left_counts_again():
    prepared = prepare(Question(TABLE, "n"), Settings(**HOW))
    result = fit_prepared(prepared, engine="reference")
    # Member 2 has learned nothing; of fold 3 neither.
    result = replace(result, best_epochs=(3, 0, 0, 3, 3, 0))
    function = lambda p, x: np.broadcast_to(p[:, :1, None], (len(p), len(x), 1))  # noqa: E731
    rows, found = held_out_rows(prepared, result), held_out(prepared, result, function)
    own, first = prepared.folds.own, result.parameters[:, 0]
    assert set(own[rows]) == {0, 1}
    wanted = (
        np.where(own[rows] == 0, first[[0]], first[[4]]),
        np.where(own[rows] == 0, first[[3]], first[[4]]),
    )
    np.testing.assert_array_equal(found[:, :, 0], wanted)


def test_each_member_is_replayed_on_the_rows_that_it_was_trained_on(trained):
    model, folds = trained.model, trained.prepared.folds
    assert (model.card["bagging"], model.card["members"]["trained"], model.members) == (3, 6, 6)
    assert not np.array_equal(model.parameters[0], model.parameters[3])
    for member in (1, 4):
        (found,) = replay(model, TABLE, 3, member + 1)
        assert set(found.rows) <= set(folds.rest[member])
    last = model.card["best_epochs"][0] * -(-folds.n_rest // model.card["batch_size"])
    (found,) = replay(model, TABLE, last, 4)
    state = OptimizerState(last - 1, {k: a[0] for k, a in found.state.arrays.items()})
    step = take_step(
        Layout(model.network), found.state.parameters[0], state, found.data.x[found.rows],
        found.data.y[found.rows], found.settings, found.eta, None, found.masks,
    )  # fmt: skip
    np.testing.assert_allclose(step.parameters, model.parameters[3], rtol=1e-9, atol=1e-9)


def test_folds_of_several_members_are_of_the_newest_version_and_come_out_even(trained, tmp_path):
    trained.model.save(tmp_path / "m")
    read = chainrule.load(tmp_path / "m")
    assert read.to_dict()["model_version"] == 8
    np.testing.assert_array_equal(
        replay(read, TABLE, 2, 5)[0].rows, replay(trained.model, TABLE, 2, 5)[0].rows
    )
    plain = {**HOW, "linear_path": False, "fitted_start": False, "split_start": 0.0, "engine": "reference"}
    for of_each, version in ((1, 2), (2, 8)):
        made = chainrule.train(TABLE, "n", **{**plain, "fold_members": of_each})
        assert made.model.to_dict()["model_version"] == version
    odd = replace(read, card={**read.card, "bagging": 4})
    with pytest.raises(
        SettingsError, match=r"card\.bagging is 4 folds, which 6 members don't hold out evenly"
    ):
        replay(odd, TABLE, 2, 5)


def test_the_recipe_s_members_and_work_follow():
    alone, several = resolve(Settings(), CLASSES), resolve(Settings(fold_members=3), CLASSES)
    assert (several.members, several.fold_members, several.folds) == (15, 3, 5)
    assert (alone.members, alone.fold_members, alone.folds) == (5, 1, 5)
    assert several.plan == alone.plan
    assert several.steps == alone.steps
    searched = resolve(Settings(search=4), CLASSES)
    assert (searched.members, searched.folds) == (10, 5)
    assert resolve(Settings(search=4, members=5), CLASSES).fold_members == 1
    few = resolve(Settings(search=4), replace(CLASSES, n_rows=30))
    assert (few.bagging, few.members, few.fold_members, few.folds) == (False, 5, 1, 0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"members": 5, "fold_members": 2}, "with 2 members a fold there are 4, 6, 8, … members, not 5"),
        ({"members": 2, "fold_members": 2}, "not 2: change members or fold_members"),
        ({"fold_members": 2, "bagging": False}, "fold_members would have no effect: members have no folds"),
        ({"fold_members": 2, "validation_share": 0.2}, "members have no folds"),
        ({"fold_members": 0}, "fold_members 0 must be a whole number"),
    ],
)
def test_members_that_folds_do_not_come_out_with_are_refused(words, said):
    with pytest.raises(SettingsError) as caught:
        resolve(Settings(**words), CLASSES)
    assert said in str(caught.value)


def test_the_command_line_has_it(tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("a,n\n" + "\n".join(f"{a},{b}" for a, b in zip(A, B, strict=True)))
    words = ["--hidden", "3", "--epochs", "2", "--members", "4", "--bagging", "--fold-members", "2"]
    assert (
        main(
            [
                "train",
                str(table),
                "--target",
                "n",
                *words,
                "--engine",
                "reference",
                "--out",
                str(tmp_path / "m"),
            ]
        )
        == 0
    )
    assert "4 members, each stopped by its own half of the rows" in capsys.readouterr().out
