"""Derivations: every address of random networks, judged by the engine, differences and JAX; planted errors are seen."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from addresses import METHODS, SETTINGS, every_address, traced
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import Dense, Network
from chainrule.engines.base import StepSettings
from chainrule.equations.activations import ACTIVATIONS, Activation
from chainrule.equations.layout import Layout
from chainrule.equations.losses import Link, Loss
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.writer import MOST_TERMS
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.steps import trace_network, trace_step
from chainrule.explain.trace.trace import Trace
from chainrule.formula.evaluate import Formula
from chainrule.formula.text import text
from effort import many
from judges import exact
from networks import FORMULA_ACTIVATIONS, case_of, cases, differences, jax_cost


@given(cases(), st.one_of(st.none(), SETTINGS))
@settings(max_examples=many(25))
def test_every_line_of_every_address_is_the_engine_s_number(case, steps):
    trace = traced(case, steps)
    for address in every_address(trace):
        made = derive(trace, address)
        assert made.ok, (str(address), [line for line in made.lines if line.check and not line.check.ok])
        assert made.lines[-1].left == str(trace.resolve(address))
        np.testing.assert_allclose(made.result, trace[address], rtol=1e-6, atol=1e-9)


def by_differences(case, layer, index):
    """The derivative by a weight, as the central difference of the cost with one Richardson step."""
    members = case.p[1]["W"].ndim == 3
    p = {n: {name: a[0] if members else a for name, a in arrays.items()} for n, arrays in case.p.items()}
    weights = case.weights if case.weights is None or case.weights.ndim == 1 else case.weights[0]
    masks = case.masks and [m if m is None or m.ndim == 2 else m[0] for m in case.masks]

    def cost(moved):
        q = {**p, layer: {**p[layer], "W": moved}}
        return case.network.cost(case.network.forward(q, case.x, np, masks), case.y, np, weights)

    return float(differences(cost, p[layer]["W"], 2)[index])


@given(cases(deepest=3), st.integers(0, 3))
@settings(max_examples=many(40))
def test_every_form_is_the_central_difference(case, layer):
    if (case.network.loss.name, case.network.output.activation.name) == ("perceptron", "binary_step"):
        return  # its delta a - y is Rosenblatt's rule, not the slope of the cost
    trace = traced(case, None)
    layer = min(layer, len(case.network.layers) - 1) + 1
    index = tuple(size - 1 for size in case.network.shapes()[layer]["W"])
    want = by_differences(case, layer, index)
    scale = 1e-8 * (1 + abs(trace["C"]))
    address = Address("dC/dW", layer, tuple(i + 1 for i in index))
    for form in ("short", "paths", "recursive"):
        made = derive(trace, address, form=form)
        assert made.ok
        np.testing.assert_allclose(made.result, want, rtol=1e-6, atol=scale)
    matrix = derive(trace, address, form="matrix")
    assert matrix.ok
    (*_, line) = matrix.matrices
    np.testing.assert_allclose(line.result.rows[index[0]][index[1]], want, rtol=1e-6, atol=scale)


def test_every_form_is_jax_s_derivative():
    network = Network(
        [3, Dense(4, "gelu", dropout=0.5), Dense(3, "tanh", bias="layer"), Dense(3, "softmax")],
        "categorical_cross_entropy(label_smoothing=0.1)",
    )
    case = case_of(network, np.random.default_rng(3), 4, weighted="rows")
    trace = traced(case, None)
    by_p, by_x = jax.grad(lambda p, x: jax_cost(case)(p, x).sum(), (0, 1))(case.p, case.x)
    for layer, arrays in by_p.items():
        for name, array in arrays.items():
            for index in [(0,) * array.ndim, tuple(size - 1 for size in array.shape)]:
                address = Address(f"dC/d{name}", layer, tuple(i + 1 for i in index))
                for form in ("short", "paths", "recursive"):
                    made = derive(trace, address, form=form)
                    assert made.ok
                    np.testing.assert_allclose(made.result, float(array[index]), rtol=1e-9, atol=1e-14)
    for row in (1, 4):
        for form in ("short", "paths", "recursive"):
            made = derive(trace, f"dC/dx[2]@row={row}", form=form)
            np.testing.assert_allclose(made.result, float(by_x[row - 1, 1]), rtol=1e-9, atol=1e-14)


# ---- the slope, rule by rule


@pytest.mark.parametrize(
    "spec", [*(n for n, r in ACTIVATIONS.items() if r.elementwise), *FORMULA_ACTIVATIONS]
)
def test_the_slope_s_rules_lead_to_sympy_s_derivative(spec):
    network = Network([1, Dense(1, spec), Dense(1)])
    trace = trace_network(network, {1: {"W": [[0.7]], "b": [0.1]}, 2: {"W": [[1.0]], "b": [0.0]}}, [[1.0]])
    made = derive(trace, "f'[1][1]")
    assert made.ok
    record = network.layers[0].activation
    judge = exact(record.text, "z", *record.parameters).diff("z")
    want = judge.limit(trace["z[1][1]"], *record.parameters.values())
    np.testing.assert_allclose(made.result, want, rtol=1e-12)
    first, *rules = made.calculus
    assert text(first.symbols) == text(record.formula.root)
    values = {"z": trace["z[1][1]"], **record.parameters}
    last = Formula("", rules[-1].symbols).evaluate(values, np)
    np.testing.assert_allclose(last, want, rtol=1e-12)
    assert all(rule.rule for rule in rules)


def test_a_kink_s_convention_is_told():
    network = Network([1, Dense(1, "relu"), Dense(1)])
    trace = trace_network(network, {1: {"W": [[1.0]], "b": [0.0]}, 2: {"W": [[1.0]], "b": [0.0]}}, [[0.0]])
    made = derive(trace, "f'[1][1]")
    assert made.result == 0
    assert "where its arguments are equal, the derivative of the first counts" in [
        r.convention for r in made.calculus
    ]


# ---- why the derivatives cancel


@pytest.mark.parametrize(
    ("cost", "output", "y"),
    [
        ("categorical_cross_entropy", "softmax", [0.0, 1.0, 0.0]),
        ("categorical_cross_entropy(label_smoothing=0.3)", "softmax", [0.0, 1.0, 0.0]),
        ("binary_cross_entropy", "sigmoid", [0.0, 1.0, 1.0]),
        ("poisson", "exponential", [0.0, 3.0, 1.0]),
    ],
)
def test_why_loss_and_output_cancel(cost, output, y):
    network = Network([2, Dense(3, output)], cost)
    trace = trace_network(
        network, {1: {"W": [[0.5, -0.2, 0.1], [0.3, 0.4, -0.6]], "b": [0.1, 0.0, -0.1]}}, [[1.0, -2.0]], [y]
    )
    for j in (1, 2, 3):
        made = derive(trace, f"delta[1][{j}]")
        (part,) = made.parts
        assert part.title.startswith("Why the derivatives of")
        assert part.ok
        np.testing.assert_allclose(part.result, trace[f"delta[1][{j}]"], rtol=1e-12)
        np.testing.assert_allclose(made.result, part.result, rtol=1e-12)


def test_where_an_output_is_0_there_is_nothing_to_cancel():
    network = Network([1, Dense(2, "softmax")], "categorical_cross_entropy")
    trace = trace_network(network, {1: {"W": [[900.0, -900.0]], "b": [0.0, 0.0]}}, [[1.0]], [[0.0, 1.0]])
    made = derive(trace, "delta[1][2]")
    assert made.parts == ()
    assert made.result == -1
    loss = derive(trace, "loss")
    assert loss.result == trace["loss"] == 1800
    assert loss.ok
    assert "written in z" in loss.lines[-1].rule
    assert derive(trace, "a[1][1]").ok


# ---- many rows, many neurons: nothing is dropped


def test_a_long_sum_keeps_an_exact_rest():
    network = Network([500, Dense(60, "tanh"), Dense(30, "softmax")], "categorical_cross_entropy")
    rng = np.random.default_rng(2)
    p = {
        number: {name: rng.normal(size=shape) / 8 for name, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    trace = trace_network(network, p, rng.normal(size=(40, 500)), np.eye(30)[rng.integers(0, 30, 40)])
    for address in [
        "z[1][7]@row=3",
        "a[2][4]@row=3",
        "C",
        "dC/dW[1][9,2]",
        "dC/db[2][5]",
        "dC/dx[77]@row=40",
        "delta[1][3]@row=1",
    ]:
        made = derive(trace, address)
        last = made.lines[-1]
        assert made.ok
        assert len(last.values) <= 2 * MOST_TERMS + 3
        np.testing.assert_allclose(made.result, trace[address], rtol=1e-10)
    z = derive(trace, "z[1][7]@row=3").lines[-1]
    assert z.note == "rest: the sum of the other 490 terms"
    shown = [name for name in z.values if name.startswith("W")]
    weights = trace.array("W[1]")[:, 6] * trace.array("x@row=3")
    largest = {f"W[1][{i + 1},7]" for i in np.argsort(-np.abs(weights))[:10]}
    assert set(shown) == largest


def test_a_link_of_a_new_pair_of_loss_and_activation_explains_itself():
    # a = e^z - 1 with the loss a - (y + 1) log(1 + a): the product of 1 - (y + 1)/(1 + a) and e^z = 1 + a is a - y.
    why = "The loss's derivative is (a - y)/(1 + a) and the activation's is 1 + a: the product is a - y."
    link = Link("exp(z) - 1 - (y+1)*z", lambda z, y, xp: xp.exp(z) - 1 - (y + 1) * z, "a - y", why)
    shifted = Loss("shifted_poisson", "a - (y+1)*log(1+a)", over_outputs="sum", links={"lifted": link})
    lifted = Activation("lifted", "exp(z)-1", "(-1, ∞)")
    trace = trace_network(
        Network([2, Dense(2, lifted)], shifted),
        {1: {"W": [[0.5, -0.2], [0.3, 0.4]], "b": [0.1, 0.0]}},
        [[1.0, -2.0]],
        [[1.0, 0.5]],
    )
    made = derive(trace, "delta[1][2]")
    (part,) = made.parts
    assert made.ok
    assert part.ok
    assert part.notes == (why,)
    assert [line.label for line in part.lines] == ["dloss", "slope", ""]
    assert derive(trace, "loss").ok
    # Without words of its own a link is taken as it is, as the perceptron's is.
    mute = replace(shifted, links={"lifted": replace(link, why="")})
    assert derive(replace(trace, network=Network([2, Dense(2, lifted)], mute)), "delta[1][2]").parts == ()


@pytest.mark.parametrize("hand", [None, 3])
def test_the_perceptron_s_loss_is_one_of_the_weighted_sum(hand):
    # z = 0.5·1 - 1 = -0.5 says 0 where the target is 1: the loss is |z|, which no step of a gives.
    network = Network([1, Dense(1, "binary_step")], loss="perceptron")
    trace = trace_network(network, {1: {"W": [[0.5]], "b": [-1.0]}}, [[1.0]], [[1.0]])
    line = derive(trace, "loss", hand=hand).lines[-1]
    assert text(line.symbols) == "max(0, (1 - 2*y[1])*z[1][1])"
    assert (line.result, line.check.ok) == (0.5, True)


def test_terms_that_are_0_are_not_written_out():
    network = Network([40, Dense(1, "identity", bias="none")])
    x = np.zeros((1, 40))
    x[0, [3, 17]] = 1.0
    trace = trace_network(network, {1: {"W": np.arange(40.0)[:, None]}}, x)
    line = derive(trace, "z[1][1]").lines[-1]
    assert text(line.symbols) == "W[1][18,1]*x[18] + W[1][4,1]*x[4] + rest"  # what adds most comes first
    assert line.note == "rest: the sum of the other 38 terms, which are all 0"


# ---- updates


@pytest.mark.parametrize("name", METHODS)
def test_an_update_s_lines_are_the_optimizer_s(name):
    network = Network([2, Dense(2, "tanh", frozen=["W[1,1]"]), Dense(1)])
    rng = np.random.default_rng(0)
    p = {
        number: {key: rng.normal(size=shape) for key, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    steps = StepSettings(optimizer(name), l2=0.1, clip_norm=0.05, weight_decay=0.2)
    trace = trace_network(
        network, p, rng.normal(size=(3, 2)), rng.normal(size=(3, 1)), settings=steps, steps=3
    )
    made = derive(trace, "W_new[1][2,1]@step=3")
    assert made.ok
    lefts = [line.left for line in made.lines]
    wanted = {line for line, _ in optimizer(name).lines} - {"w"}
    found = {left.partition("/")[0].removesuffix("_new") for left in lefts if "/d" in left}
    assert wanted <= found
    assert {
        "W_decayed[1][2,1]@step=3",
        "penalized/dW[1][2,1]@step=3",
        "norm@step=3",
        "g/dW[1][2,1]@step=3",
    } <= set(lefts)
    assert lefts[-1] == "W_new[1][2,1]@step=3"
    frozen = derive(trace, "W_new[1][1,1]@step=2")
    assert frozen.result == trace["W[1][1,1]@step=2"]
    assert frozen.lines[-1].rule == "frozen: training leaves it alone"


def test_plain_descent_needs_few_lines():
    trace = trace_network(
        Network([1, Dense(1)]),
        {1: {"W": [[2.0]], "b": [0.0]}},
        [[1.0]],
        [[1.0]],
        settings=StepSettings(optimizer("sgd")),
    )
    made = derive(trace, "W_new[1][1,1]")
    assert [line.left for line in made.lines] == ["dC/dW[1][1,1]", "W_new[1][1,1]"]
    # w - eta g = 2 - 0.1·1
    assert made.result == 1.9


def test_the_predicted_change_of_the_cost():
    network = Network([1, Dense(1, bias="none")])
    # C = (w - 1)^2/2 at w = 3: gradient 2; eta = 0.01: predicted -0.01·4, actual ((2.98 - 1)^2 - 4)/2 = -0.0398.
    trace = trace_network(
        network,
        {1: {"W": [[3.0]]}},
        [[1.0]],
        [[1.0]],
        settings=StepSettings(optimizer("sgd")),
        learning_rate=0.01,
    )
    made = derive(trace, "C_new")
    found = {line.left: line.result for line in made.lines}
    assert found["S"] == 4
    assert found["predicted"] == pytest.approx(-0.04)
    assert found["actual"] == pytest.approx(-0.0398)
    assert made.result == trace["C_new"]
    assert made.notes[0].startswith("The cost changed by -0.0398; -0.04 was predicted.")
    momentum = trace_network(
        network,
        {1: {"W": [[3.0]]}},
        [[1.0]],
        [[1.0]],
        settings=StepSettings(optimizer("momentum")),
        learning_rate=0.01,
        steps=2,
    )
    second = {line.left: line.result for line in derive(momentum, "C_new@step=2").lines}
    moved = momentum["W_new[1][1,1]@step=2"] - momentum["W[1][1,1]@step=2"]
    assert second["predicted"] == pytest.approx(momentum["dC/dW[1][1,1]@step=2"] * moved)


# ---- planted errors: a wrong record is seen


def planted(change):
    """A trace of two rows with an Adam step, one of whose arrays is changed."""
    network = Network([2, Dense(3, "sigmoid", dropout=0.25), Dense(2, "tanh")], "mean_squared_error")
    rng = np.random.default_rng(5)
    layout = Layout(network)
    flat = rng.normal(size=layout.size)
    masks = [np.array([[0.0, 4 / 3, 4 / 3], [4 / 3, 4 / 3, 4 / 3]]), None]
    step = trace_step(
        layout, flat, rng.normal(size=(2, 2)), rng.normal(size=(2, 2)), masks=masks,
        settings=StepSettings(optimizer("adam"), clip_norm=0.1, l2=0.1, weight_decay=0.1), eta=0.01,
    )  # fmt: skip
    return Trace(network, (change(step),))


def in_layer(number, **arrays):
    """Change arrays of a layer's record."""

    def change(step):
        layers = list(step.record.layers)
        layers[number] = layers[number]._replace(
            **{k: f(getattr(layers[number], k)) for k, f in arrays.items()}
        )
        return replace(step, record=step.record._replace(layers=tuple(layers)))

    return change


