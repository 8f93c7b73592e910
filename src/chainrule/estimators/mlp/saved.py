"""A fitted perceptron as arrays and plain data, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule._plain import Plain, form_of
from chainrule._types import FloatArray
from chainrule._version import __version__
from chainrule.errors import ModelFileError
from chainrule.estimators.base import Trainable
from chainrule.estimators.callbacks import VERSION, VERSIONS, add_checkpoint, checkpoint_of
from chainrule.estimators.files import Arrays, Description, parameters_of, to_data
from chainrule.estimators.mlp.classes import Labels
from chainrule.estimators.mlp.inputs import Filling
from chainrule.estimators.mlp.network import Design
from chainrule.estimators.parameters import ParameterError
from chainrule.training.checkpoint import Checkpoint, from_bits, to_bits

_CURVES = ("loss_curve_", "validation_scores_", "validation_loss_curve_")
_LEARNED = (
    *("n_features_in_", "n_layers_", "n_outputs_", "out_activation_", "n_iter_", "t_", "loss_", "best_loss_"),
    *("best_validation_score_", "learning_rate_", "stopped_", "temperature_", *_CURVES, "_seed", "_watched"),
)
"""Learned attributes that are plain data or lists of numbers."""

_FEATURES = form_of(tuple[str, ...] | None)
_TUPLES = ("hidden_layer_sizes", "activation", "dropout", "frozen")


@dataclass(frozen=True)
class Classes(Plain):
    """What the file says of classes; ``names`` is None where they are numbers, which are an array."""

    several: bool
    names: tuple[str, ...] | None
    objects: bool


class SavedMLP(Trainable):
    """What `save` writes of a perceptron and `load` reads."""

    coefs_: list[FloatArray]
    intercepts_: list[FloatArray]
    _design: Design
    _labels: Labels | None = None
    _filling: Filling | None = None
    _checkpoint: Checkpoint | None = None

    def _flat(self, design: Design | None = None) -> FloatArray:
        """Return coefs_ and intercepts_ as one array (p,); raises ParameterError where they don't fit the network."""
        design = design or self._design
        pairs = enumerate(zip(self.coefs_, self.intercepts_, strict=True), 1)
        layers = {number: {"W": np.asarray(W), "b": np.asarray(b)} for number, (W, b) in pairs}
        found = [tuple(array.shape for array in layer.values()) for layer in layers.values()]
        wanted = [tuple(layer.values()) for layer in design.network.shapes().values()]
        if found != wanted:
            raise ParameterError(
                f"coefs_ and intercepts_ have the shapes {found}, but the parameters and the data need {wanted}: "
                "set warm_start=False to begin anew"
            )
        return design.layout.flatten(layers)

    def _parts(self) -> tuple[Arrays, Description]:
        parameters = parameters_of(self, _parameter)
        parameters.pop("callbacks", None)
        fitted = {name: value for name, value in vars(self).items() if name in _LEARNED}
        curves = {name: fitted[name] for name in _CURVES if fitted.get(name) is not None}
        arrays: Arrays = {"parameters": self._flat()}
        arrays |= {f"fitted.{name}": to_bits(curve) for name, curve in curves.items()}
        data: Description = {
            "estimator_version": VERSION,
            "chainrule": __version__,
            "parameters": parameters,
            "design": self._design.to_dict(),
            "fitted": {name: _finite(value) for name, value in fitted.items() if name not in curves},
            "features": _FEATURES.write(_names(getattr(self, "feature_names_in_", None))),
            "classes": None,
            "checkpoint": None,
        }
        if self._labels is not None:
            classes, kind = self._labels.classes, self._labels.classes.dtype.kind
            names = _names(classes) if kind in "OU" else None
            data["classes"] = Classes(self._labels.several, names, kind == "O").to_dict()
            if names is None:
                arrays["classes"] = classes
        if (filling := self._filling) is not None:
            arrays |= {"filling.means": filling.means, "filling.indicators": filling.indicators}
        if self._checkpoint is not None:
            add_checkpoint(self._checkpoint, arrays, data)
        return arrays, data

    @classmethod
    def _from_parts(cls, arrays: Arrays, data: Description) -> Self:
        if (version := data.get("estimator_version")) not in VERSIONS:
            raise ModelFileError(
                f"it has version {version!r} of the estimators, and versions 1 to {VERSION} are read: upgrade chainrule"
            )
        made = cls(**{name: _read_parameter(name, value) for name, value in data["parameters"].items()})
        design, flat = Design.from_dict(data["design"]), arrays["parameters"]
        if flat.shape != (design.layout.size,) or flat.dtype.kind != "f":
            raise ModelFileError(
                f"parameters of shape ({design.layout.size},) are expected, not {flat.shape}"
            )
        if not isinstance(data["fitted"], dict):
            raise ModelFileError("the fitted attributes are missing")
        made._design = design
        made.coefs_, made.intercepts_ = design.arrays(flat)
        for name in _LEARNED:
            if name in data["fitted"]:
                value = data["fitted"][name]
                is_curve = name in _CURVES and value is not None
                setattr(made, name, [math.nan if v is None else v for v in value] if is_curve else value)
        for name in _CURVES:
            if (bits := arrays.get(f"fitted.{name}")) is not None:
                setattr(made, name, from_bits(bits, name).tolist())
        features = _FEATURES.read(data["features"], "features")
        if features is not None:
            made.feature_names_in_ = np.array(features, dtype=object)
        if data["classes"] is not None:
            found = Classes.from_dict(data["classes"])
            kind = object if found.objects else None
            classes = arrays["classes"] if found.names is None else np.array(found.names, dtype=kind)
            made._labels = Labels(classes, several=found.several)
        if "filling.means" in arrays:
            made._filling = Filling(arrays["filling.means"], arrays["filling.indicators"])
        if data["checkpoint"] is not None:
            made._checkpoint = checkpoint_of(arrays, data)
        return made


def _parameter(name: str, value: Any) -> Any:
    if name == "dtype" and value is not None:
        return np.dtype(value).name
    if name == "n_iter_no_change" and value == math.inf:
        return "inf"
    made = to_data(getattr(value, "spec", value))
    return made["pairs"] if isinstance(made, dict) else made


def _read_parameter(name: str, value: Any) -> Any:
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
    if not all(isinstance(name, str) for name in names):
        raise ParameterError("classes of mixed kinds can't be written to a file: use text, or numbers")
    return tuple(str(name) for name in names)
