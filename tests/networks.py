"""Networks of random shape, and the judges of their gradients: central differences and JAX."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import sympy
from hypothesis import assume
from hypothesis import strategies as st

from chainrule.equations.activations import ACTIVATIONS, Activation, activation
from chainrule.equations.dense import PARAMETRIZATIONS, Dense
from chainrule.equations.losses import LOSSES, Loss, loss
from chainrule.equations.network import Gradients, Network
from judges import exact

FORMULA_ACTIVATIONS = ["z/(1+abs(z))", "1/(1+exp(-z))", "sin(z)+z/2"]
FORMULA_LOSSES = ["log(1+(a-y)^2)", "(a-y)^4"]
HIDDEN = [name for name, record in ACTIVATIONS.items() if not record.output_only] + FORMULA_ACTIVATIONS


class Case(NamedTuple):
    """A network with all that a step needs; parameters may have members as leading axis."""

    network: Network
    p: dict[int, dict[str, np.ndarray]]
    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None = None
    masks: list[np.ndarray | None] | None = None


def targets(record: Loss, rng: np.random.Generator, n: int, n_out: int) -> np.ndarray:
    """Targets that the loss may have."""
    if record.targets == "one_hot":
        return np.eye(n_out)[rng.integers(0, n_out, n)]
    if record.targets == "zero_one":
        return rng.integers(0, 2, (n, n_out)).astype(float)
    if record.targets == "nonnegative":
        return rng.poisson(2.0, (n, n_out)).astype(float)
    return rng.normal(size=(n, n_out))


@cache
def outputs_of(spec: str) -> list[str]:
    """The output activations a loss can be combined with: those that keep it and its slope finite."""
    record, rng = loss(spec), np.random.default_rng(0)
    z = rng.normal(size=(200, 3)) * 2
    y = targets(record, rng, 200, 3)
    found = []
    for name in [*ACTIVATIONS, *FORMULA_ACTIVATIONS]:
        made = activation(name)
        a = made(z, np)
        values = record.value(a, y, np), record.prime(a, y, np)
        if name in record.links or all(np.isfinite(value).all() for value in values):
            found.append(name)
    return found


def specs(registry: Mapping[str, Activation] | Mapping[str, Loss]) -> list[str]:
    """Every record of a registry, and again with each of its parameters changed."""
    changed = [
        f"{name}({key}={0.1 if key == 'label_smoothing' else value * 0.75})"
        for name, record in registry.items()
        for key, value in record.parameters.items()
    ]
    return [*registry, *changed]


@st.composite
def cases(draw: st.DrawFn, *, deepest: int = 2) -> Case:
    """Any network, parameters, rows, targets, weights and dropout masks, away from kinks by 1e-3."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cost = draw(st.sampled_from([*specs(LOSSES), *FORMULA_LOSSES]))
    output = draw(st.sampled_from(outputs_of(cost)))
    least = 2 if output == "softmax" or loss(cost).targets == "one_hot" else 1
    hidden = [
        Dense(
            draw(st.integers(1, 4)),
            draw(st.sampled_from(HIDDEN)),
            bias=draw(st.sampled_from(["neuron", "layer", "none"])),
            dropout=draw(st.sampled_from([0.0, 0.5])),
            mix=draw(st.booleans()),
            parametrization=draw(st.sampled_from(PARAMETRIZATIONS)),
        )
        for _ in range(draw(st.integers(0, deepest)))
    ]
    last = Dense(
        draw(st.integers(least, 3)),
        output,
        bias=draw(st.sampled_from(["neuron", "layer", "none"])),
        linear_path=bool(hidden) and draw(st.booleans()),
    )
    network = Network([draw(st.integers(1, 3)), *hidden, last], cost, draw(st.sampled_from(["mean", "sum"])))
    n, members = draw(st.integers(1, 4)), draw(st.sampled_from([(), (1,), (3,)]))
    weighted = draw(st.sampled_from(["no", "rows", "members"]))
    made = case_of(network, rng, n, members, weighted)
    assume(is_smooth(made))
    return made


def case_of(
    network: Network, rng: np.random.Generator, n: int, members: tuple[int, ...] = (), weighted: str = "no"
) -> Case:
    """A network with random parameters, rows, targets, weights and masks."""
    p = {
        number: {name: rng.normal(size=(*members, *shape)) * 0.8 for name, shape in shapes.items()}
        for number, shapes in network.shapes().items()
    }
    x = rng.normal(size=(n, network.n_inputs))
    y = targets(network.loss, rng, n, network.output.n_out)
    weights = None
    if weighted != "no":
        weights = rng.uniform(0.2, 3.0, (*(members if weighted == "members" else ()), n))
        weights[..., 0] *= rng.integers(0, 2) if n > 1 else 1
    masks = [
        (rng.random((*members, n, layer.n_out)) >= layer.dropout) / (1 - layer.dropout)
        if layer.dropout
        else None
        for layer in network.layers
    ]
    return Case(network, p, x, y, weights, masks if any(mask is not None for mask in masks) else None)


def is_smooth(case: Case) -> bool:
    """Whether no z, output or error is so near a kink that a difference of 1e-4 could cross it."""
    record = case.network.forward(case.p, case.x, np, case.masks)
    if not all(np.isfinite(layer.z).all() and np.abs(layer.z).max() < 8 for layer in record.layers):
        return False
    a, y = record.a, case.y
    delta = case.network.loss.parameters.get("delta", 1.0)
    near = [*(layer.z for layer in record.layers), a - y, np.abs(a - y) - delta, 1 - (2 * y - 1) * a]
    if case.network.output.activation.name != "binary_step":
        near.append(a)
    else:
        near = near[: len(record.layers)]
    return all((np.abs(values) > 1e-3).all() for values in near)


