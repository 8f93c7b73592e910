"""The articles' worked examples, to every printed digit, from the equations and from the reference engine."""

import itertools

import numpy as np
import pytest

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.step import take_step
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from effort import one_in


def shows(value, printed):
    """Whether a value, rounded as the printed number is, is that number."""
    digits = printed.partition("e")[0].replace("-", "").lstrip("0").partition(".")
    if "e" in printed:
        return f"{value:.{len(digits[2])}e}".replace("e-0", "e-") == printed
    return f"{value:.{len(digits[2])}f}".replace("0.", ".", 1) == printed.replace("0.", ".", 1)


def test_shows_compares_all_printed_digits():
    assert shows(0.0159136499, "0.0159136")
    assert not shows(0.0159136501, "0.0159136")
    assert shows(-0.06275977, "-0.062760")
    assert shows(3.51021e-5, "3.5102e-5")
    assert not shows(3.51026e-5, "3.5102e-5")


# ---- article 1: 3-4-1, sigmoid, no biases, every weight .1, half squared error, first row (1, 1, 1) -> 1

FIRST = Network([3, Dense(4, "sigmoid", bias="none"), Dense(1, "sigmoid", bias="none")], "half_squared_error")


def test_the_first_article():
    p = {1: {"W": np.full((3, 4), 0.1)}, 2: {"W": np.full((4, 1), 0.1)}}
    record = FIRST.forward(p, np.ones((1, 3)), np)
    gradients = FIRST.backward(p, record, np.ones((1, 1)), np)
    hidden, output = record.layers
    for value in hidden.z[0]:
        assert shows(value, "0.3")
    for value in hidden.a[0]:
        assert shows(value, "0.5744425168")
    assert shows(output.z[0, 0], "0.2297770067")
    assert shows(output.a[0, 0], "0.5571928364")
    assert shows(gradients.cost, "0.0980390921")
    for value in gradients.parameters[2]["W"][:, 0]:
        assert shows(value, "-0.0627597748")
    for value in gradients.parameters[1]["W"].ravel():
        assert shows(value, "-0.0026707892")


def test_the_first_article_s_table_settles_row_by_row():
    values = np.arange(10, 0, -1) * 10.0
    scaled = (values - 10) / 90
    assert [shows(v, p) for v, p in zip(scaled, ["1.000000", "0.888889", "0.777778"], strict=False)] == [
        True
    ] * 3
    x = np.repeat(scaled[:, None], 3, axis=1)
    layout = Layout(FIRST)
    settings = StepSettings(optimizer("sgd"), batch_size=1, shuffle=False)
    data = Data(x, scaled[:, None], np.arange(8), np.arange(0))
    run = ReferenceEngine().start(FIRST, np.full(layout.size, 0.1), data, settings)
    falling = [float(run.losses(np.arange(8))[0])]
    for epoch in range(40):
        run.train_epoch(epoch, np.full(8, 0.5), [0])
        falling.append(float(run.losses(np.arange(8))[0]))
    assert all(after < before for before, after in itertools.pairwise(falling[1:]))
    assert falling[-1] < falling[0]
    # Row-by-row updates of equal weights keep them equal: every hidden neuron is the same one.
    w = layout.unflatten(run.parameters[0])
    assert np.ptp(w[1]["W"]) < 1e-12
    assert np.ptp(w[2]["W"]) < 1e-12


# ---- article 5: Mazur's 2-2-2

X5, Y5 = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def fifth(**layer):
    """The network and its parameters; h1 has w1 and w2, h2 w3 and w4, so columns of W[1] are (w1, w2) and (w3, w4)."""
    network = Network([2, Dense(2, "sigmoid", **layer), Dense(2, "sigmoid", **layer)], "half_squared_error")
    biases = 1 if layer.get("bias") == "layer" else 2
    p = {
        1: {"W": np.array([[0.15, 0.25], [0.20, 0.30]]), "b": np.full(biases, 0.35)},
        2: {"W": np.array([[0.40, 0.50], [0.45, 0.55]]), "b": np.full(biases, 0.60)},
    }
    return network, Layout(network).flatten(p)


