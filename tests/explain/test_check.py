"""The certificate: right networks pass, planted mistakes are found and named, kinks are no mistakes."""

import doctest
import json
from pathlib import Path

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings

import chainrule
from chainrule import Dense, Network
from chainrule.equations.layout import Layout
from chainrule.equations.losses import LOSSES
from chainrule.errors import SettingsError, TableError
from chainrule.explain.check.batch import Batch, network_gradient
from chainrule.explain.check.certificate import CHECKS, Certificate, certify
from chainrule.explain.check.differences import ROOT, steps_of
from chainrule.explain.check.exact import Exact
from effort import many
from networks import HIDDEN, case_of, cases, outputs_of

PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
NUMBERS = ["differences", "exact", "rows"]


def made(sizes, activation="tanh", loss="half_squared_error", seed=1, rows=5, output=None, **how):
    network = Network(
        [
            sizes[0],
            *(Dense(n, activation, **how) for n in sizes[1:-1]),
            Dense(sizes[-1], output or activation, **how),
        ],
        loss,
    )
    return case_of(network, np.random.default_rng(seed), rows)


def check(case, gradient=None, checks=NUMBERS, **more):
    return certify(
        case.network,
        parameters=case.p,
        x=case.x,
        y=case.y,
        weights=case.weights,
        gradient=gradient,
        checks=checks,
        **more,
    )


def named(certificate: Certificate) -> list[str]:
    return [mistake.name for mistake in certificate.mistakes]


# ---- what is right passes


@settings(max_examples=many(25))
@given(case=cases())
def test_whatever_network_passes(case):
    if case.network.output.activation.name == "binary_step":
        case = case._replace(masks=None)
    first = {
        number: {name: (case.p[number][name].reshape(-1, *wanted)[0]) for name, wanted in shapes.items()}
        for number, shapes in case.network.shapes().items()
    }
    weights = case.weights if case.weights is None or case.weights.ndim == 1 else case.weights[0]
    certificate = check(case._replace(p=first, weights=weights), checks=["differences", "rows"])
    assert certificate.passed, certificate.to_dict()


@pytest.mark.parametrize("name", [name for name in HIDDEN if name != "binary_step"])
def test_every_activation_passes_in_50_digits(name):
    certificate = check(made((3, 4, 2), name, output="identity"), checks=["exact"])
    assert certificate.passed, certificate.to_dict()
    assert certificate.checks[0].compared == 5 * 2 * (4 + 2) + 1 + 26


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_passes_in_50_digits(name):
    output = LOSSES[name].output if LOSSES[name].output in outputs_of(name) else "identity"
    network = Network([3, Dense(3, "tanh"), Dense(3, output)], name)
    certificate = check(case_of(network, np.random.default_rng(2), 4), checks=["exact"])
    assert certificate.passed, certificate.to_dict()
    assert not certificate.checks[0].skipped


def test_the_first_row_of_the_first_article_in_50_digits():
    """3-4-1, sigmoid, no biases, every weight 0.1, the row (1,1,1 -> 1): the numbers of the article, exactly.

    With mpmath alone: a = s(0.3), o = s(0.4 a), E = (1-o)^2/2; ARTICLES: 0.5744425168, 0.5571928364, 0.0980390921.
    """
    network = Network([3, Dense(4, "sigmoid", bias="none"), Dense(1, "sigmoid", bias="none")])
    batch = Batch(network, np.full(16, 0.1), np.ones((1, 3)), np.ones((1, 1)), None, (1,))
    with mpmath.workdps(50):
        exact = Exact(batch)
        (_, a1), (_, a2) = exact.layers(0)
        w = mpmath.mpf(0.1)  # the double nearest to 0.1, which is what the network holds
        a = 1 / (1 + mpmath.exp(-3 * w))
        o = 1 / (1 + mpmath.exp(-4 * w * a))
        assert abs(a1[0] - a) < mpmath.mpf(10) ** -48
        assert abs(a2[0] - o) < mpmath.mpf(10) ** -48
        assert abs(exact.cost() - (1 - o) ** 2 / 2) < mpmath.mpf(10) ** -48
        left, _ = exact.differences(12, exact.cost())
    assert float(a1[0]) == pytest.approx(0.5744425168, abs=1e-10)
    assert float(a2[0]) == pytest.approx(0.5571928364, abs=1e-10)
    assert float(exact.cost()) == pytest.approx(0.0980390921, abs=1e-10)
    assert float(left) == pytest.approx(-0.0627597748, abs=1e-10)


