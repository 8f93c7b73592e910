"""Mix, ntk, rate factors and the strength of regularization: explained, replayed, checked, written and read."""

from typing import Any

import numpy as np
import pytest
from tests.explain.shown import as_text

import chainrule
from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.check.certificate import certify
from chainrule.explain.derive.derivation import derive
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.show.latex import latex_body
from chainrule.explain.trace.data import trace_from_json, trace_to_json
from chainrule.explain.trace.sources import trace_steps
from chainrule.explain.trace.steps import trace_network
from chainrule.fitting.replay import replay

R = np.sqrt(2.0)
SMALL = Network(
    [2, Dense(2, "relu", mix=True, parametrization="ntk", rates={"W": 0.5, "alpha": 2}), Dense(1)],
    "half_squared_error",
)
# The numbers of tests/engines/test_dense_switches.py, by hand there.
P = {
    1: {"W": [[1.0, -1.0], [4.0, 0.0]], "b": [0.0, -R], "alpha": [0.5, 0.25]},
    2: {"W": [[2.0], [4.0]], "b": [0.0]},
}


def small(**settings: Any) -> chainrule.explain.trace.trace.Trace:
    steps = StepSettings(optimizer("sgd"), **settings)
    return trace_network(SMALL, P, [[2.0, 1.0]], [[-1.0]], settings=steps, learning_rate=0.1)


def test_numbers_by_hand():
    trace = small(weight_decay=0.5)
    for address, value in {
        "z[1][2]": -2 * R,
        "a[1][2]": -1.5 * R,
        "f'[1][2]": 0.75,
        "scale[1]": 1 / R,
        "delta[1][2]": 3.0,
        "dC/dalpha[1][2]": 8 * R,
        "dC/dW[1][1,2]": 6 / R,
        "alpha_new[1][2]": 0.25 - 0.2 * 8 * R,  # eta · 2
        "W_decayed[1][2,1]": 4 * (1 - 0.05 * 0.5),  # eta / 2
        "W_new[1][2,1]": 4 * (1 - 0.05 * 0.5) - 0.05 * 2 / R,
        "b_new[1][2]": -R - 0.1 * 3,
    }.items():
        assert trace[address] == pytest.approx(value, rel=1e-13), address
        made = derive(trace, address)
        assert made.ok, address
        assert made.lines[-1].result == pytest.approx(value, rel=1e-13), address


def test_lines_in_words_and_symbols():
    trace = small()
    text = as_text(derive(trace, "a[1][2]"))
    assert "a[1][2] = z[1][2] + alpha[1][2]*(max(0, z[1][2]) - z[1][2])" in text
    assert "z[1][2] = scale[1]*(W[1][1,2]*x[1] + W[1][2,2]*x[2]) + b[1][2]" in text
    assert "1 + alpha[1][2]*(" in as_text(derive(trace, "f'[1][2]"))
    assert "alpha[1][2] - 2*eta*dC/dalpha[1][2]" in as_text(derive(trace, "alpha_new[1][2]"))
    assert r"\alpha^{(1)}_{2}" in latex_body(derive(trace, "a[1][2]"))
    paths = as_text(derive(trace, "dC/dW[1][1,2]", form="paths"))
    assert "W[2][2,1]*f'[1][2]*scale[1]*x[1]" in paths
    html, latex = SMALL._repr_html_(), SMALL._repr_latex_()
    assert r"\frac{x \, W^{(1)}}{\sqrt{2}} + b^{(1)}" in latex
    assert r"z^{(1)} + \alpha^{(1)} \odot" in latex
    assert "0.5 eta for W, 2 eta for alpha" in html


def test_what_is_not_there_is_said():
    trace = trace_network(
        Network([2, Dense(2), Dense(1)]), Layout(Network([2, Dense(2), Dense(1)])).decayed, [[1, 2]]
    )
    for address, message in {
        "alpha[1][1]": "layer 1 has no mix",
        "scale[2]": "layer 2 is not in the parametrization ntk",
        "strength": "holds no update|isn't known",
    }.items():
        with pytest.raises(SettingsError, match=message):
            trace[address]
    with pytest.raises(SettingsError, match="the same in the whole training"):
        small()["strength"]
    with pytest.raises(SettingsError, match="the form paths is for"):
        derive(small(), "dC/dalpha[1][1]", form="paths")


def data(n: int = 120) -> dict[str, Any]:
    draws = np.random.default_rng(1)
    u, v = draws.normal(size=(2, n))
    return {"u": u.tolist(), "v": v.tolist(), "y": (u * v + u).tolist()}


