"""One training of a multi-layer perceptron: rows, network and plan put together, and where it goes on from."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple, TypeAlias

import numpy as np
from sklearn.model_selection import train_test_split

from chainrule._plain import Count, Plain, number_or_null
from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, engine_named
from chainrule.engines.base import Data, Engine, RunState, StepSettings
from chainrule.estimators.mlp.network import Design
from chainrule.estimators.mlp.plan import is_stochastic, plan_of, step_settings
from chainrule.estimators.parameters import ParameterError
from chainrule.training.callbacks import combined
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.doubts import doubt_of_loss
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.result import Callback, FitResult
from chainrule.training.scores.weights import check_counted, check_range

_Number: TypeAlias = Annotated[float, number_or_null()]


class NetworkRows(NamedTuple):
    """NetworkRows as the network has them: inputs (n, n_inputs), targets (n, n_out), weights (n,) or None."""

    x: FloatArray
    y: FloatArray
    weights: FloatArray | None


@dataclass(frozen=True)
class Beginning:
    """Where a training begins: parameters (p,), the engine's seed (-1: to be drawn), and perhaps a checkpoint.

    ``before`` are the curves of earlier trainings, to be gone on with; ``split`` are the indices of training and
    validation rows where a checkpoint says which they were.
    """

    parameters: FloatArray
    seed: int = -1
    checkpoint: Checkpoint | None = None
    before: Curves | None = None
    split: tuple[IntArray, IntArray] | None = None


@dataclass(frozen=True)
class Curves(Plain):
    """What a training has shown, epoch by epoch; ``seen`` are the training rows so far."""

    losses: list[_Number]
    scores: list[_Number]
    validation_losses: list[_Number]
    seen: Count


@dataclass(frozen=True)
class Fitting:
    """A training ready to be run, and then what it ran on.

    The offsets make scikit-learn's loss of the one that is minimized, for training and for validation rows.
    """

    design: Design
    data: Data
    steps: StepSettings
    plan: Plan
    engine: Engine
    start: Beginning
    offset: float
    validation_offset: float
    only_one: bool

    @property
    def validates(self) -> bool:
        """Whether there are validation rows."""
        return len(self.data.validation) > 0

    def run(self, callbacks: Sequence[Callback]) -> FitResult:
        """Train."""
        with combined(callbacks) as on_epoch_end:
            return fit(
                self.engine,
                self.design.network,
                self.start.parameters[None],
                self.data,
                self.steps,
                self.plan,
                on_epoch_end,
                resume=None if self.steps.optimizer.searches else self.start.checkpoint,
            )


def fitting_of(
    estimator: Any,
    rows: NetworkRows,
    validation: NetworkRows | None,
    random: np.random.RandomState,
    start: Beginning,
    dtype: Any,
    weighed_by: Sequence[str] = (),
    *,
    only_one: bool,
) -> Fitting:
    """Put a training together; the rows of ``validation`` are the user's own, else early stopping splits some off.

    Raises ValueError, in scikit-learn's words, where they would be fewer than two, and where no training or no validation
    row weighs anything by what has ``weighed_by``.
    """
    design: Design = estimator._design
    n = len(rows.x)
    held: IntArray = np.zeros(0, np.int64)
    train: IntArray = np.arange(n)
    if validation is not None:
        rows, held = _joined(rows, validation), np.arange(n, n + len(validation.x))
    elif start.split is not None:
        train, held = start.split
        if len(train) + len(held) != n:
            raise ParameterError(
                f"the checkpoint is of {len(train)} training rows and {len(held)} validation rows, but there are {n} "
                "rows: give all that it was made with, X_val too"
            )
    elif estimator.early_stopping and is_stochastic(estimator):
        train, held = _split(estimator, design, rows, random)
    if doubt := doubt_of_loss(design.network, rows.y[train]):
        if doubt.hopeless:
            raise ParameterError(doubt.words)
        warnings.warn(doubt.words, stacklevel=4)
    if start.seed < 0:
        start = replace(start, seed=int(random.randint(np.iinfo(np.int32).max)))
    weights = rows.weights
    if weights is not None:
        check_counted(weights, [train], [held], weighed_by)
        check_range(weights, " and ".join(weighed_by), dtype)
    steps = step_settings(estimator, len(train), None if weights is None else weights[train], start.seed)
    first = 0 if start.checkpoint is None else start.checkpoint.epoch
    before = 0 if start.before is None else start.before.seen
    plan = plan_of(
        estimator,
        len(train),
        -(-len(train) // steps.batch_size),
        epochs=first + 1 if only_one else int(estimator.max_iter),
        seen=before - first * len(train) if only_one else before,
        validates=len(held) > 0,
    )
    return Fitting(
        design,
        Data(rows.x, rows.y, train, held, weights),
        steps,
        plan,
        engine_named(ENGINES[0], dtype=dtype, threads=estimator.threads),
        start,
        _offset(estimator, rows.y, weights, train),
        _offset(estimator, rows.y, weights, held),
        only_one,
    )


def initial(design: Design, random: np.random.RandomState, dtype: Any) -> FloatArray:
    """Return scikit-learn's initial parameters (p,): weights and biases uniform by Glorot & Bengio (2010).

    Drawn in the order in which scikit-learn draws, so that the same ``random_state`` gives the same numbers.
    """
    flat = np.empty(design.layout.size, dtype)
    hidden = design.activations[:-1]
    for number, layer in enumerate(design.layout.unflatten(flat).values()):
        fan_in, fan_out = design.sizes[number], design.sizes[number + 1]
        # The output layer goes with the last hidden one, as there.
        nearest = hidden[min(number, len(hidden) - 1)] if hidden else design.activations[-1]
        bound = np.sqrt((2.0 if nearest == "sigmoid" else 6.0) / (fan_in + fan_out))
        layer["W"][:] = random.uniform(-bound, bound, (fan_in, fan_out))
        layer["b"][:] = random.uniform(-bound, bound, fan_out)
    return flat


def fresh(parameters: FloatArray, states: Sequence[str], old: Checkpoint | None) -> Checkpoint:
    """Return the checkpoint of given parameters (p,) and a new optimizer; ``old`` says what was best before."""
    w = parameters[None]
    return Checkpoint(
        RunState(w, {name: np.zeros_like(w) for name in states}, np.zeros(1, np.int64)),
        epoch=0,
        parameters=w,
        lowest=np.full(1, np.inf) if old is None else old.lowest,
        marks=np.full(1, np.inf) if old is None else old.marks,
        best_epochs=(0,),
        waited=(0,) if old is None else old.waited,
        active=(0,),
        plateaus=0,
        since=0,
        history=(),
        diverged={},
        seconds=0.0,
    )


def _joined(rows: NetworkRows, more: NetworkRows) -> NetworkRows:
    weights, parts = None, (rows, more)
    if any(part.weights is not None for part in parts):
        own = (np.ones(len(part.x)) if part.weights is None else part.weights for part in parts)
        weights = np.concatenate([*own])
    return NetworkRows(np.concatenate([rows.x, more.x]), np.concatenate([rows.y, more.y]), weights)


def _split(
    estimator: Any, design: Design, rows: NetworkRows, random: np.random.RandomState
) -> tuple[IntArray, IntArray]:
    """Return scikit-learn's own split: by class where one output says which of two."""
    stratify = rows.y.astype(bool) if design.kind == "class" and design.sizes[-1] == 1 else None
    n, share = len(rows.x), estimator.validation_fraction
    n_held = math.ceil(share * n)
    # A class of a single row is train_test_split's to refuse, which speaks of the classes then.
    lonely = stratify is not None and np.unique(stratify, return_counts=True)[1].min() < 2
    if n_held < (1 if lonely else 2):
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your dataset."
        )
    if n - n_held < (1 if lonely or stratify is None else 2):
        raise ValueError(
            "The training set is too small. Decrease 'validation_fraction', or increase the size of your dataset."
        )
    train, held = train_test_split(np.arange(n), random_state=random, test_size=share, stratify=stratify)
    return train, held


def _offset(estimator: Any, targets: FloatArray, weights: FloatArray | None, chosen: IntArray) -> float:
    """Return the part of Poisson's deviance that no prediction changes, as scikit-learn states it; else 0."""
    if estimator.loss != "poisson" or not len(chosen):
        return 0.0
    from scipy.special import xlogy

    y = np.asarray(targets[chosen], np.float64)
    constant = (xlogy(y, y) - y).sum(axis=1)
    return float(np.average(constant, weights=None if weights is None else weights[chosen]))