Backward = Callable[..., Gradients]


def backward_of(case: Case) -> Gradients:
    """Gradients by the network's own backward."""
    record = case.network.forward(case.p, case.x, np, case.masks)
    return case.network.backward(case.p, record, case.y, np, case.weights)


def check_by_differences(case: Case) -> None:
    """Raise AssertionError where a gradient isn't the central difference of the cost, for every parameter and input."""
    gradients = backward_of(case)
    network, y = case.network, case.y

    def cost(p: Sequence[Mapping[str, np.ndarray]], x: np.ndarray) -> np.ndarray:
        return network.cost(network.forward(p, x, np, case.masks), y, np, case.weights)

    np.testing.assert_allclose(gradients.cost, cost(case.p, case.x), rtol=1e-13, atol=1e-15)
    scale = 1e-8 * (1 + float(np.max(np.abs(gradients.cost))))
    for number, arrays in case.p.items():
        for name, array in arrays.items():

            def of(moved: np.ndarray, number: int = number, name: str = name) -> np.ndarray:
                return cost({**case.p, number: {**case.p[number], name: moved}}, case.x)

            want = differences(of, array, len(network.shapes()[number][name]))
            np.testing.assert_allclose(gradients.parameters[number][name], want, rtol=1e-6, atol=scale)
    members = gradients.cost.ndim
    spread = case.x[(None,) * members]
    want = differences(lambda x: cost(case.p, x), spread, 2)
    np.testing.assert_allclose(gradients.x, want, rtol=1e-6, atol=scale)


def differences(
    of: Callable[[np.ndarray], np.ndarray], at: np.ndarray, own: int, h: float = 1e-4
) -> np.ndarray:
    """The derivative by each number of the last ``own`` axes, all moved at once along a new leading axis.

    Central differences at h and h/2 with one Richardson step: the error is of order h^4.
    """
    shape = at.shape[at.ndim - own :]
    steps = np.eye(int(np.prod(shape))).reshape(-1, *(1,) * (at.ndim - own), *shape)
    coarse = (of(at + h * steps) - of(at - h * steps)) / (2 * h)
    fine = (of(at + h / 2 * steps) - of(at - h / 2 * steps)) / h
    slopes = (4 * fine - coarse) / 3  # (numbers, members…)
    return np.moveaxis(slopes, 0, -1).reshape(*slopes.shape[1:], *shape)


@cache
def jax_function(text: str, *names: str) -> Callable[..., Any]:
    """A formula as a JAX function, by way of SymPy, whose conditions are right for single numbers only."""
    return jnp.vectorize(
        sympy.lambdify(names, exact(text, *names).expression, [{"erf": jax.scipy.special.erf}, "jax"])
    )


def jax_cost(case: Case) -> Callable[[Any, Any], Any]:
    """The cost (members,) as a function of the parameters and rows, written here from the formulas' texts."""
    network, record = case.network, case.network.loss
    settings = {key: value for key, value in record.parameters.items() if key != "label_smoothing"}
    epsilon = record.parameters.get("label_smoothing", 0.0)
    y = case.y * (1 - epsilon) + epsilon / max(2, case.y.shape[-1])

    def cost(p: Any, x: Any) -> Any:
        h = x
        for index, layer in enumerate(network.layers):
            own = p[index + 1]
            z = h @ own["W"]
            if layer.parametrization == "ntk":
                z = z / np.sqrt(x.shape[-1] if index == 0 else network.layers[index - 1].n_out)
            z = z + x @ own["S"] if "S" in own else z
            if "b" in own:
                z = z + own["b"][..., None, :]
            f = layer.activation
            if f.name == "softmax":
                h = jax.nn.softmax(z, axis=-1)
            else:
                h = jax_function(f.text, "z", *f.parameters)(z, *f.parameters.values())
            if layer.mix:
                alpha = own["alpha"][..., None, :]
                h = (1 - alpha) * z + alpha * h
            if case.masks is not None and case.masks[index] is not None:
                h = h * case.masks[index]
        if (record.name, f.name) == ("perceptron", "binary_step"):
            losses = jnp.maximum(0, (1 - 2 * y) * z)  # the step itself has no slope
        else:
            losses = jax_function(record.text, "a", "y", *settings)(h, y, *settings.values())
        rows = losses.sum(axis=-1) / (h.shape[-1] if record.over_outputs == "mean" else 1)
        w = jnp.ones(len(y)) if case.weights is None else case.weights
        total = (rows * w).sum(axis=-1)
        return total / w.sum(axis=-1) if network.reduction == "mean" else total

    return cost


def check_by_jax(case: Case) -> None:
    """Raise AssertionError where the cost or a gradient isn't JAX's."""
    gradients = backward_of(case)
    cost = jax_cost(case)
    members = gradients.cost.shape
    x = np.broadcast_to(case.x, (*members, *case.x.shape))

    def summed(p: Any, x: Any) -> tuple[Any, Any]:
        costs = cost(p, x)
        return costs.sum(), costs

    (_, costs), (by_p, by_x) = jax.jit(jax.value_and_grad(summed, (0, 1), has_aux=True))(case.p, x)
    np.testing.assert_allclose(gradients.cost, costs, rtol=1e-9, atol=1e-12)
    scale = 1e-10 * (1 + float(np.max(np.abs(gradients.cost))))
    assert set(gradients.parameters) == set(by_p)
    for number, want in by_p.items():
        got = gradients.parameters[number]
        assert set(got) == set(want)
        for name in got:
            assert want[name].dtype == np.float64
            np.testing.assert_allclose(got[name], want[name], rtol=1e-8, atol=scale)
    np.testing.assert_allclose(gradients.x, by_x, rtol=1e-8, atol=scale)