def in_back(number, **arrays):
    def change(step):
        layers = list(step.gradients.layers)
        layers[number] = layers[number]._replace(
            **{k: f(getattr(layers[number], k)) for k, f in arrays.items()}
        )
        return replace(step, gradients=step.gradients._replace(layers=tuple(layers)))

    return change


def in_gradients(**arrays):
    def change(step):
        return replace(
            step,
            gradients=step.gradients._replace(
                **{k: f(getattr(step.gradients, k)) for k, f in arrays.items()}
            ),
        )

    return change


def in_update(**arrays):
    def change(step):
        return replace(
            step, update=replace(step.update, **{k: f(getattr(step.update, k)) for k, f in arrays.items()})
        )

    return change


def off(array):
    return array * 1.001


PLANTED = {
    "z[1][1]@row=1": in_layer(0, z=off),
    "a[1][2]@row=2": in_layer(0, a=off),
    "h[1][2]@row=2": in_layer(0, h=off),
    "a[2][1]@row=1": in_layer(1, a=off),
    "f'[1][2]@row=1": lambda step: replace(step, slopes=(off(step.slopes[0]), step.slopes[1])),
    "dC/da[2][1]@row=1": in_back(1, da=off),
    "dC/dh[1][2]@row=1": in_back(0, dh=off),
    "loss@row=1": lambda step: replace(step, losses=off(step.losses)),
    "C": in_gradients(cost=off),
    "dC/dx[1]@row=1": in_gradients(x=off),
    "delta[1][2]@row=1": in_back(0, delta=off),
    "delta[2][1]@row=2": in_back(1, delta=np.negative),
    "dC/dW[1][2,3]": in_back(0, parameters=lambda p: {**p, "W": off(p["W"])}),
    "dC/dW[2][1,1]": in_back(1, parameters=lambda p: {**p, "W": p["W"] / 2}),
    "dC/db[2][1]": in_back(1, parameters=lambda p: {**p, "b": off(p["b"])}),
    "penalized/dW[1][1,1]": in_update(stages=lambda made: {**made, "penalized": off(made["penalized"])}),
    "g/dW[1][1,1]": in_update(stages=lambda made: {**made, "g": off(made["g"])}),
    "W_decayed[1][1,1]": in_update(stages=lambda made: {**made, "decayed": off(made["decayed"])}),
    "m_new/dW[1][1,2]": in_update(after=lambda s: s._replace(arrays={**s.arrays, "m": off(s.arrays["m"])})),
    "m_hat/dW[1][1,2]": in_update(lines=lambda lines: {**lines, "m_hat": off(lines["m_hat"])}),
    "v_hat/db[2][2]": in_update(lines=lambda lines: {**lines, "v_hat": off(lines["v_hat"])}),
    "W_new[1][2,2]": in_update(parameters=off),
    "b_new[1][2]": in_update(parameters=off),
}


