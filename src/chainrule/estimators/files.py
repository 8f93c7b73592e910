"""Estimators in files that can't run code: arrays and plain data, in the model file's format."""

from __future__ import annotations

import math
import warnings
from dataclasses import asdict
from os import fspath
from typing import Any, TypeVar

import numpy as np

from chainrule._files import PathLike
from chainrule._version import __version__
from chainrule.errors import ChainruleError, ModelFileError
from chainrule.estimators.checkpoints import VERSION, add_checkpoint, checkpoint_of, plain_lists
from chainrule.estimators.mlp.classes import Labels
from chainrule.estimators.mlp.inputs import Filling
from chainrule.estimators.mlp.network import Design
from chainrule.estimators.parameters import ParameterError
from chainrule.model.file import read_model_file, write_model_file

E = TypeVar("E")

# Fitted attributes that are plain data or lists of numbers.
_PLAIN = (
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
_TUPLES = ("hidden_layer_sizes", "activation", "dropout", "frozen")


def save(estimator: Any, path: PathLike, *, overwrite: bool) -> None:
    """Write a fitted estimator."""
    known = vars(estimator)
    arrays: dict[str, np.ndarray[Any, Any]] = {"parameters": estimator._flat()}
    data: dict[str, Any] = {
        "estimator": type(estimator).__name__,
        "estimator_version": VERSION,
        "chainrule": __version__,
        "parameters": _parameters(estimator),
        "design": plain_lists(asdict(estimator._design)),
        "fitted": {name: _plain(known[name]) for name in _PLAIN if name in known},
        "features": _names(getattr(estimator, "feature_names_in_", None)),
        "classes": None,
        "checkpoint": None,
    }
    labels = known.get("_labels")
    if labels is not None:
        texts = labels.classes.dtype.kind in "OU"
        data["classes"] = {
            "several": labels.several,
            "names": _names(labels.classes) if texts else None,
            "objects": labels.classes.dtype.kind == "O",
        }
        if not texts:
            arrays["classes"] = labels.classes
    if estimator._filling is not None:
        arrays["filling.means"] = estimator._filling.means
        arrays["filling.indicators"] = estimator._filling.indicators
    if estimator._checkpoint is not None:
        add_checkpoint(estimator._checkpoint, arrays, data)
    write_model_file(path, arrays, data, overwrite=overwrite)


def load(cls: type[E], path: PathLike) -> E:
    """Return the estimator that `save` wrote."""
    arrays, data = read_model_file(path)
    if data.get("estimator") != cls.__name__:
        what = data.get("estimator") or "another model"
        raise ModelFileError(f"{fspath(path)} holds {what}, not a {cls.__name__}")
    if data.get("estimator_version") != VERSION:
        raise ModelFileError(
            f"{fspath(path)} has version {data.get('estimator_version')!r} of the estimators, and version {VERSION} "
            "is read: upgrade chainrule"
        )
    try:
        made: E = _loaded(cls, arrays, data)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ChainruleError) as error:
        raise ModelFileError(
            f"{fspath(path)} is not a {cls.__name__} that chainrule {__version__} can use: {error}"
        ) from error
    return made


def _loaded(cls: Any, arrays: dict[str, Any], data: dict[str, Any]) -> Any:
    estimator = cls(**{name: _read_parameter(name, value) for name, value in data["parameters"].items()})
    words = data["design"]
    design = Design(
        tuple(words["sizes"]),
        tuple(words["activations"]),
        words["loss"],
        words["kind"],
        tuple(words["dropouts"]),
        tuple(tuple(names) for names in words["frozen"]),
    )
    flat = arrays["parameters"]
    if flat.shape != (design.layout.size,) or flat.dtype.kind != "f":
        raise ModelFileError(f"parameters of shape ({design.layout.size},) are expected, not {flat.shape}")
    if not isinstance(data["fitted"], dict):
        raise ModelFileError("the fitted attributes are missing")
    estimator._design = design
    estimator.coefs_, estimator.intercepts_ = design.arrays(flat)
    for name in _PLAIN:
        if name in data["fitted"]:
            value = data["fitted"][name]
            nan = (
                name in ("loss_curve_", "validation_scores_", "validation_loss_curve_") and value is not None
            )
            setattr(estimator, name, [math.nan if v is None else v for v in value] if nan else value)
    if data["features"] is not None:
        estimator.feature_names_in_ = np.array(data["features"], dtype=object)
    if data["classes"] is not None:
        names = data["classes"]["names"]
        kind = object if data["classes"]["objects"] else None
        classes = arrays["classes"] if names is None else np.array(names, dtype=kind)
        estimator._labels = Labels(classes, several=bool(data["classes"]["several"]))
    if "filling.means" in arrays:
        estimator._filling = Filling(arrays["filling.means"], arrays["filling.indicators"])
    if data["checkpoint"] is not None:
        estimator._checkpoint = checkpoint_of(arrays, data)
    return estimator


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return the parameters as plain data, and warn of those that are left out."""
    found: dict[str, Any] = {}
    left_out = []
    for name, value in estimator.get_params(deep=False).items():
        spec = getattr(value, "spec", value)
        if name == "class_weight" and isinstance(value, dict):
            found[name] = [[_plain(key), _plain(weight)] for key, weight in value.items()]
        elif name == "dtype" and value is not None:
            found[name] = np.dtype(value).name
        elif (name == "callbacks" and value) or callable(spec) or isinstance(value, np.random.RandomState):
            left_out.append(name)
        elif name != "callbacks":
            found[name] = plain_lists(spec)
    if left_out:
        warnings.warn(
            f"{', '.join(left_out)} can't be written to a file that holds no code: left out", stacklevel=4
        )
    if found.get("n_iter_no_change") == math.inf:
        found["n_iter_no_change"] = "inf"
    return found


def _read_parameter(name: str, value: Any) -> Any:
    if name == "class_weight" and isinstance(value, list):
        return dict(value)
    if name == "n_iter_no_change" and value == "inf":
        return math.inf
    return tuple(value) if name in _TUPLES and isinstance(value, list) else value


def _plain(value: Any) -> Any:
    """Return numbers as JSON has them: None for one that is not finite."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    number = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(number, float) and not math.isfinite(number) else number


def _names(names: Any) -> list[str] | None:
    """Return names as text; raises ParameterError for classes that are no text, though not numbers either."""
    if names is None:
        return None
    found = list(names)
    if not all(isinstance(name, str) for name in found):
        raise ParameterError("classes of mixed kinds can't be written to a file: use text, or numbers")
    return [str(name) for name in found]
