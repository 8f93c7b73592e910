"""A sentence of the diagnosis says what its numbers say: every kind of finding, on networks and trials drawn by chance."""

import re
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule._numbers import percent
from chainrule.engines.base import StepSettings
from chainrule.equations.layout import Layout
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.answers import answer_findings, input_findings, overfit_findings
from chainrule.explain.diagnose.diagnosis import KINDS, Diagnosis, layer_facts
from chainrule.explain.diagnose.finding import Finding, told_apart
from chainrule.explain.diagnose.neurons import neuron_findings
from chainrule.explain.diagnose.shown import diagnosis_document
from chainrule.explain.diagnose.steps import Trial, cost_unit, gradient_findings, rate_findings
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.show import render
from effort import many

ACTIVATIONS = [
    "relu",
    "softplus",
    "elu",
    "sigmoid",
    "tanh",
    "leaky_relu",
    "identity",
    "-log(1+exp(-z))",
    "max(z, 0)",
]
seen: set[str] = set()
met: set[str] = set()


@pytest.fixture(autouse=True)
def _is_met(request: pytest.FixtureRequest) -> None:
    met.add(request.node.originalname)


"""The kinds that the drawn cases came upon."""


def drawn(
    seed: int, activation: str, size: float, shift: float, twins: bool, layers: int = 2, faint: bool = False
) -> Batch:
    """A network with weights of a size and biases shifted; ``faint``: hardly anything enters, so its end isn't saturated."""
    rng = np.random.default_rng(seed)
    network = Network([3, *(Dense(5, activation) for _ in range(layers)), Dense(2, "sigmoid")])
    flat = rng.normal(size=Layout(network).size) * size
    arrays = Layout(network).unflatten(flat)
    for number in range(1, layers + 1):
        arrays[number]["b"] += shift
        if twins:
            arrays[number]["W"][:, 1] = arrays[number]["W"][:, 0]
            arrays[number]["b"][..., 1] = arrays[number]["b"][..., 0]
    x = rng.normal(size=(40, 3)) * (1e-9 if faint else rng.choice([1.0, 1.0, 30.0], 3))
    if faint:
        for arrays_of_layer in arrays.values():
            arrays_of_layer["b"] *= 0
    y = (rng.random((40, 2)) < 0.5).astype(float)
    return Batch(network, Layout(network).flatten(arrays), x, y, None, tuple(range(1, 41)))


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


@settings(max_examples=150)
@given(
    seed=st.integers(0, 10**6),
    activation=st.sampled_from(ACTIVATIONS),
    size=st.sampled_from([1e-4, 0.05, 1.0, 5.0, 300.0]),
    shift=st.sampled_from([0.0, -3.0, -40.0, 40.0]),
    twins=st.booleans(),
    layers=st.integers(1, 7),
    faint=st.booleans(),
)
@example(seed=1, activation="identity", size=5.0, shift=0.0, twins=False, layers=6, faint=True)
def test_layers(seed, activation, size, shift, twins, layers, faint):
    batch = drawn(seed, activation, size, shift, twins, layers, faint)
    some = np.arange(40) < 8
    facts = layer_facts(batch, None)
    found = [*neuron_findings(batch, some), *gradient_findings(batch)]
    seen.update(finding.kind for finding in found)
    kinds = {(finding.kind, finding.layer) for finding in found}
    for one in facts[:-1]:
        # Whatever the table of layers shows beyond a limit is a finding.
        if one.dead is not None and one.dead >= limit("dead") * one.neurons and one.flat < 1:
            assert {("dead_neurons", one.layer), ("saturated_neurons", one.layer)} & kinds
        assert (one.weights >= limit("weights")) is (("exploding_weights", one.layer) in kinds)
    for finding in found:
        evidence, layer = finding.evidence, facts[(finding.layer or 1) - 1]
        z = batch.record.layers[layer.layer - 1].z
        slope = np.abs(np.asarray(batch.gradients.layers[layer.layer - 1].slope))
        match finding.kind:
            case "dead_neurons":
                assert numbers(finding.what)[:3] == [layer.dead, layer.neurons, layer.layer]
                assert len(finding.where) == layer.dead == evidence["dead"]
                dead = [int(re.fullmatch(r"a\[\d+\]\[(\d+)\]", place)[1]) - 1 for place in finding.where]
                assert evidence["largest z of a dead neuron"] == z[:, dead].max()
                assert evidence["largest |f'(z)|"] == slope[:, dead].max()
                assert ("f'(z) is 0 and no gradient" in finding.why) is bool(slope[:, dead].max() == 0)
            case "inactive_on_batch":
                assert numbers(finding.what)[:4] == [len(finding.where), layer.neurons, layer.layer, 8]
            case "saturated_neurons":
                assert percent(layer.flat) in finding.what
                assert evidence["share"] == layer.flat >= limit("saturated")
                assert ("100%" in finding.what.replace("nearly 100%", "")) is (layer.flat == 1)
            case "identical_neurons":
                assert numbers(finding.what)[:3] == [len(finding.where), layer.neurons, layer.layer]
                assert evidence["alike"] == len(finding.where) >= 2
            case "exploding_weights":
                assert numbers(finding.what)[1] == pytest.approx(layer.weights, rel=5e-3)
            case "vanishing_gradient" | "exploding_gradient":
                whole = facts[0].delta / facts[-1].delta
                assert evidence["first layer / output layer"] == whole
                assert numbers(finding.what)[1] == pytest.approx(whole, rel=0.06)
                assert (whole < 1) is (finding.kind == "vanishing_gradient")
                ratios = [one.ratio for one in facts if one.ratio is not None]
                assert list(evidence.values())[1:] == ratios
                assert ("no gradient" in finding.why) is False
        assert "jumps" not in finding.why or "can make" in finding.why


