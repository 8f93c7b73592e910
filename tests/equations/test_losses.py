"""Every loss and link of the registry against its own formula text, judged by SymPy and mpmath."""

import itertools
from dataclasses import replace

import mpmath
import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.losses import LOSSES, Link, Loss, loss, row_shares
from chainrule.errors import SettingsError
from judges import DIGITS, Exact, errors, exact

EDGES = [0.0, 5e-324, 1e-300, 1e-16, 1e-8, 0.1, 0.3, 0.5, 0.75, 1 - 1e-6, 1 - 2**-24, 1 - 2**-53, 1.0]
WIDE = [1.25, 3.0, 40.0, 1e4, 1e300, 5e307]
OUTPUTS = np.array([*EDGES, *WIDE, *(-v for v in (*EDGES[1:], *WIDE))])
TARGETS = {
    "number": [0.0, 1.0, -1.5, 3.0, 1e-290, 5e307, -5e307],
    "nonnegative": [0.0, 1.0, 7.0, 1e4, 0.5],
    "zero_one": [0.0, 1.0, 0.05, 0.95],
    "one_hot": [0.0, 1.0, 0.025, 0.925],
}
RECORDS = LOSSES.values()
LINKS = [(record, name, link) for record in RECORDS for name, link in record.links.items()]
MOST_ULPS = 4.0


def own_parameters(record: Loss) -> dict[str, float]:
    return {key: value for key, value in record.parameters.items() if key != "label_smoothing"}


def check(record: Loss, dtype: type) -> None:
    """Raise AssertionError where the loss or its derivative is off by more than a few ulp, or has a NaN of its own making.

    Where a difference may pass through 0 (the loss of Poisson, derivatives at soft labels) the error is in units of
    eps (|f| + |a df/da| + |y df/dy|), what rounding a and y explains.
    """
    own = own_parameters(record)
    f = exact(record.text, "a", "y", *own)
    compared = 0
    for y, a in itertools.product(np.array(TARGETS[record.targets], dtype), OUTPUTS.astype(dtype) + 0):
        if (
            not np.isfinite(a) or not np.isfinite(y) or 0 < abs(a - y) < 1e-320
        ):  # q (a - y) may underflow to a tie
            continue
        soft = record.targets == "nonnegative" or (record.targets != "number" and y not in (0, 1))
        for what, function, g in (("f", record.value, f), ("f'", record.prime, f.diff("a"))):
            at = (float(a), float(y), *own.values())
            want = g.limit(*at)
            if np.isnan(want):
                continue
            scale = abs(want)
            if soft and (what == "f'" or record.targets == "nonnegative"):
                scale += sum(
                    np.nan_to_num(abs(v * g.diff(n).limit(*at))) for n, v in zip("ay", at, strict=False)
                )
            got = function(np.array([[a]]), np.array([[y]]), np)
            assert got.dtype == dtype
            (units,) = errors(got[0], [want], [scale])
            assert units <= MOST_ULPS, f"{what}(a={a!r}, y={y!r}) is {got[0, 0]!r}, not {want!r}"
            compared += 1
    assert compared >= 50


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_losses_and_slopes_are_right_over_the_whole_range(record, dtype):
    with np.errstate(over="ignore"):
        check(record, dtype)


@pytest.mark.parametrize("spec", ["huber(delta=0.25)", "quantile(q=0.9)", "quantile(q=0.125)"])
def test_parameters_are_used(spec):
    assert loss(spec).spec == spec
    check(loss(spec), np.float64)


BINARY, CATEGORICAL, POISSON = (
    LOSSES[name] for name in ("binary_cross_entropy", "categorical_cross_entropy", "poisson")
)


@pytest.mark.parametrize(
    "planted",
    [
        replace(LOSSES["half_squared_error"], derivative=lambda a, y, xp: 1.001 * (a - y)),
        replace(LOSSES["mean_squared_error"], derivative=lambda a, y, xp: a - y),  # its 2 is missing
        replace(LOSSES["huber"], derivative=lambda a, y, xp, delta: a - y),  # not bounded
        replace(
            LOSSES["quantile"],
            function=lambda a, y, xp, q: xp.maximum(q * (a - y), (q - 1) * (a - y)) * 1.001,
        ),
        replace(LOSSES["hinge"], derivative=lambda a, y, xp: 1 - 2 * y),  # also beyond the margin
        replace(BINARY, function=None),  # 0 log 0
        replace(BINARY, derivative=None),  # 0/0
        replace(CATEGORICAL, function=None),
        replace(CATEGORICAL, derivative=None),
        replace(POISSON, function=None),
        replace(POISSON, derivative=lambda a, y, xp: 1 - y / a),
    ],
    ids=lambda record: record.name,
)
def test_planted_errors_are_seen(planted):
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        check(planted, np.float64)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
def test_the_formulas_that_are_shown_are_those_that_run(record):
    a = np.linspace(0.02, 0.98, 49)[:, None] * np.ones((1, 2))
    y = np.array([[0.0, 1.0]]) * np.ones_like(a)
    values = {"a": a, "y": y, **own_parameters(record)}
    np.testing.assert_allclose(
        record.formula.evaluate_like(values, a, np), record.value(a, y, np), rtol=1e-12
    )
    np.testing.assert_allclose(record.slope.evaluate_like(values, a, np), record.prime(a, y, np), rtol=1e-12)


