"""A lesson's network at work: its rows, parameters and settings, its trace, and its training by `training.fit`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._types import FloatArray, IntArray, Stopped
from chainrule.engines import ENGINES, JUDGE, engine_named
from chainrule.engines.base import Data, Engine, RunState, StepSettings
from chainrule.engines.step import masks_of_step
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.losses import loss as loss_of
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer, OptimizerState, optimizer
from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.trace.steps import trace_step
from chainrule.explain.trace.trace import Trace
from chainrule.lessons.fields import Where
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.tables.encoding.encode import Encoder, fit_encoder
from chainrule.tables.encoding.target import TargetEncoder, fit_target
from chainrule.tables.files.read import read_table
from chainrule.tables.rows.split import split_rows
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import Table, from_frame
from chainrule.training.checkpoint import Checkpoint
from chainrule.training.initial import initial_parameters
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.result import EpochState, FitResult

LONG = 1000
"""A training of so many updates is the default engine's, in float64: fewer are not worth compiling it for."""

MOST_ROWS = 100_000
"""The most rows, each counted as often as it is met, that go to the engine at a time."""


@dataclass(frozen=True)
class TableCells:
    """The table a network's rows come from, and how its cells become numbers and back."""

    table: Table
    encoder: Encoder
    target: TargetEncoder


def some(rows: IntArray) -> IntArray:
    """Return rows that are asked for; raises SettingsError where there are none, which are test rows then."""
    if not len(rows):
        raise SettingsError("there are no test rows; give test_share or test_rows")
    return rows