COSTS = st.one_of(st.floats(0, 1e6), st.floats(0.06, 0.07), st.just(float("nan")), st.just(float("inf")))


@settings(max_examples=many(30))
@given(
    before=st.floats(0, 1e6),
    after=COSTS,
    ratios=st.lists(
        st.one_of(st.floats(0, 2), st.just(float("inf")), st.just(float("nan"))), min_size=2, max_size=2
    ),
    stopped=st.sampled_from(["epochs", "early stopping", "diverged"]),
    rate=st.sampled_from([1e-9, 1e-3, 0.1, 3.0]),
)
@example(before=2.0, after=1.99, ratios=[1e-6, 1e-7], stopped="epochs", rate=0.01)
def test_learning_rates(before, after, ratios, stopped, rate):
    batch = drawn(1, "tanh", 0.5, 0.0, False, 1)
    made = Trial(rate, 50, before, after, tuple(ratios))
    for finding in rate_findings(batch, StepSettings(), made, stopped):
        seen.add(finding.kind)
        words = f"{finding.what}. {finding.why}"
        if finding.kind == "learning_rate_low":
            own, other = re.search(r"to (\S+), and with \S+ to (\S+)", finding.what).groups()
            assert float(other) < float(own)
            continue
        assert ("rises" in words) is bool(
            np.isfinite(after) and "training diverged" not in words and "is high:" not in words
        )
        if "rises" in words:
            told = re.search(r"cost from (\S+) to (\S+)", finding.what).groups()
            assert float(told[1]) > float(told[0])
            assert after - before > limit("rise") * cost_unit(batch)
        if "overflow" in words:
            assert not np.isfinite(after)
        assert ("diverged" in words) is (stopped == "diverged")
        if "is high:" in finding.what:
            beyond = [f"W[{n}]" for n, ratio in enumerate(ratios, 1) if not ratio < limit("update_high")]
            assert list(finding.where) == beyond
            assert all(place in finding.what for place in beyond)


def test_the_sentence_of_a_cost_that_falls():
    batch = drawn(1, "tanh", 0.5, 0.0, False, 1)
    (finding,) = rate_findings(batch, StepSettings(), Trial(0.1, 50, 0.0912, 0.0874, (0.02, 0.31)), "epochs")
    assert finding.what == (
        "the learning rate 0.1 is high: half of the steps move W[2] by 31% of their size or more; "
        "50 more steps take the cost from 0.0912 to 0.0874"
    )
    assert "rises" not in finding.why


@settings(max_examples=60)
@given(scales=st.lists(st.floats(0.01, 300), min_size=1, max_size=9))
def test_inputs(scales):
    x = np.random.default_rng(0).normal(size=(50, len(scales))) * scales
    inputs = [SimpleNamespace(column=f"c{i}", name=f"x{i}") for i in range(len(scales))]
    model = SimpleNamespace(encoder=SimpleNamespace(inputs=inputs, scaling="none"))
    size = np.sqrt((x**2).mean(axis=0))
    found = list(input_findings(model, x))
    assert bool(found) is bool((size > 10).any())
    for finding in found:
        seen.add(finding.kind)
        assert numbers(finding.what)[:3] == [(size > 10).sum(), len(scales), 10]
        assert finding.where == tuple(f"x[{i + 1}]" for i in np.flatnonzero(size > 10))
        assert ("1 of the" in finding.what and " is large" in finding.what) is (len(finding.where) == 1)


class Predicted(SimpleNamespace):
    """A stand-in for a model: its target, and one output for each class."""