# ---- links: a loss and an output activation taken together

LINK_POINTS = [
    -np.inf,
    -1e308,
    -1e4,
    -745.2,
    -300.0,
    -37.0,
    -1.5,
    -1e-9,
    0.0,
    5e-324,
    0.4,
    2.0,
    36.9,
    700.0,
    1e4,
    1e308,
]


def check_link(record: Loss, name: str, link: Link, dtype: type) -> None:
    """Raise AssertionError where a link's value is off, or is NaN where the truth is finite.

    One output, or three for an activation over the whole layer.
    """
    wide = not ACTIVATIONS[name].elementwise
    soft = record.targets == "nonnegative"
    rows = (
        list(itertools.product([-40.0, 0.0, 1.0, 300.0], repeat=3)) if wide else [(v,) for v in LINK_POINTS]
    )
    labels = [(1, 0, 0), (0, 1, 0), (0.9, 0.05, 0.05)] if wide else [(v,) for v in TARGETS[record.targets]]
    f = [Exact(link.text, ["z", "y"], 3 if wide else 1, own + 1) for own in range(len(labels[0]))]
    for row, y in itertools.product(rows, labels):
        z = np.array([row], dtype)
        got = link.value(z, np.array([y], dtype), np)
        assert got.dtype == dtype
        rounded = np.array(y, dtype).astype(float)
        want = np.array(
            [each.limit(label, *map(float, z[0])) for each, label in zip(f, rounded, strict=True)]
        )
        scale = np.abs(want)
        if soft:  # e^z - y z passes through 0
            scale = scale + np.nan_to_num(np.exp(z[0].astype(float)) + np.abs(rounded * z[0]))
        defined = ~np.isnan(want) & ~(np.isinf(want) & np.isnan(got[0]))
        units = errors(got[0][defined], want[defined], scale[defined])
        assert units.max(initial=0) <= MOST_ULPS, f"z={row}, y={y}: {got[0]}, not {want}"


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("record", "name", "link"), LINKS)
def test_links_are_right_over_the_whole_range(record, name, link, dtype):
    with np.errstate(all="ignore"):
        check_link(record, name, link, dtype)


@pytest.mark.parametrize(
    ("record", "name", "value"),
    [
        (BINARY, "sigmoid", lambda z, y, xp: xp.log(1 + xp.exp(z)) - y * z),
        (BINARY, "sigmoid", lambda z, y, xp: xp.maximum(z, 0) - y * z),
        (
            CATEGORICAL,
            "softmax",
            lambda z, y, xp: y * (xp.log(xp.sum(xp.exp(z), axis=-1, keepdims=True)) - z),
        ),
        (POISSON, "exponential", lambda z, y, xp: 1.001 * (xp.exp(z) - y * z)),
    ],
)
def test_planted_errors_in_links_are_seen(record, name, value):
    planted = replace(record.links[name], value=value)
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        check_link(record, name, planted, np.float64)


# The perceptron's criterion is written in z because its step has no slope: it is no loss of a.
COMPOSED = [(record, name, link) for record, name, link in LINKS if record.name != "perceptron"]


@pytest.mark.parametrize(("record", "name", "link"), COMPOSED)
def test_a_link_is_the_loss_of_the_activation(record, name, link):
    n = 1 if ACTIVATIONS[name].elementwise else 3
    y = [0.25, 0.5, 0.25] if n == 3 else [0.75]
    for z in ([0.3, -1.2, 2.0], [-4.0, 3.0, 0.0], [7.0, -7.0, 1.0]):
        for own in range(n):
            with mpmath.workdps(60):
                at = list(map(mpmath.mpf, z[:n]))
                a = Exact(ACTIVATIONS[name].text, ["z"], n, own + 1)(*at)
                want = Exact(record.text, ["a", "y"])(a, mpmath.mpf(y[own]))
                got = Exact(link.text, ["z", "y"], n, own + 1)(mpmath.mpf(y[own]), *at)
                assert abs(got - want) < mpmath.mpf(10) ** -50


