"""What each ingredient of the recipe adds: which trainings are compared, the differences and their standard errors."""

import inspect
import math
from dataclasses import replace

import numpy as np
import pytest

import chainrule
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question, asked
from chainrule.fitting.studies import ablation as module
from chainrule.fitting.studies.ablation import SEEDS, ablate
from chainrule.fitting.studies.ablation_records import Ablation, Ablations, Difference
from chainrule.fitting.train import prepare, train_prepared
from chainrule.model.source import Reading
from chainrule.training.scores.metrics import log_loss, log_losses
from chainrule.training.settings.recipe import INGREDIENTS, Ingredient
from chainrule.training.settings.record import Settings

RNG = np.random.default_rng(5)
X = RNG.normal(size=(120, 2))
CLASSES = {
    "x1": X[:, 0],
    "x2": X[:, 1],
    "y": np.where(X[:, 0] * X[:, 1] + 0.3 * RNG.normal(size=120) > 0, "a", "b"),
}
NUMBERS = {"x1": X[:, 0], "x2": X[:, 1], "y": np.sin(2 * X[:, 0]) + X[:, 1] + 0.1 * RNG.normal(size=120)}
QUICK = {"fast": True, "epochs": 4}
NOTHING = Ingredient("nothing", "an end that is never reached", {"patience": 10})
EPOCHS = Ingredient("most epochs", "more than one", {"epochs": 1})


def named(found):
    return {one.ingredient.name: one for one in found.ingredients}


def test_what_has_no_effect_makes_a_difference_of_exactly_nothing():
    # Patience would be 20 by the recipe, and only 4 epochs are run: another setting, the same training.
    found = ablate(CLASSES, "y", seeds=2, ingredients=[NOTHING], **QUICK)
    (one,) = found.ingredients
    for difference in one.differences.values():
        assert (difference.value, difference.over_seeds, difference.over_rows) == (0, 0, 0)
        assert difference.full == difference.without
    assert (one.verdict, one.seeds, one.reason) == ("no difference", 2, None)
    assert found.named("no difference") == ["nothing"]
    assert one.seconds > 0
    assert one.seconds_full == found.seconds > 0


def test_one_epoch_is_worse_than_forty_on_numbers_that_bend():
    found = ablate(NUMBERS, "y", seeds=2, ingredients=[EPOCHS], fast=True, epochs=40)
    (one,) = found.ingredients
    assert list(one.differences) == ["rmse"]
    assert one.differences["rmse"].value > 2 * one.differences["rmse"].standard_error > 0
    assert (one.verdict, found.named("helps")) == ("helps", ["most epochs"])
    # The other way round it would be no removal.
    other = ablate(NUMBERS, "y", seeds=1, ingredients=[replace(EPOCHS, without={"epochs": 40})], **QUICK)
    assert other.ingredients[0].reason == "epochs is 4 already, less than 40"


def test_a_training_of_an_ablation_is_the_training_of_that_seed_on_the_same_rows():
    seen = []
    found = ablate(CLASSES, "y", seeds=2, ingredients=[EPOCHS], on_run=seen.append, seed=7, **QUICK)
    assert [(run.ingredient, run.seed, run.place, run.of) for run in seen] == [
        (None, 7, 1, 4), (None, 8, 2, 4), ("most epochs", 7, 3, 4), ("most epochs", 8, 4, 4)
    ]  # fmt: skip
    # The rows of the score are those of seed 7, whatever the training's own seed: here as a table of their own.
    held = prepare(Question(CLASSES, "y"), Settings(seed=7)).tested.frame
    first = chainrule.train(CLASSES, "y", seed=7, **QUICK)
    assert first.evaluation.rows == found.rows == held.height
    assert seen[0].scores["error"] == 1 - first.evaluation.scores["accuracy"]
    assert seen[0].scores["log_loss"] == first.evaluation.scores["log_loss"]
    second = prepare(Question(CLASSES, "y", test_seed=7), Settings(seed=8, **QUICK))
    assert second.tested.frame.equals(held)
    assert not prepare(Question(CLASSES, "y"), Settings(seed=8)).tested.frame.equals(held)
    assert seen[1].scores["log_loss"] == train_prepared(second).evaluation.scores["log_loss"]
    one = found.ingredients[0].differences["log_loss"]
    d = [
        seen[2].scores["log_loss"] - seen[0].scores["log_loss"],
        seen[3].scores["log_loss"] - seen[1].scores["log_loss"],
    ]
    assert one.value == pytest.approx(sum(d) / 2)
    # Of two numbers: s = |d1 - d2| / sqrt(2), and s / sqrt(2).
    assert one.over_seeds == pytest.approx(abs(d[0] - d[1]) / 2)
    assert found.scores["log_loss"] == one.full