@settings(max_examples=100)
@given(
    truth=st.lists(st.integers(0, 2), min_size=4, max_size=60),
    codes=st.lists(st.integers(0, 2), min_size=60, max_size=60),
    varies=st.sampled_from([0.0, 1e-4, 0.2]),
)
def test_classes(truth, codes, varies):
    truth, codes = np.array(truth), np.array(codes)[: len(truth)]
    labels = np.array(["one", "two", "three"])
    target = SimpleNamespace(labels=tuple(labels), n_classes=3, name="t", codes=lambda table: truth)
    target.parts = (target,)
    group = SimpleNamespace(network=SimpleNamespace(layers=(1, 2)))
    model = Predicted(target=target, groups=[group], output=SimpleNamespace(n_out=3))
    p = np.full((len(truth), 3), 1 / 3)
    p[::2, 0] += varies
    prediction = SimpleNamespace(codes=codes, labels=labels[codes], probabilities=p)
    table = SimpleNamespace(n_rows=len(truth))
    for finding in answer_findings(model, table, prediction):
        seen.add(finding.kind)
        if finding.kind == "constant_predictor":
            assert f"for every row of {len(truth)}" in finding.what
            assert len(set(codes)) == 1
            assert labels[codes[0]] in finding.what
            assert finding.evidence["largest standard deviation of a probability"] < 0.01
        else:
            never = [label for c, label in enumerate(labels) if c not in codes and (truth == c).mean() >= 0.1]
            assert finding.what.removeprefix("the network never predicts ").split(", ") == never
            assert list(finding.evidence.values()) == [
                (truth == list(labels).index(one)).mean() for one in never
            ]


@settings(max_examples=100)
@given(
    here=st.floats(0, 1),
    held=st.floats(0, 1),
    tested=st.integers(1, 500),
    task=st.sampled_from(["classification", "regression"]),
)
def test_overfitting(here, held, tested, task):
    key = "rmse" if task == "regression" else "accuracy"
    model = SimpleNamespace(card={"rows": {"test": tested}, "scores": {key: held}}, task=task)
    for finding in overfit_findings(model, SimpleNamespace(scores={key: here})):
        seen.add(finding.kind)
        on_training, on_held = numbers(finding.what)
        assert (on_training < on_held) is (task == "regression")
        assert [on_training, on_held] == pytest.approx([here, held], rel=1e-3, abs=5e-4)


@given(dead=st.lists(st.integers(0, 9), min_size=1, max_size=4), members=st.integers(1, 3))
def test_a_verdict_without_findings_names_the_dead(dead, members):
    batch = drawn(3, "relu", 0.3, 1.0, False, 1)
    (fact, *_) = layer_facts(batch, None)
    layers = tuple(replace(fact, layer=n, neurons=40, dead=count) for n, count in enumerate(dead, 1))
    text = render(
        diagnosis_document(Diagnosis((), 40, {m + 1: layers for m in range(members)}, None), "m", "t"), "text"
    )
    verdict = " ".join(text.split("\n\n")[-1].split())
    if not any(dead):
        assert verdict == "nothing is wrong, as far as this can tell"
        return
    assert "nothing is wrong" not in text
    named = [f"{count} of 40 in layer {n}" for n, count in enumerate(dead, 1) if count]
    assert all(one in verdict for one in named)
    if members > 1:
        assert "of member 2" in verdict or "more layers" in verdict


def test_findings_leave_no_dead_neuron_unnamed():
    """What the table shows is a finding's, or is named below the findings."""
    batch = drawn(3, "relu", 0.3, 1.0, False, 1)
    (fact, *_) = layer_facts(batch, None)
    layers = (replace(fact, layer=1, neurons=10, dead=7), replace(fact, layer=2, neurons=50, dead=9))
    dead = Finding("dead_neurons", "7 of the 10 are dead", ("a[1][1]",), {}, "why", "try", 1, (1,))
    text = " ".join(
        render(diagnosis_document(Diagnosis((dead,), 40, {1: layers}, None), "m", "t"), "text").split()
    )
    assert "no finding: dead neurons: 9 of 50 in layer 2 (a finding from 40% of a hidden layer on)" in text
    assert "7 of 10 in layer 1" not in text
    assert "nothing is wrong" not in text


@given(st.floats(0, 1))
def test_percent(share):
    text = percent(share)
    assert (text == "0%") is (share == 0)
    assert (text == "100%") is (share == 1)


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_numbers_that_are_told_apart(one, other):
    texts = told_apart(one, other)
    if abs(one - other) > 1e-14 * max(abs(one), abs(other), 1e-300):
        assert (float(texts[0]) < float(texts[1])) is (one < other)


def test_every_kind_was_come_upon():
    """Where all the cases above come before in this process; of two workers each may have some of them."""
    cases = {name for name, one in globals().items() if name.startswith("test_") and callable(one)}
    if cases <= met:
        assert set(KINDS) == seen
