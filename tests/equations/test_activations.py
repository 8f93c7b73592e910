"""Every activation of the registry against its own formula text, judged by SymPy and mpmath."""

import re
from dataclasses import replace

import mpmath
import numpy as np
import pytest

from chainrule.equations.activations import ACTIVATIONS, Activation, activation
from chainrule.errors import FormulaError, SettingsError
from judges import DIGITS, Exact, errors, exact, grid

ELEMENTWISE = [record for record in ACTIVATIONS.values() if record.elementwise]
MOST_ULPS = 4.0


def judged(record: Activation, dtype: type) -> tuple[np.ndarray, ...]:
    """Points, and the exact f, f' and f'' there (limits at ±inf)."""
    z = grid(dtype)
    f = exact(record.text, "z", *record.parameters)
    parameters = tuple(record.parameters.values())
    values = [[g.limit(float(at), *parameters) for at in z] for g in (f, f.diff("z"), f.diff("z").diff("z"))]
    return z, *map(np.array, values)


def check(record: Activation, dtype: type) -> None:
    """Raise AssertionError where f or f' is farther from the truth than rounding z and the result a little explains.

    The unit is eps (|f| + |z f'|), and eps (|f'| + |z f''|) for the slope: the relative error where the value is not
    steeper than z itself, an absolute one where the value passes through 0.
    """
    z, f, slope, curve = judged(record, dtype)
    for what, got, want, steepness in (
        ("f", record(z, np), f, slope),
        ("f'", record.prime(z, np), slope, curve),
    ):
        assert got.dtype == dtype
        with np.errstate(all="ignore"):
            scale = np.abs(want) + np.nan_to_num(np.abs(z.astype(float) * steepness))
        units = errors(got, want, scale)
        worst = int(np.argmax(units))
        assert units[worst] <= MOST_ULPS, (
            f"{what}({z[worst]!r}) is {got[worst]!r}, not {want[worst]!r}: {units[worst]} units"
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda record: record.name)
def test_functions_and_slopes_are_right_over_the_whole_range_of_floats(record, dtype):
    check(record, dtype)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("leaky_relu", {"alpha": 0.3}), ("elu", {"alpha": 2.5}), ("selu", {"alpha": 1.5, "scale": 1.25})],
)
def test_parameters_are_used(name, parameters):
    spec = f"{name}({', '.join(f'{key}={value}' for key, value in parameters.items())})"
    record = activation(spec)
    assert dict(record.parameters) == parameters
    check(record, np.float64)


def test_the_judge_knows_hand_worked_values():
    # sigma(0) = 1/2, sigma'(0) = 1/4; softplus(0) = ln 2; gelu'(0) = Phi(0) = 1/2; silu(1) = 1/(1+1/e) = .7310585786300049
    assert exact("1/(1+exp(-z))", "z").limit(0.0) == 0.5
    assert exact("1/(1+exp(-z))", "z").diff("z").limit(0.0) == 0.25
    assert exact("log(1+exp(z))", "z").limit(0.0) == 0.6931471805599453
    assert exact("z*(1+erf(z/sqrt(2)))/2", "z").diff("z").limit(0.0) == 0.5
    assert exact("z/(1+exp(-z))", "z").limit(1.0) == 0.7310585786300049
    assert exact("z/(1+exp(-z))", "z").limit(-np.inf) == 0.0
    assert exact("z/(1+exp(-z))", "z").limit(np.inf) == np.inf
    assert exact("log(1+exp(z))", "z").limit(-740.0) == float(mpmath.exp(-740))
    assert exact("max(0, z)", "z").diff("z").limit(0.0) == 0.0


SIGMOID, SILU, GELU = (ACTIVATIONS[name] for name in ("sigmoid", "silu", "gelu"))


