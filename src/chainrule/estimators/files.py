"""Estimators in files that can't run code: arrays and plain data, in the model file's format.

A perceptron's file has its network in words, `Design`, and its learned attributes. A table estimator's is the file of
its model, which `chainrule.load` reads too, and what the estimator adds.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import fspath
from typing import Any, TypeVar

import numpy as np

from chainrule._files import PathLike
from chainrule._plain import Count, Plain, form_of, read_record
from chainrule._version import __version__
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.estimators.checkpoints import VERSION, Arrays, add_checkpoint, checkpoint_of
from chainrule.estimators.mlp.classes import Labels
from chainrule.estimators.mlp.inputs import Filling
from chainrule.estimators.mlp.network import Design
from chainrule.estimators.parameters import ParameterError
from chainrule.model.file import read_model_file, write_model_file
from chainrule.model.model import ESTIMATOR_PARTS, Model
from chainrule.tables.schema import Schema
from chainrule.training.checkpoint import Epoch

E = TypeVar("E")
Description = dict[str, Any]

NAME, FITTED = ESTIMATOR_PARTS

# Learned attributes of a perceptron that are plain data or lists of numbers.
_LEARNED = (
    "n_features_in_",
    "n_layers_",
    "n_outputs_",
    "out_activation_",
    "n_iter_",
    "t_",
    "loss_",
    "best_loss_",
    "best_validation_score_",
    "learning_rate_",
    "stopped_",
    "temperature_",
    "loss_curve_",
    "validation_scores_",
    "validation_loss_curve_",
    "_seed",
    "_watched",
)
_CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
_FEATURES = form_of(tuple[str, ...] | None)
_TUPLES = ("hidden_layer_sizes", "activation", "dropout", "frozen")


@dataclass(frozen=True)
class Classes(Plain):
    """What a perceptron's file says of its classes; ``names`` is None where they are numbers, which are an array."""

    several: bool
    names: tuple[str, ...] | None
    objects: bool


@dataclass(frozen=True)
class Fitted(Plain):
    """What a table estimator adds to its model's file; ``more`` is what one of the two keeps besides."""

    parameters: Mapping[str, Any]
    schema: Schema
    notes: tuple[str, ...]
    history: tuple[Epoch, ...]
    n_features: Count
    named: bool
    more: Mapping[str, Any]


def save(
    estimator: Any, path: PathLike, parts: Callable[[Any], tuple[Arrays, Description]], *, overwrite: bool
) -> None:
    """Write a fitted estimator; ``parts`` is `mlp_parts` or `table_parts`."""
    arrays, description = parts(estimator)
    write_model_file(path, arrays, description, overwrite=overwrite)


def load(cls: type[E], path: PathLike, made: Callable[[Any, Arrays, Description], Any]) -> E:
    """Return the estimator that `save` wrote; ``made`` is `mlp_from_parts` or `table_from_parts`."""
    arrays, data = read_model_file(path)
    if data.get(NAME) != cls.__name__:
        what = data.get(NAME) or "a model, which chainrule.load reads"
        raise ModelFileError(f"{fspath(path)} holds {what}, not a {cls.__name__}")
    try:
        found: E = made(cls, arrays, data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ChainruleError) as error:
        raise ModelFileError(
            f"{fspath(path)} is not a {cls.__name__} that chainrule {__version__} can use: {error}"
        ) from error
    return found


# ---- perceptrons


def mlp_parts(estimator: Any) -> tuple[Arrays, Description]:
    """Return a fitted perceptron's arrays and plain data."""
    known, labels = vars(estimator), vars(estimator).get("_labels")
    parameters = _parameters(estimator, _mlp_parameter)
    parameters.pop("callbacks", None)
    arrays: Arrays = {"parameters": estimator._flat()}
    data: Description = {
        NAME: type(estimator).__name__,
        "estimator_version": VERSION,
        "chainrule": __version__,
        "parameters": parameters,
        "design": estimator._design.to_dict(),
        "fitted": {name: _finite(known[name]) for name in _LEARNED if name in known},
        "features": _FEATURES.write(_names(getattr(estimator, "feature_names_in_", None))),
        "classes": None,
        "checkpoint": None,
    }
    if labels is not None:
        texts = labels.classes.dtype.kind in "OU"
        found = Classes(
            labels.several, _names(labels.classes) if texts else None, labels.classes.dtype.kind == "O"
        )
        data["classes"] = found.to_dict()
        if not texts:
            arrays["classes"] = labels.classes
    if estimator._filling is not None:
        arrays["filling.means"] = estimator._filling.means
        arrays["filling.indicators"] = estimator._filling.indicators
    if estimator._checkpoint is not None:
        add_checkpoint(estimator._checkpoint, arrays, data)
    return arrays, data