@pytest.mark.parametrize(("record", "name", "link"), LINKS)
def test_delta_is_the_derivative_of_the_row_by_z(record, name, link):
    n = 1 if ACTIVATIONS[name].elementwise else 3
    soft = record.targets == "nonnegative" or "label_smoothing" in record.parameters
    labels = [[v] for v in TARGETS[record.targets] if soft or v in (0, 1)]
    if n == 3:
        labels = [[1.0, 0, 0], [0, 0, 1.0], [0.9, 0.05, 0.05]]
    rows = [[0.3, -1.2, 2.0], [-30.0, 3.0, 0.5], [20.0, -700.0, 1.0], [-0.7, 500.0, 2.0]]
    for z, y in itertools.product(rows, labels):
        row = np.array([z[:n]])
        a = ACTIVATIONS[name](row, np)
        got = record.delta(row, a, np.array([y]), ACTIVATIONS[name], np) * (
            n if record.over_outputs == "mean" else 1
        )
        for j in range(n):
            with mpmath.workdps(DIGITS):
                parts = [Exact(link.text, ["z", "y"], n, i + 1).diff(f"z{j + 1}") for i in range(n)]
                want = float(sum(part(label, *row[0]) for part, label in zip(parts, y, strict=True)))
            # The relative error of e^z is the absolute one of z.
            assert abs(got[0, j] - want) <= 4e-16 * (np.abs(row).max() * a[0, j] + y[j]) + 1e-320


# ---- rows: what is summed, what is meant


def test_the_loss_of_a_row_sums_or_averages_over_its_outputs():
    z = a = np.array([[3.0, 1.0], [0.0, 0.5]])
    y = np.array([[1.0, 0.0], [0.0, 0.0]])
    identity = ACTIVATIONS["identity"]
    # half squared error sums: (4 + 1)/2, .25/2; mean squared error averages: (4 + 1)/2, .25/2; its delta is 2 (a - y)/2
    np.testing.assert_array_equal(LOSSES["half_squared_error"].of_rows(z, a, y, identity, np), [2.5, 0.125])
    np.testing.assert_array_equal(LOSSES["mean_squared_error"].of_rows(z, a, y, identity, np), [2.5, 0.125])
    np.testing.assert_array_equal(
        LOSSES["half_squared_error"].delta(z, a, y, identity, np), [[2, 1], [0, 0.5]]
    )
    np.testing.assert_array_equal(
        LOSSES["mean_squared_error"].delta(z, a, y, identity, np), [[2, 1], [0, 0.5]]
    )
    # absolute error: (2 + 1)/2, .5/2; Huber with delta 1: (1·(2 - 1/2) + 1/2)/2, .125/2
    np.testing.assert_array_equal(LOSSES["mean_absolute_error"].of_rows(z, a, y, identity, np), [1.5, 0.25])
    np.testing.assert_array_equal(LOSSES["huber"].of_rows(z, a, y, identity, np), [1.0, 0.0625])
    # hinge sums: y = 1, a = 3 is beyond the margin: 0; y = 0, a = 1: 1 + 1; then 1 + 0 and 1 + .5
    np.testing.assert_array_equal(LOSSES["hinge"].of_rows(z, a, y, identity, np), [2.0, 2.5])


def test_quantile_weighs_misses_on_either_side():
    # q = .9: a target 2 above costs 1.8, one 2 below costs .2
    record, identity = loss("quantile(q=0.9)"), ACTIVATIONS["identity"]
    a, y = np.array([[0.0], [0.0]]), np.array([[2.0], [-2.0]])
    np.testing.assert_allclose(record.of_rows(a, a, y, identity, np), [1.8, 0.2], rtol=1e-15)
    np.testing.assert_allclose(record.prime(a, y, np), [[-0.9], [0.1]], rtol=1e-15)


def test_cross_entropies_of_hand():
    z = np.array([[0.0, 0.0, np.log(2.0)]])
    softmax, sigmoid = ACTIVATIONS["softmax"], ACTIVATIONS["sigmoid"]
    a = softmax(z, np)  # 1/4, 1/4, 1/2
    y = np.array([[0.0, 0.0, 1.0]])
    np.testing.assert_allclose(CATEGORICAL.of_rows(z, a, y, softmax, np), [np.log(2)], rtol=1e-15)
    np.testing.assert_allclose(CATEGORICAL.delta(z, a, y, softmax, np), [[0.25, 0.25, -0.5]], rtol=1e-15)
    # One sigmoid output at 1/2 costs ln 2 whatever the label.
    half = np.array([[0.0]])
    for label in (0.0, 1.0):
        got = BINARY.of_rows(half, sigmoid(half, np), np.array([[label]]), sigmoid, np)
        np.testing.assert_allclose(got, [np.log(2)], rtol=1e-15)


