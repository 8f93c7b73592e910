"""Names with parameters as text."""

import contextlib
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.equations.registry import format_spec, read_spec, unknown_name
from chainrule.errors import SettingsError

REGISTRY = {
    "plain": SimpleNamespace(parameters={}),
    "leaky_relu": SimpleNamespace(parameters={"alpha": 0.01}),
    "pair": SimpleNamespace(parameters={"low": -1.0, "high": 1.0}),
    "tanh": SimpleNamespace(parameters={}),
}


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("plain", ("plain", {})),
        (" Plain ", ("plain", {})),
        ("plain()", ("plain", {})),
        ("leaky-relu", ("leaky_relu", {})),
        ("Leaky ReLU", ("leaky_relu", {})),
        ("leaky_relu(alpha=0.2)", ("leaky_relu", {"alpha": 0.2})),
        ("leaky_relu( alpha = 2e-1 )", ("leaky_relu", {"alpha": 0.2})),
        ("pair(high=3, low=-3)", ("pair", {"high": 3.0, "low": -3.0})),
        ("pair(high=3,)", ("pair", {"high": 3.0})),
        ("tanh()", ("tanh", {})),
        ("tanh(z)", (None, {})),
        ("tanh(where(z==0, 1, z))", (None, {})),
        ("z^2", (None, {})),
        ("max(0, z)", (None, {})),
        ("", (None, {})),
        ("other", (None, {})),
    ],
)
def test_texts_are_read(text, want):
    assert read_spec(text, REGISTRY, "thing") == want


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("plain(x=1)", "thing plain has no parameter 'x': it has none"),
        ("leaky_relu(0.2)", "thing leaky_relu has no parameter '0.2': it has alpha=0.01"),
        ("leaky_relu(alpha=)", "alpha= is not a finite number"),
        ("leaky_relu(alpha=nan)", "alpha=nan is not a finite number"),
        ("pair(low=1, middle=2)", "no parameter 'middle': it has low=-1, high=1"),
        ("tanh(x=1)", "thing tanh has no parameter 'x': it has none"),
        (3.5, "thing must be a name or a formula, not 3.5"),
    ],
)
def test_mistakes_are_named(text, says):
    with pytest.raises(SettingsError) as caught:
        read_spec(text, REGISTRY, "thing")
    assert says in str(caught.value)


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_what_is_written_is_read_back_to_the_last_bit(low, high):
    defaults = REGISTRY["pair"].parameters
    text = format_spec("pair", {"low": low, "high": high}, defaults)
    name, changed = read_spec(text, REGISTRY, "thing")
    assert name == "pair"
    assert {**defaults, **changed} == {"low": low, "high": high}


def test_defaults_are_left_out():
    assert format_spec("pair", {"low": -1.0, "high": 2.0}, REGISTRY["pair"].parameters) == "pair(high=2.0)"
    assert format_spec("plain", {}, {}) == "plain"


@given(st.text(max_size=40))
def test_no_text_does_worse_than_a_settings_error(text):
    with contextlib.suppress(SettingsError):
        name, parameters = read_spec(text, REGISTRY, "thing")
        assert name in REGISTRY or (name, parameters) == (None, {})


def test_unknown_names_get_the_nearest_or_all():
    assert (
        str(unknown_name("thing", "leeky-relu", REGISTRY))
        == "unknown thing 'leeky-relu': did you mean leaky_relu?"
    )
    assert str(unknown_name("thing", "xyz", REGISTRY)) == (
        "unknown thing 'xyz': choose plain, leaky_relu, pair, tanh"
    )
    text = str(unknown_name("thing", "x*", REGISTRY, "a formula in z", ValueError("column 3")))
    assert text.endswith(", or write a formula in z (column 3)")