@pytest.mark.parametrize("address", PLANTED)
def test_a_planted_error_is_seen(address):
    assert derive(planted(lambda step: step), address).ok
    made = derive(planted(PLANTED[address]), address)
    assert not made.ok
    assert made.lines[-1].left == address
    assert not made.lines[-1].check.ok


@pytest.mark.parametrize("form", ["paths", "recursive"])
def test_a_planted_error_is_seen_in_every_form(form):
    made = derive(planted(PLANTED["dC/dW[1][2,3]"]), "dC/dW[1][2,3]", form=form)
    assert not made.lines[-1].check.ok


@pytest.mark.parametrize(
    ("address", "change"),
    [
        ("z[1]", in_layer(0, z=off)),
        ("delta[1]", PLANTED["delta[1][2]@row=1"]),
        ("dC/dW[1]", PLANTED["dC/dW[1][2,3]"]),
        ("dC/db[2]", PLANTED["dC/db[2][1]"]),
        ("dC/dx", PLANTED["dC/dx[1]@row=1"]),
    ],
)
def test_a_planted_error_is_seen_in_matrices(address, change):
    assert derive(planted(lambda step: step), address).ok
    assert not derive(planted(change), address).ok


def test_a_formula_that_overflows_is_not_checked_with_itself():
    # log(1 + e^z) at z = 800 is inf as written; the engine's stable form gives 800.
    network = Network([1, Dense(1, "softplus")])
    trace = trace_network(network, {1: {"W": [[800.0]], "b": [0.0]}}, [[1.0]])
    line = derive(trace, "a[1][1]").lines[-1]
    assert line.result == 800
    assert line.check is None
    assert "overflows" in line.note