SGD = StepSettings(optimizer("sgd"), batch_size=1, shuffle=False)
WEIGHTS = {
    (1, 0, 0): "0.149780716", (1, 1, 0): "0.19956143", (1, 0, 1): "0.24975114", (1, 1, 1): "0.29950229",
    (2, 0, 0): "0.35891648", (2, 1, 0): "0.408666186", (2, 0, 1): "0.51130127", (2, 1, 1): "0.561370121",
}  # fmt: skip


@pytest.mark.parametrize(
    ("layer", "next_error", "biases"),
    [
        ({"frozen": ["b"]}, "0.2910277737", ("0.35", "0.60")),
        ({"bias": "layer"}, "0.2857508867", ("0.3406371953", "0.5497998374")),
    ],
)
def test_the_fifth_article_s_first_step(layer, next_error, biases):
    network, flat = fifth(**layer)
    layout = Layout(network)
    step = take_step(layout, flat, SGD.optimizer.init(flat, np), X5, Y5, SGD, 0.5)
    assert shows(step.record.a[0, 0], "0.75136507")
    assert shows(step.record.a[0, 1], "0.772928465")
    assert shows(step.gradients.cost, "0.298371109")
    after = layout.unflatten(step.parameters)
    for (number, i, j), printed in WEIGHTS.items():
        assert shows(after[number]["W"][i, j], printed)
    for number, printed in enumerate(biases, 1):
        assert all(shows(value, printed) for value in after[number]["b"])
    again = take_step(layout, step.parameters, step.state, X5, Y5, SGD, 0.5)
    assert shows(again.gradients.cost, next_error)


@pytest.mark.parametrize(
    ("layer", "outputs", "error"),
    one_in(
        2,
        [
            ({"frozen": ["b"]}, ("0.0159136", "0.9840643"), "3.5102e-5"),
            ({"bias": "layer"}, ("0.0121022", "0.9879284"), "4.3553e-6"),
        ],
    ),
)
def test_the_fifth_article_after_ten_thousand_updates(layer, outputs, error):
    network, flat = fifth(**layer)
    # The one row ten thousand times is one epoch of ten thousand steps.
    data = Data(X5, Y5, np.zeros(10_000, int), np.arange(0))
    run = ReferenceEngine().start(network, flat, data, SGD)
    run.train_epoch(0, np.full(10_000, 0.5), [0])
    a = run.outputs(np.array([0]))[0, 0]
    assert shows(a[0], outputs[0])
    assert shows(a[1], outputs[1])
    assert shows(float(run.losses(np.array([0]))[0]), error)


# ---- article 3: one sigmoid neuron, mean squared error over the table


def test_the_third_article_s_sums_keep_each_row_s_product_inside():
    network = Network([2, Dense(1, "sigmoid")], "mean_squared_error")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.integers(0, 2, (5, 1)).astype(float)
    w, b = np.array([0.4, -0.3]), 0.1
    p = {1: {"W": w[:, None], "b": np.array([b])}}
    gradients = network.backward(p, network.forward(p, x, np), y, np)
    of_w, of_b, cost = np.zeros(2), 0.0, 0.0
    for row, target in zip(x, y[:, 0], strict=True):
        guess = 1 / (1 + np.exp(-(w @ row + b)))
        cost += (target - guess) ** 2 / 5
        of_w += -(2 / 5) * (target - guess) * guess * (1 - guess) * row
        of_b += -(2 / 5) * (target - guess) * guess * (1 - guess)
    np.testing.assert_allclose(gradients.cost, cost, rtol=1e-14)
    np.testing.assert_allclose(gradients.parameters[1]["W"][:, 0], of_w, rtol=1e-13)
    np.testing.assert_allclose(gradients.parameters[1]["b"], [of_b], rtol=1e-13)
    # The bias is a weight on a constant input 1.
    wider = Network([3, Dense(1, "sigmoid", bias="none")], "mean_squared_error")
    q = {1: {"W": np.array([[0.4], [-0.3], [0.1]])}}
    ones = np.hstack([x, np.ones((5, 1))])
    same = wider.backward(q, wider.forward(q, ones, np), y, np)
    np.testing.assert_allclose(same.parameters[1]["W"][:, 0], [*of_w, of_b], rtol=1e-13)
