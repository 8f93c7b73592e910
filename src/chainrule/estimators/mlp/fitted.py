"""What a training says and leaves in an estimator: messages, attributes, and where the next one goes on."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from os import fspath
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from chainrule._files import PathLike
from chainrule._types import FloatArray
from chainrule.estimators.base import INTERRUPTED
from chainrule.estimators.callbacks import read_checkpoint, reading_checkpoint
from chainrule.estimators.mlp.fitting import Beginning, Curves, Fitting, fresh
from chainrule.estimators.mlp.network import SHOWN_NAMES
from chainrule.estimators.mlp.plan import is_stochastic, method_of
from chainrule.estimators.parameters import ParameterError
from chainrule.training.result import EpochState, FitResult


class Messages:
    """Prints what scikit-learn prints after each epoch."""

    def __init__(self, fitting: Fitting, tol: float, patience: float) -> None:
        self.fitting, self.watches = fitting, fitting.plan.rows == "validation"
        watched = "Validation score" if self.watches else "Training loss"
        self.what = f"{watched} did not improve more than tol={tol:f} for {patience} consecutive epochs."
        self.epochs, self.rate = 0, -math.inf

    def __call__(self, state: EpochState) -> None:
        """Print the loss, and the validation score."""
        line = state.line
        if self.fitting.plan.least_rate and line.learning_rate < self.rate:
            print(f"{self.what} Setting learning rate to {line.learning_rate:f}")
        self.rate = line.learning_rate
        self.epochs += 1
        print(f"Iteration {self.epochs}, loss = {line.training_loss + self.fitting.offset:.8f}")
        if self.watches:
            print(f"Validation score: {line.watched:zf}")

    def stopped(self) -> None:
        """Print why early stopping ended the training."""
        small = "Learning rate too small. " if self.fitting.plan.least_rate else ""
        print(f"{self.what} {small}Stopping.")


def keep(estimator: Any, fitting: Fitting, result: FitResult) -> None:
    """Set the attributes of a training, and warn of what scikit-learn warns of.

    Raises ValueError where the weights that would be kept are not finite.
    """
    plan, words = fitting.plan, fitting.design
    watches = plan.rows == "validation"
    whole = not is_stochastic(estimator)
    if result.diverged and not watches:
        what = "input data" if _largest_target(fitting) is None else "target"
        raise ValueError(
            f"Solver produced non-finite parameter weights. The {what} may contain large values and need to be "
            f"preprocessed. {_divergence(fitting, result)}"
        )
    kept = result.parameters[0]
    if watches and fitting.only_one and result.stopped != "early stopping" and result.checkpoint is not None:
        kept = result.checkpoint.run.parameters[0]
    before = fitting.start.before or Curves([], [], [], 0)
    lines = result.history
    estimator.coefs_, estimator.intercepts_ = words.arrays(kept.astype(fitting.engine.dtype))
    set_description(estimator)
    estimator.n_iter_ = len(lines)
    estimator.t_ = before.seen + (0 if whole else len(lines) * len(fitting.data.train))
    estimator.loss_curve_ = before.losses + [line.training_loss + fitting.offset for line in lines]
    estimator.loss_ = estimator.loss_curve_[-1] if estimator.loss_curve_ else _loss(fitting, kept)
    best = float(result.losses[0])
    estimator.best_loss_ = None if watches else best + fitting.offset
    estimator.best_validation_score_ = best if watches else None
    estimator.validation_scores_ = before.scores + [line.watched for line in lines] if watches else None
    shown = (
        [line.validation_loss + fitting.validation_offset for line in lines] if fitting.validates else None
    )
    estimator.validation_loss_curve_ = None if shown is None else before.validation_losses + shown
    estimator.learning_rate_ = lines[-1].learning_rate if lines else plan.learning_rate
    estimator.stopped_ = result.stopped
    estimator._watched = what_is_watched(estimator, only_one=fitting.only_one)
    point = result.checkpoint
    estimator._checkpoint = None if point is None or whole else replace(point, history=())
    _warn(estimator, fitting, result)


def set_description(estimator: Any) -> None:
    """Set the attributes that say what the network is."""
    words = estimator._design
    estimator.n_layers_ = len(words.sizes)
    estimator.n_outputs_ = words.sizes[-1]
    estimator.out_activation_ = SHOWN_NAMES.get(words.activations[-1], words.activations[-1])


def start_again(estimator: Any, flat: FloatArray, *, only_one: bool) -> Beginning:
    """Return where a training of given weights ``flat`` (p,) begins: those of an earlier one, or set by hand.

    `partial_fit` goes on with the optimizer's state, where it is one of this solver; warm_start begins a new one.
    """
    before = Curves(
        list(getattr(estimator, "loss_curve_", [])),
        list(getattr(estimator, "validation_scores_", None) or []),
        list(getattr(estimator, "validation_loss_curve_", None) or []),
        int(getattr(estimator, "t_", 0)),
    )
    states = method_of(estimator).state
    old = estimator._checkpoint
    if old is not None and estimator._watched != what_is_watched(estimator, only_one=only_one):
        # What was best before was another quantity, or on other rows.
        nothing = np.full(1, np.inf)
        old = replace(old, lowest=nothing, marks=nothing, waited=(0,))
    point = fresh(flat, states, old)
    if only_one and old is not None and set(old.run.arrays) == set(states):
        point = replace(old, run=old.run._replace(parameters=flat[None]), active=(0,), history=())
    return Beginning(flat, estimator._seed if only_one else -1, point, before)


def start_from(path: PathLike, estimator: Any, start: Beginning) -> Beginning:
    """Return where a checkpoint's training goes on; raises ParameterError where it is one of another network."""
    arrays, data, point = read_checkpoint(path, estimator)
    if data.get("design") != estimator._design.to_dict():
        raise ParameterError(
            f"{fspath(path)} is the checkpoint of another network: fit with the parameters and data that it was made with"
        )
    with reading_checkpoint(path, estimator):
        before = None if data["before"] is None else Curves.from_dict(data["before"])
        split = (arrays["train"], arrays["validation"])
        return replace(start, seed=int(data["seed"]), checkpoint=point, before=before, split=split)


