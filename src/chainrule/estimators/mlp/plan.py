"""From an estimator's parameters to how a network is trained: `StepSettings` and `Plan`."""

from __future__ import annotations

import math
import sys
import warnings
from dataclasses import replace
from typing import Any

from chainrule._doors import naming
from chainrule._types import FloatArray
from chainrule.engines.base import StepSettings
from chainrule.equations.optimizers import OPTIMIZERS, Optimizer, optimizer
from chainrule.equations.schedules import SCHEDULES, Schedule, schedule
from chainrule.errors import SettingsError
from chainrule.estimators.callbacks import watch_of
from chainrule.estimators.parameters import ParameterError
from chainrule.training.plan import Plan

OWN_SOLVERS = ("lbfgs", "sgd", "adam")
"""scikit-learn's solvers; any other is an optimizer of ours."""

LEAST_RATE = 1e-6
"""scikit-learn's adaptive learning rate isn't divided any more from here on."""

LEAST_WEIGHT = 1e-9
"""The least mean weight beside a penalty: weights that add up to 1 are larger for as many rows as there may be."""

COST_TOLERANCE = 2.220446049250313e-09
"""SciPy's own tolerance of L-BFGS for the cost, which scikit-learn leaves as it is."""

# By samples seen, and once an epoch, as scikit-learn has it; the first epoch of a training runs at eta.
_INVERSE = "eta/where(epoch > 0, before + epoch*rows + 1, 1)^power"


def step_settings(estimator: Any, n_rows: int, weights: FloatArray | None, seed: int) -> StepSettings:
    """Return what happens in a step, for ``n_rows`` training rows with ``weights`` (n_rows,) or None.

    scikit-learn divides alpha by the weight of the rows in a batch; here it is that of a full batch. Raises ParameterError
    for weights so small that nothing but alpha would count.
    """
    method = method_of(estimator)
    size = _batch_size(estimator, method, n_rows)
    mean_weight = 1.0 if weights is None else float(weights.mean())
    if estimator.alpha and 0 < mean_weight < LEAST_WEIGHT:
        raise ParameterError(
            f"alpha is divided by the weight of a batch, and with rows that weigh {mean_weight:.3g} in the mean "
            f"{estimator.alpha:g} becomes {estimator.alpha / (size * mean_weight):.3g}, beside which no row counts: divide the "
            f"weights by the largest, {float(weights.max()):g}, or set alpha=0"  # type: ignore[union-attr]
        )
    return StepSettings(
        method,
        size,
        l2=estimator.alpha / (size * mean_weight) if mean_weight > 0 else 0.0,
        weight_decay=method.weight_decay if estimator.weight_decay is None else estimator.weight_decay,
        clip_norm=estimator.clip_norm,
        shuffle=bool(estimator.shuffle) and not method.whole,
        seed=seed,
    )


def method_of(estimator: Any) -> Optimizer:
    """Return the optimizer: scikit-learn's solver with its parameters, or one of the registry.

    beta_1, beta_2, epsilon and momentum go into any optimizer that has them and doesn't name its own.
    """
    solver = estimator.solver
    if solver == "adam":
        solver = "adam_epsilon_hat"
    elif solver == "sgd" and estimator.momentum > 0:
        solver = "nesterov" if estimator.nesterovs_momentum else "momentum"
    with naming("solver"):
        record = optimizer(solver)
    default = OPTIMIZERS[record.name].parameters
    ours = {"beta1": "beta_1", "beta2": "beta_2", "epsilon": "epsilon", "mu": "momentum"}
    given = {name: getattr(estimator, theirs) for name, theirs in ours.items()}
    own = {
        name: float(value)
        for name, value in given.items()
        if name in default and record.parameters[name] == default[name] and value != default[name]
    }
    return replace(record, parameters={**record.parameters, **own}) if own else record


def is_stochastic(estimator: Any) -> bool:
    """Return whether the solver makes one update a batch, so that `partial_fit` has a meaning."""
    solver = estimator.solver
    return getattr(solver, "name", str(solver).partition("(")[0].strip()) != "lbfgs"


