"""Replay: any step of a model's training once more, to the same bits as when it was made.

All that was random can be had again from the seed, the step and the member, so a replay needs the model (its card)
and the table: it trains one member from its initial parameters, or from a stored state, up to the step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass, replace
from typing import Any

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines import REGISTRY, engine_named
from chainrule.engines.base import Data, RunState, StepSettings, of_member
from chainrule.engines.step import batches, masks_of_step
from chainrule.engines.threads import limited_threads
from chainrule.equations.network import Network
from chainrule.errors import SettingsError, TableError
from chainrule.fitting.bits import check_arithmetic, other_machine
from chainrule.fitting.card import settings_of
from chainrule.fitting.rows import (
    FOLDS_STREAM,
    TEST_STREAM,
    VALIDATION_STREAM,
    data_digest,
    strata_of,
    unseen_inputs,
)
from chainrule.model.file import check_writable
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.kinds import weight_cells
from chainrule.tables.rows.equal import cells_of
from chainrule.tables.rows.parting import Parting, SplitRule, parting
from chainrule.tables.table import Table
from chainrule.training.initial import initial_parameters
from chainrule.training.plan import Plan
from chainrule.training.scores.temperature import at_temperature
from chainrule.training.scores.weights import row_weights
from chainrule.training.starts.begin import by_rows

MOST_STEPS = 200
"""The most steps of one replay: each begins at the start of its epoch."""


@dataclass(frozen=True, eq=False)
class Replay:
    """The state of a training right before a step, and what the step is about.

    ``state`` has the one member alone, (1, p); of members that share it is the member as an ordinary network, without
    the optimizer's arrays, which are not one member's. ``rows`` are places in ``data``, ``numbers`` the rows' numbers in the
    ``table``, from 1; ``masks`` the dropout masks of each layer. ``epoch`` and ``plateaus`` are what the schedule
    made ``eta`` from, ``strength`` the factor of dropout and weight decay. ``notes`` say what a user should know.
    """

    model: Model
    table: Table
    member: int
    step: int
    epoch: int
    state: RunState
    rows: IntArray
    numbers: tuple[int, ...]
    eta: float
    plateaus: int
    settings: StepSettings
    plan: Plan
    steps_per_epoch: int
    data: Data
    masks: list[FloatArray | None] | None
    strength: float
    notes: tuple[str, ...] = ()


def replay(
    model: Model,
    source: Source,
    steps: int | Sequence[int],
    member: int = 1,
    *,
    state: RunState | None = None,
    threads: int | None = None,
    **reading: Any,
) -> list[Replay]:
    """Return the training right before each of the ``steps`` (from 1) of one of the model's members (from 1).

    ``source`` is the table the model was trained on. ``state``: go on from that state of all trained members, at the
    end of an epoch and before the steps, instead of from the beginning. Members that share are all trained again.
    The member's group is replayed alone, by its own card. Raises SettingsError for a step or member that isn't there, or
    a training that has no card, or no single steps, or that was added up otherwise (`engines.bits`); TableError for
    another table. On another machine than that of the training, the notes say so, and how far the replay is from the
    model where it came by its epoch.

    >>> import chainrule
    >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
    >>> model = chainrule.train(table, "y", hidden=[4], epochs=3, batch_size=8, members=2).model
    >>> (found,) = replay(model, table, 5, member=2)
    >>> found.epoch, found.state.parameters.shape, len(found.rows)
    (1, (1, 14), 8)
    """
    model, index = model.of_member(member - 1)
    with limited_threads(threads):
        begun = trained_again(model, source, **reading)
    settings, plan, numbers, table = begun.settings, begun.plan, begun.numbers, begun.table
    network = model.network
    wanted = [steps] if isinstance(steps, int) else list(steps)
    card = model.card
    place = card["members"]["kept"][index] - 1
    data = replace(begun.data, train=of_member(begun.data.train, place))
    per_epoch = -(-len(data.train) // settings.batch_size)
    last = min(per_epoch * card["epochs_run"], card.get("most_steps", per_epoch * card["epochs_run"]))
    for step in wanted:
        if not 1 <= step <= last:
            raise SettingsError(f"there is no step {step}; the training made steps 1 to {last}")
    if len(wanted) > MOST_STEPS:
        raise SettingsError(f"{len(wanted)} steps are more than the {MOST_STEPS} that are replayed at once")
    runner = _Runner(model, data, settings, plan, place, index, begun.start, per_epoch, state, threads)
    found = {step: runner.before(step) for step in sorted(set(wanted))}

    def made(step: int) -> Replay:
        epoch, index = divmod(step - 1, per_epoch)
        strength = plan.strength(epoch)
        rows = batches(data, settings, epoch, place)[index]
        masks = masks_of_step(network, len(rows), settings.seed, step - 1, place, strength)
        what = (model, table, member, step, epoch, found[step], rows, tuple(numbers[rows].tolist()))
        eta, plateaus = float(runner.rates(epoch)[index]), runner.plateaus(epoch)
        return Replay(*what, eta, plateaus, settings, plan, per_epoch, data, masks, strength, runner.notes())

    return [made(step) for step in wanted]


@dataclass(eq=False, repr=False)
class _Runner:
    """Trains one member up to any step, epoch after epoch, each of them once."""

    model: Model
    data: Data
    settings: StepSettings
    plan: Plan
    place: int
    kept: int
    start: FloatArray
    per_epoch: int
    state: InitVar[RunState | None]
    threads: InitVar[int | None]

    def __post_init__(self, state: RunState | None, threads: int | None) -> None:
        model, per_epoch = self.model, self.per_epoch
        threads = threads if REGISTRY[model.engine].threaded else None
        # As the training was; check_arithmetic has seen that the card tells it.
        dtype = model.card["bits"]["machine"].get("dtype")
        self.engine = engine_named(model.engine, threads=threads, dtype=dtype)
        self.run = self.engine.start(model.network, self.start, self.data, self.settings, state)
        self.shares = self.settings.sharing != "none"
        made = 0 if state is None else int(state.steps[0 if self.shares else self.place])
        if made % per_epoch:
            where = f"in the middle of an epoch of {per_epoch}"
            raise SettingsError(f"the state is after {made} steps, which is {where}")
        self.epoch = made // per_epoch
        self.other = other_machine(model.card["bits"], self.engine, self.run.parameters)
        self.compared = ""

    def notes(self) -> tuple[str, ...]:
        """Return what is to be said of the machine."""
        if not self.other:
            return ()
        line = f"the model was trained on another machine ({self.other}): the last digits may differ from the run's"
        return (line + self.compared,)

    def plateaus(self, epoch: int) -> int:
        """Return the schedule's count of plateaus in an epoch."""
        return sum(met <= epoch for met in self.model.card["plateaus"])

    def rates(self, epoch: int) -> FloatArray:
        """Return the learning rate of each step of an epoch."""
        return self.plan.rates(epoch * self.per_epoch, self.per_epoch, epoch, self.plateaus(epoch))

    def before(self, step: int) -> RunState:
        """Return the member's state right before a step; steps must come in order."""
        epoch, index = divmod(step - 1, self.per_epoch)
        if epoch < self.epoch:
            raise SettingsError(f"the state is after step {self.epoch * self.per_epoch}, past step {step}")
        while self.epoch < epoch:
            self._train(self.run, self.epoch, self.rates(self.epoch))
            self.epoch += 1
            if self.other and self.epoch == self.model.card["best_epochs"][self.kept]:
                self.compared = f"; after epoch {self.epoch} the parameters {self._distance()}"
        run = self.run
        if index:
            # A part of an epoch can't be gone on with, so it is made beside the whole ones.
            begin = (self.model.network, self.start, self.data, self.settings)
            run = self.engine.start(*begin, self.run.state())
            self._train(run, epoch, self.rates(epoch)[:index])
        state, one = run.state(), slice(self.place, self.place + 1)
        if self.shares:
            return RunState(run.parameters[one].copy(), {}, state.steps)
        arrays = {name: array[one] for name, array in state.arrays.items()}
        return RunState(state.parameters[one], arrays, state.steps[one])

    def _distance(self) -> str:
        """Return how far the member is from what the model kept of it."""
        model, made = self.model, self.run.parameters[self.place][None]
        if model.card["temperature"] is not None:
            made = at_temperature(model.network, made, model.card["temperature"])
        off = float(np.abs(made[0] - model.parameters[self.kept]).max())
        return f"differ from the model's by up to {off:.1g}" if off else "are the model's own, to the bit"

    def _train(self, run: Any, epoch: int, rates: FloatArray) -> None:
        together = range(len(run.parameters)) if self.shares else [self.place]
        report = run.train_epoch(epoch, rates, together, self.plan.strength(epoch))
        if report.diverged:
            raise SettingsError(f"there is no such step of this member: {report.diverged[self.place]}")


