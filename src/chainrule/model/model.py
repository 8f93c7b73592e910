"""A trained model: the encoder, the network, the parameters of K members, the target, and its training card."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from chainrule._plain import read_list, read_record, read_text
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule._version import __version__
from chainrule.engines import ENGINES, engine_named
from chainrule.equations.activations import activation
from chainrule.equations.answers import Answers
from chainrule.equations.dense import OPTIONAL, Dense
from chainrule.equations.layers import KINDS
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import ChainruleError, ModelFileError, TableError
from chainrule.model.card import read_card
from chainrule.model.file import AnyArray, read_model_file, write_model_file
from chainrule.model.source import Reading, Source
from chainrule.tables.cells import number_cells
from chainrule.tables.encode import Encoder
from chainrule.tables.table import Table
from chainrule.tables.target import TargetEncoder

if TYPE_CHECKING:
    from chainrule.engines.base import RowPredictor
    from chainrule.training.scores.metrics import Scores

VERSION = 1
"""The version of the description that `Model.save` writes."""

MAX_LAYERS = 1000
"""The most layers that are read from a file: a hostile one could hold a million."""

MOST_OUTPUTS = 20_000_000
"""The most outputs of all members that are held in memory at a time."""

MAX_ACTIVATIONS = 20
"""The most different activations that are read from a file: the worst formula takes half a second."""

LONGEST_REASON = 300
"""The most characters of what is wrong with a description, since a hostile one could hold millions."""

_PARTS = ("model_version", "chainrule", "network", "encoder", "target", "reading", "card")

ESTIMATOR_PARTS = ("estimator", "fitted")
"""What an estimator adds to a description, its name and its own data; a model doesn't look at them."""


