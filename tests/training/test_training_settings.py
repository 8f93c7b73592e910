"""Settings: what they become, what the recipe fills in, and one line for every mistake."""

import re
from dataclasses import fields, replace

import numpy as np
import pytest

from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.errors import ChainruleError, SettingsError
from chainrule.training.settings.recipe import batch_size
from chainrule.training.settings.record import InputGroup, Problem, Settings
from chainrule.training.settings.resolve import resolve

CLASSES = Problem("classification", 1000, 5, 3)
TWO = Problem("classification", 1000, 5, 2)
NUMBERS = Problem("regression", 1000, 5)


def test_the_recipe_fills_in_everything():
    for problem, loss, output, n_out in (
        (CLASSES, "categorical_cross_entropy", "softmax", 3),
        (TWO, "binary_cross_entropy", "sigmoid", 1),
        (NUMBERS, "mean_squared_error", "identity", 1),
    ):
        made = resolve(Settings(), problem)
        assert made.network.loss.name == loss
        assert made.network.output.activation.name == output
        assert made.network.sizes[0] == 5
        assert made.network.sizes[-1] == n_out
        assert len(made.network.layers) > 1
        assert made.steps.optimizer.name == "adam"
        assert 0 < made.plan.learning_rate < 1
        assert made.plan.early_stopping
        # Each member holds out a fold of its own, so no rows are set aside for all.
        assert made.bagging
        assert made.validation_share == 0
        assert 1 <= made.steps.batch_size <= 1000
        assert made.steps.shuffle


def test_what_is_said_is_what_is_done():
    said = Settings(
        hidden=[7, 3], activation=["tanh", "elu(alpha=2)", "sigmoid"], loss="huber(delta=2)", optimizer="nesterov",
        learning_rate=0.3, schedule="step(every=2)", warmup=2.5, momentum=0.5, batch_size=10, epochs=17,
        weight_decay=0.01, l1=0.02, l2=0.03, dropout=0.4, clip_norm=5.0, bias="layer", init="he_uniform",
        early_stopping=True, patience=6, tolerance=0.001, validation_share=0.25, members=3, seed=11,
    )  # fmt: skip
    made = resolve(said, NUMBERS)
    layers = made.network.layers
    assert made.network.sizes == (5, 7, 3, 1)
    assert [layer.activation.spec for layer in layers] == ["tanh", "elu(alpha=2.0)", "sigmoid"]
    assert [layer.dropout for layer in layers] == [0.4, 0.4, 0.0]
    assert {layer.bias for layer in layers} == {"layer"}
    assert {layer.init for layer in layers} == {"he_uniform"}
    assert made.network.loss.spec == "huber(delta=2.0)"
    steps = made.steps
    assert steps.optimizer.spec == "nesterov(mu=0.5)"
    assert (steps.batch_size, steps.l1, steps.l2, steps.weight_decay) == (10, 0.02, 0.03, 0.01)
    assert (steps.clip_norm, steps.shuffle, steps.seed) == (5.0, True, 11)
    plan = made.plan
    assert (plan.epochs, plan.learning_rate, plan.schedule.spec) == (17, 0.3, "step(every=2.0)")
    # 750 of 1000 rows are trained on, ten a step: 75 steps an epoch, 2.5 epochs of warm-up
    assert plan.warmup == round(2.5 * 75)
    assert (plan.early_stopping, plan.patience, plan.tolerance) == (True, 6, 0.001)
    assert (made.members, made.validation_share) == (3, 0.25)


def test_every_setting_has_an_effect():
    changed = {
        "hidden": (3,), "activation": "tanh", "output_activation": "tanh", "loss": "half_squared_error",
        "optimizer": "rmsprop", "learning_rate": 0.5, "schedule": "cosine", "warmup": 3.0, "momentum": 0.7,
        "batch_size": 7, "epochs": 3, "weight_decay": 0.3, "l1": 0.1, "l2": 0.1, "dropout": 0.6, "clip_norm": 1.0,
        "bias": "none", "init": "zeros", "early_stopping": False, "patience": 3, "tolerance": 0.5,
        "validation_share": 0.4, "members": 2, "seed": 9, "rate_factors": {"b": 0.1}, "activation_mix": True,
        "parametrization": "ntk", "regularization_schedule": "flat_cosine", "watch": "error", "calibrate": True,
        "bagging": False, "refit": True, "time_limit": 9.0, "label_smoothing": 0.3, "recipe": False, "fast": True,
        "stop_together": False, "sharing": "tabm", "initial": {"b[1]": 0.5}, "frozen": ["W[2]"], "shuffle": False,
        "numeric_embedding": "none", "category_embedding": "none", "scaling_layer": True, "clamp": False, "linear_path": False,
        "class_weight": "balanced", "threshold": 0.3, "more_waves": 3, "fitted_start": False, "split_start": 0.1,
        "fold_members": 2,
    }  # fmt: skip
    # The file of weights is read before the settings are resolved: tests/fitting/test_by_hand.py
    # A search makes settings of its own for each training: tests/fitting/search/
    assert {*changed, "weights_from", "search"} == {field.name for field in fields(Settings)}
    table = replace(
        NUMBERS, n_inputs=16, groups=(*[InputGroup("number")] * 3, InputGroup("category", 13, 12))
    )
    del changed[
        "time_limit"
    ]  # the clock's, which runs from the moment a table is read: tests/fitting/test_steps.py
    for name, value in changed.items():
        problem = CLASSES if name == "label_smoothing" else table
        assert resolve(Settings(**{name: value}), problem) != resolve(Settings(), problem), name


