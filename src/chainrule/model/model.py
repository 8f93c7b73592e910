"""A trained model: the encoder, the network, the parameters of K members, the target, and its training card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
import polars as pl

from chainrule import __version__
from chainrule._types import FloatArray, IntArray
from chainrule.engines import engine_named
from chainrule.engines.base import Layout
from chainrule.equations.network import Network
from chainrule.errors import ChainruleError, ModelFileError, TableError
from chainrule.model.file import read_model_file, write_model_file
from chainrule.tables.cells import number_cells
from chainrule.tables.encode import Encoder
from chainrule.tables.table import Table
from chainrule.tables.target import TargetEncoder
from chainrule.training.metrics import Scores, classification_scores, confusion, regression_scores


VERSION = 1
"""The version of the description that `Model.save` writes."""


@dataclass(frozen=True)
class Prediction:
    """Predictions for ``n`` rows.

    ``labels`` (n,): the class, or the number in the target's units. ``codes`` (n,): the class's place among the target's labels,
    None for numbers. ``probabilities`` (n, classes) or None where the loss gives none. ``members`` (k, n, n_out): every member's
    outputs as the network gives them.
    """

    labels: np.ndarray[Any, Any]
    codes: IntArray | None
    probabilities: FloatArray | None
    members: FloatArray


@dataclass(frozen=True)
class Evaluation:
    """Scores on rows with known targets, and for classes the confusion matrix (row: true, column: predicted)."""

    scores: Scores
    rows: int
    confusion: IntArray | None = None


@dataclass(frozen=True)
class Model:
    """A trained network and all it needs to read a table and answer in the target's units.

    ``parameters`` (k, p) is flat, as `Layout` lays it out; ``card`` is plain data about the training.
    """

    network: Network
    parameters: FloatArray
    encoder: Encoder
    target: TargetEncoder
    card: Mapping[str, Any] = field(default_factory=dict)
    engine: str = "reference"

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return self.target.task

    @property
    def members(self) -> int:
        """The number of member networks K."""
        return len(self.parameters)

    def outputs(self, x: FloatArray) -> FloatArray:
        """Return every member's outputs (k, n, n_out) for encoded rows (n, d)."""
        return engine_named(self.engine).predict(self.network, self.parameters, x)

    def predict(self, table: Table) -> Prediction:
        """Return the predictions for a table's rows; raises TableError where the table doesn't fit the model."""
        return self.decode(self.outputs(self.encoder.transform(table)))

    def decode(self, members: FloatArray) -> Prediction:
        """Turn the members' outputs (k, n, n_out) into predictions: their mean decides."""
        mean = members.mean(axis=0)
        if self.task == "regression":
            return Prediction(self.target.inverse(mean[:, 0]), None, None, members)
        loss, output = self.network.loss, self.network.output.activation
        threshold = 0.0 if loss.signed else 0.5
        bounded = output.range == "(0, 1)"
        if mean.shape[1] == 1:
            index = (mean[:, 0] > threshold).astype(np.int64)
            probabilities = (
                np.column_stack([1 - mean[:, 0], mean[:, 0]]) if bounded and not loss.signed else None
            )
        else:
            index = np.argmax(mean, axis=1)
            total = mean.sum(axis=1, keepdims=True)
            usable = bounded and not loss.signed and bool((total > 0).all())
            probabilities = mean / total if usable else None
        return Prediction(np.array(self.target.labels)[index], index, probabilities, members)

    def evaluate(self, table: Table) -> Evaluation:
        """Return the scores on a table that has the target; rows without a target are left out."""
        rows = np.flatnonzero(table.column(self.target.name).is_not_null().to_numpy())
        if not len(rows):
            raise TableError(f"{table.name}: no row has a value in the target {self.target.name!r}")
        part = table.take(rows)
        return self.score(self.predict(part), part)

    def score(self, prediction: Prediction, table: Table) -> Evaluation:
        """Return the scores of predictions already made for a table's rows, all of which have a target."""
        if prediction.codes is None:
            scores = regression_scores(number_cells(table, self.target.name), prediction.labels)
            return Evaluation(scores, table.n_rows)
        y, n_classes = self.target.codes(table), self.target.n_classes
        return Evaluation(
            classification_scores(y, prediction.codes, prediction.probabilities, n_classes),
            table.n_rows,
            confusion(y, prediction.codes, n_classes),
        )

    def prediction_frame(self, table: Table) -> pl.DataFrame:
        """Return the predictions as a data frame: the target, and for classes a column ``P(class)`` each."""
        prediction = self.predict(table)
        columns = {self.target.name: prediction.labels}
        if prediction.probabilities is not None:
            for label, column in zip(self.target.labels, prediction.probabilities.T, strict=True):
                columns[f"P({label})"] = column
        return pl.DataFrame(columns)

    def layers(self, member: int = 0) -> list[dict[str, FloatArray]]:
        """Return one member's arrays by name for each layer, views in float64: ``layers()[0]["W"]``."""
        return Layout(self.network).unflatten(np.asarray(self.parameters[member], np.float64))

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain data, as JSON would read it back: all but the parameters."""
        description = {
            "model_version": VERSION,
            "chainrule": __version__,
            "network": self.network.to_dict(),
            "encoder": self.encoder.to_dict(),
            "target": self.target.to_dict(),
            "card": dict(self.card),
        }
        plain: dict[str, Any] = json.loads(json.dumps(description, allow_nan=False))
        return plain

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model file; raises OutputError where it can't be written or exists."""
        write_model_file(path, {"parameters": self.parameters}, self.to_dict(), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Read a model file; raises ModelFileError where it is none, or is damaged."""
        arrays, description = read_model_file(path)
        version = description.get("model_version")
        if version != VERSION:
            raise ModelFileError(
                f"{path}: its description has version {version!r}, but this chainrule reads {VERSION}"
            )
        try:
            network = Network.from_dict(_part(description, "network"))
            encoder = Encoder.from_dict(_part(description, "encoder"))
            target = TargetEncoder.from_dict(_part(description, "target"))
        except ChainruleError as error:
            raise ModelFileError(f"{path}: {error}") from error
        parameters = arrays.get("parameters")
        size = Layout(network).size
        if parameters is None or parameters.ndim != 2 or parameters.shape[1] != size or not len(parameters):
            found = "none" if parameters is None else f"{parameters.shape}"
            raise ModelFileError(
                f"{path}: parameters of shape (members, {size}) are expected, but found {found}"
            )
        if parameters.dtype.kind != "f":
            raise ModelFileError(f"{path}: parameters must be floating-point numbers, not {parameters.dtype}")
        if encoder.n_inputs != network.n_inputs:
            raise ModelFileError(
                f"{path}: {encoder.n_inputs} encoded inputs don't fit a network of {network.n_inputs}"
            )
        if target.task == "classification" and network.output.n_out not in (
            (1, 2) if target.n_classes == 2 else (target.n_classes,)
        ):
            raise ModelFileError(
                f"{path}: {target.n_classes} classes don't fit {network.output.n_out} outputs"
            )
        return cls(network, parameters, encoder, target, _part(description, "card"))


def _part(description: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = description.get(key)
    if not isinstance(value, dict):
        raise ModelFileError(f"the description has no part {key!r}")
    return value
