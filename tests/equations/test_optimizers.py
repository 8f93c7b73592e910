"""Every optimizer against its steps written out by hand, known numbers, and its invariances."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from chainrule.equations.optimizers import OPTIMIZERS, Optimizer, optimizer
from chainrule.errors import SettingsError

ETA = 0.05


def run(record: Optimizer, w: np.ndarray, gradients: np.ndarray, eta: float = ETA) -> list[np.ndarray]:
    """The parameters after each update by the gradients."""
    state = record.init(w, np)
    after = []
    for g in gradients:
        w, state, _ = record.update(w, g, state, eta, np)
        after.append(w)
    return after


# One function per optimizer: plain Python on one number, written from the papers and not from the lines.


def descend(w, gradients, eta):
    for g in gradients:
        w -= eta * g
        yield w


def polyak(w, gradients, eta, mu=0.9):
    before = w
    for g in gradients:  # the heavy ball: w + mu (w - w_before) - eta g
        w, before = w + mu * (w - before) - eta * g, w
        yield w


def nesterov(w, gradients, eta, mu=0.9):
    # Sutskever's two sequences: the gradient is taken at the point ahead, theta + mu v, which is what the optimizer calls w.
    theta, v = w, 0.0
    for g in gradients:
        v = mu * v - eta * g
        theta += v
        yield theta + mu * v


def rmsprop(w, gradients, eta, rho=0.9, epsilon=1e-8):
    mean = 0.0
    for g in gradients:
        mean = rho * mean + (1 - rho) * g * g
        w -= eta * g / (math.sqrt(mean) + epsilon)
        yield w


def adam(w, gradients, eta, beta1=0.9, beta2=0.999, epsilon=1e-8):
    for t in range(1, len(gradients) + 1):
        # The averages as weighted sums of all gradients so far, weights adding up to 1, instead of corrected recurrences.
        of_m = [beta1 ** (t - 1 - i) for i in range(t)]
        of_v = [beta2 ** (t - 1 - i) for i in range(t)]
        m = sum(c * g for c, g in zip(of_m, gradients, strict=False)) / sum(of_m)
        v = sum(c * g * g for c, g in zip(of_v, gradients, strict=False)) / sum(of_v)
        w -= eta * m / (math.sqrt(v) + epsilon)
        yield w


def adam_epsilon_hat(w, gradients, eta, beta1=0.9, beta2=0.999, epsilon=1e-8):
    # Kingma & Ba, end of section 2: the corrections in the learning rate, and epsilon hat beside the raw root.
    m = v = 0.0
    for t, g in enumerate(gradients, 1):
        m += (1 - beta1) * (g - m)
        v += (1 - beta2) * (g * g - v)
        w -= eta * math.sqrt(1 - beta2**t) / (1 - beta1**t) * m / (math.sqrt(v) + epsilon)
        yield w


JUDGES = {
    "perceptron": descend,
    "gradient_descent": descend,
    "sgd": descend,
    "momentum": polyak,
    "nesterov": nesterov,
    "rmsprop": rmsprop,
    "adam": adam,
    "adamw": adam,
    "adam_epsilon_hat": adam_epsilon_hat,
}
GRADIENTS = np.array([[0.3, -2.0], [0.1, 0.0], [-0.7, 1e-3], [0.25, 30.0], [0.0, -1.0], [1e-9, 2.0]])


def test_every_optimizer_with_lines_has_a_judge():
    assert set(JUDGES) == {name for name, record in OPTIMIZERS.items() if record.lines}


def check(record: Optimizer, judge=None) -> None:
    w = np.array([1.5, -0.5])
    got = run(record, w, GRADIENTS)
    for place in range(2):
        want = (judge or JUDGES[record.name])(
            float(w[place]), list(map(float, GRADIENTS[:, place])), ETA, *record.parameters.values()
        )
        np.testing.assert_allclose([step[place] for step in got], list(want), rtol=1e-13)


@pytest.mark.parametrize("name", JUDGES)
def test_steps_are_those_of_the_papers(name):
    check(OPTIMIZERS[name])


@pytest.mark.parametrize(
    "spec",
    ["momentum(mu=0.5)", "nesterov(mu=0.3)", "rmsprop(rho=0.5, epsilon=0.1)"]
    + [f"{name}(beta1=0.5, beta2=0.75, epsilon=0.01)" for name in ("adam", "adamw", "adam_epsilon_hat")],
)
def test_parameters_are_used(spec):
    record = optimizer(spec)
    assert record.spec == spec
    check(record)


def test_planted_errors_are_seen():
    uncorrected = Optimizer(
        "adam", (*OPTIMIZERS["adam"].lines[:2], ("w", "w - eta*m/(sqrt(v) + epsilon)")), ("m", "v"),
        OPTIMIZERS["adam"].parameters,
    )  # fmt: skip
    classical = Optimizer("nesterov", OPTIMIZERS["momentum"].lines, ("velocity",), {"mu": 0.9})
    uphill = Optimizer("sgd", (("w", "w + eta*g"),))
    for planted in (uncorrected, classical, uphill):
        with pytest.raises(AssertionError):
            check(planted)


def test_known_numbers():
    # Adam from 0: m = .1 g, v = .001 g^2, corrected g and g^2, so the first step is eta g/(|g| + epsilon).
    record = OPTIMIZERS["adam"]
    w, state, lines = record.update(
        np.zeros(3), np.array([4.0, -0.5, 0.0]), record.init(np.zeros(3), np), 0.001, np
    )
    np.testing.assert_allclose(lines["m"], [0.4, -0.05, 0.0], rtol=1e-15)
    np.testing.assert_allclose(lines["v"], [0.016, 0.00025, 0.0], rtol=1e-13)
    np.testing.assert_allclose(lines["m_hat"], [4.0, -0.5, 0.0], rtol=1e-15)
    np.testing.assert_allclose(lines["v_hat"], [16.0, 0.25, 0.0], rtol=1e-13)
    np.testing.assert_allclose(w, [-0.001 * 4 / (4 + 1e-8), 0.001 * 0.5 / (0.5 + 1e-8), 0.0], rtol=1e-13)
    assert state.t == 1
    assert set(state.arrays) == {"m", "v"}
    # Momentum .9, eta .1, g = 1 twice: velocity -.1, then -.19; w -.1, then -.29. Nesterov: -.19, then -.1 · 1 + …:
    # velocity -.19, w = -.19 + .9 · -.19 - .1 = -.461
    np.testing.assert_allclose(
        run(OPTIMIZERS["momentum"], np.zeros(1), np.ones((2, 1)), 0.1), [[-0.1], [-0.29]]
    )
    np.testing.assert_allclose(
        run(OPTIMIZERS["nesterov"], np.zeros(1), np.ones((2, 1)), 0.1), [[-0.19], [-0.461]]
    )
    # RMSProp's first step: s = .1 g^2, so eta/sqrt(.1) = 3.1622776601 eta against the sign of g
    np.testing.assert_allclose(
        run(OPTIMIZERS["rmsprop"], np.zeros(2), np.array([[2.0, -8.0]]), 1.0),
        [[-3.16227761, 3.16227765]],
        rtol=2e-8,
    )


@pytest.mark.parametrize("name", JUDGES)
def test_the_state_begins_with_zeros_and_keeps_the_parameters_shape_and_type(name):
    record = OPTIMIZERS[name]
    for dtype in (np.float64, np.float32):
        w = np.ones((3, 4), dtype)
        state = record.init(w, np)
        assert state.t == 0
        assert set(state.arrays) == set(record.state)
        after, later, lines = record.update(w, w * 0.5, state, 0.1, np)
        for array in state.arrays.values():
            np.testing.assert_array_equal(array, np.zeros((3, 4)))
        for array in (after, *later.arrays.values(), *lines.values()):
            assert array.shape == (3, 4)
            assert array.dtype == dtype
        assert later.t == 1
        assert (after < w).all()


FLOATS = st.floats(-100, 100).filter(lambda v: v == 0 or abs(v) > 1e-3)
SERIES = arrays(np.float64, (5, 3), elements=FLOATS)


@given(SERIES, st.sampled_from([1e-3, 0.125, 7.0, 1000.0]))
def test_adam_and_rmsprop_do_not_know_the_gradients_scale(gradients, scale):
    for spec in ("adam(epsilon=0)", "rmsprop(epsilon=0)"):
        record = optimizer(spec)
        gradients = np.where(gradients == 0, 1.0, gradients)  # 0/0 without an epsilon
        got = run(record, np.ones(3), gradients * scale)
        np.testing.assert_allclose(got, run(record, np.ones(3), gradients), rtol=1e-10, atol=1e-12)


@given(SERIES)
def test_without_momentum_momentum_and_nesterov_are_descent(gradients):
    plain = run(OPTIMIZERS["sgd"], np.ones(3), gradients)
    np.testing.assert_array_equal(run(optimizer("momentum(mu=0)"), np.ones(3), gradients), plain)
    np.testing.assert_array_equal(run(optimizer("nesterov(mu=0)"), np.ones(3), gradients), plain)


@given(SERIES)
def test_adam_without_memory_steps_by_the_sign(gradients):
    # beta1 = beta2 = 0: m_hat = g, v_hat = g^2.
    record = optimizer("adam(beta1=0, beta2=0)")
    got = np.diff([np.zeros(3), *run(record, np.zeros(3), gradients)], axis=0)
    np.testing.assert_allclose(got, -ETA * gradients / (np.abs(gradients) + 1e-8), rtol=1e-9, atol=1e-15)


@given(SERIES, SERIES)
def test_linear_methods_are_linear_in_the_gradients(first, second):
    for name in ("sgd", "momentum", "nesterov"):
        record, zero = OPTIMIZERS[name], np.zeros(3)
        both = run(record, zero, first + second)
        apart = np.add(run(record, zero, first), run(record, zero, second))
        np.testing.assert_allclose(both, apart, rtol=1e-10, atol=1e-10)


def test_a_constant_gradient_ends_in_its_known_step():
    # Momentum's step tends to eta g/(1 - mu) = 10 eta g.
    after = run(OPTIMIZERS["momentum"], np.zeros(1), np.full((400, 1), 2.0))
    np.testing.assert_allclose(after[-1] - after[-2], -10 * ETA * 2, rtol=1e-12)


def test_momentum_converges_at_its_known_rate_on_a_parabola():
    # On h w^2/2 the heavy ball is w_{t+1} = (1 + mu - eta h) w_t - mu w_{t-1}: complex roots of modulus sqrt(mu).
    record, w = OPTIMIZERS["momentum"], np.array([1.0])
    state = record.init(w, np)
    sizes = []
    for _ in range(200):
        w, state, lines = record.update(w, 2.0 * w, state, 0.1, np)
        sizes.append(float(w[0] ** 2 + lines["velocity"][0] ** 2) ** 0.5)
    rate = (sizes[-1] / sizes[19]) ** (1 / 180)
    assert abs(rate - math.sqrt(0.9)) < 0.004


def test_lbfgs_has_no_line_of_its_own():
    record = optimizer("lbfgs")
    w = np.array([1.0, 2.0])
    after, state, lines = record.update(w, w, record.init(w, np), 0.1, np)
    np.testing.assert_array_equal(after, w)
    assert (state.t, lines) == (1, {})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_names_give_the_record_and_specs_come_back(name):
    record = optimizer(name)
    assert record is OPTIMIZERS[name]
    assert optimizer(record.spec) == record
    if record.momentum is not None:
        assert record.momentum in record.parameters


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("adm", "did you mean adam"),
        ("adam(beta1=1)", "beta1=1 must be at least 0 and less than 1"),
        ("adam(beta1=-0.1)", "beta1=-0.1 must be"),
        ("sgd(mu=0.5)", "no parameter 'mu': it has none"),
        ("adam(beta1)", "no parameter 'beta1'"),
        (None, "optimizer must be a name"),
    ],
)
def test_what_is_no_optimizer_is_said_so(text, says):
    with pytest.raises(SettingsError) as caught:
        optimizer(text)
    assert says in str(caught.value)