# ---- from the start


def test_from_the_start_every_number_has_its_line():
    network = Network([2, Dense(2, "tanh"), Dense(2, "sigmoid"), Dense(1)])
    rng = np.random.default_rng(0)
    p = {
        number: {key: rng.normal(size=shape) for key, shape in layer.items()}
        for number, layer in network.shapes().items()
    }
    trace = trace_network(network, p, [[1.0, 2.0]], [[1.0]])
    made = derive(trace, "dC/dW[1][1,2]", from_start=True)
    assert made.ok
    known = set()
    for line in made.lines:
        for name in line.values:
            assert name in known or name[0] in "Wbxy"
        known.add(line.left)


@pytest.mark.parametrize("deep", [30, 31])
def test_as_deep_as_paper_goes(deep):
    network = Network([1, *(Dense(1, "tanh") for _ in range(deep))])
    p = {number: {"W": [[0.9]], "b": [0.1]} for number in range(1, deep + 1)}
    trace = trace_network(network, p, [[1.0]], [[1.0]])
    if deep == 30:
        assert derive(trace, "dC/dW[1][1,1]", from_start=True).ok
        assert derive(trace, "dC/dW[1][1,1]", hand=6, form="paths").ok
    else:
        with pytest.raises(SettingsError, match="31 layers is too large to be written out"):
            derive(trace, "dC/dW[1][1,1]", from_start=True)
        assert derive(trace, "dC/dW[1][1,1]", form="recursive").ok


