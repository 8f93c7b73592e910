"""A fitted table estimator in a model file: the model, which `chainrule.load` reads too, and what the estimator adds."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any, TypeVar

import numpy as np

from chainrule._plain import read_count, read_flag, read_list, read_number, read_record, read_text
from chainrule._version import __version__
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.model.file import read_model_file, write_model_file
from chainrule.model.model import ESTIMATOR_PARTS, Model
from chainrule.tables.schema import Schema
from chainrule.training.checkpoint import Epoch

E = TypeVar("E")

NAME, FITTED = ESTIMATOR_PARTS

PARTS = ("parameters", "schema", "notes", "history", "n_features", "named", "more")


def save(estimator: Any, path: str | PathLike[str], *, overwrite: bool) -> None:
    """Write a fitted estimator."""
    model = estimator.model_
    # No seconds, so that the same seed gives the same file.
    history = [line._replace(seconds=math.nan) for line in estimator.history_]
    fitted = {
        "parameters": _parameters(estimator),
        "schema": json.loads(json.dumps(estimator.schema_.to_dict())),
        "notes": list(estimator.notes_),
        "history": [[None if math.isnan(value) else value for value in line] for line in history],
        "n_features": estimator.n_features_in_,
        "named": hasattr(estimator, "feature_names_in_"),
        "more": estimator._to_dict(),
    }
    description = {**model.to_dict(), NAME: type(estimator).__name__, FITTED: fitted}
    write_model_file(path, {"parameters": model.parameters}, description, overwrite=overwrite)


def load(cls: type[E], path: str | PathLike[str]) -> E:
    """Return the estimator that `save` wrote."""
    arrays, description = read_model_file(path)
    if description.get(NAME) != cls.__name__:
        what = description.get(NAME) or "a model, which chainrule.load reads"
        raise ModelFileError(f"{fspath(path)} holds {what}, not a {cls.__name__}")
    try:
        made: E = _loaded(cls, Model.from_dict(description, arrays), description.get(FITTED))
    except (TypeError, ValueError, ChainruleError) as error:
        raise ModelFileError(
            f"{fspath(path)} is not a {cls.__name__} that chainrule {__version__} can use: {error}"
        ) from error
    return made


def _loaded(cls: Any, model: Model, fitted: object) -> Any:
    data = read_record(fitted, FITTED, PARTS)
    made = cls(**_read_parameters(data["parameters"], cls._get_param_names()))
    if model.task != made.task:
        raise ModelFileError(f"its model's task is {model.task}")
    made.model_ = model
    made.schema_ = Schema.from_dict(data["schema"])
    made.notes_ = read_list(data["notes"], "fitted.notes", read_text)
    made._keep_history(read_list(data["history"], "fitted.history", _read_epoch))
    made.n_features_in_ = read_count(data["n_features"], "fitted.n_features")
    names = [column.name for column in made.schema_.columns[: made.n_features_in_]]
    if len(names) < made.n_features_in_ or model.target.name in names:
        raise ModelFileError("fitted.n_features: doesn't fit the schema")
    if read_flag(data["named"], "fitted.named"):
        made.feature_names_in_ = np.array(names, dtype=object)
    made._from_dict(data["more"])
    return made


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters as plain data, without those that are code."""
    made, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            made[name] = _plain(value)
        except TypeError:
            left_out.append(name)
    if left_out:
        names = ", ".join(left_out)
        warnings.warn(f"{names} can't be written to a file that holds no code: left out", stacklevel=4)
    return made


def _plain(value: Any) -> Any:
    """Return JSON's data; a dict as pairs, since its keys need not be text. Raises TypeError for anything else."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(key), _plain(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    raise TypeError(f"{value!r} is no plain data")


def _read_parameters(value: object, known: list[str]) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not set(value) <= set(known):
        raise ModelFileError("fitted.parameters: these are not the parameters")
    return {name: _unplain(item) for name, item in value.items()}


def _unplain(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = read_record(value, "fitted.parameters", ("pairs",))["pairs"]
        return {key: _unplain(item) for key, item in pairs}
    return [_unplain(item) for item in value] if isinstance(value, list) else value


def _read_epoch(value: object, where: str) -> Epoch:
    epoch, *rest = read_list(value, where, lambda item, _: item)
    return Epoch(
        read_count(epoch, where), *(math.nan if item is None else read_number(item, where) for item in rest)
    )