def _checked_card(model: Model) -> tuple[StepSettings, Plan]:
    """Return the settings and the plan of a model's training; raises SettingsError where it can't be replayed."""
    if not model.card:
        raise SettingsError(
            "the model, or the member's group, has no training card, so its training can't be replayed"
        )
    check_arithmetic(model.card.get("bits"))
    settings, plan = settings_of(model.card)
    if (kept := len(model.card["members"]["kept"])) != model.members:
        raise SettingsError(
            f"card.members.kept has {kept} numbers, and the model {model.members} members: its training can't be replayed"
        )
    trained = model.card["members"]["trained"]
    check_writable({}, model.network.n_parameters, trained)
    if trained % model.card.get("bagging", 1):
        raise SettingsError(
            f"card.bagging is {model.card['bagging']} folds, which {trained} members don't hold out evenly: its training can't "
            "be replayed"
        )
    if model.card.get("taught"):
        raise SettingsError(
            "the network was taught by another model's answers, which no table has: its training has no single steps to replay"
        )
    if model.card.get("pruned"):
        raise SettingsError(
            "the network was pruned and trained again from weights that no file has: its training has no steps to replay; "
            "name the model that was pruned"
        )
    if settings.optimizer.searches:
        why = f"{settings.optimizer.name} sees the whole table and finds the length of its steps itself"
        raise SettingsError(f"{why}: it has no single steps to replay")
    return settings, plan