@pytest.mark.parametrize(
    "planted",
    [
        replace(SIGMOID, derivative=lambda z, xp: 1.001 * SIGMOID.prime(z, xp)),
        replace(
            SIGMOID, derivative=lambda z, xp: SIGMOID(z, xp) * (1 - SIGMOID(z, xp))
        ),  # cancels for large z
        replace(SIGMOID, function=lambda z, xp: 1 / (xp.exp(z) + 1)),  # the article's misprint
        replace(SILU, function=None),  # -inf/inf
        replace(SILU, derivative=None),  # inf · 0
        replace(ACTIVATIONS["softplus"], function=None),  # overflows from 710 on, rounds to 0 below -37
        replace(ACTIVATIONS["mish"], function=None),
        replace(ACTIVATIONS["elu"], function=None),  # e^z - 1 cancels
        replace(ACTIVATIONS["tanh"], derivative=None),  # 1 - tanh^2 cancels
        replace(GELU, function=lambda z, xp: z / (1 + xp.exp(-1.702 * z))),  # its well-known approximation
        replace(ACTIVATIONS["relu"], text="max(0, z)", derivative=lambda z, xp: xp.astype(z >= 0, z.dtype)),
        replace(ACTIVATIONS["leaky_relu"], function=lambda z, xp, alpha: xp.maximum(z, alpha * z + 1e-15)),
    ],
    ids=lambda record: record.name,
)
def test_planted_errors_are_seen(planted):
    with pytest.raises(AssertionError):
        check(planted, np.float64)


@pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda record: record.name)
def test_the_formulas_that_are_shown_are_those_that_run(record):
    z = np.linspace(-12, 12, 97)
    values = {"z": z, **record.parameters}
    np.testing.assert_allclose(
        record.formula.evaluate_like(values, z, np), record(z, np), rtol=1e-9, atol=1e-15
    )
    np.testing.assert_allclose(
        record.slope.evaluate_like(values, z, np), record.prime(z, np), rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda record: record.name)