def test_the_standard_error_over_rows_by_hand():
    scored = [
        module._Scored({"error": 0.5}, {"error": np.array([1.0, 0, 1, 0])}, 1.0),
        module._Scored({"error": 0.75}, {"error": np.array([1.0, 1, 1, 0])}, 3.0),
    ]
    one = module._compared(NOTHING, scored[:1], scored[1:])
    # The rows' differences are 0, 1, 0, 0: mean 1/4, variance (1/16 · 3 + 9/16) / 3 = 1/4, so 1/2 / sqrt(4).
    assert one.differences["error"] == Difference(0.5, 0.75, 0.25, None, 0.25)
    assert (one.verdict, one.seconds_full, one.seconds) == ("no difference", 1.0, 3.0)
    # With a seed more in the full recipe, as after Ctrl-C, only pairs count.
    assert module._compared(NOTHING, [scored[0], scored[1]], scored[1:]) == one


def test_the_parts_of_an_rmse_are_its_change_to_first_order():
    trained = prepare(Question(NUMBERS, "y"), Settings(**QUICK))
    scored = module._scored(trained, "cpu", None)
    e2 = scored.parts["rmse"] * 2 * scored.scores["rmse"]
    assert math.sqrt(e2.mean()) == pytest.approx(scored.scores["rmse"], rel=1e-12)
    nudge = 1e-6 * np.arange(len(e2))
    change = math.sqrt((e2 + nudge).mean()) - math.sqrt(e2.mean())
    assert change == pytest.approx(np.mean(nudge / (2 * scored.scores["rmse"])), rel=1e-3)


def test_rows_log_losses_have_the_log_loss_as_mean():
    p = np.array([[0.2, 0.8], [1.0, 0.0], [0.5, 0.5]])
    y = np.array([1, 1, 0])
    assert log_losses(y, p) == pytest.approx([-math.log(0.8), -math.log(2.0**-52), math.log(2)])
    assert log_loss(y, p) == pytest.approx(log_losses(y, p).mean())


def test_verdicts():
    def verdict(*differences):
        return Ablation(NOTHING, dict(enumerate(differences)), 1).verdict

    better, worse = Difference(0.1, 0.3, 0.2, 0.05, 0.09), Difference(0.3, 0.1, -0.2, None, 0.09)
    same = Difference(0.1, 0.3, 0.2, 0.05, 0.1)  # exactly two standard errors
    assert (better.verdict, worse.verdict, same.verdict) == ("helps", "hurts", "no difference")
    assert better.standard_error == 0.09
    assert replace(better, over_seeds=0.2).verdict == "no difference"
    assert [verdict(better, same), verdict(same, worse), verdict(better, worse), verdict(same)] == [
        "helps", "hurts", "both", "no difference"
    ]  # fmt: skip
    assert Ablation(NOTHING, {}, reason="why").verdict is None


def test_all_ingredients_are_listed_and_what_is_not_there_says_why(rng):
    one_word = {"c": ["u", "v"] * 30, "y": rng.normal(size=60)}
    found = ablate(one_word, "y", seeds=1, fast=True, epochs=2, dropout=0.0)
    assert [one.ingredient for one in found.ingredients] == list(INGREDIENTS)
    by_name = named(found)
    assert by_name["periodic embedding"].reason == "numeric_embedding is none already"
    assert by_name["dropout"].reason == "dropout is 0.0 already"
    assert by_name["label smoothing"].reason == "there is no label_smoothing"
    assert by_name["calibration"].reason == "calibrate is off already"
    # Of the rest members includes bagging, which goes with them by the recipe's own rules.
    assert by_name["members"].seeds == by_name["bagging"].seeds == 1
    plain = {one["ingredient"]: one for one in found.to_dict()["ingredients"]}
    assert plain["dropout"]["reason"] == "dropout is 0.0 already"
    assert plain["members"]["differences"]["rmse"]["over_seeds"] is None


def test_what_contradicts_the_users_words_can_t_be_taken_out():
    members = next(one for one in INGREDIENTS if one.name == "members")
    found = ablate(NUMBERS, "y", seeds=1, ingredients=[members], bagging=True, **QUICK)
    assert "needs at least members=2" in found.ingredients[0].reason


def test_a_removal_that_fails_is_told_and_the_others_go_on(monkeypatch):
    scored = module._scored

    def diverges(prepared, *more):
        if prepared.resolved.plan.epochs == 1:
            raise SettingsError("nothing finite was left")
        return scored(prepared, *more)

    monkeypatch.setattr(module, "_scored", diverges)
    found = ablate(NUMBERS, "y", seeds=1, ingredients=[EPOCHS, NOTHING], **QUICK)
    assert found.ingredients[0].reason == "without it: nothing finite was left"
    assert (found.ingredients[1].seeds, found.interrupted) == (1, False)