@dataclass(frozen=True, eq=False)
class Begun:
    """A model's training as it began: parameters of all members, rows with their numbers in the ``table``, settings and plan."""

    start: FloatArray
    data: Data
    numbers: IntArray
    table: Table
    settings: StepSettings
    plan: Plan


def trained_again(model: Model, source: Source, **reading: Any) -> Begun:
    """Return what a model's training, of one group, began with, so that it can be made again; raises what `replay` raises."""
    settings, plan = _checked_card(model)
    data, numbers, table, learned = _training_data(model, source, **reading)
    card, own = model.card, data.train[:learned]
    if "bagging" in card:
        strata = strata_of(table, model.target.names, numbers - 1, by_class=model.task == "classification")
        k, seed = card["members"]["trained"], card["seed"]
        dealt = _parting(model, table).dealt(numbers - 1, card["bagging"], seed, strata, FOLDS_STREAM)
        folds = dealt.repeated(k // card["bagging"])
        data = replace(data, train=folds.rest)
        own = folds.rest
    how = (card["members"]["trained"], settings.seed, unseen_inputs(model.encoder))
    start = initial_parameters(model.network, *how, data.x, settings.sharing)
    by_stage, splits = bool(card.get("fitted_start", False)), float(card.get("split_start", 0.0))
    seen = replace(data, train=own)
    # A refit begins where the first training did, which had no validation rows to learn from.
    start = by_rows(
        model.network, start, seen, settings.sharing, stage=by_stage, splits=splits, seed=settings.seed
    )
    return Begun(start, data, numbers, table, settings, plan)


def drawn_again(model: Model, network: Network, x: FloatArray, member: int) -> FloatArray:
    """Return parameters (p,) as they were drawn for the training of a member (from 0), an own ``network``.

    ``x`` (n, d) are inputs for layers that are drawn by them. What is fitted to rows before the first step, such as a linear
    path, isn't: `trained_again` has that.
    """
    place, seed = model.card["members"]["kept"][member], model.card["seed"]
    drawn = initial_parameters(network, place, seed, unseen_inputs(model.encoder), x)
    begun: FloatArray = drawn[place - 1]
    return begun


def training_rows(model: Model, source: Source, **reading: Any) -> IntArray:
    """Return the rows (from 0) of a table that a model was trained on, without those for validation and test.

    Raises TableError for a table that it wasn't trained on, or whose rows are in another order.
    """
    if not model.card:
        raise TableError("the model has no training card, so its training rows aren't known")
    return _training_data(model, source, **reading)[1] - 1


@dataclass(frozen=True, eq=False)
class RowsByUse:
    """The rows (from 0) of a training's table by their use, and the rows' weights (n,) where it had some.

    ``validation`` are those that were split off; with a refit the model was trained on them in the end, too.
    """

    training: IntArray
    validation: IntArray
    test: IntArray
    weights: FloatArray | None

    @property
    def weights_of_fitted(self) -> FloatArray | None:
        """The weights of the training rows followed by the validation rows."""
        if self.weights is None:
            return None
        return np.asarray(self.weights[np.concatenate([self.training, self.validation])])


def rows_by_use(model: Model, source: Source, **reading: Any) -> RowsByUse:
    """Return which rows of a model's training table were used for what; none are for the test if none were held out.

    Raises TableError as `training_rows` does.
    """
    table = model.table(source, **reading)
    training_rows(model, table)
    (training, validation, test), weights = _rows_by_use(model, table)
    return RowsByUse(training, validation, test, weights)


def tested_rows(model: Model, source: Source, **reading: Any) -> IntArray:
    """Return the rows (from 0) of a model's training table that were held out for its score; none if none were.

    Raises TableError as `training_rows` does.
    """
    return rows_by_use(model, source, **reading).test


def _rows_by_use(model: Model, table: Table) -> tuple[tuple[IntArray, IntArray, IntArray], FloatArray | None]:
    """Return the rows (from 0) for training, validation and test, and the weights of all rows, as the card splits a table."""
    card, target, weights = model.card, model.target, None
    rows = target.known(table)
    if card["weights"] is not None:
        weights = weight_cells(table, card["weights"])
        rows = rows[weights[rows] > 0]
    seed, rule = card["seed"], _parting(model, table)
    rows = rows[rule.known[rows]]
    drawn = (
        (rule.tested, card["test_share"], card.get("test_seed", seed), TEST_STREAM),
        (rule.validated, card["validation_share"], seed, VALIDATION_STREAM),
    )
    parts = []
    for part_of, share, drawn_by, stream in drawn:
        part = rows[:0]
        if len(rows):
            strata = strata_of(table, target.names, rows, by_class=model.task == "classification")
            rows, part = part_of(rows, share, drawn_by, strata, stream)
        parts.append(part)
    test, validation = parts
    return (rows, validation, test), weights


def _parting(model: Model, table: Table) -> Parting:
    """Return the rule by which the training's rows were parted, with a table."""
    rule = SplitRule.from_dict(model.card["split"]) if "split" in model.card else SplitRule()
    cells = None
    if rule.together:
        by_class = model.task == "classification"
        cells = cells_of(table, model.encoder.columns, model.target.names, by_class=by_class)
    return parting(table, rule, cells)


def _training_data(model: Model, source: Source, **reading: Any) -> tuple[Data, IntArray, Table, int]:
    """Return the training rows as the network saw them, their numbers in the table (from 1), the table, and the first's count.

    Of a refit these are the training rows, and behind them those that were its validation: the count is without these.

    Raises TableError where they aren't those of the training.
    """
    card, target = model.card, model.target
    table = model.table(source, **reading)
    (rows, validation, _), weights = _rows_by_use(model, table)
    by_class = model.task == "classification"
    learned = len(rows)
    if card.get("refit"):
        rows = np.concatenate([rows, validation])
    same = len(rows) > 0
    same = same and len(rows) == card["rows"]["training"]
    if same:
        part = table.take(rows)
        x = model.encoder.transform(part)
        y = target.transform(part, single=by_class and model.output.n_out == 1)
        weights = None if weights is None else weights[rows]
        if "class_weights" in card:
            weights = row_weights(card["class_weights"], target.codes(part), target.labels, weights)
        same = data_digest(x, y, weights) == card["data"]
    if not same:
        raise TableError(
            f"{table.name} is not the table that the model was trained on ({card['table']}), or its rows were weighed "
            "otherwise; a replay needs the same rows in the same order"
        )
    return Data(x, y, np.arange(len(rows)), np.arange(0), weights), rows + 1, table, learned