def test_backward_is_the_slope_times_what_comes_from_above(record):
    z = np.array([[-1.5, 0.25], [2.0, -0.75]])
    da = np.array([[3.0, -2.0], [0.5, 1.0]])
    slope = exact(record.text, "z", *record.parameters).diff("z")
    want = [
        [d * slope.limit(at, *record.parameters.values()) for at, d in zip(*row, strict=True)]
        for row in zip(z, da, strict=True)
    ]
    np.testing.assert_allclose(record.backward(z, record(z, np), da, np), want, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize(
    "record", [r for r in ACTIVATIONS.values() if "set" not in r.range], ids=lambda r: r.name
)
def test_the_range_is_the_range(record):
    z = np.concatenate([-np.logspace(4, -3, 4001), [0.0], np.logspace(-3, 4, 4001)])
    a = record(z[:, None] * np.array([1.0, -1.0]), np) if not record.elementwise else record(z, np)
    low, high = float(np.min(a)), float(np.max(a))
    if record.range.startswith("{"):
        assert set(np.unique(a)) == {float(each) for each in record.range.strip("{}").split(",")}
        return
    bounds = re.fullmatch(r"[(\[](.+), (.+)[)\]]", record.range)
    assert bounds is not None
    stated = [Exact(text.replace("inf", "oo"), [*record.parameters]) for text in bounds.groups()]
    lowest, highest = (float(each(*record.parameters.values())) for each in stated)
    assert (low < -50) if lowest == -np.inf else (lowest <= low < lowest + 5e-4)
    assert (high > 1000) if highest == np.inf else (highest - 5e-4 < high <= highest)


# ---- softmax

ROWS = [
    [0.3],
    [0.0, 0.0],
    [1.0, -2.0, 0.5],
    [1000.0, 1000.5, -1000.0],
    [1e308, -1e308, 0.0],
    [-np.inf, 1.0, 2.0],
    [5e-324, -5e-324, 40.0, 0.0],
    [-700.0, 30.0, -740.0, 30.0],
]


def check_softmax(record: Activation, dtype: type) -> None:
    eps = np.finfo(dtype).eps
    for row in ROWS:
        z = np.array([row], dtype if max(row) < 1e300 else np.float64)
        n = len(row)
        own = [Exact(record.text, ["z"], n, j + 1) for j in range(n)]
        with mpmath.workdps(DIGITS):
            at = [mpmath.mpf(float(v)) if np.isfinite(v) else -(mpmath.mpf(10) ** 320) for v in z[0]]
            a = np.array([float(f(*at)) for f in own])
            jacobian = np.array([[float(f.diff(f"z{i + 1}")(*at)) for i in range(n)] for f in own])
        got = record(z, np)
        assert got.dtype == z.dtype
        # The error of e^(z - top) is that of rounding z - top.
        with np.errstate(over="ignore"):
            spread = np.minimum(1000.0, float(np.max(z)) - z[0].astype(float))
        assert (
            np.abs(got[0] - a) <= 4 * eps * (1 + spread) * a + 1e-320 + np.finfo(z.dtype).smallest_subnormal
        ).all()
        assert abs(float(np.sum(got)) - 1) <= 4 * eps
        for j in range(n):
            da = np.zeros_like(z)
            da[0, j] = 1
            np.testing.assert_allclose(record.backward(z, got, da, np)[0], jacobian[j], rtol=0, atol=4 * eps)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_softmax_and_its_jacobian_are_right(dtype):
    check_softmax(ACTIVATIONS["softmax"], dtype)


class _NoCoupling(Activation):
    def backward(self, z, a, da, xp):
        return da * a * (1 - a)  # the diagonal alone


@pytest.mark.parametrize(
    "planted",
    [
        _NoCoupling(
            "softmax", "exp(z)/sum(exp(z))", "(0, 1)", ACTIVATIONS["softmax"].function, elementwise=False
        ),
        replace(ACTIVATIONS["softmax"], function=None),  # overflows
        replace(ACTIVATIONS["softmax"], function=lambda z, xp: xp.exp(z) / xp.sum(xp.exp(z))),
    ],
)
def test_planted_errors_in_softmax_are_seen(planted):
    with np.errstate(all="ignore"), pytest.raises(AssertionError):
        check_softmax(planted, np.float64)


def test_softmax_of_several_rows_and_members_is_that_of_each():
    z = np.linspace(-3, 3, 24).reshape(2, 4, 3) ** 3
    got = ACTIVATIONS["softmax"](z, np)
    for member in range(2):
        for row in range(4):
            alone = np.exp(z[member, row]) / np.exp(z[member, row]).sum()
            np.testing.assert_allclose(got[member, row], alone, rtol=1e-14)


def test_softmax_has_no_slope_per_neuron():
    with pytest.raises(FormulaError, match="use backward"):
        ACTIVATIONS["softmax"].prime(np.zeros((1, 2)), np)


# ---- names, parameters, formulas


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_names_give_the_record_and_specs_come_back(name):
    record = activation(name)
    assert record is ACTIVATIONS[name]
    assert activation(record.spec) == record
    for key, value in record.parameters.items():
        changed = replace(record, parameters={**record.parameters, key: value + 0.125})
        assert activation(changed.spec) == changed
        assert changed.spec != record.spec


def test_a_formula_in_z_is_an_activation():
    record = activation("z/(1+abs(z))")
    # f(3) = 3/4, f'(3) = 1/16
    np.testing.assert_allclose(record(np.array([3.0]), np), [0.75], rtol=1e-15)
    np.testing.assert_allclose(record.prime(np.array([3.0]), np), [1 / 16], rtol=1e-14)
    assert activation(record.spec) == record


@pytest.mark.parametrize("text", ["tanh(z)", "tanh(z)*exp(z)", "tanh(z)+where(z==0, 1, 2)*(z)", "tanh(2*z)"])
def test_a_formula_may_begin_with_the_name_of_an_activation(text):
    z = np.array([-1.0, 0.0, 0.5])
    want = [exact(text.replace("==", "<="), "z").limit(v) for v in z] if "==" not in text else None
    got = activation(text)(z, np)
    if want is None:  # at 0 the first branch, elsewhere the second
        want = np.tanh(z) + np.array([2.0, 1.0, 2.0]) * z
    np.testing.assert_allclose(got, want, rtol=1e-15)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("relux", "did you mean relu"),
        ("foo", "choose identity"),
        ("relu(alpha=1)", "no parameter 'alpha': it has none"),
        ("elu(beta=1)", "no parameter 'beta': it has alpha=1"),
        ("elu(alpha=x)", "alpha=x is not a finite number"),
        ("elu(alpha=inf)", "alpha=inf is not a finite number"),
        ("3", "doesn't contain z"),
        ("exp(z)/sum(exp(z))", "only softmax may"),
        ("z + y", "unknown name 'y'"),
        (7, "must be a name or a formula"),
    ],
)
def test_what_is_no_activation_is_said_so(text, says):
    with pytest.raises(SettingsError) as caught:
        activation(text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