def test_a_mean_with_row_weights_and_a_shared_bias_pass():
    network = Network(
        [2, Dense(3, "silu", bias="layer"), Dense(2, "softmax", bias="none")], "categorical_cross_entropy"
    )
    case = case_of(network, np.random.default_rng(5), 6, weighted="rows")
    certificate = check(case)
    assert certificate.passed, certificate.to_dict()


def test_the_engines_agree_and_the_check_of_it_sees_when_they_do_not(monkeypatch):
    case = made((3, 4, 2), "tanh")
    certificate = check(case, checks=["engines"])
    assert certificate.passed, certificate.to_dict()
    # outputs, cost, gradient; in two dtypes
    assert certificate.checks[0].compared == 2 * (10 + 1 + 26)
    from chainrule.engines.cpu.engine import CpuEngine

    real = CpuEngine.predict
    monkeypatch.setattr(CpuEngine, "predict", lambda *given: real(*given) * (1 + 1e-4))
    certificate = check(case, checks=["engines"])
    assert not certificate.passed
    assert certificate.checks[0].worst.address.startswith("a[2][")


# ---- planted mistakes, each written as somebody would write it by mistake


def backprop(
    network, p, x, y, weights, *, slope=True, sign=1.0, mean=True, through=None, bias=True, updated=0.0
):
    """Backpropagation by hand for a 3-layer tanh network with half the squared error, with ways to get it wrong."""
    n = len(x)
    a = [x]
    for layer in p.values():
        a.append(np.tanh(a[-1] @ layer["W"] + (layer["b"] if bias is not None else 0)))
    delta = sign * (a[-1] - y) * (1 - a[-1] ** 2) / (n if mean else 1)
    grads = {}
    for index in range(len(p) - 1, -1, -1):
        w = p[index + 1]["W"]
        grads[index + 1] = {"W": a[index].T @ delta, "b": delta.sum(axis=0) if bias else np.zeros(w.shape[1])}
        w = w - updated * grads[index + 1]["W"]
        back = w.reshape(w.shape[1], w.shape[0]) if through == "W" else w.T
        delta = delta @ back
        if slope:
            delta = delta * (1 - a[index] ** 2)
    return grads


@pytest.mark.parametrize(
    ("how", "name", "words"),
    [
        ({"sign": -1.0}, "wrong sign", "every derivative has the wrong sign"),
        ({"slope": False}, "missing f'", "f'(z) is left out of delta of every hidden layer"),
        ({"through": "W"}, "transposed matrix", "delta goes back through W[2] and W[3]"),
        ({"updated": 0.05}, "updated weight", "already updated (eta = 0.05)"),
        ({"mean": False}, "missing 1/n", "the 1/n of the mean over rows is left out (n = 5)"),
        ({"bias": False}, "bias left out", "dC/db[1], dC/db[2] and dC/db[3] are left out, as if 0"),
        ({"bias": None}, "bias left out", "b[1], b[2] and b[3] are neither added in z nor differentiated"),
    ],
)
@pytest.mark.parametrize("sizes", [(3, 4, 4, 4), (3, 5, 2, 2)], ids=["square", "not square"])
def test_a_planted_mistake_is_found_and_named(how, name, words, sizes):
    case = made(sizes)

    def gradient(*given):
        return backprop(*given, **how)

    assert check(case, backprop).passed
    certificate = check(case, gradient)
    assert not certificate["central differences"].passed
    assert not certificate["50-digit arithmetic"].passed
    assert named(certificate) == [name], certificate.mistakes
    assert words in certificate.mistakes[0].sentence


