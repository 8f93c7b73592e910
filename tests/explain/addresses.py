"""Traces of random networks, and all addresses in them."""

import numpy as np
from hypothesis import strategies as st

from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import OPTIMIZERS, optimizer
from chainrule.explain.trace.address import PARAMETERS, QUANTITIES, Address
from chainrule.explain.trace.steps import trace_network, trace_step
from chainrule.explain.trace.trace import Trace
from networks import Case

METHODS = [name for name, record in OPTIMIZERS.items() if record.lines]


def traced(case: Case, steps: StepSettings | None, eta: float = 0.01) -> Trace:
    """The trace of the first member of a case."""
    members = case.p[1]["W"].ndim == 3
    p = {n: {name: a[0] if members else a for name, a in arrays.items()} for n, arrays in case.p.items()}
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
        names += [f"{name}/d{by}" for name in own for by in PARAMETERS]
    for name in names:
        place = Address(name, 1 if name not in QUANTITIES else None).quantity.place
        of_layers = place in ("neuron", "weight", "bias", "mix", "layer")
        layers = range(1, len(trace.network.layers) + 1) if of_layers else [None]
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