def test_label_smoothing_moves_the_targets():
    # epsilon = .3: three classes: 1 -> .7 + .1, 0 -> .1; one output counts as two classes: 1 -> .85, 0 -> .15
    smoothed = loss("categorical_cross_entropy(label_smoothing=0.3)")
    np.testing.assert_allclose(smoothed.smooth(np.array([[0.0, 1.0, 0.0]])), [[0.1, 0.8, 0.1]], rtol=1e-15)
    binary = loss("binary_cross_entropy(label_smoothing=0.3)")
    np.testing.assert_allclose(binary.smooth(np.array([[1.0], [0.0]])), [[0.85], [0.15]], rtol=1e-15)
    a, y = np.array([[0.2, 0.5, 0.3]]), np.array([[0.0, 1.0, 0.0]])
    want = -0.1 * np.log(0.2) - 0.8 * np.log(0.5) - 0.1 * np.log(0.3)
    np.testing.assert_allclose(np.sum(smoothed.value(a, y, np)), want, rtol=1e-15)
    np.testing.assert_allclose(smoothed.prime(a, y, np), [[-0.1 / 0.2, -0.8 / 0.5, -0.1 / 0.3]], rtol=1e-15)
    plain = smoothed.without_smoothing()
    np.testing.assert_allclose(np.sum(plain.value(a, y, np)), -np.log(0.5), rtol=1e-15)
    assert plain == CATEGORICAL
    assert CATEGORICAL.without_smoothing() is CATEGORICAL


def test_shares_of_rows():
    like = np.zeros((3, 1))
    w = np.array([1.0, 3.0, 4.0])
    np.testing.assert_array_equal(row_shares(4, None, "mean", like, np), [0.25] * 4)
    np.testing.assert_array_equal(row_shares(3, None, "sum", like, np), [1.0] * 3)
    np.testing.assert_array_equal(row_shares(3, w, "mean", like, np), [0.125, 0.375, 0.5])
    np.testing.assert_array_equal(row_shares(3, w, "sum", like, np), w)
    of_members = np.array([[1.0, 3.0, 4.0], [2.0, 2.0, 0.0]])
    got = row_shares(3, of_members, "mean", like, np)
    np.testing.assert_array_equal(got, [[0.125, 0.375, 0.5], [0.5, 0.5, 0.0]])


def test_a_batch_whose_rows_weigh_nothing_costs_nothing():
    np.testing.assert_array_equal(row_shares(2, np.zeros(2), "mean", np.zeros((2, 1)), np), [0.0, 0.0])


# ---- names, parameters, formulas


@pytest.mark.parametrize("name", LOSSES)
def test_names_give_the_record_and_specs_come_back(name):
    record = loss(name)
    assert record is LOSSES[name]
    assert loss(record.spec) == record
    for key, value in record.parameters.items():
        changed = replace(record, parameters={**record.parameters, key: value / 2 + 0.125})
        assert loss(changed.spec) == changed
        assert changed.spec != record.spec
    assert record.output in ACTIVATIONS
    assert set(record.links) <= set(ACTIVATIONS)


def test_a_formula_in_a_and_y_is_a_loss():
    record = loss("log(1+(a-y)^2)")
    # a - y = 3: ln 10, slope 6/10, meant over two outputs
    a, y = np.array([[3.0, 0.0]]), np.zeros((1, 2))
    identity = ACTIVATIONS["identity"]
    np.testing.assert_allclose(record.of_rows(a, a, y, identity, np), [np.log(10) / 2], rtol=1e-15)
    np.testing.assert_allclose(record.delta(a, a, y, identity, np), [[0.3, 0.0]], rtol=1e-15)
    assert loss(record.spec) == record


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("hubr", "did you mean huber"),
        ("foo", "choose half_squared_error"),
        ("huber(delta=0)", "delta=0 must be between 0 and inf"),
        ("quantile(q=1)", "q=1 must be between 0 and 1"),
        ("quantile(q=0)", "q=0 must be between 0 and 1"),
        ("binary_cross_entropy(label_smoothing=1)", "label_smoothing=1 must be between 0 and 1"),
        ("binary_cross_entropy(label_smoothing=-.1)", "label_smoothing=-0.1 must be"),
        ("huber(q=1)", "no parameter 'q': it has delta=1"),
        ("(a-1)^2", "must contain both a (the output) and y (the target)"),
        ("(a-y)^2 + z", "unknown name 'z'"),
    ],
)
def test_what_is_no_loss_is_said_so(text, says):
    with pytest.raises(SettingsError) as caught:
        loss(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
