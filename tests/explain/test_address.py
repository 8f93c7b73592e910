"""Addresses: text and back, other spellings, and errors that say what exists."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule
from chainrule import Dense, Network
from chainrule._doors import COMMAND_LINE, through
from chainrule.engines.base import StepSettings
from chainrule.equations.features import Features
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import QUANTITIES, Address
from chainrule.explain.trace.sources import trace_rows
from chainrule.explain.trace.steps import trace_network

COUNT = st.integers(1, 3000)
UNSTAGED = Network([2, Dense(3), Dense(1)])
STAGED = Network([2, Dense(3), Dense(1)], features=Features([("number", 1)] * 2, waves=2, width=2))


@st.composite
def addresses(draw):
    own = ["m/dW", "v_hat/db", "velocity_new/dW", "g/db", "v_new/dalpha", "m/df"]
    name = draw(st.sampled_from([*QUANTITIES, *own]))
    place = Address(name).quantity.place
    layer = draw(COUNT) if place in ("neuron", "weight", "bias", "mix", "layer") else None
    size = {"scalar": 0, "layer": 0, "weight": 2}.get(place, 1)
    if place == "stage":
        layer, size = 0, {"V": 3, "s": 1, "e": 1, "dC/de": 1}.get(Address(name).parameter or name, 2)
    index = tuple(draw(COUNT) for _ in range(size)) if draw(st.booleans()) else ()
    return Address(name, layer, index, *(draw(st.none() | COUNT) for _ in range(3)))


@given(addresses())
def test_text_and_address_are_the_same(address):
    assert Address.parse(str(address)) == address
    assert all(address.words_in(network) for network in (UNSTAGED, STAGED))


def test_what_enters_layer_1_is_an_input_or_what_the_feature_stage_makes_of_one():
    address = Address.parse("W[1][2,3]")
    assert address.words_in(UNSTAGED) == "the weight from input 2 to neuron 3 of layer 1"
    assert address.words_in(STAGED) == "the weight from output 2 of the feature stage to neuron 3 of layer 1"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("dC/dz[2][1]", "delta[2][1]"),
        ("∂C/∂w[2][1,3]", "dC/dW[2][1,3]"),
        ("δ[1][2]", "delta[1][2]"),
        ("η", "eta"),
        ("w[1][2,3]", "W[1][2,3]"),
        ("h[0][3] @row=2", "a[0][3]@row=2"),
        ("dC/dh[0][3]", "dC/da[0][3]"),
        ("z [2] [1]", "z[2][1]"),
        ("C@row=1@step=3", "C@step=3@row=1"),
    ],
)
def test_other_spellings(text, meant):
    assert str(Address.parse(text)) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "'' is not an address; write an address such as"),
        ("z[2", "is not an address"),
        ("q[1]", "there is no quantity 'q'; write an address such as z[2][1]"),
        ("dC/dQ[1]", "did you mean dC/d"),
        ("z", "needs its layer, as in z[2][1]"),
        ("z[0][1]", "layer 0 is the input x"),
        ("z[1][0]", "neurons are counted from 1"),
        ("W[1][2]", "is written as W[2][1,3]"),
        ("x[1][2]", "is written as x[3]"),
        ("C[1]", "is written as C"),
        ("C@row=1@row=2", "each once"),
        ("C@epoch=1", "after @ come step=, row= and member="),
        ("z[1][1]@row=0", "counted from 1"),
    ],
)
def test_what_is_no_address_is_told(text, told):
    with pytest.raises(SettingsError, match=re.escape(told)):
        Address.parse(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("A[2][3]", "a[2][3]"),
        ("DELTA[2][1]@Row=4", "delta[2][1]@row=4"),
        ("dc/dw[1][2,3]", "dC/dW[1][2,3]"),
        ("M_hat/db[1][2]@step=3", None),
        ("m_hat/dB[1][2]@step=3", "m_hat/db[1][2]@step=3"),
        ("w_NEW[2][1,4]", "W_new[2][1,4]"),
        ("a23", "a[2][3]"),
        ("W213", "W[2][1,3]"),
        ("dC/dW11", "dC/dW[1][1,1]"),
        ("W[2.0][3,1]", "W[2][3,1]"),
        ("dC/db[1.00][2.0]", "dC/db[1][2]"),
        ("z[3.0]", "z[3]"),
        ("X4", "x[4]"),
        ("W[2][1][3]", "W[2][1,3]"),
        ("W[3,1,2]", "W[3][1,2]"),
        ("a(2)(3)", "a[2][3]"),
        ("delta[2][1", "delta[2][1]"),
        ("a[2][0]", "a[2][1]"),
        ("W[0][0,2]", "W[1][1,2]"),
        ("V[1][2,2,3]", "V[0][2,2,3]"),
        ("Dc/dz[3]", "dC/dz[3]"),
        ("probabilty[2]", "probability[2]"),
        (f"z[1][{'9' * 5000}]", "z[2][1]"),
    ],
)
def test_the_address_that_may_be_meant_is_told(text, meant):
    if meant is None:
        Address.parse(text)  # an optimizer may keep what it likes
        return
    with pytest.raises(SettingsError, match=re.escape(f"did you mean {meant}")):
        Address.parse(text)
    Address.parse(meant)


NETWORK = Network(
    [2, Dense(3, "tanh", bias="none", dropout=0.5), Dense(2, "softmax", bias="layer")],
    "categorical_cross_entropy",
)
P = {1: {"W": np.ones((2, 3))}, 2: {"W": np.ones((3, 2)), "b": np.zeros(1)}}
X, Y = [[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [0.0, 1.0]]
KNOWN = trace_network(NETWORK, P, X, Y, settings=StepSettings(optimizer("adam")), steps=3)
PLAIN = trace_network(NETWORK, P, X[:1])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("z[3][1]@step=1@row=1", "there is no layer 3; the network has layers 1 to 2"),
        ("z[1][4]@step=1@row=1", "there is no 4 there; the network has z[1][1 to 3]"),
        ("W[1][3,1]@step=1", "there is no 3 there; the network has W[1][1 to 2,1 to 3]"),
        ("b[1][1]@step=1", "layer 1 has no bias"),
        ("b[2][2]@step=1", "there is no 2 there; the network has b[2][1]"),
        ("z[1][1]@row=1", "which step? this trace holds steps 1 to 3"),
        ("C@step=4", "there is no step 4; this trace holds steps 1 to 3"),
        ("z[1][1]@step=1", "which row? the step has rows 1, 2; write z[1][1]@step=1@row=1"),
        ("z[1][1]@step=1@row=3", "there is no row 3; the step has rows 1, 2"),
        ("W[1][1,1]@step=1@row=1", "a weight is the same for all rows; leave out @row"),
        ("C@step=1@member=2", "this trace is of member 1"),
        ("f'[2][1]@step=1@row=1", "softmax has no slope per neuron"),
        ("r[1][1]@step=1@row=1", "layer 1 dropped nothing"),
        ("y_smooth[1]@step=1@row=1", "the loss does not smooth labels; see y"),
        ("prediction@step=1@row=1", "only a trace of a model's prediction has it"),
        ("s/dW[1][1,1]@step=1", "not among the numbers of adam; it has penalized/dW, g/dW, m/dW, v/dW"),
        ("z[1]@step=1@row=1", "z[1]@step=1@row=1 is a whole array: use trace.array"),
    ],
)
def test_what_a_trace_doesn_t_have_is_told(text, told):
    with pytest.raises(SettingsError, match=re.escape(told)):
        KNOWN[text]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("C", "the row's target isn't known, so there is no loss and no gradient"),
        ("delta[1][1]", "the row's target isn't known"),
        (
            "W_new[1][1,1]",
            "the row's target isn't known, so there is no loss and no gradient; for a step of the",
        ),
        ("m/dW[1][1,1]", "no gradient; for a step of the training add trace_steps"),
        ("C@step=2", "there is no step 2; this trace holds a prediction, which is no training step"),
        ("x[3]", "there is no 3 there; the network has x[1 to 2]"),
    ],
)
def test_what_a_prediction_doesn_t_have_is_told(text, told):
    with pytest.raises(SettingsError, match=re.escape(told)):
        PLAIN[text]


def test_no_update_is_told():
    trace = trace_network(NETWORK, P, X, Y)
    for name in ("W_new[1][1,1]", "b_new[2][1]", "C_new", "eta", "m/dW[1][1,1]", "loss_new@row=1"):
        with pytest.raises(SettingsError, match="this trace holds no update"):
            trace[name]
        with (
            through(COMMAND_LINE),
            pytest.raises(SettingsError, match=r"for a step of the training add --step$"),
        ):
            trace[name]
    with through(COMMAND_LINE), pytest.raises(SettingsError, match=r"add --step$"):
        trace["C@step=3"]


def test_members_are_told():
    model = chainrule.train(
        {"x": list(range(40)), "y": [x / 7 for x in range(40)]}, "y", hidden=[2], members=2, epochs=1
    ).model
    trace = trace_rows(model, {"x": [1]}, 1, member=2)
    assert trace["a[2][1]@member=2"] == trace["a[2][1]"] != trace["a[2][1]@member=1"]
    for text, told in [
        ("a[2][1]@member=3", "there is no member 3; members are 1 to 2"),
        ("z[2][1]@member=1", "this trace is of member 2"),
        ("probability[1]", "the target has no classes; see prediction"),
    ]:
        with pytest.raises(SettingsError, match=re.escape(told)):
            trace[text]


def test_arrays_have_their_shapes():
    assert KNOWN.array("dC/dW[1]@step=2").shape == (2, 3)
    assert KNOWN.array("z[1]@step=2").shape == (2, 3)
    assert KNOWN.array("z[1]@step=2@row=2").shape == (3,)
    assert KNOWN.array("x@step=1").shape == (2, 2)
    assert PLAIN.array("x").shape == (2,)