@pytest.mark.parametrize("after", [1, 3])
def test_ctrl_c_gives_what_is_done(after):
    seen = []

    def stop(run):
        seen.append(run)
        if run.place == after:
            raise KeyboardInterrupt

    found = ablate(NUMBERS, "y", seeds=2, ingredients=[EPOCHS, NOTHING], on_run=stop, **QUICK)
    assert found.interrupted
    assert found.seeds == min(after, 2)
    first, second = found.ingredients
    assert second.reason == "interrupted before it was"
    assert (first.seeds, first.reason) == ((0, "interrupted before it was") if after == 1 else (1, None))


def test_ctrl_c_before_anything_is_done_goes_on(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_scored", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ablate(NUMBERS, "y", seeds=1, ingredients=[NOTHING], **QUICK)


@pytest.mark.parametrize(
    ("words", "reasons"),
    [
        (
            {"activation": "tanh", "schedule": "cosine"},
            {
                "leak": "activation is tanh, not the recipe's leaky_relu",
                "schedule": "schedule is cosine, not the recipe's coslog4",
            },
        ),
        ({"activation": ["selu", "mish"]}, {"leak": "activation is ['selu', 'mish'], not the recipe's leaky_relu"}),
        ({"activation": "leaky_relu"}, {"leak": None}),
        ({"activation": "relu"}, {"leak": "activation is relu already"}),
        ({"members": 3, "weight_decay": 0.2}, {"members": None, "weight decay": None}),
    ],
)  # fmt: skip
def test_what_the_user_chose_instead_of_the_recipe_is_no_ingredient(words, reasons):
    prepared = prepare(Question(NUMBERS, "y"), Settings(**words))
    for ingredient in INGREDIENTS:
        if ingredient.name in reasons:
            found = module._reason(ingredient, Settings(**words), prepared.problem)
            assert found == reasons[ingredient.name]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ({"optimizer": "lbfgs"}, "without ingredients: leave out optimizer$"),
        ({"hidden": [4]}, "with hidden it is a plain network"),
        ({"optimizer": "sgd"}, "with optimizer it is a plain network"),
        ({"time_limit": 5.0}, "time_limit would end each at another epoch"),
        ({"seeds": 0}, "seeds 0 must be a whole number"),
        ({"seeds": True}, "seeds True must be a whole number"),
        ({"test_share": 0.0}, "on rows held out, and there are 0"),
        ({"epoch": 3}, "there is no setting 'epoch'; did you mean"),
    ],
)
def test_what_is_refused(words, line):
    with pytest.raises(SettingsError, match=line):
        chainrule.ablate(NUMBERS, "y", **words)


def test_ablate_has_the_words_of_train():
    question = {
        "task": "classification",
        "inputs": ["x1", "x2"],
        "drop": ["x2"],
        "weights": "x2",
        "scaling": "minmax",
        "target_scaling": "none",
        "test_share": 0.4,
        "test_file": CLASSES,
        "kinds": {"x1": "category"},
        "groups": "x2",
        "time": "x2",
        "split": "x2",
    }
    reading = {"delimiter": ";", "decimal": ",", "encoding": "utf-8", "missing": ["-9"], "thousands": "space"}
    reading |= {"dates": "month-first", "infinite": "refuse", "unpack_limit": "1K"}
    of_training = {"table", "target", "engine", "threads", "dtype", "on_epoch_end", "settings"}
    of_search = {"on_trial", "search_file", "teacher"}
    assert set(inspect.signature(chainrule.train).parameters) == {
        *question,
        *reading,
        *of_training,
        *of_search,
    }
    assert set(inspect.signature(ablate).parameters) >= of_training - {"dtype", "on_epoch_end", "settings"}
    for name, value in question.items():
        found, settings = asked(CLASSES, "y", {name: value, **reading, "seed": 3})
        assert getattr(found, name) == value
        assert found.reading == Reading(";", ",", "utf-8", ("-9",), " ", "month-first", "refuse", 1024)
        assert settings == Settings(seed=3)
    found = ablate(CLASSES, "y", seeds=1, ingredients=[], inputs=["x1"], test_share=0.4, **QUICK)
    assert found.rows == 48


def test_the_default_number_of_seeds_is_that_of_the_command_line():
    from chainrule.cli.commands.train import parser

    assert parser().parse(["t.csv", "--ablate"]).ablate == SEEDS
    assert isinstance(ablate(NUMBERS, "y", seeds=1, ingredients=[], **QUICK), Ablations)