def test_a_matrix_of_one_column_is_not_said_to_be_transposed():
    case = made((3, 3, 1))

    def gradient(*given):
        grads = backprop(*given)
        return grads | {1: grads[1] | {"W": grads[1]["W"].T}}

    assert [m.sentence for m in check(case, gradient).mistakes] == ["dC/dW[1] is transposed"]


@pytest.mark.parametrize("layer", [0, 1])
def test_a_missing_slope_is_named_with_its_layer(layer):
    case = made((3, 4, 2), "sigmoid")

    def gradient(network, p, x, y, weights):
        a1 = 1 / (1 + np.exp(-(x @ p[1]["W"] + p[1]["b"])))
        a2 = 1 / (1 + np.exp(-(a1 @ p[2]["W"] + p[2]["b"])))
        d2 = (a2 - y) / len(x) * (1 if layer == 1 else a2 * (1 - a2))
        d1 = d2 @ p[2]["W"].T * (1 if layer == 0 else a1 * (1 - a1))
        return {1: {"W": x.T @ d1, "b": d1.sum(0)}, 2: {"W": a1.T @ d2, "b": d2.sum(0)}}

    certificate = check(case, gradient)
    assert [m.sentence for m in certificate.mistakes] == [f"f'(z) is left out of delta[{layer + 1}]"]


def test_the_slope_at_a_instead_of_z_is_named():
    """Written for sigmoid as s'(a) with s' of the article's kind: the derivative of an output, not of z."""
    case = made((3, 4, 2), "sigmoid", output="identity")

    def gradient(network, p, x, y, weights):
        def s(z):
            return 1 / (1 + np.exp(-z))

        a1 = s(x @ p[1]["W"] + p[1]["b"])
        d2 = (a1 @ p[2]["W"] + p[2]["b"] - y) / len(x)
        d1 = d2 @ p[2]["W"].T * s(a1) * (1 - s(a1))
        return {1: {"W": x.T @ d1, "b": d1.sum(0)}, 2: {"W": a1.T @ d2, "b": d2.sum(0)}}

    assert named(check(case, gradient)) == ["f' at a"]


def test_a_slope_that_the_loss_had_canceled_is_named():
    network = Network([2, Dense(1, "sigmoid")], "binary_cross_entropy")
    case = case_of(network, np.random.default_rng(3), 6)

    def gradient(network, p, x, y, weights):
        a = 1 / (1 + np.exp(-(x @ p[1]["W"] + p[1]["b"])))
        delta = (a - y) * a * (1 - a) / len(x)
        return {1: {"W": x.T @ delta, "b": delta.sum(0)}}

    assert named(check(case, gradient)) == ["extra f'"]


def test_a_transposed_gradient_of_another_shape_is_named():
    case = made((3, 4, 2))

    def gradient(*given):
        return {n: {**arrays, "W": arrays["W"].T} for n, arrays in network_gradient(*given).items()}

    certificate = check(case, gradient)
    assert named(certificate) == ["transposed matrix"]
    assert "dC/dW[1] has the shape (4, 3); (3, 4) is expected" in certificate.checks[0].notes


def test_a_single_wrong_sign_and_a_single_missing_bias_are_placed():
    case = made((3, 4, 2))

    def flipped(*given):
        grads = network_gradient(*given)
        return {**grads, 1: {**grads[1], "b": -grads[1]["b"]}}

    def unbiased(*given):
        grads = network_gradient(*given)
        return {**grads, 2: {"W": grads[2]["W"]}}

    assert [m.sentence for m in check(case, flipped).mistakes] == ["dC/db[1] has the wrong sign"]
    certificate = check(case, unbiased)
    assert [m.sentence for m in certificate.mistakes] == ["dC/db[2] is left out, as if 0"]
    assert certificate.checks[0].notes == ("dC/db[2] is not there; it is taken as 0",)