@dataclass(frozen=True)
class Prediction:
    """Predictions for ``n`` rows.

    ``labels`` (n,): the class, or the number in the target's units. ``codes`` (n,): the class's place among
    the target's labels, None for numbers. ``probabilities`` (n, classes), or None where the loss gives none.
    ``finite`` (n,): whether the network's outputs were.
    """

    labels: np.ndarray[Any, Any]
    codes: IntArray | None
    probabilities: FloatArray | None
    finite: BoolArray


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
    `predict`, `evaluate` and `prediction_frame` take a path, a data frame or a `Table`, and the words of
    `read_table`; those not given are the ones the model was trained with.
    """

    network: Network
    parameters: FloatArray
    encoder: Encoder
    target: TargetEncoder
    reading: Reading = field(default_factory=Reading)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return self.target.task

    @property
    def members(self) -> int:
        """The number of member networks K."""
        return len(self.parameters)

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are probabilities of classes: they lie in (0, 1), and the loss doesn't look at signs."""
        output = self.network.output.activation.range
        return self.task == "classification" and output == "(0, 1)" and not self.network.loss.signed

    @property
    def _answers(self) -> Answers:
        return Answers("class", self.network.loss.signed)

    @property
    def engine(self) -> str:
        """The engine that trained it and predicts with it."""
        return str(self.card.get("engine", ENGINES[0]))

    def table(
        self,
        source: Source,
        *,
        delimiter: str | None = None,
        decimal: str | None = None,
        encoding: str | None = None,
        missing: Sequence[str] | None = None,
    ) -> Table:
        """Return the table of a source, read as the one the model was trained on but for the words given."""
        return self.reading.changed(delimiter, decimal, encoding, missing).table(source)

    def predict(self, source: Source, **reading: Any) -> Prediction:
        """Return the predictions for a table's rows; raises TableError where the table doesn't fit the model."""
        table = self.table(source, **reading)
        return check_finite(self.answer(self.encoder.transform(table)), table)

    def evaluate(self, source: Source, **reading: Any) -> Evaluation:
        """Return the scores on a table that has the target; rows without a target are left out."""
        table = self.table(source, **reading)
        rows = np.flatnonzero(table.column(self.target.name).is_not_null().to_numpy())
        if not len(rows):
            raise TableError(f"{table.name}: no row has a value in the target {self.target.name!r}")
        part = table.take(rows)
        return self.score(self.predict(part), part)

    def prediction_frame(self, source: Source, **reading: Any) -> pl.DataFrame:
        """Return the predictions as a data frame: the target, and for classes a column ``P(class)`` each."""
        prediction = self.predict(source, **reading)
        columns = {self.target.name: prediction.labels}
        if prediction.probabilities is not None:
            for label, column in zip(self.target.labels, prediction.probabilities.T, strict=True):
                columns[f"P({label})"] = column
        return pl.DataFrame(columns)

    def outputs(self, x: FloatArray) -> FloatArray:
        """Return every member's outputs (k, n, n_out) for encoded rows (n, d)."""
        return engine_named(self.engine).predict(self.network, self.parameters, x)

    def predictor(self) -> RowPredictor:
        """Return a function of one encoded row (d,) that gives the members' mean output (n_out,), in microseconds.

        It is bound to buffers of its own, so that a call makes nothing but its result; threads need one each.
        Rows are float32, as ``encoder.transform(table, dtype="float32")`` gives them; the outputs are the
        network's, as in `outputs`.
        """
        return engine_named(ENGINES[0]).row_predictor(self.network, self.parameters)

    def answer(self, x: FloatArray) -> Prediction:
        """Return the predictions for encoded rows ``x`` (n, d): the mean of the members' outputs decides.

        Outputs in (0, 1) are probabilities: one output that of the second class, several divided by their
        sum.
        """
        n_out = self.network.output.n_out
        mean = np.empty((len(x), n_out))
        # In blocks of rows, so that many members and classes don't take members times the memory.
        size = max(1, MOST_OUTPUTS // (self.members * n_out))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(x), size):
                mean[start : start + size] = self.outputs(x[start : start + size]).mean(axis=0)
        return self.answer_of(mean)

    def answer_of(self, mean: FloatArray) -> Prediction:
        """Return the predictions that mean outputs (n, n_out) stand for."""
        finite: BoolArray = np.asarray(np.isfinite(mean).all(axis=1))
        if self.task == "regression":
            return Prediction(self.target.inverse(mean[:, 0]), None, None, finite)
        codes = self._answers.codes(mean)
        return Prediction(np.array(self.target.labels)[codes], codes, self.probabilities(mean), finite)

    def probabilities(self, mean: FloatArray) -> FloatArray | None:
        """Return the classes' probabilities (n, classes) for mean outputs (n, n_out), None where the loss gives none."""
        return self._answers.probabilities(mean) if self.gives_probabilities else None

    def score(self, prediction: Prediction, table: Table) -> Evaluation:
        """Return the scores of predictions already made for a table's rows, all of which have a target."""
        # A model can be read and asked without what trains it.
        from chainrule.training.scores.metrics import confusion, scores

        if prediction.codes is None:
            numbers = number_cells(table, self.target.name)
            return Evaluation(scores(numbers, numbers=prediction.labels), table.n_rows)
        y, n_classes = self.target.codes(table), self.target.n_classes
        return Evaluation(
            scores(y, labels=prediction.codes, probabilities=prediction.probabilities),
            table.n_rows,
            confusion(y, prediction.codes, n_classes),
        )

    def layers(self, member: int = 0) -> list[dict[str, FloatArray]]:
        """Return one member's arrays by name for each layer, a feature stage's last, views in float64: ``layers()[0]["W"]``."""
        p = Layout(self.network).unflatten(np.asarray(self.parameters[member], np.float64))
        return [p[number] for number in sorted(p, key=lambda number: number or len(p))]

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain data, as JSON would read it back: all but the parameters."""
        description = {
            "model_version": VERSION,
            "chainrule": __version__,
            "network": self.network.to_dict(),
            "encoder": self.encoder.to_dict(),
            "target": self.target.to_dict(),
            "reading": self.reading.to_dict(),
            "card": dict(self.card),
        }
        plain: dict[str, Any] = json.loads(json.dumps(description, allow_nan=False))
        return plain

    def __reduce__(self) -> tuple[Any, ...]:
        """Let pickle and copy keep what the model file keeps."""
        return Model.from_dict, (self.to_dict(), {"parameters": self.parameters})

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model file; raises OutputError where it can't be written or exists."""
        write_model_file(path, {"parameters": self.parameters}, self.to_dict(), overwrite=overwrite)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Read a model file; raises ModelFileError where it is none, or is damaged."""
        arrays, description = read_model_file(path)
        try:
            return cls.from_dict(description, arrays)
        except ChainruleError as error:
            reason = str(error) if len(str(error)) <= LONGEST_REASON else f"{str(error)[:LONGEST_REASON]}…"
            raise ModelFileError(
                f"{fspath(path)} is not a model that chainrule {__version__} can use: {reason}"
            ) from error

    @classmethod
    def from_dict(cls, description: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Model:
        """Return the model of `to_dict`'s plain data and its arrays; raises ChainruleError for anything else."""
        version = description.get("model_version")
        if version != VERSION:
            raise ModelFileError(f"its description has version {version!r}, and version {VERSION} is read")
        data = {name: value for name, value in description.items() if name not in ESTIMATOR_PARTS}
        data = read_record(data, "the description", _PARTS)
        read_text(data["chainrule"], "chainrule")
        network = _read_network(data["network"])
        encoder = Encoder.from_dict(data["encoder"])
        target = TargetEncoder.from_dict(data["target"])
        parameters = _checked_parameters(network, arrays)
        _check_fit(network, encoder, target)
        return cls(
            network, parameters, encoder, target, Reading.from_dict(data["reading"]), read_card(data["card"])
        )


def check_finite(prediction: Prediction, table: Table) -> Prediction:
    """Return a prediction for a table's rows; raises TableError where an output is not finite."""
    if not prediction.finite.all():
        row = int(np.argmin(prediction.finite))
        raise TableError(
            f"{table.name}: {table.place(row)}: the network's output is not a finite number; its weights are too "
            "large for these inputs, so train it again"
        )
    return prediction


def load(path: str | PathLike[str]) -> Model:
    """Read a model file; raises ModelFileError where it is none, or is damaged."""
    return Model.load(path)


def _read_network(value: object) -> Network:
    """Return the network of a description; each different formula is parsed and differentiated once."""
    parts = ["n_inputs", "layers", "loss", "reduction"]
    if isinstance(value, dict) and "features" in value:
        # Networks without a feature stage, and files from before there was one, have none.
        parts.append("features")
    data = read_record(value, "network", parts)
    layers = read_list(data["layers"], "network.layers", _read_layer)
    if len(layers) > MAX_LAYERS:
        raise ModelFileError(f"network.layers: {len(layers)} layers, more than {MAX_LAYERS}")
    specs = sorted({layer["activation"] for layer in layers})
    if len(specs) > MAX_ACTIVATIONS:
        raise ModelFileError(
            f"network.layers: {len(specs)} different activations, more than {MAX_ACTIVATIONS}"
        )
    made = {spec: activation(spec) for spec in specs}
    return Network.from_dict(
        {**data, "layers": [{**layer, "activation": made[layer["activation"]]} for layer in layers]}
    )


def _read_layer(value: object, where: str) -> dict[str, Any]:
    kind = value.get("kind") if isinstance(value, dict) else None
    layer = read_record(value, where, KINDS.get(str(kind), Dense)(1).to_dict(), OPTIONAL)
    read_text(layer["activation"], f"{where}.activation")
    return layer


def _checked_parameters(network: Network, arrays: Mapping[str, AnyArray]) -> FloatArray:
    """Return the parameters if they fit the network, whose sizes may be lies: nothing of that size is made here."""
    size = sum(prod(shape) for layer in network.shapes().values() for shape in layer.values())
    found = arrays.get("parameters")
    if set(arrays) != {"parameters"} or found is None:
        raise ModelFileError(f"the one array 'parameters' is expected, but found {sorted(arrays)}")
    if found.ndim != 2 or found.shape[1] != size or not len(found):
        raise ModelFileError(f"parameters of shape (members, {size}) are expected, but found {found.shape}")
    if found.dtype.kind != "f":
        raise ModelFileError(f"parameters are floating-point numbers, not {found.dtype}")
    Layout(network)  # raises SettingsError where an address of a frozen parameter leads nowhere
    return found


def _check_fit(network: Network, encoder: Encoder, target: TargetEncoder) -> None:
    if encoder.n_inputs != network.n_inputs:
        raise ModelFileError(f"{encoder.n_inputs} encoded inputs don't fit a network of {network.n_inputs}")
    outputs = {0: (1,), 2: (1, 2)}.get(target.n_classes, (target.n_classes,))
    if network.output.n_out not in outputs:
        what = f"{target.n_classes} classes don't" if target.n_classes else "a number doesn't"
        raise ModelFileError(f"{what} fit {network.output.n_out} outputs")
