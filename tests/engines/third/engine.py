"""The third engine: the equations in NumPy, every number rounded to float32, and a note of what it was asked for."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np

from chainrule.engines.base import EpochReport, RunState, WarmUp, check_resumable
from chainrule.engines.member_rows import member_rows
from chainrule.engines.step import batches, predicted, take_group_step, take_passes
from chainrule.equations.optimizers import OptimizerState

CALLS: list[str] = []
"""What was asked of this engine, in order."""


def rounded(array):
    """An array as float32 holds it."""
    return np.asarray(array, np.float64).astype(np.float32).astype(np.float64)


class ThirdEngine:
    """An engine by the protocol alone: nothing of the others' folders."""

    name = "third"
    threads = 1

    def __init__(self, dtype=None, threads=None):
        self.dtype = np.dtype(np.float32)  # whatever is asked for

    def start(self, network, parameters, data, settings, resume=None):
        CALLS.append("start")
        return ThirdRun(network, parameters, data, settings, resume)

    def predict(self, network, parameters, x):
        CALLS.append("predict")
        return rounded(predicted(network, parameters, x))

    def row_predictor(self, network, parameters):
        return lambda x: self.predict(network, parameters, x[None]).mean(axis=0)[0]

    def warm_up(self):
        return WarmUp(tuple, lambda: 0, ())

    def machine(self):
        return {"numpy": np.__version__}


class ThirdRun:
    """A training whose parameters and optimizer state are rounded after every step."""

    def __init__(self, network, parameters, data, settings, resume):
        start = parameters if resume is None else resume.parameters
        self.data, self.settings = data, settings
        self.made_of = member_rows(network, settings.sharing, start)
        self.updated = rounded(np.atleast_2d(start))
        self.states = [settings.optimizer.init(row, np) for row in self.updated]
        if resume is not None:
            check_resumable(resume, self.made_of.layout, settings.optimizer)
            self.states = [
                OptimizerState(int(t), {name: array[row] for name, array in resume.arrays.items()})
                for row, t in enumerate(resume.steps)
            ]

    @property
    def parameters(self):
        return self.made_of.expand(self.updated)

    @property
    def steps_per_epoch(self):
        return -(-self.data.train.shape[-1] // self.settings.batch_size)

    def train_epoch(self, epoch, learning_rates, active, strength=1.0):
        CALLS.append("train")
        losses = np.full(len(self.parameters), np.nan)
        for group, members in enumerate(self.made_of.groups):
            if members[0] not in active:
                continue
            dealt = [batches(self.data, self.settings, epoch, member) for member in members]
            costs = []
            for index, eta in enumerate(learning_rates):
                batch = [of_member[index] for of_member in dealt]
                row, state, parameters = self.updated[group], self.states[group], self.parameters
                step = take_group_step(
                    self.made_of,
                    group,
                    row,
                    parameters,
                    state,
                    self.data,
                    batch,
                    self.settings,
                    float(eta),
                    strength,
                )
                self.updated[group] = rounded(step.updated.parameters)
                t, arrays = step.updated.state
                self.states[group] = OptimizerState(
                    t, {name: rounded(array) for name, array in arrays.items()}
                )
                costs.append([float(each.gradients.cost) for each in step.passes])
            losses[list(members)] = np.mean(costs, axis=0)
        return EpochReport(losses, {})

    def state(self):
        arrays = {
            name: np.stack([state.arrays[name] for state in self.states])
            for name in self.settings.optimizer.state
        }
        return RunState(self.updated.copy(), arrays, np.array([state.t for state in self.states]))

    def working(self):
        return nullcontext()

    def losses(self, rows):
        layout = self.made_of.ordinary
        lines = np.broadcast_to(rows, (len(self.parameters), rows.shape[-1]))
        return np.array(
            [
                float(take_passes(layout, flat, self.data.x[line], self.data.y[line]).gradients.cost)
                for flat, line in zip(self.parameters, lines, strict=True)
            ]
        )

    def outputs(self, rows):
        return predicted(self.made_of.ordinary.network, self.parameters, self.data.x[rows])

    def weighted_sums(self, rows):
        network = self.made_of.ordinary.network.without_output_activation()
        return predicted(network, self.parameters, self.data.x[rows])

    def loss_and_gradient(self, member, flat):
        data = self.data
        passes = take_passes(
            self.made_of.ordinary, np.asarray(flat, np.float64), data.x, data.y, data.weights
        )
        return float(passes.gradients.cost), rounded(passes[2])
