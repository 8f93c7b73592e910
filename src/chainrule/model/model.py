"""A trained model: the encoder, groups of networks with their parameters, the target, and its training card."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from chainrule._plain import read_record, read_text
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule._version import __version__, check_version
from chainrule.engines import ENGINES, engine_named
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.errors import ChainruleError, ModelFileError, SettingsError, TableError
from chainrule.model.card import check_search, read_card
from chainrule.model.file import AnyArray, read_model_file, write_model_file
from chainrule.model.group import (
    Group,
    array_name,
    check_groups,
    group_data,
    read_groups,
    read_version_1,
    with_arrays,
)
from chainrule.model.seen import SeenColumn, drift_notes
from chainrule.model.source import Reading, Source
from chainrule.model.threshold import DecisionThreshold
from chainrule.tables.cells import no_row, shown
from chainrule.tables.encoding.by_row import RowEncoder
from chainrule.tables.encoding.encode import Encoder
from chainrule.tables.encoding.encoded_rows import encoded_rows
from chainrule.tables.encoding.steps import ColumnSteps
from chainrule.tables.encoding.targets import Target, Targets, read_target
from chainrule.tables.files.aside import in_memory
from chainrule.tables.files.write import free_name
from chainrule.tables.spelling.spellings import FIRST_KNOWN
from chainrule.tables.table import Table

if TYPE_CHECKING:
    from chainrule.engines.base import RowPredictor
    from chainrule.training.scores.metrics import Scores

VERSION = 8
"""The newest version of the description: cards may tell of a search, of more waves, of fewer folds than members, and that a
feature stage began by the rows, or layer 1 at splits.

In 7 columns may be text, whose words are inputs, in 6 networks may have a linear path from the inputs to the outputs, in 5
numbers may be in dress, dates in the spellings of people, signs be named, and there may be a threshold, in 4 there may be
several targets, in 3 groups may have cards, 1 is of one network. What has no such thing is written in the oldest version from 2
on that says all of it.
"""

_NEWEST_IN_CARDS = ("fitted_start", "split_start", "more_waves", "search")
"""What cards have from the newest version on alone."""

MOST_OUTPUTS = 20_000_000
"""The most outputs of all members that are held in memory at a time."""

LONGEST_REASON = 300
"""The most characters of what is wrong with a description, since a hostile one could hold millions."""

_PARTS = ("model_version", "chainrule", "encoder", "target", "reading", "card")

ESTIMATOR_PARTS = ("estimator", "fitted")
"""What an estimator adds to a description, its name and its own data; a model doesn't look at them."""


@dataclass(frozen=True)
class Prediction:
    """Predictions for ``n`` rows.

    ``labels`` (n,): the class, or the number in the target's units. ``codes`` (n,): the class's place among
    the target's labels, None for numbers. ``probabilities`` (n, classes), or None where the loss gives none.
    ``finite`` (n,): whether the network's outputs were. Of several targets ``labels`` and ``codes`` are (n, targets), and
    ``probabilities`` (n, targets) those of each one's second class.
    """

    labels: np.ndarray[Any, Any]
    codes: IntArray | None
    probabilities: FloatArray | None
    finite: BoolArray

    def of_rows(self, rows: IntArray) -> Prediction:
        """Return what is predicted for some of the rows (from 0)."""
        codes = None if self.codes is None else self.codes[rows]
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Prediction(self.labels[rows], codes, probabilities, self.finite[rows])

    def of_target(self, j: int) -> Prediction:
        """Return what is predicted for one of several targets (from 0), as if it were the only one."""
        codes = None if self.codes is None else self.codes[:, j]
        probabilities = None
        if self.probabilities is not None:
            second = self.probabilities[:, j]
            probabilities = np.stack([1 - second, second], axis=1)
        return Prediction(self.labels[:, j], codes, probabilities, self.finite)


