"""Initializers: their formulas on given draws, and the mean, variance and range of what they make."""

import math

import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.initializers import INITIALIZERS, initializer
from chainrule.errors import SettingsError

FAN_IN, FAN_OUT = 30, 20
# (mean, variance, largest size) as the papers have them
KNOWN = {
    "zeros": (0.0, 0.0, 0.0),
    "constant": (0.1, 0.0, 0.1),
    "uniform": (0.0, 1 / 12, 0.5),
    "normal": (0.0, 0.01, None),
    "glorot_uniform": (0.0, 2 / 50, math.sqrt(6 / 50)),
    "glorot_normal": (0.0, 2 / 50, None),
    "he_uniform": (0.0, 2 / 30, math.sqrt(6 / 30)),
    "he_normal": (0.0, 2 / 30, None),
    "lecun_uniform": (0.0, 1 / 30, math.sqrt(3 / 30)),
    "lecun_normal": (0.0, 1 / 30, None),
}


def draw(spec, n=200_000):
    record = initializer(spec)
    rng = np.random.default_rng(1)
    random = {"u": rng.random(n), "n": rng.standard_normal(n), None: np.zeros(n)}[record.draws]
    return record(random, FAN_IN, FAN_OUT, np)


def check(spec, mean, variance, most):
    """Raise AssertionError where mean or variance is off by more than six standard errors, or the range is not filled."""
    got = draw(spec)
    n = len(got)
    kurtosis = 3.0 if most is None else 1.8
    assert abs(got.mean() - mean) <= 6 * math.sqrt(variance / n) + 1e-15
    assert abs(got.var() - variance) <= 6 * variance * math.sqrt((kurtosis - 1) / n)
    if most is not None:
        assert np.abs(got).max() <= most
        assert np.abs(got).max() > 0.999 * most - 1e-15


def test_every_initializer_has_its_numbers():
    assert set(KNOWN) == set(INITIALIZERS)


@pytest.mark.parametrize("name", KNOWN)
def test_means_variances_and_limits(name):
    check(name, *KNOWN[name])


def test_parameters_are_used():
    check("constant(value=-2)", -2.0, 0.0, 2.0)
    check("normal(mean=1, std=0.5)", 1.0, 0.25, None)
    got = draw("uniform(low=2, high=3)")
    assert got.min() >= 2
    assert got.max() < 3
    assert abs(got.mean() - 2.5) < 0.005


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("glorot_uniform", (0.0, 1 / 50, None)),
        ("he_normal", (0.0, 1 / 30, None)),
        ("uniform", (0.01, 1 / 12, 0.5)),
    ],
)
def test_the_check_sees_a_wrong_variance_or_mean(name, wrong):
    with pytest.raises(AssertionError):
        check(name, *wrong)


def test_values_of_hand():
    # Glorot with 2 + 4 neurons: limit 1; u = 0, 1/4, 1/2, 3/4 give -1, -1/2, 0, 1/2. He normal with 2 inputs: n itself.
    u = np.array([0.0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(INITIALIZERS["glorot_uniform"](u, 2, 4, np), [-1, -0.5, 0, 0.5], rtol=1e-15)
    np.testing.assert_allclose(INITIALIZERS["he_normal"](u, 2, 4, np), u, rtol=1e-15)
    np.testing.assert_allclose(INITIALIZERS["lecun_normal"](u, 4, 9, np), u / 2, rtol=1e-15)


def test_activations_name_initializers():
    for record in ACTIVATIONS.values():
        assert record.init in INITIALIZERS


@pytest.mark.parametrize("name", INITIALIZERS)
def test_names_give_the_record_and_specs_come_back(name):
    record = initializer(name)
    assert record is INITIALIZERS[name]
    assert initializer(record.spec) is record


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gloro_uniform", "did you mean glorot_uniform"),
        ("zeros(x=1)", "no parameter 'x'"),
        (0.5, "must be a name"),
    ],
)
def test_what_is_no_initializer_is_said_so(text, says):
    with pytest.raises(SettingsError) as caught:
        initializer(text)
    assert says in str(caught.value)
