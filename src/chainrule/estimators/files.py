"""Estimators in files that can't run code: arrays and plain data, in the model file's format.

A perceptron's file has its network in words, `Design`, and its learned attributes. A table estimator's is the file of
its model, which `chainrule.load` reads too, and what the estimator adds.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from chainrule._plain import read_record
from chainrule.model.model import ESTIMATOR_PARTS

Arrays = dict[str, np.ndarray[Any, Any]]
Description = dict[str, Any]

NAME, FITTED = ESTIMATOR_PARTS


def parameters_of(estimator: Any, plain: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return the parameters as plain data, without those that are code, with a warning."""
    made, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            made[name] = plain(name, value)
        except TypeError:
            left_out.append(name)
    if left_out:
        names = ", ".join(left_out)
        warnings.warn(f"{names} can't be written to a file that holds no code: left out", stacklevel=4)
    return made


def to_data(value: Any) -> Any:
    """Return JSON's data; a dict as pairs, since its keys need not be text. Raises TypeError for anything else."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {"pairs": [[to_data(key), to_data(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple | np.ndarray):
        return [to_data(item) for item in value]
    raise TypeError(f"{value!r} is no plain data")


def from_data(value: Any) -> Any:
    """Return what `to_data` made data of; raises ModelFileError for anything else."""
    if isinstance(value, Mapping):
        pairs = read_record(value, "fitted.parameters", ("pairs",))["pairs"]
        return {key: from_data(item) for key, item in pairs}
    return [from_data(item) for item in value] if isinstance(value, list) else value
