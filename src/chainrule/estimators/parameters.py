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

Fits = Callable[[Any], bool]
Check = tuple[str, Fits]


class ParameterError(SettingsError, TypeError):
    """A parameter with a value it can't have; both a ValueError and a TypeError, as scikit-learn's own is."""


def store(estimator: Any, values: Mapping[str, Any]) -> None:
    """Keep the arguments of ``__init__`` under their names, as they are."""
    vars(estimator).update({name: value for name, value in values.items() if name != "self"})


def check_parameters(estimator: Any) -> None:
    """Raise ParameterError for a value that its parameter can't have, whatever the data."""
    for name, (wanted, fits) in CHECKS.items():
        if hasattr(estimator, name) and not fits(value := getattr(estimator, name)):
            raise ParameterError(
                f"The {name!r} parameter of {type(estimator).__name__} must be {wanted}. Got {value!r} instead."
            )


def _any(*checks: Fits) -> Fits:
    return lambda value: any(fits(value) for fits in checks)


def _is(*kinds: type) -> Fits:
    return lambda value: isinstance(value, kinds)


_flag = _is(bool, np.bool_)


def _word(*words: str | None) -> Fits:
    return lambda value: (value is None or isinstance(value, str)) and value in words


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _at_least(low: int) -> Fits:
    return lambda value: _whole(value) and value >= low


def _several(fits: Fits) -> Fits:
    """One value, or a sequence of values."""
    return lambda value: (
        fits(value) or (isinstance(value, list | tuple | np.ndarray) and all(fits(item) for item in value))
    )


def _count(low: int) -> Check:
    return f"a whole number, at least {low}", _at_least(low)


def _number(low: float, high: float = math.inf, *, open_low: bool = False, open_high: bool = True) -> Check:
    def fits(value: Any) -> bool:
        if not _is(Real)(value) or _flag(value) or math.isnan(value):
            return False
        above = value > low if open_low else value >= low
        return bool(above and (value < high if open_high else value <= high))

    at_most = "" if math.isinf(high) else f" and {'below' if open_high else 'at most'} {high:g}"
    return f"a number {'above' if open_low else 'at least'} {low:g}{at_most}", fits


def _or(word: str | None, check: Check) -> Check:
    wanted, fits = check
    return f"{word!r} or {wanted}", _any(_word(word), fits)


def _sizes(value: Any) -> bool:
    if _whole(value):
        return bool(value >= 1)
    # Which sizes are wrong is said when fitting, in scikit-learn's words.
    return hasattr(value, "__iter__") and not isinstance(value, str) and all(map(_whole, value))


_FLAG: Check = "True or False", _flag
_FORMULA = "an activation's name or formula"

CHECKS: Mapping[str, Check] = {
    "hidden_layer_sizes": ("whole numbers of neurons, such as (64, 32)", _sizes),
    "activation": (f"{_FORMULA}, or one for each hidden layer", _several(_is(str, Activation))),
    "output_activation": (f"None, or {_FORMULA}", _any(_word(None), _is(str, Activation))),
    "loss": ("a loss's name or formula", _is(str, Loss)),
    "solver": ("'lbfgs', 'sgd', 'adam', or another optimizer", _is(str, Optimizer)),
    "alpha": _number(0),
    "batch_size": _or("auto", _count(1)),
    "learning_rate": ("'constant', 'invscaling', 'adaptive', or another schedule", _is(str, Schedule)),
    "learning_rate_init": _number(0, open_low=True),
    "power_t": _number(0),
    "max_iter": _count(1),
    "shuffle": _FLAG,
    "random_state": (
        "None, a RandomState, or a whole number from 0 to 2^32 - 1",
        _any(_word(None), _is(np.random.RandomState), lambda value: _at_least(0)(value) and value < 2**32),
    ),
    "tol": _number(0),
    "verbose": ("True, False, or a whole number", _any(_flag, _at_least(0))),
    "warm_start": _FLAG,
    "momentum": _number(0, 1, open_high=False),
    "nesterovs_momentum": _FLAG,
    "early_stopping": _FLAG,
    "validation_fraction": _number(0, 1),
    "beta_1": _number(0, 1),
    "beta_2": _number(0, 1),
    "epsilon": _number(0, open_low=True),
    "n_iter_no_change": ("inf, or a whole number, at least 1", _any(_at_least(1), lambda v: v == math.inf)),
    "max_fun": _count(1),
    "class_weight": (
        "None, 'balanced', or a dict of weights by class",
        _any(_is(Mapping), _word(None, "balanced")),
    ),
    "dropout": ("a number at least 0 and below 1, or one for each hidden layer", _several(_number(0, 1)[1])),
    "weight_decay": _or(None, _number(0)),
    "clip_norm": _or(None, _number(0, open_low=True)),
    "warmup": _number(0),
    "stopping_metric": (
        "None, 'loss', the name of a metric, a Metric, or a function of targets and predictions",
        _any(_word(None), _is(str, Metric), callable),
    ),
    "frozen": ("addresses of parameters, such as 'W[1]' or 'b[2][1]'", _several(_is(str))),
    "missing": ("'error', 'mean' or 'mean+indicator'", _word("error", "mean", "mean+indicator")),
    "calibrate": _FLAG,
    "dtype": (
        "None, 'float32' or 'float64'",
        lambda value: value is None or value in ("float32", "float64", np.float32, np.float64),
    ),
    "threads": _or(None, _count(1)),
}