def test_the_sum_of_the_articles_erratum_is_named_as_a_factor_or_row():
    """Article 3 multiplies sum(y - yhat) by sigma'(z) and x outside the sum: no mistake of the list, so none is named."""
    network = Network([2, Dense(1, "sigmoid")], "mean_squared_error")
    case = case_of(network, np.random.default_rng(4), 6)

    def gradient(network, p, x, y, weights):
        a = 1 / (1 + np.exp(-(x @ p[1]["W"] + p[1]["b"])))
        total = float((a - y).sum()) * 2 / len(x)
        slope = (a * (1 - a))[-1]
        return {1: {"W": total * slope * x[-1][:, None], "b": total * slope}}

    certificate = check(case, gradient)
    assert not certificate.passed
    assert all(mistake.explains < 1 - 1e-6 for mistake in certificate.mistakes)


@pytest.mark.parametrize("index", [0, 5, 19, 25])
def test_one_derivative_that_is_wrong_by_a_thousandth_is_found(index):
    case = made((3, 4, 2))

    def gradient(network, p, *given):
        layout = Layout(network)
        flat = layout.flatten(network_gradient(network, p, *given))
        flat[index] *= 1.001
        return layout.unflatten(flat)

    certificate = check(case, gradient)
    for name in ("central differences", "50-digit arithmetic"):
        assert certificate[name].failed == 1
        assert certificate[name].worst.address == f"dC/d{Layout(case.network).address(index)}"


def test_a_factor_is_named_as_such():
    case = made((3, 4, 2))

    def gradient(*given):
        grads = network_gradient(*given)
        return {n: {name: array * 1.01 for name, array in arrays.items()} for n, arrays in grads.items()}

    (mistake,) = check(case, gradient).mistakes
    assert mistake.sentence == "the gradient is 1.01 times what it should be"


def test_a_forward_that_is_wrong_is_found_in_50_digits(monkeypatch):
    """A stable function that is off in the ninth digit agrees with its own differences, and not with its formula."""
    from dataclasses import replace

    from chainrule.equations import activations

    record = activations.ACTIVATIONS["sigmoid"]
    wrong = replace(record, function=lambda z, xp: record.function(z, xp) * (1 + 1e-9))
    network = Network([2, Dense(3, wrong), Dense(1)])
    certificate = check(case_of(network, np.random.default_rng(1), 3))
    assert not certificate["50-digit arithmetic"].passed
    assert certificate["50-digit arithmetic"].worst.address.startswith(("a[1]", "z[2]", "a[2]"))


# ---- steps and kinks


def test_the_step_moves_z_by_the_cube_root_of_eps():
    network = Network([2, Dense(1)])
    batch = Batch(
        network,
        np.array([0.5, 1e14, 0.0]),
        np.array([[4000.0, 0.0], [-100.0, 0.0]]),
        np.zeros((2, 1)),
        None,
        (1, 2),
    )
    h = steps_of(batch)
    assert h[0] * 4000 == pytest.approx(ROOT)
    assert h[1] == pytest.approx(1000 * np.finfo(float).eps * 1e14)
    assert h[2] == pytest.approx(ROOT)


def relu_at(z):
    """One row, one ReLU neuron whose z is as given, behind it the identity: C = (relu(z) - 1)^2 / 2."""
    network = Network([1, Dense(1, "relu", bias="none"), Dense(1, bias="none")])
    p = {1: {"W": np.array([[z]])}, 2: {"W": np.array([[1.0]])}}
    return network, p, np.array([[1.0]]), np.array([[1.0]])


def test_a_kink_inside_the_step_is_called_that():
    network, p, x, y = relu_at(0.0)
    certificate = certify(network, parameters=p, x=x, y=y, checks=["differences", "exact"])
    assert certificate.passed
    (kink,) = certificate["central differences"].kinks
    # Left of 0 the cost is 1/2 and flat; right of it its slope is -(1 - 0) = -1; chainrule takes relu'(0) = 0.
    assert kink.address == "dC/dW[1][1,1]"
    assert kink.crossed == "z[1][1]@row=1"
    assert kink.left == pytest.approx(0.0, abs=1e-9)
    assert kink.right == pytest.approx(-1.0, abs=1e-5)
    assert kink.found == 0
    assert [kink.address for kink in certificate["50-digit arithmetic"].kinks] == ["dC/dW[1][1,1]"]