TRAINED = {
    "hidden": [6, 5], "members": 2, "epochs": 6, "batch_size": 16, "activation_mix": True, "parametrization": "ntk",
    "init": "data", "rate_factors": {"b": 0.1, "alpha": 0.5}, "regularization_schedule": "flat_cosine",
    "dropout": 0.2, "weight_decay": 0.1, "clip_norm": 1.0, "early_stopping": False,
}  # fmt: skip


@pytest.fixture(scope="module", params=["reference", "cpu"])
def trained(request):
    return chainrule.train(data(), "y", engine=request.param, **TRAINED).model


def test_training_is_replayed_explained_and_checked(trained):
    # 96 rows: 6 steps an epoch; before epochs 4, 5 and 6 a half, 4/6 and 5/6 are done
    assert trained.card["rows"]["training"] == 96
    trace = trace_steps(trained, data(), [1, 25, 36], member=2)
    strengths = [trace[f"strength@step={step}"] for step in (1, 25, 36)]
    np.testing.assert_allclose(strengths, [1, 0.75, 0.25], rtol=1e-12)
    mask = trace.array("r[1]@step=36")
    np.testing.assert_allclose(np.unique(mask), [0, 1 / (1 - 0.2 * 0.25)], rtol=1e-12)
    for address in (
        "W_new[1][1,2]",
        "alpha_new[1][2]",
        "b_new[2][1]",
        "strength",
        "dC/dW[2][1,1]",
        "h[1][1]@row={}",
    ):
        row = trace.steps[1].rows[0]
        assert derive(trace, address.format(row) + "@step=25").ok, address
    # the last step's result is the trained member, but for rounding to the engine's dtype
    near = {"reference": 0, "cpu": 1e-6}[trained.engine]
    last = trace.steps[-1].update.parameters
    np.testing.assert_allclose(last, trained.parameters[1], rtol=0, atol=near)
    # and it is where a replay from a state in the middle comes to, to the bit
    (whole,) = replay(trained, data(), 36, member=2)
    assert trained.parameters.dtype == whole.state.parameters.dtype
    text = trace_to_json(trace)
    assert trace_to_json(trace_from_json(text)) == text
    assert certify(trained, data(), n_rows=20).passed
    assert diagnose(trained, data()).layers[1][0].layer == 1


def test_a_model_with_switches_is_saved_and_read(trained, tmp_path):
    trained.save(tmp_path / "m.safetensors")
    again = chainrule.load(tmp_path / "m.safetensors")
    assert again.network == trained.network
    assert again.card == trained.card
    assert again.card["regularization_schedule"] == "flat_cosine"
    np.testing.assert_array_equal(again.parameters, trained.parameters)


def test_a_training_that_is_resumed_has_the_same_strength():
    from chainrule.engines import engine_named
    from chainrule.engines.base import Data
    from chainrule.equations.schedules import strength
    from chainrule.training.loop import fit
    from chainrule.training.plan import Plan

    draws = np.random.default_rng(2)
    x, y = draws.normal(size=(40, 3)), draws.normal(size=(40, 1))
    network = Network([3, Dense(5, "tanh", dropout=0.5, mix=True), Dense(1)])
    table = Data(x, y, np.arange(30), np.arange(30, 40))
    start = draws.normal(size=(2, Layout(network).size))
    plan = Plan(6, 0.05, early_stopping=False, regularization=strength("flat_cosine"))
    steps = StepSettings(optimizer("adam"), 10, weight_decay=0.2)
    for name in ("reference", "cpu"):
        engine = engine_named(name)
        whole = fit(engine, network, start, table, steps, plan)
        kept = []
        fit(
            engine,
            network,
            start,
            table,
            steps,
            plan,
            lambda s, k=kept: k.append(s.checkpoint()) or len(k) == 4,
        )
        again = fit(engine, network, start, table, steps, plan, resume=kept[-1])
        np.testing.assert_array_equal(again.parameters, whole.parameters)
        other = fit(engine, network, start, table, steps, Plan(6, 0.05, early_stopping=False))
        assert (other.parameters != whole.parameters).any()


def test_a_mistake_in_a_network_with_switches_is_named():
    draws = np.random.default_rng(3)
    network = Network([3, Dense(4, "tanh", mix=True, parametrization="ntk"), Dense(2)])
    p = {
        number: {name: draws.normal(size=shape) for name, shape in own.items()}
        for number, own in network.shapes().items()
    }
    x, y = draws.normal(size=(6, 3)), draws.normal(size=(6, 2))

    def wrong(network, p, x, y, weights):
        found = network.backward(p, network.forward(p, x, np), y, np, weights).parameters
        return {**found, 1: {**found[1], "alpha": -found[1]["alpha"]}}

    made = certify(network, parameters=p, x=x, y=y, gradient=wrong, checks=["differences"])
    assert not made.passed
    assert [mistake.sentence for mistake in made.mistakes] == ["dC/dalpha[1] has the wrong sign"]