def mlp_from_parts(cls: Any, arrays: Arrays, data: Description) -> Any:
    """Return the perceptron of `mlp_parts`; raises an error for anything else."""
    if data.get("estimator_version") != VERSION:
        raise ModelFileError(
            f"it has version {data.get('estimator_version')!r} of the estimators, and version {VERSION} is read: "
            "upgrade chainrule"
        )
    estimator = cls(**{name: _read_mlp_parameter(name, value) for name, value in data["parameters"].items()})
    design, flat = Design.from_dict(data["design"]), arrays["parameters"]
    if flat.shape != (design.layout.size,) or flat.dtype.kind != "f":
        raise ModelFileError(f"parameters of shape ({design.layout.size},) are expected, not {flat.shape}")
    if not isinstance(data["fitted"], dict):
        raise ModelFileError("the fitted attributes are missing")
    estimator._design = design
    estimator.coefs_, estimator.intercepts_ = design.arrays(flat)
    for name in _LEARNED:
        if name in data["fitted"]:
            value = data["fitted"][name]
            is_curve = name in _CURVES and value is not None
            setattr(estimator, name, [math.nan if v is None else v for v in value] if is_curve else value)
    features = _FEATURES.read(data["features"], "features")
    if features is not None:
        estimator.feature_names_in_ = np.array(features, dtype=object)
    if data["classes"] is not None:
        found = Classes.from_dict(data["classes"])
        kind = object if found.objects else None
        classes = arrays["classes"] if found.names is None else np.array(found.names, dtype=kind)
        estimator._labels = Labels(classes, several=found.several)
    if "filling.means" in arrays:
        estimator._filling = Filling(arrays["filling.means"], arrays["filling.indicators"])
    if data["checkpoint"] is not None:
        estimator._checkpoint = checkpoint_of(arrays, data)
    return estimator


def _mlp_parameter(name: str, value: Any) -> Any:
    if name == "dtype" and value is not None:
        return np.dtype(value).name
    if name == "n_iter_no_change" and value == math.inf:
        return "inf"
    made = _plain(getattr(value, "spec", value))
    return made["pairs"] if isinstance(made, dict) else made


def _read_mlp_parameter(name: str, value: Any) -> Any:
    if name == "class_weight" and isinstance(value, list):
        return dict(value)
    if name == "n_iter_no_change" and value == "inf":
        return math.inf
    return tuple(value) if name in _TUPLES and isinstance(value, list) else value


def _finite(value: Any) -> Any:
    """Return numbers as JSON has them: None for one that is not finite."""
    if isinstance(value, list):
        return [_finite(item) for item in value]
    number = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _names(names: Any) -> tuple[str, ...] | None:
    """Return names as text; raises ParameterError for classes that are no text, though not numbers either."""
    if names is None:
        return None
    found = list(names)
    if not all(isinstance(name, str) for name in found):
        raise ParameterError("classes of mixed kinds can't be written to a file: use text, or numbers")
    return tuple(str(name) for name in found)


# ---- table estimators


def table_parts(estimator: Any) -> tuple[Arrays, Description]:
    """Return a fitted table estimator's arrays and plain data: those of its model, and its own."""
    model = estimator.model_
    fitted = Fitted(
        _parameters(estimator, lambda name, value: _plain(value)),
        estimator.schema_,
        tuple(estimator.notes_),
        # No seconds, so that the same seed gives the same file.
        tuple(line._replace(seconds=math.nan) for line in estimator.history_),
        estimator.n_features_in_,
        hasattr(estimator, "feature_names_in_"),
        estimator._to_dict(),
    )
    description = {**model.to_dict(), NAME: type(estimator).__name__, FITTED: fitted.to_dict()}
    return model.arrays(), description


def table_from_parts(cls: Any, arrays: Arrays, data: Description) -> Any:
    """Return the table estimator of `table_parts`; raises an error for anything else."""
    model, fitted = Model.from_dict(data, arrays), Fitted.from_dict(data.get(FITTED))
    if not set(fitted.parameters) <= set(cls._get_param_names()):
        raise ModelFileError("fitted.parameters: these are not the parameters")
    made = cls(**{name: _unplain(value) for name, value in fitted.parameters.items()})
    if model.task != made.task:
        raise ModelFileError(f"its model's task is {model.task}")
    made.model_, made.schema_, made.notes_ = model, fitted.schema, fitted.notes
    made._keep_history(fitted.history)
    made.n_features_in_ = fitted.n_features
    names = [column.name for column in fitted.schema.columns[: fitted.n_features]]
    if len(names) < fitted.n_features or model.target.name in names:
        raise ModelFileError("fitted.n_features: doesn't fit the schema")
    if fitted.named:
        made.feature_names_in_ = np.array(names, dtype=object)
    made._from_dict(fitted.more)
    return made


# ---- parameters


def _parameters(estimator: Any, plain: Callable[[str, Any], Any]) -> dict[str, Any]:
    """Return the parameters as plain data, without those that are code, with a warning."""
    made, left_out = {}, []
    for name, value in estimator.get_params(deep=False).items():
        try:
            made[name] = plain(name, value)
        except TypeError:
            left_out.append(name)
    if left_out:
        names = ", ".join(left_out)
        warnings.warn(f"{names} can't be written to a file that holds no code: left out", stacklevel=5)
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


def _unplain(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = read_record(value, "fitted.parameters", ("pairs",))["pairs"]
        return {key: _unplain(item) for key, item in pairs}
    return [_unplain(item) for item in value] if isinstance(value, list) else value
