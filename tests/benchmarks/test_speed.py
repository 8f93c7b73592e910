"""The benchmarks' arithmetic and bookkeeping; no time is judged here, and no peer but scikit-learn is needed."""

import json
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import growth, speed, targets, timing, training
from benchmarks.cases import (
    TRAINING_CASES,
    TrainingCase,
    cross_entropy,
    forward,
    make_data,
    prediction_flops,
    training_flops,
)
from benchmarks.peers import forms
from benchmarks.report import duration, plain
from benchmarks.timing import AbsentError, Contestant, best_of_each_peer, interleave, quartiles, ratios
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network


def contestant(peer="a", variant="", samples=(1.0,), checked=None):
    return Contestant(peer, variant, lambda: 1.0, samples=list(samples), checked=checked)


def test_training_flops_by_hand():
    # 3-4-2, 32 rows: z = hW 2·32·(12+8) = 1280; dW the same; dh for layer 2 alone 2·32·8 = 512.
    assert training_flops((3, 4, 2), 32) == 1280 + 1280 + 512
    # One layer: no dh at all.
    assert training_flops((5, 7), 3) == 2 * 2 * 3 * 35


def test_flops_count_the_products_of_a_real_backpropagation():
    sizes, batch = (6, 5, 4, 3), 7
    counted = 0

    def product(a, b):
        nonlocal counted
        counted += 2 * a.shape[0] * a.shape[1] * b.shape[1]
        return a @ b

    weights = [np.ones((a, b)) for a, b in pairwise(sizes)]
    inputs = [np.ones((batch, sizes[0]))]
    for w in weights:
        inputs.append(product(inputs[-1], w))
    assert prediction_flops(sizes, batch) == counted
    delta = inputs[-1]
    for layer in range(len(weights) - 1, -1, -1):
        product(inputs[layer].T, delta)
        if layer > 0:
            delta = product(delta, weights[layer].T)
    assert training_flops(sizes, batch) == counted


def test_ratio_is_the_peers_time_by_ours_of_the_best_variants():
    all_ = [
        contestant("us", "", [2.0, 4.0, 3.0]),
        contestant("p", "slow", [30.0]),
        contestant("p", "fast", [12.0]),
    ]
    best = best_of_each_peer([*all_, Contestant("gone", "", lambda: 0.0, absent="not installed")])
    assert {peer: c.variant for peer, c in best.items()} == {"us": "", "p": "fast"}
    assert ratios({peer: c.median for peer, c in best.items()}, "us") == {"p": 4.0}


def test_quartiles():
    assert quartiles([5.0, 1.0, 4.0, 2.0, 3.0]) == {"median": 3.0, "min": 1.0, "q1": 2.0, "q3": 4.0}


@pytest.mark.slow
def test_rounds_are_interleaved_and_turned_and_the_first_is_not_counted():
    order = []

    def ways(name):
        def measure():
            order.append(name)
            return float(len(order))

        return Contestant(name, "", measure)

    def refuses():
        raise AbsentError("no compiler")

    gone = Contestant("d", "", refuses)
    a, b, c = all_ = [ways("a"), ways("b"), ways("c")]
    interleave([a, gone, b, c], repeats=2, pause=0)
    assert order == [*"abc", *"abc", *"bca"]
    assert [len(each.samples) for each in all_] == [2, 2, 2]
    assert gone.absent == "no compiler"
    assert gone.samples == []


def test_who_did_not_learn_or_ended_elsewhere_is_named():
    good = [contestant(name, checked=loss) for name, loss in (("a", 0.50), ("b", 0.51), ("c", 0.49))]
    assert training.loss_problems(good, 2.0) == []
    lazy, odd, broken = (
        contestant("lazy", checked=1.99),
        contestant("odd", checked=0.9),
        contestant("nan", checked=np.nan),
    )
    assert ["lazy" in problem for problem in training.loss_problems([*good, lazy], 2.0)] == [True]
    assert ["odd" in problem for problem in training.loss_problems([*good, odd], 2.0)] == [True]
    assert any("nan did not learn" in problem for problem in training.loss_problems([*good, broken], 2.0))
    assert len(training.error_problems([contestant(checked=1e-3), contestant(checked=np.nan)])) == 2
    assert training.error_problems([contestant(checked=1e-6)]) == []


