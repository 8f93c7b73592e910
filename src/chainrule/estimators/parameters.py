"""What the parameters of the multi-layer perceptrons may be, checked when fitting, as scikit-learn does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np

from chainrule.equations.activations import Activation
from chainrule.equations.losses import Loss
from chainrule.equations.optimizers import Optimizer
from chainrule.equations.schedules import Schedule
from chainrule.errors import SettingsError
from chainrule.training.scores.metrics import Metric

Check = tuple[Callable[[Any], bool], str]


class ParameterError(SettingsError, TypeError):
    """A parameter with a value it can't have; both a ValueError and a TypeError, as scikit-learn's own is."""


def store(estimator: Any, values: Mapping[str, Any]) -> None:
    """Keep the arguments of ``__init__`` under their names, as they are."""
    vars(estimator).update({name: value for name, value in values.items() if name != "self"})


def check_parameters(estimator: Any) -> None:
    """Raise ParameterError for a value that its parameter can't have, whatever the data."""
    for name, (fits, wanted) in CHECKS.items():
        if hasattr(estimator, name):
            value = getattr(estimator, name)
            if not fits(value):
                raise ParameterError(
                    f"The {name!r} parameter of {type(estimator).__name__} must be {wanted}. Got {value!r} instead."
                )


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and not math.isnan(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _number(low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = True) -> Check:
    def fits(value: Any) -> bool:
        above = _is_number(value) and (value > low if open_low else value >= low)
        return above and (value < high if open_high else value <= high)

    at_least = f"{'above' if open_low else 'at least'} {low:g}"
    at_most = "" if math.isinf(high) else f" and {'below' if open_high else 'at most'} {high:g}"
    return fits, f"a number {at_least}{at_most}"


def _count(low: int) -> Check:
    return lambda value: _is_count(value) and value >= low, f"a whole number, at least {low}"


def _or(word: Any, check: Check) -> Check:
    fits, wanted = check
    return (
        lambda value: (value is None if word is None else _is(value, word)) or fits(value),
        f"{word!r} or {wanted}",
    )


def _is(value: Any, word: Any) -> bool:
    return isinstance(value, str) and value == word


def _of(kind: type, wanted: str) -> Check:
    return lambda value: isinstance(value, str | kind), wanted


def _several(check: Check, wanted: str) -> Check:
    """One value, or a sequence of values."""

    def fits(value: Any) -> bool:
        if check[0](value):
            return True
        return isinstance(value, list | tuple | np.ndarray) and all(check[0](item) for item in value)

    return fits, wanted


def _is_sizes(value: Any) -> bool:
    if _is_count(value):
        return bool(value >= 1)
    # Which sizes are wrong is said when fitting, in scikit-learn's words.
    return hasattr(value, "__iter__") and not isinstance(value, str) and all(_is_count(n) for n in value)


def _is_random_state(value: Any) -> bool:
    return (
        value is None or isinstance(value, np.random.RandomState) or (_is_count(value) and 0 <= value < 2**32)
    )


_FLAG: Check = (_is_flag, "True or False")
_METRIC = "None, 'loss', the name of a metric, a Metric, or a function of targets and predictions"

CHECKS: Mapping[str, Check] = {
    "hidden_layer_sizes": (_is_sizes, "whole numbers of neurons, such as (64, 32)"),
    "activation": _several(
        _of(Activation, ""), "an activation's name or formula, or one for each hidden layer"
    ),
    "output_activation": (
        lambda value: value is None or isinstance(value, str | Activation),
        "None, or an activation's name or formula",
    ),
    "loss": _of(Loss, "a loss's name or formula"),
    "solver": _of(Optimizer, "'lbfgs', 'sgd', 'adam', or another optimizer"),
    "alpha": _number(0),
    "batch_size": _or("auto", _count(1)),
    "learning_rate": _of(Schedule, "'constant', 'invscaling', 'adaptive', or another schedule"),
    "learning_rate_init": _number(0, open_low=True),
    "power_t": _number(0),
    "max_iter": _count(1),
    "shuffle": _FLAG,
    "random_state": (_is_random_state, "None, a RandomState, or a whole number from 0 to 2^32 - 1"),
    "tol": _number(0),
    "verbose": (
        lambda value: _is_flag(value) or (_is_count(value) and value >= 0),
        "True, False, or a whole number",
    ),
    "warm_start": _FLAG,
    "momentum": _number(0, 1, open_high=False),
    "nesterovs_momentum": _FLAG,
    "early_stopping": _FLAG,
    "validation_fraction": _number(0, 1),
    "beta_1": _number(0, 1),
    "beta_2": _number(0, 1),
    "epsilon": _number(0, open_low=True),
    "n_iter_no_change": (
        lambda value: value == math.inf or (_is_count(value) and value >= 1),
        "inf, or a whole number, at least 1",
    ),
    "max_fun": _count(1),
    "class_weight": (
        lambda value: value is None or isinstance(value, Mapping) or _is(value, "balanced"),
        "None, 'balanced', or a dict of weights by class",
    ),
    "dropout": _several(_number(0, 1), "a number at least 0 and below 1, or one for each hidden layer"),
    "weight_decay": _or(None, _number(0)),
    "clip_norm": _or(None, _number(0, open_low=True)),
    "warmup": _number(0),
    "stopping_metric": (
        lambda value: value is None or isinstance(value, str | Metric) or callable(value),
        _METRIC,
    ),
    "frozen": _several(_of(str, ""), "addresses of parameters, such as 'W[1]' or 'b[2][1]'"),
    "missing": (
        lambda value: isinstance(value, str) and value in ("error", "mean", "mean+indicator"),
        "'error', 'mean' or 'mean+indicator'",
    ),
    "calibrate": _FLAG,
    "dtype": (
        lambda value: value is None or value in ("float32", "float64", np.float32, np.float64),
        "None, 'float32' or 'float64'",
    ),
    "threads": _or(None, _count(1)),
}