def test_batches():
    assert [batch_size(n) for n in (10, 2000, 2001, 5001, 20001, 10**6)] == [32, 32, 64, 128, 256, 256]
    whole = resolve(Settings(batch_size="all"), NUMBERS)
    assert (whole.steps.batch_size, whole.steps.shuffle) == (1000, False)
    assert resolve(Settings(batch_size=10**6), NUMBERS).steps.batch_size == 1000
    assert resolve(Settings(batch_size=1), NUMBERS).steps.batch_size == 1
    for name in ("gradient_descent", "lbfgs"):
        assert resolve(Settings(optimizer=name), NUMBERS).steps.batch_size == 1000


def test_without_early_stopping_no_rows_are_set_aside_unless_asked():
    assert resolve(Settings(early_stopping=False), NUMBERS).validation_share == 0.0
    assert resolve(Settings(early_stopping=False, validation_share=0.3), NUMBERS).validation_share == 0.3


def test_the_perceptron_s_recipe():
    made = resolve(Settings(optimizer="perceptron"), TWO)
    assert made.network.sizes == (5, 1)
    assert made.network.loss.name == "perceptron"
    assert made.network.output.activation.name == "binary_step"
    assert (made.steps.batch_size, made.plan.learning_rate, made.members) == (1, 1.0, 1)
    assert not made.plan.early_stopping


