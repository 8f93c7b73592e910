"""The stages of a step against numbers worked by hand, and one that is planted: it runs, is compiled, and is explained."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import take_passes
from chainrule.equations import update
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.equations.update import CLIP, DECAY, Stage, norm_of, results
from chainrule.explain.derive.derivation import derive
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.steps import trace_network
from chainrule.formula.parse import parse
from chainrule.formula.text import text

W = np.array([2.0, -3.0, 0.0, 5.0])
DECAYED = np.array([1.0, 1.0, 1.0, 0.0])  # the last is a bias


def clipped(g, limit):
    """What clipping makes of a gradient."""
    return CLIP.run({"g": g, "limit": limit, "norm": norm_of(g, limit, np)}, np)["g"]


def test_decoupled_decay_of_hand():
    # eta .5, decay .2: weights shrink by a tenth, the bias stays
    np.testing.assert_allclose(
        DECAY.run({"w": W, "eta": 0.5, "decay": 0.2, "decayed": DECAYED}, np)["w"],
        [1.8, -2.7, 0.0, 5.0],
        rtol=1e-15,
    )


def test_clipping_of_hand():
    # (3, 4) has norm 5: limit 1 leaves its fifth, limit 5 or more leaves it alone; members are clipped each by itself
    g = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(clipped(g, 1.0), [[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]], rtol=1e-15)
    np.testing.assert_array_equal(clipped(g, 5.0), g)


FINITE = st.floats(-1e300, 1e300, allow_subnormal=False)


@given(arrays(np.float64, 5, elements=FINITE), st.floats(1e-3, 1e3))
def test_clipping_keeps_the_direction_and_bounds_the_length(g, limit):
    got = clipped(g, limit)
    length = np.max(np.abs(got)) * np.linalg.norm(got / np.max(np.abs(got))) if got.any() else 0.0
    assert length <= limit * (1 + 1e-14)
    assert (np.sign(got) == np.sign(np.where(got == 0, 0.0, g))).all()
    largest = np.max(np.abs(g))
    if largest * np.linalg.norm(g / (largest or 1.0)) > limit * (1 + 1e-14):
        assert length == pytest.approx(limit, rel=1e-13)
        np.testing.assert_allclose(got / np.max(np.abs(got)), g / largest, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("dtype", "size"), [(np.float64, 1e300), (np.float32, 1e30), (np.float64, 1e308)])
def test_clipping_a_huge_gradient_does_not_lose_it(dtype, size):
    # The squares overflow: the norm would be infinite, and the clipped gradient 0.
    got = clipped(np.array([0.6 * size, -0.8 * size], dtype), 1.0)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, [0.6, -0.8], rtol=1e-6)


def test_clipping_does_not_hide_what_is_not_finite():
    with np.errstate(all="ignore"):
        assert not np.isfinite(clipped(np.array([1.0, np.nan]), 1.0)).all()
        assert not np.isfinite(clipped(np.array([1.0, np.inf]), 1.0)).all()


# ---- a planted stage

SOFTEN = Stage(
    "soften",
    "soft",
    "g",
    parse("g/(1 + soft*abs(g))", {"g", "soft"}),
    "the softened derivative by {}",
    "softening: long parts of the gradient are shortened",
    "nothing is softened",
    (("soft", "softness"),),
)
SHRINK = Stage(
    "shrink",
    "shrunk",
    "w",
    parse("w - decayed*shrinkage*sign(w)", {"w", "shrinkage", "decayed"}),
    "{} after shrinking",
    "shrinking: weights go towards 0",
    numbers=(("shrinkage", "shrinkage"),),
)


@dataclass(frozen=True)
class Choices(StepSettings):
    """Settings with those of the planted stages."""

    softness: float = 0.0
    shrinkage: float = 0.0


@pytest.fixture
def planted(monkeypatch):
    monkeypatch.setattr(update, "STAGES", (*update.STAGES[:2], SOFTEN, *update.STAGES[2:], SHRINK))


NETWORK = Network([2, Dense(3, "tanh"), Dense(1)])
X, Y = np.array([[0.5, -1.0], [2.0, 0.25], [-0.5, 0.75], [1.5, 1.0]]), np.array([[1.0], [0.0], [2.0], [-1.0]])


@pytest.mark.usefixtures("planted")
@pytest.mark.parametrize("clip", [None, 0.05])
def test_a_planted_stage_trains_in_both_engines(clip, rng):
    """One record each: no file of an engine knows of them; a step of hand says what they are to do."""
    settings = Choices(
        optimizer("sgd"), 4, l2=0.1, clip_norm=clip, shuffle=False, softness=2.0, shrinkage=0.01
    )
    flat = rng.normal(size=(1, Layout(NETWORK).size))
    data = Data(X, Y, np.arange(4), np.arange(0))
    runs = [
        engine.start(NETWORK, flat, data, settings)
        for engine in (ReferenceEngine(), CpuEngine(np.float64, 1))
    ]
    decayed = Layout(NETWORK).decayed
    g = take_passes(Layout(NETWORK), flat[0], X, Y).raw + 0.1 * flat[0] * decayed
    g = g / (1 + 2 * np.abs(g))
    g = g if clip is None else g * min(1, clip / np.linalg.norm(g))
    after = flat[0] - 0.01 * np.sign(flat[0]) * decayed - 0.1 * g
    for run in runs:
        run.train_epoch(0, np.array([0.1]), [0])
        np.testing.assert_allclose(run.parameters[0], after, rtol=1e-12)
    for epoch in range(1, 20):
        for run in runs:
            run.train_epoch(epoch, np.array([0.1]), [0])
    np.testing.assert_allclose(runs[0].parameters, runs[1].parameters, rtol=1e-10)


def written(trace, address):
    """The formulas of a derivation's lines."""
    return "; ".join(text(line.symbols) for line in derive(trace, address).lines)