def what_is_watched(estimator: Any, *, only_one: bool) -> str:
    """Return what a training compares, in words: `partial_fit` has validation rows of its own."""
    if not estimator.early_stopping or not is_stochastic(estimator):
        return "training loss"
    metric = estimator.stopping_metric
    name = getattr(metric, "name", None) or getattr(metric, "__name__", None) or metric
    return f"{name} on {'given' if only_one else 'held out'} rows"


def is_over(estimator: Any) -> bool:
    """Return whether early stopping has ended the training that `partial_fit` would go on with; then warn."""
    stopped = estimator.early_stopping and getattr(estimator, "stopped_", "") == "early stopping"
    over = bool(stopped and estimator._watched == what_is_watched(estimator, only_one=True))
    if over:
        warnings.warn(
            "early stopping has ended this training, and the best weights were kept, so partial_fit changes nothing: "
            "call fit, or set early_stopping=False",
            ConvergenceWarning,
            stacklevel=2,
        )
    return over


def _loss(fitting: Fitting, flat: FloatArray) -> float:
    """Return the loss of parameters (p,) where no epoch was made."""
    run = fitting.engine.start(fitting.design.network, flat[None], fitting.data, fitting.steps)
    return run.loss_and_gradient(0, flat)[0] / fitting.plan.divisor + fitting.offset


def _largest_target(fitting: Fitting) -> float | None:
    """Return the largest of the targets without sign, where they are numbers larger than the inputs are."""
    rows = fitting.data.train
    target, inputs = (float(np.abs(array[rows]).max()) for array in (fitting.data.y, fitting.data.x))
    return target if fitting.design.kind == "number" and target > max(inputs, 1.0) else None


def _divergence(fitting: Fitting, result: FitResult) -> str:
    where, largest = result.diverged[0], _largest_target(fitting)
    scaled = "the inputs" if largest is None else f"y, whose largest value is {largest:.3g}"
    return (
        f"Step {where.step} made layer {where.layer} overflow (largest gradient {where.largest_gradient:.3g}): "
        f"lower learning_rate_init, set clip_norm, or scale {scaled}."
    )


def _warn(estimator: Any, fitting: Fitting, result: FitResult) -> None:
    level = 7  # the line of the user's own call
    if result.stopped == "interrupted":
        warnings.warn(INTERRUPTED, stacklevel=level)
    elif result.diverged:
        warnings.warn(
            f"{_divergence(fitting, result)} The best weights before were kept.",
            ConvergenceWarning,
            stacklevel=level,
        )
    elif result.stopped == "epochs" and not fitting.only_one:
        message = (
            f"Stochastic Optimizer: Maximum iterations ({estimator.max_iter}) reached and the optimization hasn't "
            "converged yet."
            if is_stochastic(estimator)
            else f"lbfgs failed to converge after {estimator.n_iter_} iteration(s): it reached max_iter="
            f"{estimator.max_iter} or max_fun={estimator.max_fun}. Increase them to improve the convergence, or scale "
            "the data."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=level)