@pytest.mark.parametrize("z", [ROOT / 3, -ROOT / 5, ROOT / 300])
def test_a_kink_near_by_is_avoided_by_a_smaller_step(z):
    network, p, x, y = relu_at(z)
    certificate = certify(network, parameters=p, x=x, y=y, checks=["differences"])
    assert certificate.passed
    assert not certificate.checks[0].kinks


def test_a_kink_excuses_no_mistake():
    for z, wrong in ((0.0, 0.5), (0.0, -1.1), (ROOT / 3, 1.0)):
        network, p, x, y = relu_at(z)

        def gradient(*given, wrong=wrong):
            return {1: {"W": np.array([[wrong]])}, 2: {"W": network_gradient(*given)[2]["W"]}}

        certificate = certify(network, parameters=p, x=x, y=y, gradient=gradient, checks=["differences"])
        assert certificate.checks[0].failed == 1, (z, wrong)
        assert certificate.checks[0].worst.address == "dC/dW[1][1,1]"


def test_kinks_of_losses_and_users_formulas_are_seen():
    """abs(a - y) at a = y; a user's where; the quantile's max. In each the derivative by the bias is one-sided."""
    for output, cost in (
        ("identity", "mean_absolute_error"),
        ("where(z > 1, 3*z-2, z)", "half_squared_error"),
    ):
        network = Network([1, Dense(1, output)], cost)
        y = np.array([[1.0]]) if cost == "mean_absolute_error" else np.array([[3.0]])
        p = {1: {"W": np.array([[0.5]]), "b": np.array([0.5])}}
        certificate = certify(network, parameters=p, x=np.array([[1.0]]), y=y, checks=["differences"])
        assert certificate.passed
        assert {kink.address for kink in certificate.checks[0].kinks} == {"dC/dW[1][1,1]", "dC/db[1][1]"}


# ---- models, rows, samples


@pytest.fixture(scope="module")
def penguins():
    how = {"hidden": [4], "members": 2, "epochs": 10, "engine": "reference"}
    return chainrule.train(PENGUINS, "species", **how).model


def test_a_trained_model_passes_all_checks_and_says_what_was_checked(penguins):
    certificate = certify(penguins, PENGUINS, rows=[0, 20, 300], member=1)
    assert certificate.passed, certificate.to_dict()
    assert [check.outcome for check in certificate.checks] == ["ok"] * 6
    assert certificate.subject["rows"] == [1, 21, 301]
    assert certificate.subject["member"] == 2
    assert certificate.subject["weights"] == certificate.subject["of_weights"] == 17 * 4 + 4 + 4 * 3 + 3
    assert json.loads(json.dumps(certificate.to_dict()))["checks"][0]["outcome"] == "ok"


def test_rows_and_weights_are_drawn_by_the_seed(penguins):
    def subject(**how):
        return certify(penguins, PENGUINS, checks=["differences"], sample=10, **how).subject

    first = subject()
    assert first == subject()
    assert len(first["rows"]) == 32
    assert first["weights"] == 10
    assert first["rows"] != subject(seed=1)["rows"]
    assert len(subject(n_rows=7)["rows"]) == 7
    # More rows than there are with a target: all of them, 344 less the one without.
    assert len(subject(n_rows=1000)["rows"]) == 344


def test_row_weights_of_the_training_are_used():
    table = {
        "x": [float(i % 7) for i in range(40)],
        "y": [float(i % 5) for i in range(40)],
        "w": [1.0, 3.0] * 20,
    }
    model = chainrule.train(
        table, "y", weights="w", hidden=[3], members=1, epochs=3, engine="reference"
    ).model
    certificate = certify(model, table, rows=[0, 1, 2], checks=NUMBERS)
    assert certificate.passed
    del table["w"]
    unweighted = certify(model, table, rows=[0, 1, 2], checks=NUMBERS)
    assert unweighted.passed
    assert unweighted["central differences"].worst != certificate["central differences"].worst