def plan_of(
    estimator: Any, n_rows: int, steps_per_epoch: int, *, epochs: int, seen: int, validates: bool
) -> Plan:
    """Return how long a training goes on and how fast; ``seen`` are the training rows before epoch 0."""
    unlimited = estimator.n_iter_no_change == math.inf
    stops = bool(estimator.early_stopping) and validates
    metric = estimator.stopping_metric
    if metric is not None and not stops:
        raise ParameterError("stopping_metric would have no effect: set early_stopping=True")
    record = schedule_of(estimator, n_rows, seen)
    return Plan(
        epochs,
        float(estimator.learning_rate_init),
        record,
        round(estimator.warmup * steps_per_epoch),
        early_stopping=is_stochastic(estimator),
        # scikit-learn ends when more than so many epochs brought nothing.
        patience=sys.maxsize if unlimited else int(estimator.n_iter_no_change) + 1,
        tolerance=float(estimator.tol),
        watch=watch_of(metric, estimator._answers()) if stops and metric != "loss" else None,
        rows="validation" if stops else "steps",
        keep="best" if stops else "last",
        rule="best",
        least_rate=LEAST_RATE
        if estimator.learning_rate == "adaptive" and estimator.solver != "adam"
        else None,
        most_evaluations=int(estimator.max_fun),
        gradient_tolerance=float(estimator.tol),
        cost_tolerance=COST_TOLERANCE,
        divisor=float(estimator._design.sizes[-1]) if estimator.loss == "squared_error" else 1.0,
    )


def schedule_of(estimator: Any, n_rows: int, seen: int) -> Schedule:
    """Return the learning rate's schedule; scikit-learn's three are for its solver sgd, adam leaves them out."""
    wanted = estimator.learning_rate
    if wanted == "constant" or (wanted in ("invscaling", "adaptive") and estimator.solver == "adam"):
        return SCHEDULES["constant"]
    if wanted == "invscaling":
        values = {"before": float(seen), "rows": float(n_rows), "power": float(estimator.power_t)}
        return Schedule("invscaling", _INVERSE, parameters=values)
    if wanted == "adaptive":
        return replace(SCHEDULES["plateau"], parameters={"factor": 0.2, "patience": math.inf})
    try:
        return schedule(wanted)
    except SettingsError as error:
        raise ParameterError(f"learning_rate: {error}; or scikit-learn's invscaling, adaptive") from error


def check_lbfgs(estimator: Any) -> None:
    """Raise ParameterError for parameters that would have no effect beside each other."""
    if is_stochastic(estimator):
        return
    dropout = estimator.dropout
    refused = {
        "dropout": any(dropout) if isinstance(dropout, list | tuple) else bool(dropout),
        "clip_norm": estimator.clip_norm is not None,
        "weight_decay": bool(estimator.weight_decay),
        "warmup": bool(estimator.warmup),
        "stopping_metric": estimator.stopping_metric is not None,
        # scikit-learn's three are left out by lbfgs, as there.
        "learning_rate": estimator.learning_rate not in ("constant", "invscaling", "adaptive"),
    }
    if set_one := next((name for name, is_set in refused.items() if is_set), ""):
        raise ParameterError(
            f"solver 'lbfgs' minimizes the whole table's loss by its own steps, so {set_one} can't be used with it: "
            "choose solver='adam'"
        )


def _batch_size(estimator: Any, method: Optimizer, n_rows: int) -> int:
    wanted = estimator.batch_size
    if method.whole:
        if wanted != "auto" and method.name not in OWN_SOLVERS:
            raise ParameterError(
                f"{method.name} sees the whole table in each update: leave batch_size at 'auto'"
            )
        return n_rows
    if wanted == "auto":
        return min(200, n_rows)
    if wanted > n_rows:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than sample size. It is going to be clipped", stacklevel=2
        )
    return min(int(wanted), n_rows)
