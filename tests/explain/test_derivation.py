"""Derivations: every address of random networks, judged by the engine and by JAX; planted errors are seen."""


import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.explain.address import QUANTITIES, Address
from chainrule.explain.derivation import derive
from chainrule.explain.trace import Trace, trace_network, trace_step
from networks import Case, cases, jax_cost

METHODS = [name for name, record in OPTIMIZERS.items() if record.lines]


def traced(case: Case, steps: StepSettings | None, eta: float = 0.01) -> Trace:
    """The trace of the first member of a case."""
    members = case.p[0]["W"].ndim == 3
    p = [{name: a[0] if members else a for name, a in arrays.items()} for arrays in case.p]
    trace = trace_network(case.network, p, case.x)
    weights = case.weights if case.weights is None or case.weights.ndim == 1 else case.weights[0]
    masks = case.masks and [m if m is None or m.ndim == 2 else m[0] for m in case.masks]
    step = trace_step(
        trace.layout,
        trace.steps[0].parameters,
        case.x,
        case.y,
        weights=weights,
        masks=masks,
        settings=steps,
        eta=eta,
    )
    return Trace(case.network, (step,))


def every_address(trace: Trace) -> list[Address]:
    """The address of every number of a trace of one step."""
    step = trace.steps[0]
    found = []
    names = [*QUANTITIES]
    if step.update is not None:
        own = [
            "g",
            "penalized",
            *step.update.before.arrays,
            *(f"{name}_new" for name in step.update.before.arrays),
        ]
        own += [name for name in step.update.lines if name != "w" and name not in step.update.before.arrays]
        names += [f"{name}/d{by}" for name in own for by in ("W", "b")]
    for name in names:
        place = Address(name, 1 if name not in QUANTITIES else None).quantity.place
        layers = range(1, len(trace.network.layers) + 1) if place in ("neuron", "weight", "bias") else [None]
        for layer in layers:
            rows = (
                step.rows
                if len(step.rows) > 1 and QUANTITIES.get(name, None) and QUANTITIES[name].per_row
                else [None]
            )
            for row in rows:
                whole = Address(name, layer, (), None, row)
                if not trace.has(whole):
                    continue
                shape = trace.array(whole).shape
                found += [
                    Address(name, layer, tuple(int(i) + 1 for i in index), None, row)
                    for index in np.ndindex(*shape)
                ]
    return found


SETTINGS = st.builds(
    StepSettings,
    st.sampled_from([optimizer(name) for name in METHODS]),
    l1=st.sampled_from([0.0, 0.1]),
    l2=st.sampled_from([0.0, 0.3]),
    weight_decay=st.sampled_from([0.0, 0.2]),
    clip_norm=st.sampled_from([None, 0.01, 100.0]),
)


@given(cases(), st.one_of(st.none(), SETTINGS))
@settings(max_examples=15)
def test_every_line_of_every_address_is_the_engine_s_number(case, steps):
    trace = traced(case, steps)
    for address in every_address(trace):
        made = derive(trace, address)
        assert made.ok, (str(address), [line for line in made.lines if line.check and not line.check.ok])
        assert made.lines[-1].left == str(trace.resolve(address))
        np.testing.assert_allclose(made.result, trace[address], rtol=1e-6, atol=1e-9)


@given(cases())
@settings(max_examples=20)
def test_the_three_forms_are_jax_s_derivative(case):
    import jax

    trace = traced(case, None)
    layer = len(case.network.layers) // 2 + 1
    shape = case.network.shapes()[layer - 1]["W"]
    index = tuple(int(i) for i in np.array(shape) - 1)
    members = case.p[0]["W"].ndim == 3
    costs, pull = jax.vjp(
        jax_cost(case), case.p, np.broadcast_to(case.x, (*case.p[0]["W"].shape[:-2], *case.x.shape))
    )
    (by_p, _) = pull(np.ones(costs.shape))
    want = float(by_p[layer - 1]["W"][(0, *index) if members else index])
    address = Address("dC/dW", layer, tuple(i + 1 for i in index))
    for form in ("short", "paths", "recursive"):
        made = derive(trace, address, form=form)
        assert made.ok
        np.testing.assert_allclose(made.result, want, rtol=1e-8, atol=1e-10 * (1 + abs(trace["C"])))
    matrix = derive(trace, address, form="matrix")
    assert matrix.ok
    (*_, line) = matrix.matrices
    np.testing.assert_allclose(
        line.result.rows[index[0]][index[1]], want, rtol=1e-8, atol=1e-10 * (1 + abs(trace["C"]))
    )
