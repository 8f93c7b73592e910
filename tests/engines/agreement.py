"""What the tests of the compiled engine share: cases from the registries, and what "agrees with reference" means.

reference is the judge: NumPy in float64, one equation a line. Both engines start from the same numbers, rounded to the dtype
under test, so that what is compared is the arithmetic alone.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.run import CpuRun
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.reference.run import ReferenceRun
from chainrule.engines.step import batches, masks_of_step, take_step
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import LOSSES, loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import OPTIMIZERS, optimizer

TOLERANCE = {np.float64: 1e-12, np.float32: 1e-5}
"""What rounding may change in one step, relative to the largest parameter and the largest gradient."""

HIDDEN = [name for name, record in ACTIVATIONS.items() if not record.output_only]
STEPPING = [name for name, record in OPTIMIZERS.items() if record.lines]


@dataclass(frozen=True)
class Case:
    """One training, small enough for many of them; every choice has a plain default."""

    hidden: Sequence[int] = (5, 4)
    activation: str = "tanh"
    loss: str = "half_squared_error"
    output: str = ""
    optimizer: str = "sgd"
    bias: str = "neuron"
    dropout: float = 0.0
    members: int = 1
    weighted: bool = False
    reduction: str = "mean"
    clip_norm: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    weight_decay: float = 0.0
    frozen: Sequence[str] = ()
    rates: Mapping[str, float] | None = None
    mix: bool = False
    parametrization: str = "standard"
    linear_path: bool = False
    smoothing: float = 0.0
    shuffle: bool = True
    batch_size: int = 8
    rows: int = 8
    inputs: int = 3
    outputs: int = 3
    rate: float = 0.05
    seed: int = 20_240_229

    @property
    def network(self) -> Network:
        record = loss(self.loss)
        chosen = self.output or record.output
        if self.smoothing and "label_smoothing" in record.parameters:
            record = replace(record, parameters={**record.parameters, "label_smoothing": self.smoothing})
        layers = [
            Dense(n, self.activation, dropout=self.dropout, mix=self.mix, **self._options(n))
            for n in self.hidden
        ]
        last = Dense(self.outputs, chosen, linear_path=self.linear_path, **self._options(self.outputs))
        return Network([self.inputs, *layers, last], record, self.reduction)

    def _options(self, n_out: int) -> dict[str, Any]:
        rates = {name: factor for name, factor in (self.rates or {}).items() if name in self._names()}
        return {
            "bias": self.bias,
            "frozen": self._frozen(n_out),
            "rates": rates,
            "parametrization": self.parametrization,
        }

    def _names(self) -> list[str]:
        return ["W"] if self.bias == "none" else ["W", "b"]

    def _frozen(self, n_out: int) -> list[str]:
        return [name for name in self.frozen if not (name.startswith("b") and self.bias == "none")]

    @property
    def settings(self) -> StepSettings:
        return StepSettings(
            optimizer=optimizer(self.optimizer),
            batch_size=self.batch_size,
            l1=self.l1,
            l2=self.l2,
            weight_decay=self.weight_decay,
            clip_norm=self.clip_norm,
            shuffle=self.shuffle,
            seed=self.seed,
        )

    def arrays(self, dtype: Any) -> tuple[np.ndarray, Data]:
        """Parameters (k, p) and data, in float64, of numbers that ``dtype`` holds exactly."""
        draws = np.random.default_rng([self.seed, self.members])
        x = draws.normal(size=(self.rows + 5, self.inputs))
        y = targets(loss(self.loss).targets, draws, len(x), self.outputs)
        weights = draws.uniform(0.2, 3.0, len(x)) if self.weighted else None
        flat = draws.normal(scale=0.4, size=(self.members, Layout(self.network).size))
        chosen = draws.permutation(len(x))
        x, y, flat = (np.asarray(array, dtype).astype(np.float64) for array in (x, y, flat))
        if weights is not None:
            weights = weights.astype(dtype).astype(np.float64)
        return flat, Data(x, y, chosen[: self.rows], chosen[self.rows :], weights)


def both_runs(case: Case, dtype: Any) -> tuple[CpuRun, ReferenceRun]:
    """The same training begun in the cpu engine and in reference."""
    flat, data = case.arrays(dtype)
    mine = CpuEngine(dtype, 1).start(case.network, flat, data, case.settings)
    return mine, ReferenceEngine().start(case.network, flat, data, case.settings)


def targets(kind: str, draws: np.random.Generator, rows: int, outputs: int) -> np.ndarray:
    """Targets of a kind that losses name in their ``targets``."""
    match kind:
        case "number":
            return draws.normal(size=(rows, outputs))
        case "nonnegative":
            return draws.poisson(2.0, size=(rows, outputs)).astype(np.float64)
        case "zero_one":
            return draws.integers(0, 2, size=(rows, outputs)).astype(np.float64)
        case "one_hot":
            return np.eye(outputs)[draws.integers(0, outputs, rows)]
    raise AssertionError(f"the tests know no targets {kind!r}: teach them")


def assert_steps_agree(case: Case, dtype: Any, planted: Case | None = None) -> None:
    """Make one step in both engines: parameters within rounding, the same cost, or diverged in both.

    ``planted`` is what the compiled engine is given instead, for tests of this test.
    """
    assert case.rows <= case.batch_size, "one step is compared"
    mine, judge = both_runs(planted or case, dtype)[0], both_runs(case, dtype)[1]
    before = np.array(judge.parameters)
    rates = np.array([case.rate])
    members = range(case.members)
    got, want = mine.train_epoch(0, rates, members), judge.train_epoch(0, rates, members)
    assert set(got.diverged) == set(want.diverged)
    for member in members:
        if member in want.diverged:
            continue
        allowed = _allowed(case, judge, before[member], member, TOLERANCE[dtype])
        error = np.abs(mine.parameters[member] - judge.parameters[member])
        worst = int(np.argmax(error / allowed))
        assert (error <= allowed).all(), (
            f"{Layout(case.network).address(worst)} of member {member}: {mine.parameters[member, worst]!r} "
            f"is not {judge.parameters[member, worst]!r}, error {error[worst]:.2g} of {allowed[worst]:.2g} allowed"
        )
        np.testing.assert_allclose(
            got.losses[member], want.losses[member], rtol=10 * TOLERANCE[dtype], atol=TOLERANCE[dtype]
        )
        untouched = Layout(case.network).free == 0
        assert (mine.parameters[member][untouched] == before[member][untouched]).all()


def _allowed(
    case: Case, judge: ReferenceRun, before: np.ndarray, member: int, tolerance: float
) -> np.ndarray:
    """What rounding in the gradient may come to after the update, and rounding of the parameters themselves.

    Adam's first step is eta g/(|g| + epsilon): where the true gradient is 0, its sign is rounding's. So the gradient is moved
    up and down by what rounding may have moved it, and the update says what that comes to.
    """
    layout, data, settings = judge.layout, judge.data, case.settings
    rows = batches(data, settings, 0, member)[0]
    state = settings.optimizer.init(before, np)
    weights = None if data.weights is None else data.weights[rows]
    masks = masks_of_step(case.network, len(rows), settings.seed, 0, member)
    step = take_step(layout, before, state, data.x[rows], data.y[rows], settings, case.rate, weights, masks)
    moved = tolerance * float(np.abs(step.raw).max()) * layout.free
    etas = layout.etas(case.rate)
    after = [
        settings.optimizer.update(step.stages["decayed"], step.stages["g"] + sign * moved, state, etas, np)[0]
        for sign in (-1, 0, 1)
    ]
    effect = np.maximum(np.abs(after[0] - after[1]), np.abs(after[2] - after[1]))
    return effect + tolerance * (np.abs(after[1]).max() + np.abs(before).max())


def covering(factors: Mapping[str, Sequence[Any]], seed: int = 0) -> Iterator[dict[str, Any]]:
    """Rows that hold every pair of values of every two factors at least once, few of them, the same in every run."""
    draws = random.Random(seed)
    names = list(factors)
    left = {
        (a, i, b, j)
        for a, b in itertools.combinations(names, 2)
        for i in range(len(factors[a]))
        for j in range(len(factors[b]))
    }

    def gains(row: Mapping[str, int], name: str, value: int) -> int:
        pairs = (
            (other, row[other], name, value)
            if names.index(other) < names.index(name)
            else (name, value, other, row[other])
            for other in row
        )
        return sum(pair in left for pair in pairs)

    while left:
        a, i, b, j = min(
            left, key=lambda pair: (names.index(pair[0]), names.index(pair[2]), pair[1], pair[3])
        )
        row = {a: i, b: j}
        for name in draws.sample(names, len(names)):
            if name not in row:
                choices = list(range(len(factors[name])))
                draws.shuffle(choices)
                row[name] = max(choices, key=lambda value: gains(row, name, value))
        left -= {(c, row[c], d, row[d]) for c, d in itertools.combinations(names, 2)}
        yield {name: factors[name][row[name]] for name in names}


CHOICES: Mapping[str, Sequence[Any]] = {
    "activation": HIDDEN,
    "loss": list(LOSSES),
    "optimizer": STEPPING,
    "bias": ["neuron", "layer", "none"],
    "dtype": [np.float64, np.float32],
    "dropout": [0.0, 0.3],
    "members": [1, 3],
    "weighted": [False, True],
    "reduction": ["mean", "sum"],
    "clip_norm": [None, 0.1, 1e3],
    "l1": [0.0, 0.01],
    "l2": [0.0, 0.02],
    "weight_decay": [0.0, 0.1],
    "frozen": [(), ("W[1,1]",), ("b",), ("W", "b[1]")],
    "smoothing": [0.0, 0.2],
    "rates": [None, {"b": 0.1}, {"W": 2.0, "b": 0.5}],
    "mix": [False, True],
    "parametrization": ["standard", "ntk"],
    "shuffle": [True, False],
    "hidden": [(), (4,), (5, 1, 3)],
    "outputs": [1, 3],
    "inputs": [1, 6],
    "rows": [1, 8],
}
"""What can be chosen for a step, for `covering`."""