def test_targets_are_of_works_that_are_measured_and_reached_at_the_figure_itself():
    names = set(speed.works(1, quick=False))
    assert {target.work for target in targets.TARGETS} <= names
    work, peer, at_least = targets.TARGETS[0]
    for measured, reached in ((at_least, True), (at_least * 0.999, False)):
        verdict = targets.judge([{"work": work, "ratios": {peer: measured}}])[0]
        assert verdict["reached"] is reached
    assert all(verdict["reached"] is None for verdict in targets.judge([]))


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "selu"])
def test_the_judge_of_predictions_agrees_with_the_equations(activation):
    case = TrainingCase((4, 6, 5, 3), 8, steps=2, epochs=1, activation=activation)
    data = make_data(case)
    network = Network(
        [4, Dense(6, activation), Dense(5, activation), Dense(3, "softmax")], "categorical_cross_entropy"
    )
    layout = Layout(network)
    flat = layout.flatten({n: {"W": w, "b": b} for n, (w, b) in enumerate(data.initial[0], 1)}).astype(float)
    record = network.forward(layout.unflatten(flat), data.x.astype(float), np)
    np.testing.assert_allclose(forward(data.x, data.initial[0], activation), record.a, rtol=1e-12)
    # ln 2 for two equal classes, whichever is right.
    assert cross_entropy(np.full((2, 3, 2), 0.5), np.array([0, 1, 1])) == pytest.approx(np.log(2), rel=1e-15)


def test_chainrule_and_scikit_learn_do_the_same_work(tmp_path):
    case = replace(TRAINING_CASES[1], steps=16, epochs=30)
    measured = training.measure_training(case, 1, ["chainrule", "scikit-learn"])
    assert measured["problems"] == []
    result = plain(measured, peak=1e11)
    assert set(result["ratios"]) == {"scikit-learn"}
    report = {
        "date": "2000-01-01",
        "quick": True,
        "results": [result],
        "growth": [],
        "machine": {"processor": "p", "cores": 1},
    }
    path = speed.write(report, tmp_path)[0]
    assert json.loads(path.read_text(encoding="utf-8")) == report


def test_growth_exponents_and_points():
    points = [{"axis": "width", "size": n, "seconds": 3.0 * n**2, "bytes": None} for n in (1, 2, 4, 8)]
    assert growth.exponents(points) == {"width": {"seconds": 2.0}}
    for axis in growth.FULL:
        assert growth.point(axis, 7) != growth.point(axis, 8)
    with pytest.raises(ValueError, match="height"):
        growth.point("height", 1)


def test_a_peer_that_is_not_installed_is_absent_with_a_reason(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delitem(sys.modules, "benchmarks.peers.onnx_runtime", raising=False)
    with pytest.raises(AbsentError, match=r"not installed: .*onnx"):
        forms("ONNX Runtime", "row_predictors", (2, 2), [])
    with pytest.raises(AbsentError, match="has no nonsense"):
        forms("scikit-learn", "nonsense")


def test_the_benchmark_can_be_asked_what_it_measures_without_any_peer():
    code = (
        "import sys; from benchmarks import speed; speed.main(['--list']); "
        "sys.exit(str(sorted({'torch', 'jax', 'keras', 'onnx', 'onnxruntime', 'matplotlib'} & set(sys.modules)))[1:-1])"
    )
    root = timing.__file__.rsplit("benchmarks", 1)[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert "train 3-4-2, batch 32, relu" in done.stdout.splitlines()


@pytest.mark.parametrize(
    ("seconds", "shown"), [(2.0, "2 s"), (0.0123, "12.3 ms"), (4.56e-6, "4.56 µs"), (5e-9, "5 ns")]
)
def test_durations(seconds, shown):
    assert duration(seconds) == shown