@dataclass(frozen=True)
class Evaluation:
    """Scores on rows with known targets, and for classes the confusion matrix (row: true, column: predicted).

    Of several targets ``by_target`` has the scores of each, by its name, and ``scores`` their means; there is no matrix.
    """

    scores: Scores
    rows: int
    confusion: IntArray | None = None
    by_target: Mapping[str, Scores] | None = None


@dataclass(frozen=True)
class Model:
    """Trained networks and all that is needed to read a table and answer in the target's units.

    ``groups`` holds networks of one shape each, with the parameters of their members; members are counted over all
    groups. ``card`` is plain data about the training, ``threshold`` the probability that decides between two classes, if not
    one half. `predict`, `evaluate` and `prediction_frame` take a path, a data
    frame or a `Table`, and the words of `read_table`; those not given are the ones the model was trained with.
    Raises SettingsError for groups that don't answer alike.
    """

    groups: tuple[Group, ...]
    encoder: Encoder
    target: Target
    reading: Reading = field(default_factory=Reading)
    card: Mapping[str, Any] = field(default_factory=dict)
    threshold: DecisionThreshold | None = None

    def __post_init__(self) -> None:
        check_groups(self.groups)
        if self.threshold is not None and not (self.target.n_classes == 2 and self.gives_probabilities):
            raise SettingsError("threshold: is for the probabilities of two classes")
        if self.threshold is not None and self.output.n_out > 1:
            raise SettingsError("threshold: is for one output, the probability of the second class")

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return self.target.task

    @property
    def members(self) -> int:
        """The number of member networks K, of all groups."""
        return sum(group.members for group in self.groups)

    @property
    def group(self) -> Group:
        """The one group, for what is about one network; raises SettingsError where there are several."""
        if len(self.groups) > 1:
            raise SettingsError(
                f"the model has {len(self.groups)} groups of networks, and this is about a model of one: look at its "
                "groups, or at one of its members"
            )
        return self.groups[0]

    @property
    def network(self) -> Network:
        """The one group's network; raises SettingsError where there are several groups."""
        return self.group.network

    @property
    def parameters(self) -> FloatArray:
        """The one group's parameters (k, p); raises SettingsError where there are several groups."""
        return self.group.parameters

    @property
    def output(self) -> Dense:
        """The output layer: the same number of outputs and the same activation in all groups."""
        return self.groups[0].network.output

    @property
    def loss(self) -> Loss:
        """The loss, the same in all groups."""
        return self.groups[0].network.loss

    @property
    def shares(self) -> tuple[float, ...]:
        """What the mean of each group's members counts in the answer; they add up to 1."""
        total = sum(group.weight for group in self.groups)
        return tuple(group.weight / total for group in self.groups)

    @property
    def member_shares(self) -> FloatArray:
        """What each member's output counts in the answer (K,)."""
        shares = zip(self.groups, self.shares, strict=True)
        return np.concatenate([np.full(group.members, share / group.members) for group, share in shares])

    def member(self, index: int) -> Group:
        """Return a member (from 0, over all groups) as a group of its own; raises SettingsError where there is none."""
        group, place = self._found(index)
        return replace(group, parameters=group.parameters[place : place + 1])

    def of_member(self, index: int) -> tuple[Model, int]:
        """Return a member's group as a model of its own, whose card is that group's, and the member's place (from 0) in it."""
        group, place = self._found(index)
        if len(self.groups) == 1 and not group.card:
            return self, place
        return replace(self, groups=(replace(group, card={}),), card=group.card), place

    def _found(self, index: int) -> tuple[Group, int]:
        """Return a member's group, and its place in it; raises SettingsError where there is none."""
        place = index
        for group in self.groups if index >= 0 else ():
            if place < group.members:
                return group, place
            place -= group.members
        has = "1 member" if self.members == 1 else f"{self.members} members"
        raise SettingsError(f"there is no member {index + 1}: the model has {has}")

    def mean(self, outputs: FloatArray) -> FloatArray:
        """Return the mean (…) of something that every member has, (K, …), by the weights of the groups."""
        mean, start = None, 0
        for group, share in zip(self.groups, self.shares, strict=True):
            part = share * outputs[start : start + group.members].mean(axis=0)
            mean, start = part if mean is None else mean + part, start + group.members
        return np.asarray(mean)

    def with_parameters(self, made: Callable[[Group], FloatArray]) -> Model:
        """Return the model with other parameters in each of its groups."""
        return replace(self, groups=tuple(replace(group, parameters=made(group)) for group in self.groups))

    @property
    def gives_probabilities(self) -> bool:
        """Whether outputs are probabilities of classes: they lie in (0, 1), and the loss doesn't look at signs."""
        output = self.output.activation.range
        return self.task == "classification" and output == "(0, 1)" and not self.loss.signed

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
        thousands: str | None = None,
        dates: str | None = None,
        infinite: str | None = None,
        unpack_limit: int | str | None = None,
    ) -> Table:
        """Return the table of a source, read as the one the model was trained on but for the words given."""
        words = (delimiter, decimal, encoding, missing, thousands, dates, infinite, unpack_limit)
        return self.reading.changed(*words).table(source)

    def predict(self, source: Source, **reading: Any) -> Prediction:
        """Return the predictions for a table's rows; raises TableError where the table doesn't fit the model."""
        table = self.table(source, **reading)
        return check_finite(
            self.answer(encoded_rows(self.encoder, [(table, np.arange(table.n_rows))])), table
        )

    def drift(self, source: Source, **reading: Any) -> tuple[str, ...]:
        """Return a note about each column of a table whose cells lie outside what training saw, with their share.

        Nothing of a model whose card doesn't tell what was seen.
        """
        table, card = self.table(source, **reading), self.card or {}
        seen = {name: SeenColumn.from_dict(one) for name, one in card.get("seen", {}).items()}
        return drift_notes(self.encoder, seen, table)

    def evaluate(self, source: Source, **reading: Any) -> Evaluation:
        """Return the scores on a table that has the target; rows without one, or of a class that wasn't trained, are left out."""
        table = self.table(source, **reading)
        part = table.take(self.target.known(table))
        if not part.n_rows:
            raise TableError(no_row(table, self.target.names))
        part = of_trained_classes(self.target, part)[0]
        return self.score(self.predict(part), part)

    def prediction_frame(self, source: Source, **reading: Any) -> pl.DataFrame:
        """Return the predictions as a data frame: the target, and for classes a column ``P(class)`` each.

        A class whose column has the target's name gets ``P(class) (probability)``. Several targets have a column each, and
        labels ``P(target = class)`` for the second class of each.
        """
        prediction = self.predict(source, **reading)
        if isinstance(self.target, Targets):
            return _frame_of_several(self.target, prediction)
        columns = {self.target.name: prediction.labels}
        if prediction.probabilities is not None:
            natural = [f"P({label})" for label in self.target.labels]
            taken = {self.target.name, *natural}
            for name, column in zip(natural, prediction.probabilities.T, strict=True):
                own = name != self.target.name
                columns[name if own else free_name(name, taken, " (probability)")] = column
        return pl.DataFrame(columns)

    def outputs(self, x: FloatArray, engine: str | None = None) -> FloatArray:
        """Return every member's outputs (K, n, n_out) for encoded rows (n, d), by the engine that trained or another."""
        by = engine_named(engine or self.engine)
        made = [by.predict(group.network, group.parameters, x) for group in self.groups]
        return made[0] if len(made) == 1 else np.concatenate(made)

    def steps(self) -> tuple[ColumnSteps, ...]:
        """Return the steps from the cells of each column to the values of its inputs, as data, in their order."""
        return self.encoder.steps(self.reading.words, self.reading.decimal)

    def predictor(self, engine: str | None = None) -> Predictor:
        """Return a function of one row that gives the members' mean output (n_out,), as in `outputs`.

        The row is a mapping of cells by column, as in a data frame, or encoded (d,). By the engine that trained or another.
        With the cpu engine a call takes microseconds: it is bound to buffers of its own and makes nothing but its result, so
        that threads need one each; its encoded rows are float32, as ``encoder.transform(table, dtype="float32")`` gives them.
        The reference engine takes float64.
        """
        by = engine_named(engine or self.engine)
        made = [by.row_predictor(group.network, group.parameters) for group in self.groups]
        return Predictor(
            made[0] if len(made) == 1 else _MeanPredictor(tuple(zip(self.shares, made, strict=True))),
            self.encoder.by_row(self.reading.words, self.reading.decimal, dtype=by.dtype),
        )

    def answer(self, x: FloatArray) -> Prediction:
        """Return the predictions for encoded rows ``x`` (n, d): the mean of the members' outputs decides.

        Outputs in (0, 1) are probabilities: one output that of the second class, several divided by their
        sum.
        """
        n_out = self.output.n_out
        mean = np.empty((len(x), n_out))
        # In blocks of rows, so that many members and classes don't take members times the memory.
        size = max(1, MOST_OUTPUTS // (self.members * n_out))
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(0, len(x), size):
                mean[start : start + size] = self.mean(self.outputs(x[start : start + size]))
        return self.answer_of(mean)

    def answer_of(self, mean: FloatArray) -> Prediction:
        """Return the predictions that mean outputs (n, n_out) stand for."""
        finite: BoolArray = np.asarray(np.isfinite(mean).all(axis=1))
        if isinstance(self.target, Targets):
            if self.task == "regression":
                return Prediction(self.target.inverse(mean), None, None, finite)
            places = Answers("labels", self.loss.signed).codes(mean)
            return Prediction(self.target.named(places), places, self.probabilities(mean), finite)
        if self.task == "regression":
            return Prediction(self.target.inverse(mean[:, 0]), None, None, finite)
        probabilities = self.probabilities(mean)
        if self.threshold is None or probabilities is None:
            codes = Answers("class", self.loss.signed).codes(mean)
        else:
            codes = self.threshold.codes(probabilities)
        return Prediction(np.array(self.target.labels)[codes], codes, probabilities, finite)

    def probabilities(self, mean: FloatArray) -> FloatArray | None:
        """Return the classes' probabilities (n, classes) for mean outputs (n, n_out), None where the loss gives none.

        Of several targets (n, targets): that of the second class of each.
        """
        kind: Literal["labels", "class"] = "labels" if isinstance(self.target, Targets) else "class"
        return Answers(kind).probabilities(mean) if self.gives_probabilities else None

    def score(self, prediction: Prediction, table: Table) -> Evaluation:
        """Return the scores of predictions already made for a table's rows, all of which have a target."""
        # A model can be read and asked without what trains it.
        from chainrule.training.scores.metrics import confusion, mean_scores, scores

        if isinstance(self.target, Targets):
            each = dict(self._scores_of_each(self.target, prediction, table))
            return Evaluation(mean_scores(each.values()), table.n_rows, None, each)
        if prediction.codes is None:
            numbers = self.target.numbers(table)
            return Evaluation(scores(numbers, numbers=prediction.labels), table.n_rows)
        y, n_classes = self.target.codes(table), self.target.n_classes
        return Evaluation(
            scores(y, labels=prediction.codes, probabilities=prediction.probabilities),
            table.n_rows,
            confusion(y, prediction.codes, n_classes),
        )

    def _scores_of_each(
        self, target: Targets, prediction: Prediction, table: Table
    ) -> Iterator[tuple[str, Scores]]:
        """Return the scores of each of several targets by its name."""
        from chainrule.training.scores.metrics import scores

        for j, part in enumerate(target.parts):
            one = prediction.of_target(j)
            if one.codes is None:
                yield part.name, scores(part.numbers(table), numbers=one.labels)
            else:
                yield part.name, scores(part.codes(table), labels=one.codes, probabilities=one.probabilities)

    def layers(self, member: int = 0) -> list[dict[str, FloatArray]]:
        """Return one member's arrays by name for each layer, a feature stage's last, views in float64: ``layers()[0]["W"]``."""
        one = self.member(member)
        p = Layout(one.network).unflatten(np.asarray(one.parameters[0], np.float64))
        return [p[number] for number in sorted(p, key=lambda number: number or len(p))]

    def to_dict(self) -> dict[str, Any]:
        """Return the description as plain data, as JSON would read it back: all but the parameters."""
        description = {
            "model_version": self._version(),
            "chainrule": __version__,
            "groups": [group_data(group) for group in self.groups],
            "encoder": self.encoder.to_dict(),
            "target": self.target.to_dict(),
            "reading": self.reading.to_dict(),
            "card": dict(self.card),
            **({} if self.threshold is None else {"threshold": self.threshold.to_dict()}),
        }
        plain: dict[str, Any] = json.loads(json.dumps(description, allow_nan=False))
        return plain

    def _version(self) -> int:
        """Return the oldest version of the description that says all of it."""
        cards = (self.card, *(group.card for group in self.groups))
        if any(card.get(name) for card in cards for name in _NEWEST_IN_CARDS) or any(
            map(_shares_folds, cards)
        ):
            return VERSION
        if any(column.words is not None for column in self.encoder.columns):
            return 7
        if any(group.network.output.linear_path for group in self.groups):
            return 6
        if self.threshold is not None:
            return 5
        dresses = [
            *(column.dress for column in self.encoder.columns),
            *(part.dress for part in self.target.parts),
        ]
        if any(dress is not None for dress in dresses) or len(self.reading.to_dict()) > 2:
            return 5
        if any(part.spelling not in ("", *FIRST_KNOWN) for part in self.encoder.columns):
            return 5
        if isinstance(self.target, Targets):
            return 4
        return 3 if any(group.card for group in self.groups) else 2

    def __reduce__(self) -> tuple[Any, ...]:
        """Let pickle and copy keep what the model file keeps."""
        return _unpickled, (self.to_dict(), self.arrays())

    def arrays(self) -> dict[str, FloatArray]:
        """Return the arrays of the model file by name: each group's parameters."""
        return {array_name(index): group.parameters for index, group in enumerate(self.groups)}

    def save(self, path: str | PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model file; raises OutputError where it can't be written or exists."""
        write_model_file(path, self.arrays(), self.to_dict(), overwrite=overwrite, read=Model.from_dict)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Model:
        """Read a model file; raises ModelFileError where it is none, or is damaged."""
        arrays, description = read_model_file(path)
        try:
            return cls.from_dict(description, arrays)
        except ChainruleError as error:
            reason = str(error) if len(str(error)) <= LONGEST_REASON else f"{str(error)[:LONGEST_REASON]}…"
            what = f"{fspath(path)} is not a model that chainrule {__version__} can use"
            raise ModelFileError(f"{what}: {reason}") from error

    @classmethod
    def from_dict(cls, description: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Model:
        """Return the model of `to_dict`'s plain data and its arrays; raises ChainruleError for anything else."""
        version = description.get("model_version")
        if version not in range(1, VERSION + 1) or isinstance(version, bool):
            raise ModelFileError(
                f"its description has version {version!r}, and versions 1 to {VERSION} are read"
            )
        data = {name: value for name, value in description.items() if name not in ESTIMATOR_PARTS}
        threshold = data.pop("threshold", None) if version in range(5, VERSION + 1) else None
        data = read_record(data, "the description", (*_PARTS, "network" if version == 1 else "groups"))
        read_text(data["chainrule"], "chainrule")
        read = read_version_1 if version == 1 else read_groups
        networks = read(data.get("groups", data.get("network")))
        encoder, target = Encoder.from_dict(data["encoder"]), read_target(data["target"])
        own = {name: array for name, array in arrays.items() if not _is_estimators(name)}
        groups = with_arrays(networks, own)
        for group in groups:
            _check_fit(group.network, encoder, target)
            check_search(group.card, 1)
        card = read_card(data["card"])
        check_search(card, len(groups))
        parts = groups, encoder, target, Reading.from_dict(data["reading"]), card
        return cls(*parts, None if threshold is None else DecisionThreshold.from_dict(threshold))


def _is_estimators(name: str) -> bool:
    """Tell whether an array is what an estimator adds to its model's file."""
    return name.partition(".")[0] in ESTIMATOR_PARTS


def _unpickled(description: Mapping[str, Any], arrays: Mapping[str, AnyArray]) -> Model:
    check_version("Model", description["chainrule"])
    return Model.from_dict(description, arrays)


@dataclass(frozen=True)
class Predictor:
    """A function of one row, a mapping of cells or encoded (d,), that gives the members' mean output (n_out,)."""

    of_encoded: RowPredictor
    encode: RowEncoder

    def __call__(self, row: FloatArray | Mapping[str, Any]) -> FloatArray:
        """Return the mean output; raises TableError for a row that doesn't fit the model."""
        return self.of_encoded(self.encode(row) if isinstance(row, Mapping) else row)


@dataclass(frozen=True)
class _MeanPredictor:
    """The mean of several groups' outputs for one row."""

    parts: tuple[tuple[float, RowPredictor], ...]

    def __call__(self, x: FloatArray) -> FloatArray:
        return np.asarray(sum(share * predict(x) for share, predict in self.parts))


def check_finite(prediction: Prediction, table: Table) -> Prediction:
    """Return a prediction for a table's rows; raises TableError where an output is not finite."""
    if not prediction.finite.all():
        row = int(np.argmin(prediction.finite))
        raise TableError(
            f"{table.name}: {table.place(row)}: the network's output is not a finite number; its weights are too "
            "large for these inputs, so train it again"
        )
    return prediction


def of_trained_classes(target: Target, table: Table) -> tuple[Table, tuple[str, ...]]:
    """Return a table's rows whose classes were trained, and a note about the others; all where no row's class was."""
    rows = target.trained(table)
    if not len(rows) or len(rows) == table.n_rows:
        return table, ()
    others = np.setdiff1d(np.arange(table.n_rows), rows)
    words = in_memory(table.narrowed(target.names).take(others).frame).unique().height
    first = ", ".join(shown(table, int(others[0]), name) for name in target.names)
    what = "row is" if len(others) == 1 else "rows are"
    more = f" and {words - 1} more" if words > 1 else ""
    return table.take(rows), (
        f"{table.name}: {len(others):,} {what} of a class that training did not have ({first}{more}; the first is "
        f"{table.place(int(others[0]))}), and can't be scored",
    )


def load(path: str | PathLike[str]) -> Model:
    """Read a model file; raises ModelFileError where it is none, or is damaged."""
    return Model.load(path)


def _frame_of_several(target: Targets, prediction: Prediction) -> pl.DataFrame:
    """Return the predictions for several targets: a column each, then the probability of each one's second class."""
    columns: dict[str, Any] = {part.name: prediction.labels[:, j] for j, part in enumerate(target.parts)}
    if prediction.codes is not None:
        columns = {
            part.name: np.array(part.labels)[prediction.codes[:, j]] for j, part in enumerate(target.parts)
        }
    if prediction.probabilities is not None:
        for part, column in zip(target.parts, prediction.probabilities.T, strict=True):
            name = f"P({part.name} = {part.labels[1]})"
            columns[free_name(name, columns, " (probability)")] = column
    return pl.DataFrame(columns)


def _check_fit(network: Network, encoder: Encoder, target: Target) -> None:
    if encoder.n_inputs != network.n_inputs:
        raise ModelFileError(f"{encoder.n_inputs} encoded inputs don't fit a network of {network.n_inputs}")
    if network.output.n_out not in target.sizes:
        if isinstance(target, Targets):
            raise ModelFileError(f"{len(target.parts)} targets don't fit {network.output.n_out} outputs")
        what = f"{target.n_classes} classes don't" if target.n_classes else "a number doesn't"
        raise ModelFileError(f"{what} fit {network.output.n_out} outputs")


def _shares_folds(card: Mapping[str, Any]) -> bool:
    """Tell whether several members of a card's training held out the same fold."""
    return "bagging" in card and card["bagging"] < card["members"]["trained"]