@pytest.mark.usefixtures("planted")
def test_a_planted_stage_is_explained(rng):
    flat = rng.normal(size=Layout(NETWORK).size)
    settings = Choices(optimizer("adam"), clip_norm=0.05, softness=2.0, shrinkage=0.01)
    trace = trace_network(NETWORK, flat, X, Y, settings=settings)
    made = derive(trace, "soft/dW[1][1,2]")
    assert (
        made.title
        == "soft/dW[1][1,2]: the softened derivative by the weight from input 1 to neuron 2 of layer 1"
    )
    line = made.lines[-1]
    assert line.rule == SOFTEN.words
    assert text(line.symbols) == "dC/dW[1][1,2]/(1 + soft*abs(dC/dW[1][1,2]))"
    raw = trace["dC/dW[1][1,2]"]
    assert line.result == pytest.approx(raw / (1 + 2 * abs(raw)), rel=1e-12)
    shrunk = derive(trace, "W_shrunk[2][1,1]").lines[-1]
    assert shrunk.result == pytest.approx(trace["W[2][1,1]"] - 0.01 * np.sign(trace["W[2][1,1]"]), rel=1e-12)
    assert derive(trace, "b_shrunk[2][1]").lines[-1].rule == "nothing changes"
    # What comes after takes it up: clipping its length and itself, the optimizer what it made of the weight.
    for address, named in (("norm", "soft/dW[2][1,1]"), ("g/dW[2][1,1]", "soft/dW[2][1,1]")):
        assert named in written(trace, address)
    assert "W_shrunk[2][1,1]" in written(trace, "W_new[2][1,1]")
    for address in ("W_new[2][1,1]", "b_new[1][2]", "m_hat/dW[1][2,3]", "norm", "penalized/db[1][1]"):
        assert all(line.check is None or line.check.ok for line in derive(trace, address).lines)
    assert results("g") == ["penalized", "soft", "g"]


@pytest.mark.usefixtures("planted")
def test_a_planted_stage_s_numbers_are_written_and_read(rng):
    flat = rng.normal(size=Layout(NETWORK).size)
    trace = trace_network(NETWORK, flat, X, Y, settings=Choices(optimizer("sgd"), softness=2.0))
    again = trace_from_json(trace_to_json(trace))
    np.testing.assert_array_equal(again.array("soft/dW[1]"), trace.array("soft/dW[1]"))