def test_a_wrong_slope_through_the_encoder_is_found(penguins, monkeypatch):
    from chainrule.explain.attribute import cells as attribution_cells

    real = attribution_cells.slope_of_part
    monkeypatch.setattr(attribution_cells, "slope_of_part", lambda *given: 1.001 * real(*given))
    certificate = certify(penguins, PENGUINS, rows=[0, 1], checks=["attributions"])
    assert certificate["attributions"].passed
    assert certificate["slopes by column"].failed > 0
    assert "d/d(" in certificate["slopes by column"].worst.address


def test_attributions_that_do_not_add_up_are_found(penguins, monkeypatch):
    from chainrule.explain.attribute.gradients import _Path

    real = _Path._slopes
    monkeypatch.setattr(_Path, "_slopes", lambda *given: 1.01 * real(*given))
    monkeypatch.setattr("chainrule.explain.attribute.gradients.MOST_POINTS", 100)
    certificate = certify(penguins, PENGUINS, rows=[0, 1], checks=["attributions"])
    assert certificate["attributions"].failed > 0


@pytest.mark.parametrize(
    ("how", "error", "said"),
    [
        ({"rows": [344]}, TableError, "there is no row 345; it has 344 rows"),
        ({"rows": [3], "member": 2}, SettingsError, "there is no member 3: the model has 2 members"),
        ({"n_rows": 0}, SettingsError, "rows 0 must be at least 1"),
        ({"sample": -1}, SettingsError, "sample -1 must be at least 1, or 0"),
        ({"checks": ["exakt"]}, SettingsError, "there is no check 'exakt': choose differences, exact,"),
        ({"x": np.zeros((1, 17))}, SettingsError, "leave out parameters, x, y and weights"),
    ],
    ids=["row", "member", "rows", "sample", "check", "x"],
)
def test_mistakes_are_one_clear_line(penguins, how, error, said):
    with pytest.raises(error) as raised:
        certify(penguins, PENGUINS, **how)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_arrays_that_do_not_fit_are_refused():
    case = made((3, 4, 2))
    for changed, said in (
        ({"x": case.x[0]}, "(n, 3)"),
        ({"y": case.y[:2]}, "are expected"),
        ({"parameters": np.zeros(7)}, "parameters of shape (7,) don't fit a network of 26"),
        ({"parameters": None}, "give all three"),
        ({"gradient": lambda *given: []}, "each layer's arrays by number, {1: …, 2: …}, not a list"),
        ({"gradient": lambda *given: {1: {}}}, "each layer's arrays by number, {1: …, 2: …}, not {1: …}"),
        (
            {"gradient": lambda *given: {1: {"W": np.zeros(3)}, 2: {}}},
            "dC/dW[1] with the shape (3,); (3, 4) is expected",
        ),
        ({"y": np.full((5, 2), np.nan)}, "not a finite number"),
    ):
        how = {"parameters": case.p, "x": case.x, "y": case.y, "checks": CHECKS, **changed}
        with pytest.raises(SettingsError) as raised:
            certify(case.network, **how)
        assert said in str(raised.value)


def test_a_network_too_large_for_50_digits_is_skipped_with_the_reason():
    network = Network([400, Dense(500), Dense(400)])
    case = case_of(network, np.random.default_rng(0), 4)
    certificate = check(case, checks=["exact"])
    assert certificate.passed
    assert "too large" in certificate.checks[0].skipped


def test_every_function_of_the_language_is_known_to_the_exact_arithmetic():
    from chainrule.explain.derive.exact import PRECISE
    from chainrule.formula.functions import FUNCTIONS

    assert set(FUNCTIONS) == {*PRECISE, "where", "sum"}


def test_the_examples_of_the_page_run(monkeypatch):
    monkeypatch.chdir(PENGUINS.parents[1])
    result = doctest.testfile("docs/check.md", module_relative=False)
    assert result.attempted >= 10
    assert result.failed == 0