# ---- what can't be asked


@pytest.mark.parametrize(
    "address", ["delta[1][1]", "C", "W_new[1][1,1]", "m/dW[1][1,1]", "prediction", "dC/dW[1]"]
)
def test_a_bare_prediction_has_no_gradient(address):
    trace = trace_network(Network([1, Dense(1)]), {1: {"W": [[1.0]], "b": [0.0]}}, [[1.0]])
    with pytest.raises(SettingsError, match=r"isn't known|only a trace of a model's prediction"):
        derive(trace, address)


@pytest.mark.parametrize(
    ("address", "options", "told"),
    [
        (
            "z[1][1]@row=1",
            {"form": "paths"},
            "the form paths is for dC/dW, dC/dS, dC/db, dC/dx, delta; leave it out",
        ),
        (
            "dC/dW[1]",
            {"form": "paths"},
            "is a whole array: name one of its numbers, or choose the form matrix",
        ),
        ("C", {"form": "matrix"}, "there is no matrix form of it; there is of z, delta, dC/dW"),
        (
            "y",
            {"form": "matrix"},
            r"there is no matrix form of it; there is of z.*; or name one number, such as y\[1\]",
        ),
        ("W[2]", {"form": "matrix"}, r"there is of z.*; or name one number, such as W\[2\]\[1,1\]"),
        ("C", {"form": "long"}, "form 'long' is unknown: choose short, paths, recursive, matrix"),
        ("z[9][1]", {}, "there is no layer 9"),
    ],
)
def test_what_can_t_be_derived_is_told(address, options, told):
    with pytest.raises(SettingsError, match=told):
        derive(planted(lambda step: step), address, **options)