class Setup:
    """One network of a lesson: built from its plan, then moved on by training.

    ``x`` (n, d) and ``y`` (n, n_out) are all rows; ``training`` and ``test`` are indices of rows, from 0. A step
    takes the next ``batch`` rows in their order.
    """

    def __init__(self, name: str, plan: Mapping[str, Any], where: Where, folder: Path) -> None:
        self.name = name
        self.where = where
        try:
            self._build(plan, folder)
        except ChainruleError as error:
            raise where.wrong(str(error)) from error

    def _build(self, plan: Mapping[str, Any], folder: Path) -> None:
        self.cells: TableCells | None = None
        if plan["table"] is not None:
            if plan["x"] is not None or plan["y"] is not None:
                raise SettingsError("rows come from x and y or from a table; leave one of them out")
            self._read_cells(plan, folder)
        elif plan["x"] is None:
            raise SettingsError("there are no rows; give them as x and y, or as a table")
        else:
            self.x = np.array(plan["x"])
            self.y = None if plan["y"] is None else np.array(plan["y"])
            self._split(len(self.x), plan["test_rows"], 0.0, plan["seed"])
        cost = loss_of(plan["loss"])
        if plan["over_outputs"] is not None:
            cost = replace(cost, over_outputs=plan["over_outputs"])
        layers = (_layer(layer) for layer in plan["layers"])
        self.network = Network([self.x.shape[1], *layers], cost, plan["reduction"])
        if self.y is not None and self.y.shape != (len(self.x), self.network.output.n_out):
            raise SettingsError(
                f"y has {self.y.shape[0]} rows of {self.y.shape[1]}, but {len(self.x)} rows of "
                f"{self.network.output.n_out} are needed: one for each row of x, a number for each output neuron"
            )
        self.layout = Layout(self.network)
        self.flat = initial_parameters(self.network, 1, plan["seed"], (), self.x[self.training])[0]
        method: Optimizer = optimizer(plan["optimizer"])
        if method.searches:
            remedy = "choose sgd, momentum or adam"
            raise SettingsError(f"{method.name} takes no steps that can be shown; {remedy}")
        self.eta = method.learning_rate if plan["learning_rate"] is None else plan["learning_rate"]
        batch = min(plan["batch"] or len(self.training), len(self.training))
        decay = method.weight_decay if plan["weight_decay"] is None else plan["weight_decay"]
        amounts = (plan["l1"], plan["l2"], decay, plan["clip_norm"])
        self.settings = StepSettings(method, batch, *amounts, False, plan["seed"])
        self.state = method.init(self.flat, np)
        self.epochs = 0
        own = [f"x[{i}]" for i in range(1, self.network.n_inputs + 1)]
        if self.cells is not None:
            own = [neuron.name for neuron in self.cells.encoder.inputs]
        self.input_names = plan["input_names"] or tuple(own)
        if len(self.input_names) != self.network.n_inputs:
            raise SettingsError(
                f"input_names has {len(self.input_names)} names, but there are {self.network.n_inputs} inputs"
            )

    def _read_cells(self, plan: Mapping[str, Any], folder: Path) -> None:
        given = plan["table"]
        table = read_table(_beside(folder, given["file"]))
        schema = infer_schema(
            table, target=given["target"] or table.columns[-1], inputs=given["inputs"], task=given["task"]
        )
        # The rows are split before anything is fitted, so that the test rows stay unseen.
        self._split(table.n_rows, plan["test_rows"], given["test_share"], plan["seed"])
        classes = schema.task == "classification"
        scaling = None if classes else given["target_scaling"]
        encoder = fit_encoder(table, schema, scaling=given["scaling"], rows=self.training)
        target = fit_target(table, schema, scaling=scaling, rows=self.training)
        self.x = encoder.transform(table)
        self.y = target.transform(table, single=classes and plan["layers"][-1]["neurons"] == 1)
        self.cells = TableCells(table, encoder, target)

    def _split(self, n: int, test_rows: Sequence[int] | None, share: float, seed: int) -> None:
        if test_rows and share:
            raise SettingsError("test_rows and test_share: give one of them")
        if test_rows and (max(test_rows) > n or len(set(test_rows)) == n):
            what = f"there are {n} rows, and some must be left for training"
            raise SettingsError(f"test_rows {list(test_rows)}: {what}")
        if test_rows:
            self.test: IntArray = np.array(sorted({row - 1 for row in test_rows}))
            self.training: IntArray = np.setdiff1d(np.arange(n), self.test)
        else:
            self.training, self.test = split_rows(n, share, seed)

    def targets(self, what: str) -> FloatArray:
        """Return the targets (n, n_out) of all rows; raises SettingsError, saying what needs them, where none are known."""
        if self.y is None:
            raise SettingsError(f"{what} targets: give y")
        return self.y

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names of the inputs, and of the columns of the table that the rows come from."""
        cells = self.cells
        columns = () if cells is None else (*(each.name for each in cells.encoder.columns), cells.target.name)
        return (*self.input_names, *columns)

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the table calls the classes of its target, in their order; () where the rows come from none, or have numbers."""
        return () if self.cells is None else tuple(map(str, self.cells.target.labels))

    @property
    def output_names(self) -> tuple[str, ...]:
        """What the outputs stand for: classes; () where they have no names. One output is the second class."""
        names = self.class_names
        return names if len(names) == self.network.output.n_out else names[1:]

    def parameters(self) -> dict[str, float]:
        """Return every parameter by address."""
        return {self.layout.address(i): float(value) for i, value in enumerate(self.flat)}

    def trace(self, rows: Sequence[int] | None = None) -> Trace:
        """Return the trace of the next step on the given rows (from 1), those whose turn it is if None.

        Where targets are not known it is the trace of a prediction.
        """
        index = self.rows_of(rows)
        numbers = [int(row) + 1 for row in index]
        more: dict[str, Any] = {}
        if self.y is not None:
            masks = masks_of_step(self.network, len(index), self.settings.seed, self.state.t, 0)
            how = {"settings": self.settings, "eta": self.eta, "state": self.state}
            more = {"y": self.y[index], "masks": masks, **how}
        # One step needs no number: addresses stay short.
        step = trace_step(self.layout, self.flat, self.x[index], rows=numbers, **more)
        return Trace(self.network, (step,))

    def rows_of(self, rows: Sequence[int] | None) -> IntArray:
        """Return the indices, from 0, of rows by their numbers; of those whose turn it is if None."""
        if rows is None:
            size = self.settings.batch_size
            turn = self.state.t % -(-len(self.training) // size)
            return self.training[turn * size : (turn + 1) * size]
        if max(rows) > len(self.x):
            raise SettingsError(f"there is no row {max(rows)}; there are {len(self.x)}")
        return np.array([row - 1 for row in rows])

    def outputs(self, x: FloatArray) -> FloatArray:
        """Return the outputs (n, n_out) for rows ``x`` (n, d), without dropout."""
        return np.asarray(engine_named(JUDGE).predict(self.network, self.flat[None], x)[0])

    @one_blas_thread()
    def losses(self, index: IntArray) -> FloatArray:
        """Return the loss (n,) of each of the rows, without dropout."""
        y = self.targets("a loss needs")[index]
        with np.errstate(all="ignore"):
            record = self.network.forward(self.layout.unflatten(self.flat), self.x[index], np)
            return np.asarray(self.network.row_losses(record, y, np))

    def cost(self, index: IntArray) -> float:
        """Return the cost of the rows: the mean or the sum of their losses."""
        losses = self.losses(some(index))
        return float(np.sum(losses) if self.network.reduction == "sum" else np.mean(losses))

    def model(self) -> tuple[Model, Table]:
        """Return the network as a model with its table, for what asks for them; plain rows become a table."""
        cells = self.cells or self._cells_of_rows()
        return Model((Group(self.network, self.flat[None]),), cells.encoder, cells.target), cells.table

    def _cells_of_rows(self) -> TableCells:
        y = self.targets("a model needs")
        names = list(self.input_names)
        classes = self.network.loss.targets in ("zero_one", "one_hot")
        y = np.argmax(y, axis=1) if y.shape[1] > 1 else y[:, 0]
        columns = {name: column.tolist() for name, column in zip(names, self.x.T, strict=True)}
        table = from_frame({**columns, "target": y.tolist()}, self.name)
        task = "classification" if classes else "regression"
        kinds = dict.fromkeys(names, "number")
        schema = infer_schema(table, target="target", inputs=names, task=task, kinds=kinds)
        encoder = fit_encoder(table, schema, scaling="none")
        return TableCells(table, encoder, fit_target(table, schema, scaling=None if classes else "none"))

    def step(self) -> None:
        """Make the next update, with the rows whose turn it is."""
        update = self.trace().steps[0].update
        if update is None:
            raise SettingsError("training needs targets: give y")
        self.flat, self.state = update.parameters, update.after

    def train(
        self,
        epochs: int,
        *,
        patience: int | None = None,
        tolerance: float = 0.0,
        watch: Callable[[int], bool] | None = None,
        marks: Collection[int] | None = None,
    ) -> Stopped:
        """Train on for so many epochs, and return why it ended, as `FitResult.stopped` says it.

        ``patience`` ends it when the cost has not fallen for so many. ``watch`` is called after each epoch, or those of
        ``marks``, with its number, counted from the beginning of the lesson, and ends the training by returning True; the
        parameters are those at its end.
        """
        self.targets("training needs")
        last, seen = self.epochs + epochs, frozenset(() if watch is None else marks or ())
        # Where every few epochs are looked at, beginning again costs more than the epochs.
        each = patience is not None or (watch is not None and (marks is None or len(seen) > epochs / 8))
        if each or len(self.training) % self.settings.batch_size:
            return self._train_each(epochs, patience, tolerance, watch, seen if marks is not None else None)
        # Rows keep their order, so epochs that nobody looks at are one long epoch: the same updates, a call for all.
        most = max(1, MOST_ROWS // len(self.training))
        engine = self._engine(epochs)
        stopped: Stopped = "epochs"
        while self.epochs < last:
            stretch = min(
                [last - self.epochs, most, *(mark - self.epochs for mark in seen if mark > self.epochs)]
            )
            result = self._fit(engine, np.tile(self.training, stretch), 1)
            stopped = result.stopped
            self.epochs += stretch
            if watch is not None and self.epochs in seen and watch(self.epochs):
                return "callback"
        return stopped

    def _engine(self, epochs: int) -> Engine:
        """Return what trains for so many epochs: the reference engine, where the other one's start would take longer."""
        long = epochs * len(self.training) // self.settings.batch_size >= LONG
        return engine_named(ENGINES[0], dtype=np.float64, threads=1) if long else engine_named(JUDGE)

    def _train_each(
        self,
        epochs: int,
        patience: int | None,
        tolerance: float,
        watch: Callable[[int], bool] | None,
        marks: Collection[int] | None,
    ) -> Stopped:
        """Train epoch by epoch, each of which may be the last or is looked at."""
        before = self.epochs

        def after(state: EpochState) -> bool:
            epoch = before + state.line.epoch
            if watch is None or (marks is not None and epoch not in marks):
                return False
            self._take(state.run.state())
            return watch(epoch)

        stops = {"early_stopping": patience is not None, "patience": patience or 1, "tolerance": tolerance}
        result = self._fit(self._engine(epochs), self.training, epochs, after, **stops)
        assert result.checkpoint is not None
        self.epochs = before + result.checkpoint.epoch
        return result.stopped

    def _fit(
        self,
        engine: Engine,
        rows: IntArray,
        epochs: int,
        after: Callable[[EpochState], bool] | None = None,
        **stops: Any,
    ) -> FitResult:
        """Train on with rows in their order, and take what comes of it."""
        given = {"early_stopping": False, **stops}
        plan = Plan(epochs=epochs, learning_rate=self.eta, rows="training", keep="last", **given)
        data = Data(self.x, self.targets("training needs"), rows, self.test[:0])
        begun = (engine, self.network, self.flat[None], data)
        result = fit(*begun, self.settings, plan, after, resume=self._checkpoint())
        if result.stopped == "interrupted":
            raise KeyboardInterrupt
        if result.diverged:
            raise SettingsError(str(result.diverged[0]))
        assert result.checkpoint is not None
        self._take(result.checkpoint.run)
        return result

    def _take(self, run: RunState) -> None:
        """Take the parameters and the optimizer's state of a run."""
        self.flat = np.array(run.parameters[0])
        self.state = OptimizerState(int(run.steps[0]), {name: array[0] for name, array in run.arrays.items()})

    def _checkpoint(self) -> Checkpoint:
        """Return where the training stands, with nothing of the epochs before but parameters and state."""
        arrays = {name: array[None] for name, array in self.state.arrays.items()}
        run = RunState(self.flat[None], arrays, np.array([self.state.t]))
        unknown = np.array([np.inf])
        return Checkpoint(run, 0, run.parameters, unknown, unknown, (0,), (0,), (0,), 0, 0, {}, 0.0)


def _beside(folder: Path, name: str) -> Path:
    """Return the path of a table in a lesson's folder; raises SettingsError for a link that leads out of it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise SettingsError(
            f"{name} is a link out of the lesson's folder; put the table itself beside the lesson"
        )
    return path


def _layer(plan: Mapping[str, Any]) -> Dense:
    given = {key: plan[key] for key in ("bias", "dropout", "frozen")}
    weights = plan["init"] if plan["W"] is None else plan["W"]
    biases = "zeros" if plan["b"] is None else plan["b"]
    if plan["W"] is not None and plan["init"] != "auto":
        raise SettingsError("W and init: give the weights, or how they are drawn")
    if plan["b"] is not None and plan["bias"] == "none":
        raise SettingsError('b is given, but bias = "none"')
    return Dense(plan["neurons"], plan["activation"], init=weights, bias_init=biases, **given)
