"""The default recipe: what it chooses, how its work grows, and tables on which a default could go wrong."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.fitting.train import prepare
from chainrule.training.settings import recipe
from chainrule.training.settings.record import InputGroup, Problem, Settings
from chainrule.training.settings.resolve import Resolved, resolve


def problem(
    n_rows: int = 1000, numbers: int = 5, levels: tuple[int, ...] = (), n_classes: int = 3
) -> Problem:
    """A problem with that many number columns, and a category for each count of levels; 0 classes: regression."""
    groups = (*[InputGroup("number")] * numbers, *[InputGroup("category", n + 1, n) for n in levels])
    task = "classification" if n_classes else "regression"
    return Problem(task, n_rows, sum(group.size for group in groups), n_classes, groups)


def work(made: Resolved, of: Problem) -> float:
    """Operations of the whole training: 6 a weight and row, in each epoch of each member."""
    weights = sum(n_in * n_out for n_in, n_out in pairwise(made.network.sizes))
    return 6.0 * weights * of.n_rows * made.plan.epochs * made.members


problems = st.builds(
    problem,
    st.integers(10, 10**6),
    st.integers(0, 200),
    st.lists(st.integers(2, 60), min_size=1, max_size=6).map(tuple),
    st.sampled_from([0, 2, 3, 100]),
)


@given(problems, st.booleans())
def test_the_epochs_stay_within_the_efforts_bounds_and_its_work(of, fast):
    made, effort = resolve(Settings(fast=fast), of), recipe.FAST if fast else recipe.FULL
    fewest, most = effort.epochs
    # Few rows make few steps in an epoch: at least 400 are made, as far as there are epochs.
    fewest = min(most, max(fewest, 400 * recipe.batch_size(of.n_rows) // of.n_rows))
    assert fewest <= made.plan.epochs <= most
    assert made.members == effort.members
    room = effort.flops * (of.n_rows / recipe.ROWS) ** recipe.GROWTH
    # An embedded category makes fewer inputs than what the recipe counts, never more; so the work is at most this.
    if made.plan.epochs > fewest:
        assert work(made, of) <= room


@given(problems, st.integers(2, 50))
def test_more_rows_or_columns_never_give_more_epochs(of, times):
    epochs = resolve(Settings(), of).plan.epochs
    assert resolve(Settings(), replace(of, n_rows=of.n_rows * times)).plan.epochs <= epochs
    wider = problem(of.n_rows, 0, (times,)).groups
    size = sum(group.size for group in wider)
    more = replace(of, n_inputs=of.n_inputs + size, groups=(*of.groups, *wider))
    assert resolve(Settings(), more).plan.epochs <= epochs


@given(problems)
def test_fast_is_less_work(of):
    full, fast = resolve(Settings(), of), resolve(Settings(fast=True), of)
    assert work(fast, of) < work(full, of)
    # It is the same recipe: only the effort is another.
    assert (
        [group.kind for group in full.network.features.groups]
        == [group.kind for group in fast.network.features.groups]
        if full.network.features
        else fast.network.features is None
    )
    assert (full.plan.watched, full.calibrate, full.bagging, full.steps) == (
        fast.plan.watched, fast.calibrate, fast.bagging, fast.steps,
    )  # fmt: skip


@given(
    problems,
    st.sampled_from([{"hidden": [8, 4]}, {"hidden": []}, {"optimizer": "sgd"}, {"optimizer": "adamw"}]),
)
def test_who_names_layers_or_optimizer_gets_none_of_the_switches(of, words):
    asked = Settings(**words)
    chosen = recipe.fill(asked, of)
    assert {name: getattr(chosen, name) for name in recipe.OFF} == recipe.OFF
    made = resolve(asked, of)
    assert made.network.features is None
    assert made.plan.watch is None
    assert not made.network.loss.smoothed
    assert made.plan.schedule.name == "constant"
    assert not any(layer.dropout for layer in made.network.layers)


@given(problems, st.sampled_from([{}, {"fast": True}]))
def test_who_asks_for_the_recipe_keeps_it_with_layers_or_an_optimizer_of_their_own(of, words):
    of = replace(of, n_rows=min(of.n_rows, 5_000))
    plain, full = recipe.fill(Settings(recipe=False), of), recipe.fill(Settings(**words), of)
    assert plain == replace(recipe.fill(Settings(hidden=(128, 64)), of), recipe=False)
    adam = recipe.fill(Settings(recipe=True, optimizer="adam(beta2=0.95)", **words), of)
    assert replace(adam, recipe=None, optimizer="adam") == full
    # Half the neurons: each switch is the same, and there is room for as many epochs, or more.
    half = [n // 2 for n in full.hidden]
    wide = recipe.fill(Settings(recipe=True, hidden=half, **words), of)
    assert wide.hidden == half
    assert wide.epochs >= full.epochs
    again = replace(wide, recipe=None, hidden=full.hidden, epochs=full.epochs, patience=full.patience)
    assert again == full


def test_the_recipe_s_rate_and_decay_are_adam_s():
    for name, record in OPTIMIZERS.items():
        if recipe.has_batches(record):
            made = resolve(Settings(recipe=True, optimizer=name), problem())
            own = (record.learning_rate, record.weight_decay)
            assert (made.plan.learning_rate, made.steps.weight_decay) == (
                (0.004, 0.05) if name in recipe.ADAMS else own
            )
    assert set(recipe.ADAMS) == {name for name in OPTIMIZERS if name.startswith("adam")}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"recipe": True, "optimizer": "lbfgs"},
            "the recipe trains by batches of rows, and lbfgs doesn't: leave out recipe=True",
        ),
        ({"recipe": True, "optimizer": "gradient_descent"}, "and gradient_descent doesn't"),
        ({"recipe": True, "optimizer": "perceptron"}, "and perceptron doesn't"),
        ({"recipe": 1}, "recipe 1 must be True or False"),
        (
            {"fast": True, "hidden": [3]},
            "fast would have no effect: it is the recipe's small form, and hidden makes a plain network; leave it out, or "
            "add recipe=True",
        ),
        (
            {"fast": True, "recipe": False},
            "fast would have no effect: it is the recipe's small form, and recipe=False makes a plain network; leave it out$",
        ),
    ],
)
def test_what_contradicts_the_recipe_is_refused(words, message):
    with pytest.raises(SettingsError, match=message):
        resolve(Settings(**words), problem())


@pytest.mark.parametrize("ingredient", recipe.INGREDIENTS, ids=lambda one: one.name)
def test_every_ingredient_can_be_taken_out(ingredient):
    of_numbers = ingredient.name in ("clamp", "leak", "linear path", "splits")
    n_rows = 20 if ingredient.name == "screening" else 1000
    of = problem(n_rows, numbers=3, levels=(30,), n_classes=0 if of_numbers else 3)
    assert resolve(Settings(**ingredient.without), of) != resolve(Settings(), of)


def test_a_number_has_no_switch_that_is_for_classes():
    made = resolve(Settings(), problem(n_classes=0))
    assert (made.plan.watched, made.calibrate, made.network.loss.name) == (
        "loss",
        False,
        "mean_squared_error",
    )
    with pytest.raises(SettingsError, match="label_smoothing is for cross-entropy"):
        resolve(Settings(label_smoothing=0.1), problem(n_classes=0))


def test_what_the_recipe_leaves_out():
    # What is watched needs rows that are watched, and more than one member to hold out folds.
    for words in (
        {"early_stopping": False},
        {"validation_share": 0.0},
        {"early_stopping": False, "members": 1},
    ):
        made = resolve(Settings(**words), problem())
        assert (made.validation_share, made.plan.watched, made.calibrate, made.bagging) == (
            0,
            "loss",
            False,
            False,
        )
    for words in ({"members": 1}, {"refit": True}, {"validation_share": 0.3}):
        made = resolve(Settings(**words), problem())
        assert not made.bagging
        assert made.validation_share == words.get("validation_share", 0.2)
    for of in (problem(numbers=0, levels=(3,)), problem(numbers=recipe.MOST_PERIODIC + 1)):
        assert resolve(Settings(), of).network.features is None
    assert resolve(Settings(), problem(numbers=recipe.MOST_PERIODIC)).network.features is not None
    n = recipe.FEWEST_BAGGED
    assert [resolve(Settings(), problem(rows)).bagging for rows in (n - 1, n)] == [False, True]
    # An own loss or output has no label smoothing and no refinement.
    own = resolve(Settings(loss="hinge"), problem(n_classes=2))
    assert (own.plan.watched, own.calibrate) == ("loss", False)


# ---- small tables, with few epochs: better than the majority class or the mean

QUICK: dict[str, Any] = {"fast": True, "epochs": 12, "engine": "cpu", "threads": 1}


def train(table: dict[str, Any], **words: Any) -> Any:
    return chainrule.train(table, "y", **{**QUICK, **words})


def noise(n: int, columns: int, seed: int = 3) -> tuple[np.random.Generator, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return rng, {f"x{j}": rng.normal(size=n) for j in range(columns)}


def rare() -> dict[str, Any]:
    """1 % of the rows are the second class, and x0 says which."""
    _, table = noise(1000, 2)
    table["y"] = np.where(table["x0"] >= np.sort(table["x0"])[-10], "rare", "common")
    return table


def three_rows() -> dict[str, Any]:
    """Two classes of 60 rows and one of 3, fewer than there are folds."""
    rng, table = noise(123, 2)
    kinds = np.repeat(["a", "b", "c"], [60, 60, 3])
    table["x0"] = np.select([kinds == "a", kinds == "b"], [-2.0, 2.0], 8.0) + 0.3 * rng.normal(size=123)
    table["y"] = kinds
    return table


def hundred_classes() -> dict[str, Any]:
    table = noise(1000, 0)[1]
    k = np.arange(1000) % 100
    table["x0"], table["x1"] = (k % 10).astype(float), (k // 10).astype(float)
    table["y"] = [f"k{i:02d}" for i in k]
    return table


def wide() -> dict[str, Any]:
    """500 columns, of which five count."""
    _, table = noise(1000, 500)
    table["y"] = np.where(sum(table[f"x{j}"] for j in range(5)) > 0, "up", "down")
    return table


def one_column() -> dict[str, Any]:
    table = noise(200, 1)[1]
    table["y"] = np.where(np.abs(table["x0"]) > 0.7, "far", "near")  # no line separates these
    return table


def categories() -> dict[str, Any]:
    rng, table = noise(300, 0)
    few, many = rng.integers(0, 3, 300), rng.integers(0, 20, 300)
    table["few"], table["many"] = [f"f{i}" for i in few], [f"m{i}" for i in many]
    table["y"] = np.where((many % 2 == 0) ^ (few == 0), "odd", "even")
    return table


@pytest.mark.parametrize(
    ("table", "score", "words"),
    [
        (rare, "balanced_accuracy", {"epochs": 64}),
        (three_rows, "accuracy", {}),
        (hundred_classes, "accuracy", {"epochs": 30}),
        (wide, "accuracy", {}),
        (one_column, "accuracy", {"epochs": 30}),
        (categories, "accuracy", {}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_classes_are_told_apart_better_than_by_the_majority(
    table: Callable[[], dict[str, Any]], score: str, words: dict[str, Any]
):
    trained = train(table(), **words)
    ours, trivial = trained.evaluation.scores, trained.baselines["majority class"]
    assert ours[score] > trivial[score] + 0.1
    assert ours["log_loss"] < trivial["log_loss"]


def test_a_price_is_told_better_than_by_the_mean():
    rng, table = noise(600, 2)
    table["y"] = np.exp(1.5 * (0.9 * table["x0"] + 0.4 * rng.normal(size=600)))
    trained = train(table)
    assert trained.evaluation.scores["rmse"] < 0.9 * trained.baselines["mean"]["rmse"]


@pytest.mark.parametrize("n", [6, 10, 20, 39, 40, 60])
@pytest.mark.parametrize("classes", [2, 0])
def test_a_tiny_table_is_no_mistake(n, classes):
    x = np.linspace(-1, 1, n)
    y = np.where(x > 0, "a", "b") if classes else 3 * x
    trained = chainrule.train({"x": x, "y": y}, "y", fast=True, epochs=2, engine="reference", test_share=0)
    assert len(trained.fit.history) == 2
    assert all(np.isfinite(v) for v in trained.fit.losses)


def test_rows_given_for_validation_are_watched_and_calibrated_on_like_a_share_of_the_table():
    x, y = [float(i * i % 7) for i in range(60)], ["a", "b"] * 30
    table = {"x": x, "y": y}
    found = prepare(Question(table, "y", test_share=0.0, validation=table)).resolved
    assert (found.plan.watched, found.calibrate, found.bagging) == ("refinement", True, False)
    unwatched = Settings(early_stopping=False)
    assert (
        prepare(Question(table, "y", test_share=0.0, validation=table), unwatched).resolved.plan.watched
        == "loss"
    )


def test_the_recipe_bags_only_where_each_member_has_rows_to_hold_out():
    problem = Problem("classification", 45, 3, 2)
    assert resolve(Settings(), problem).bagging
    assert resolve(Settings(members=22), problem).bagging
    assert not resolve(Settings(members=23), problem).bagging
    assert not resolve(Settings(members=100), problem).bagging


def test_a_table_with_no_row_to_watch_is_not_refused_for_a_calibration_that_the_recipe_chose():
    table = {"x": [0.0, 1.0, 4.0], "y": ["a", "b", "a"]}
    assert not prepare(Question(table, "y")).resolved.calibrate
    with pytest.raises(SettingsError, match="calibrate needs validation rows"):
        prepare(Question(table, "y"), Settings(calibrate=True))