@pytest.mark.parametrize(
    "address",
    [
        "W[1][1,1]",
        "b[2][1]",
        "y[1]@row=1",
        "x[2]@row=2",
        "r[1][1]@row=1",
        "eta",
        "t",
        "m/dW[1][1,1]",
        "loss_new@row=1",
    ],
)
def test_what_is_given_says_so(address):
    trace = planted(lambda step: step)
    made = derive(trace, address)
    (line,) = made.lines
    assert line.result == trace[address]
    assert line.check is None
    assert line.rule


def test_the_activations_of_a_layer_as_matrices():
    network = Network(
        [2, Dense(3, "leaky_relu(alpha=0.2)"), Dense(2, "softmax")], "categorical_cross_entropy"
    )
    rng = np.random.default_rng(1)
    p = {n: {k: rng.normal(size=shape) for k, shape in of.items()} for n, of in network.shapes().items()}
    trace = trace_network(network, p, rng.normal(size=(4, 2)), np.eye(2)[[0, 1, 1, 0]])
    sums, activations = derive(trace, "a[1]", form="matrix").matrices
    assert (sums.address, activations.address) == ("z[1]", "a[1]")
    assert sums.check.ok
    assert activations.check.ok
    np.testing.assert_allclose(activations.result.rows, trace.array("a[1]"), rtol=1e-15)
    assert text(activations.symbols) == "where(z[1] > 0, z[1], 0.2*z[1])"
    with pytest.raises(
        SettingsError, match=r"a\[2\]: softmax is not worked out number by number: name z\[2\]"
    ):
        derive(trace, "a[2]", form="matrix")
