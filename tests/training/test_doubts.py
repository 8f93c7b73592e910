"""A loss whose smallest value isn't at the target is told of, or refused where it tells nothing apart."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, MLPClassifier, MLPRegressor, Network
from chainrule.equations.losses import LOSSES
from chainrule.errors import SettingsError
from chainrule.training.doubts import doubt_of_loss

ONE = np.array([[0.0], [1.0], [1.0], [0.0]])
NUMBERS = np.linspace(-1.7, 2.3, 40)[:, None]
SEVERAL = np.eye(3)[[0, 1, 2, 2, 1]]


def doubt(loss, y, output):
    return doubt_of_loss(Network([2, Dense(y.shape[1], output)], loss=loss), y)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_of_ours_leads_to_its_targets(name):
    record = LOSSES[name]
    numbers = [ONE, NUMBERS, SEVERAL]
    many = {"nonnegative": [ONE, NUMBERS + 2], "zero_one": [ONE, SEVERAL], "one_hot": [SEVERAL]}
    for y in many.get(record.targets, numbers):
        assert doubt(name, y, record.output) is None
    if "label_smoothing" in record.parameters:
        assert doubt(f"{name}(label_smoothing=0.2)", SEVERAL, record.output) is None


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("-y*log(a)", ONE, "sigmoid"),
        ("-(1-y)*log(1-a)", ONE, "sigmoid"),
        ("y*(a-y)^2", ONE, "identity"),
        ("(a-1)^2 + 0*y", ONE, "sigmoid"),
        ("-(a-y)^2", NUMBERS, "identity"),
        ("exp(-abs(a-y))", NUMBERS, "tanh"),
        ("categorical_cross_entropy", SEVERAL, "sigmoid"),
    ],
)
def test_a_loss_that_teaches_nothing(loss, y, output):
    found = doubt(loss, y, output)
    assert found is not None
    assert found.hopeless
    assert "nothing is learned there" in found.words
    assert "\n" not in found.words


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("(a-2*y)^2", NUMBERS, "identity"),
        ("(a-y-1)^2", NUMBERS, "identity"),
        ("log(1+exp(-(2*y-1)*a))", ONE, "identity"),
        ("poisson", NUMBERS + 1.7, "identity"),
    ],
)
def test_a_loss_that_is_smallest_elsewhere(loss, y, output):
    found = doubt(loss, y, output)
    assert found is not None
    assert not found.hopeless
    assert "isn't smallest at the target" in found.words


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("-(y*log(a) + (1-y)*log(1-a))", ONE, "identity"),
        ("log((a-y)^2)", NUMBERS, "identity"),
        ("(a-y)^2/y", ONE, "softplus"),
        ("sqrt(a-y-0.2)", ONE, "sigmoid"),
        ("(a-y)^2/sqrt(y)", NUMBERS, "tanh"),
    ],
)
def test_a_loss_that_is_no_number_at_its_own_targets(loss, y, output):
    found = doubt(loss, y, output)
    assert found is not None
    assert found.hopeless
    assert "is no finite number where the output is" in found.words
    assert "choose" in found.words


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("a/y - log(a/y) - 1", NUMBERS + 2, "identity"),
        ("(sqrt(a) - sqrt(y))^2", NUMBERS + 1.75, "identity"),
        ("(a-y)^2/(a+0.5)^0.5", ONE, "identity"),
    ],
)
def test_a_loss_that_is_no_number_where_outputs_can_be(loss, y, output):
    found = doubt(loss, y, output)
    assert found is not None
    assert not found.hopeless
    assert "which identity outputs can be" in found.words


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("(abs(a)-abs(y))^2", NUMBERS, "identity"),
        ("(abs(a)-abs(y))^2", ONE, "identity"),
        ("(a^2-y^2)^2", 3 * NUMBERS + 40, "identity"),
        ("(a^2-y^2)^2", NUMBERS / 3, "tanh"),
        ("sin(a-y)^2", NUMBERS, "identity"),
        ("(a-y)^2*(a-y-3)^2", NUMBERS, "identity"),
    ],
)
def test_a_loss_with_another_minimum(loss, y, output):
    found = doubt(loss, y, output)
    assert found is not None
    assert not found.hopeless
    assert "isn't smallest at the target alone" in found.words


@pytest.mark.parametrize(
    ("loss", "y", "output", "remedy"),
    [
        ("-(y*log(a) + (1-y)*log(1-a))", ONE, "identity", "sigmoid"),
        ("-log(where(y > 0, a, 1-a))", ONE, "relu", "sigmoid"),
        ("-y*log(a)", SEVERAL, "identity", "softmax"),
        ("a/y - log(a/y) - 1", NUMBERS + 2, "identity", "exponential"),
        ("(a-y)^2/sqrt(1-a^2)", NUMBERS / 3, "identity", "tanh"),
        ("(abs(a)-abs(y))^2", ONE, "identity", "sigmoid"),
        ("sqrt(a-y-0.2)", ONE, "identity", None),
        ("(a-3*y)^2", NUMBERS, "identity", None),
    ],
)
def test_another_output_activation_is_the_remedy_where_it_helps(loss, y, output, remedy):
    words = doubt(loss, y, output).words
    if remedy is None:
        assert "output_activation" not in words
        assert "choose another loss" in words
        return
    assert f"choose output_activation={remedy!r}, or another loss" in words
    assert doubt(loss, y, remedy) is None


@pytest.mark.parametrize(
    ("loss", "y", "output"),
    [
        ("-y*log(a)", SEVERAL, "softmax"),
        ("-(y*log(a) + (1-y)*log(1-a))", ONE, "sigmoid"),
        ("-(1-a)^2*y*log(a) - a^2*(1-y)*log(1-a)", ONE, "sigmoid"),
        ("abs(a-y)^1.5", NUMBERS, "identity"),
        ("max(0, abs(a-y)-0.1)", NUMBERS, "identity"),
        ("log(cosh(a-y))", NUMBERS, "tanh"),
        ("exp(a-y) - (a-y) - 1", NUMBERS, "identity"),
        ("a/y - log(a/y) - 1", NUMBERS + 2, "exponential"),
        ("(a-y)^2", NUMBERS, "relu"),
        ("(a-y)^4", NUMBERS, "identity"),
        ("(a-y)^2*(a-y-1)^2", NUMBERS * 1e-6 + 5, "identity"),  # the other minimum is many spans away
        ("abs(a-y)", NUMBERS, "identity"),
        ("abs(a-y)^0.5", NUMBERS, "identity"),
        ("1-exp(-(a-y)^2)", NUMBERS, "identity"),
        ("log(1+(a-y)^2)", 100 * NUMBERS + 7, "identity"),
        ("where(a > y, 3*(a-y), y-a)", NUMBERS, "identity"),
        ("(abs(a)-abs(y))^2", NUMBERS + 1.75, "relu"),
        ("(a^2-y^2)^2", NUMBERS + 2, "softplus"),
        ("(a-y)^2", NUMBERS + 10, "sigmoid"),
        ("mean_squared_error", NUMBERS * 100, "tanh"),
        ("(a-y)^2", np.ones((5, 1)), "identity"),
        ("-y*log(a)", np.zeros((0, 1)) + 1.0, "sigmoid"),
    ],
)
def test_a_loss_that_is_right(loss, y, output):
    if len(y):
        assert doubt(loss, y, output) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6), st.floats(-3, 3))
def test_wherever_the_targets_are(middle, width, shift):
    y = middle + width * np.linspace(-1, 1, 7)[:, None]
    assert doubt("(a-y)^2", y, "identity") is None
    if not 0.04 < abs(shift) < 0.06:  # a twentieth of the span is how far beside the target is looked
        moved = doubt(f"(a-y-({shift * width!r}))^2", y, "identity")
        assert (moved is None) is (abs(shift) < 0.05)


@pytest.mark.parametrize(
    ("loss", "output"), [("a-y*log(a)", "softplus"), ("poisson", "relu"), ("y/a-log(y/a)", "exp(z)")]
)
@pytest.mark.parametrize("span", [2, 40, 3000])
@pytest.mark.parametrize("least", [1e3, 1e6, 1e8, 1e10])
def test_what_rounding_hides_is_no_fault_of_the_loss(loss, output, span, least):
    assert doubt(loss, least + np.arange(span, dtype=float)[:, None], output) is None


@pytest.mark.parametrize("loss", ["half_squared_error", "mean_squared_error", "huber", "mean_absolute_error"])
def test_nor_is_what_underflows(loss):
    assert doubt(loss, np.linspace(-3, 2, 9)[:, None] * 1e-200, "identity") is None


def test_training_with_it():
    rows = {"x": [i / 40 for i in range(60)], "y": ["no" if i % 3 else "yes" for i in range(60)]}
    how = {"members": 1, "hidden": [2], "epochs": 1, "engine": "reference"}
    with pytest.raises(
        SettingsError, match=r"the loss -y\*log\(a\) costs the same, or less, .* where the target is 0"
    ):
        chainrule.train(rows, "y", loss="-y*log(a)", output_activation="sigmoid", **how)
    entropy = "-(y*log(a) + (1-y)*log(1-a))"
    with pytest.raises(SettingsError, match="choose output_activation='sigmoid', or another loss"):
        chainrule.train(rows, "y", loss=entropy, **how)
    made = chainrule.train(rows, "y", loss=entropy, output_activation="sigmoid", **how)
    assert not any("the loss" in note for note in made.notes if "falling" not in note)
    numbers = {"x": rows["x"], "y": [float(i) for i in range(60)]}
    made = chainrule.train(numbers, "y", loss="(a-3*y)^2", **how)
    assert any("isn't smallest at the target" in note for note in made.notes)
    x, y = np.array(rows["x"])[:, None], np.arange(60.0)
    with pytest.raises(ValueError, match="nothing is learned there"):
        MLPClassifier(loss="-y*log(a)", max_iter=1).fit(x, y > 30)
    odd = MLPRegressor(loss="(a-3*y)^2", max_iter=1, solver="sgd")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        odd.fit(x, y)
    assert any("isn't smallest at the target" in str(one.message) for one in told)
