"""Compile everything ahead of time: the kernels, and the pieces of every entry of the registries, in both dtypes."""

from __future__ import annotations

from functools import partial
from itertools import compress, product
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.engines.base import Data, Job, StepSettings
from chainrule.engines.cpu.evaluate import CpuRowPredictor, Evaluator
from chainrule.engines.cpu.kernels import rows, steps, tabm_steps
from chainrule.engines.cpu.pieces.machine_code import (
    activation_source,
    compiled,
    loss_source,
    output_source,
    prepare_source,
    tally,
    update_source,
    without_code,
)
from chainrule.engines.cpu.run import CpuRun
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.update import chain_of, measures, stages_before

ENTRIES = (
    steps.train_steps,
    tabm_steps.train_tabm_steps,
    rows.run_rows,
    rows.mean_output,
    steps.whole_gradient,
)
"""The compiled loops that Python calls; what they call is compiled with them."""


def jobs() -> list[Job]:
    """Return all that can be compiled before anybody asks for it; formulas of the user's own can't.

    Frozen parameters, which only networks made in Python have, are compiled for when they are met.
    """
    found: dict[str, Job] = {}
    for dtype in (np.float32, np.float64):
        bits = np.dtype(dtype).name

        def piece(name: str, source: str, dtype: Any = dtype, bits: str = bits) -> None:
            # Some have the same code: the optimizers sgd and perceptron, for one.
            found.setdefault(source, Job(f"{name}, {bits}", partial(compiled, source, np.dtype(dtype))))

        found[f"kernels {bits}"] = Job(f"loops, {bits}", partial(_run_kernels, dtype))
        for activation in ACTIVATIONS.values():
            piece(activation.name, output_source(activation, dtype))
            if not activation.output_only:
                piece(activation.name, activation_source(activation, dtype))
        for loss in LOSSES.values():
            piece(loss.name, loss_source(loss, ACTIVATIONS[loss.output], dtype))
        switched = [stage.name for stage in stages_before() if stage.numbers]
        for optimizer, on in product(OPTIMIZERS.values(), product((False, True), repeat=len(switched))):
            stages = chain_of(optimizer, list(compress(switched, on)))
            if measures(stages):
                piece("clipping", prepare_source(stages, dtype))
            if not optimizer.searches:
                piece(optimizer.name, update_source(stages, dtype))
    return list(found.values())


def compilations() -> int:
    """Return how many of them this process has compiled, rather than found in a cache."""
    return tally().compiled + sum(sum(entry.stats.cache_misses.values()) for entry in ENTRIES)


def kernel_folder() -> Path | None:
    """Return the folder where Numba keeps the loops, or None where it found none that can be written."""
    path = ENTRIES[0].stats.cache_path
    return Path(path) if path else None


def compile_steps(loop: Any, dtype: Any) -> None:
    """Compile `train_steps` or `train_tabm_steps` for a dtype, without running it."""
    with without_code():
        run = _small(dtype, shared=loop is tabm_steps.train_tabm_steps)
    (crew,) = run._crews(1, 1)
    whom = np.zeros(1, np.int64) if crew.expansion is None else crew.expansion
    rates, costs = np.zeros(1), np.zeros((len(run.parameters), 2))
    given = run.arguments(whom, 0, 1, 1, crew, rates, 0, costs, np.zeros(1, np.int64))
    loop.compile(tuple(map(loop.typeof_pyval, given)))


def compile_rows(dtype: Any) -> None:
    """Compile `run_rows` for a dtype, by using it once."""
    Evaluator(Network([1, Dense(1)]), dtype, 1).outputs(np.ones((1, 2), dtype), np.ones((1, 1), dtype))


def _small(dtype: Any, *, shared: bool = False) -> CpuRun:
    """Return a training of the smallest network there is."""
    network = Network([1, *[Dense(1)] * (2 if shared else 1)])
    flat = np.ones((1, TabMLayout(network, 2).size if shared else Layout(network).size))
    data = Data(np.ones((2, 1)), np.ones((2, 1)), np.arange(2), np.arange(0))
    return CpuRun(network, flat, data, StepSettings(sharing="tabm" if shared else "none"), dtype, 1, None)


def _run_kernels(dtype: Any) -> None:
    """Use every one of `ENTRIES` once."""
    run, together = _small(dtype), _small(dtype, shared=True)
    both, flat = np.arange(2), run.parameters
    run.train_epoch(0, np.full(run.steps_per_epoch, 0.1), [0])
    run.losses(both)
    run.outputs(both)
    run.loss_and_gradient(0, flat[0])
    together.train_epoch(0, np.full(together.steps_per_epoch, 0.1), [0, 1])
    CpuRowPredictor(run.layout.network, flat, dtype)(np.ones(1, dtype))