def test_momentum_goes_where_the_optimizer_has_it():
    assert resolve(Settings(optimizer="sgd", momentum=0.5), NUMBERS).steps.optimizer == optimizer(
        "momentum(mu=0.5)"
    )
    assert resolve(Settings(momentum=0.8), NUMBERS).steps.optimizer == optimizer("adam(beta1=0.8)")
    assert (
        resolve(Settings(optimizer="adamw"), NUMBERS).steps.weight_decay == OPTIMIZERS["adamw"].weight_decay
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_resolves_for_its_task_or_says_why_not(loss):
    for problem in (CLASSES, TWO, NUMBERS):
        try:
            made = resolve(Settings(loss=loss), problem)
        except SettingsError as error:
            reason = "for counts" if problem.task == "classification" else "for classes"
            assert reason in str(error)  # noqa: PT017
            continue
        n_out = made.network.output.n_out
        if problem is NUMBERS:
            assert n_out == 1
        elif problem is CLASSES or LOSSES[loss].targets == "one_hot":
            assert n_out == problem.n_classes
        else:
            assert n_out == 1


NAN, INF = float("nan"), float("inf")
WRONG = [
    ({"hidden": [8, 0]}, "hidden [8, 0] must be whole numbers of neurons"),
    ({"early_stopping": "yes"}, "early_stopping 'yes' must be True or False"),
    ({"hidden": [2.5]}, "hidden [2.5] must be"),
    ({"hidden": [True]}, "hidden [True] must be"),
    ({"hidden": 64}, "hidden 64 must be"),
    ({"hidden": "64"}, "hidden '64' must be"),
    ({"bias": "both"}, "bias 'both' is unknown: choose neuron, layer, none"),
    ({"init": "gloro_normal"}, "did you mean glorot_normal"),
    ({"init": 0.5}, "init 0.5 must be text"),
    ({"batch_size": 0}, "batch_size 0 must be a whole number, at least 1"),
    ({"batch_size": "half"}, "batch_size 'half' must be a whole number"),
    ({"batch_size": 2.0}, "batch_size 2.0 must be a whole number"),
    ({"epochs": 0}, "epochs 0 must be a whole number, at least 1"),
    ({"epochs": 2.0}, "epochs 2.0 must be a whole number"),
    ({"epochs": True}, "epochs True must be"),
    ({"patience": -1}, "patience -1 must be a whole number, at least 1"),
    ({"members": 0}, "members 0 must be a whole number, at least 1"),
    ({"seed": -1}, "seed -1 must be a whole number, at least 0"),
    ({"seed": 2**64}, "must be less than 2^64"),
    ({"warmup": -0.5}, "warmup -0.5 must be a number, at least 0"),
    ({"warmup": NAN}, "warmup nan must be a number"),
    ({"weight_decay": -1}, "weight_decay -1 must be a number, at least 0"),
    ({"l1": INF}, "l1 inf must be a number"),
    ({"l2": "0.1"}, "l2 '0.1' must be a number"),
    ({"tolerance": -1e-9}, "tolerance -1e-09 must be"),
    ({"learning_rate": 0}, "learning_rate 0 must be a number above 0"),
    ({"learning_rate": NAN}, "learning_rate nan must be a number above 0"),
    ({"clip_norm": -2}, "clip_norm -2 must be a number above 0"),
    ({"dropout": 1}, "dropout 1 must be at least 0 and less than 1"),
    ({"dropout": -0.1}, "dropout -0.1 must be"),
    ({"validation_share": 1.0}, "validation_share 1.0 must be at least 0 and less than 1"),
    ({"momentum": 1.0}, "momentum 1.0 must be at least 0 and less than 1"),
    ({"momentum": "much"}, "momentum 'much' must be"),
]


@pytest.mark.parametrize(("given", "says"), WRONG)
def test_a_value_that_can_not_be_is_named(given, says):
    with pytest.raises(SettingsError) as caught:
        Settings(**given)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(SettingsError):
        replace(Settings(), **given)


CONTRADICTIONS = [
    ({"activation": ["tanh"] * 4, "hidden": [3, 3]}, NUMBERS, "4 activations for 2 hidden layers"),
    ({"activation": ["tanh"], "hidden": [3, 3]}, NUMBERS, "1 activations for 2 hidden layers"),
    ({"activation": "rulu"}, NUMBERS, "did you mean relu"),
    ({"activation": "softmax"}, NUMBERS, "softmax in layer 1"),
    (
        {"output_activation": "softmax", "loss": "binary_cross_entropy"},
        TWO,
        "softmax of one output is always 1",
    ),
    ({"loss": "hubr"}, NUMBERS, "did you mean huber"),
    ({"loss": "categorical_cross_entropy"}, NUMBERS, "is for classes, but the target is a number"),
    ({"loss": "hinge"}, NUMBERS, "is for classes, but the target is a number"),
    ({"loss": "poisson"}, CLASSES, "is for counts, but the target is a class"),
    ({"optimizer": "adm"}, NUMBERS, "did you mean adam"),
    ({"schedule": "cosin"}, NUMBERS, "did you mean cosine"),
    (
        {"optimizer": "gradient_descent", "momentum": 0.5},
        NUMBERS,
        "momentum has no meaning for gradient_descent",
    ),
    ({"optimizer": "rmsprop", "momentum": 0.5}, NUMBERS, "momentum has no meaning for rmsprop"),
    ({"optimizer": "lbfgs", "momentum": 0.5}, NUMBERS, "momentum has no meaning for lbfgs"),
    ({"optimizer": "lbfgs", "dropout": 0.5}, NUMBERS, "so dropout can't be used"),
    ({"optimizer": "lbfgs", "clip_norm": 1.0}, NUMBERS, "so clip_norm can't be used"),
    ({"optimizer": "lbfgs", "weight_decay": 0.1}, NUMBERS, "so weight_decay can't be used"),
    ({"optimizer": "lbfgs", "learning_rate": 0.1}, NUMBERS, "so learning_rate can't be used"),
    ({"optimizer": "lbfgs", "schedule": "cosine"}, NUMBERS, "so schedule can't be used"),
    ({"optimizer": "lbfgs", "warmup": 1}, NUMBERS, "warmup would have no effect.*lbfgs"),
    (
        {"optimizer": "lbfgs", "batch_size": 32},
        NUMBERS,
        "batch_size would have no effect.*lbfgs sees the whole",
    ),
    (
        {"optimizer": "gradient_descent", "batch_size": 5},
        NUMBERS,
        "batch_size would have no effect.*gradient_descent sees the whole table",
    ),
    ({"optimizer": "perceptron", "hidden": [3]}, TWO, "trains one layer with the loss perceptron"),
    ({"optimizer": "perceptron", "loss": "hinge"}, TWO, "trains one layer with the loss perceptron"),
    (
        {"hidden": [], "activation": "tanh"},
        NUMBERS,
        "activation would have no effect.*there is no hidden layer",
    ),
    ({"hidden": [], "dropout": 0.5}, NUMBERS, "dropout would have no effect.*there is no hidden layer"),
    (
        {"early_stopping": False, "patience": 3},
        NUMBERS,
        "patience would have no effect.*early stopping is off",
    ),
    ({"early_stopping": False, "tolerance": 0.1}, NUMBERS, "tolerance would have no effect.*"),
]


@pytest.mark.parametrize(("given", "problem", "says"), CONTRADICTIONS)
def test_settings_that_contradict_each_other_are_refused(given, problem, says):
    with pytest.raises(ChainruleError) as caught:
        resolve(Settings(**given), problem)
    assert re.search(says, str(caught.value))
    assert "\n" not in str(caught.value)


def test_settings_are_not_changed_by_resolving():
    said = Settings(hidden=[4])
    before = replace(said)
    resolve(said, NUMBERS)
    assert said == before
    assert np.array_equal(said.hidden, [4])


def test_the_switches_of_dense_layers_reach_the_network_and_the_plan():
    made = resolve(
        Settings(
            hidden=(4, 3), activation_mix=True, parametrization="ntk", rate_factors={"b": 0.1, "alpha": 2},
            regularization_schedule="flat_cosine", dropout=0.5, init="data", epochs=8,
        ),
        NUMBERS,
    )  # fmt: skip
    first, _, last = made.network.layers
    assert (first.mix, last.mix, first.parametrization, last.parametrization) == (True, False, "ntk", "ntk")
    assert (first.rates, last.rates, last.init) == ((("b", 0.1), ("alpha", 2.0)), (("b", 0.1),), "data")
    # 1 up to the middle; then (1 + cos(pi (2 t - 1)))/2 for t = 5/8, 6/8, 7/8
    want = [1, 1, 1, 1, 1, (1 + 0.5**0.5) / 2, 0.5, (1 - 0.5**0.5) / 2]
    assert [made.plan.strength(epoch) for epoch in range(8)] == pytest.approx(want, rel=1e-12)
    assert resolve(Settings(), NUMBERS).plan.strength(199) == 1.0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            {"rate_factors": {"alpha": 0.1}},
            "rate_factors: there is no parameter 'alpha'; the network has W, b",
        ),
        ({"rate_factors": {"b": 0}}, "rate_factors {'b': 0} must be factors above 0"),
        ({"rate_factors": 0.1}, "rate_factors 0.1 must be factors by name"),
        ({"rate_factors": {3: 0.1}}, "rate_factors {3: 0.1} must be factors by name"),
        ({"rate_factors": {"b": -2.0}}, "rate_factors {'b': -2.0} must be factors above 0"),
        ({"rate_factors": {"b": "x"}}, "rate_factors {'b': 'x'} must be factors above 0"),
        ({"rate_factors": {"b": 0.1}, "optimizer": "lbfgs"}, "rate_factors can't be used with it"),
        ({"activation_mix": True, "hidden": ()}, "activation_mix would have no effect"),
        ({"activation_mix": 1}, "activation_mix 1 must be True or False"),
        ({"parametrization": "mup"}, "parametrization 'mup' is unknown"),
        ({"regularization_schedule": "cosine"}, "unknown regularization schedule 'cosine'"),
        (
            {"regularization_schedule": "flat_cosine", "dropout": 0.0, "weight_decay": 0.0},
            "there is neither dropout nor weight decay",
        ),
    ],
)
def test_switches_of_dense_layers_that_mean_nothing_are_refused(words, message):
    with pytest.raises(SettingsError, match=message):
        resolve(Settings(**words), NUMBERS)


def test_the_recipe_clamps_numbers_unless_the_loss_is_a_formula_of_the_user_s_own():
    for words, is_on in (
        ({}, True),
        ({"fast": True}, True),
        ({"loss": "quantile(q=0.9)"}, True),
        ({"loss": "(a - 2*y)^2"}, False),
        ({"loss": "(a - 2*y)^2", "clamp": True}, True),
        ({"clamp": False}, False),
        ({"hidden": [3]}, False),
        ({"optimizer": "adamw"}, False),
        ({"hidden": [3], "clamp": True}, True),
    ):
        assert resolve(Settings(**words), NUMBERS).clamp is is_on, words
    assert not resolve(Settings(), TWO).clamp
    with pytest.raises(SettingsError, match=r"^clamp 1 must be True or False$"):
        Settings(clamp=1)
