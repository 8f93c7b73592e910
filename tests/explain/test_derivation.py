"""Derivations: every address of random networks, judged by the engine and by JAX; planted errors are seen."""

import jax
import numpy as np
from addresses import SETTINGS, every_address, traced
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.explain.address import Address
from chainrule.explain.derivation import derive
from networks import cases, jax_cost


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
