"""A course: a training that can be made, wound and asked, whatever it comes from: a table, a lesson, or a trained model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from chainrule._doors import setting
from chainrule._kept import cached_property
from chainrule._types import FloatArray, IntArray
from chainrule.engines import ENGINES, JUDGE, REGISTRY, engine_named
from chainrule.engines.base import Data, Engine, StepSettings
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.show.drawn import output_names
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question
from chainrule.fitting.replay import trained_again
from chainrule.fitting.score import Trained, score_prepared
from chainrule.fitting.timing import start_of
from chainrule.fitting.train import prepare
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.table import Table
from chainrule.training.loop import fit
from chainrule.training.plan import Plan
from chainrule.training.result import Callback, EpochState, FitResult
from chainrule.training.settings.record import Settings

if TYPE_CHECKING:
    from chainrule.lessons.setup import Setup

DTYPE = "float64"
"""What the studio trains in, so that what is shown is what ran to the last digit."""

LESSON_EPOCHS = 1000
"""The most epochs that a lesson's network is trained for."""

MOST_FROZEN = 500
"""The most frozen parameters that are told by their addresses."""

MOST_GROUPS = 12
"""The most groups of a model whose trainings are opened; as many as there are runs of one page."""

Kind = Literal["table", "lesson", "model"]


@dataclass(frozen=True, eq=False)
class Course:
    """A training with all that is needed to make it, to have any of its states again, and to read them.

    ``start`` are the parameters that it begins with, (k, p), or (1, q) of members that share; ``numbers`` the rows' numbers
    in the ``rows``' table, from 1; the first ``n_training`` rows are trained on. ``reads`` is a model that answers alike,
    None where outputs are nothing but numbers. ``train`` makes it; ``prepared`` is there where a table was prepared for it.
    """

    kind: Kind
    title: str
    name: str
    network: Network
    engine: Engine
    start: FloatArray
    data: Data
    settings: StepSettings
    plan: Plan
    members: int
    numbers: IntArray
    n_training: int
    train: Callable[[Callback], FitResult]
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    reads: Model | None = None
    rows: Table | None = None
    prepared: Prepared | None = None
    model: Model | None = None
    notation: str = "ours"
    notes: tuple[str, ...] = ()
    words: Mapping[str, Any] = field(default_factory=dict)
    """What it was asked for by, for its command."""
    own_rows: Mapping[int, Table] = field(default_factory=dict)
    """The rows (by their places, from 0) that were changed or added by hand, each a table of one row."""
    by_hand: bool = False
    """Whether it is a branch, which begins where somebody changed something."""
    whole: Model | None = None
    """The model of several groups, of one of which this is the training."""
    beside: tuple[Course, ...] = ()
    """Trainings that are opened with it, as runs beside: those of a model's other groups."""

    @cached_property
    def layout(self) -> Layout:
        """The flat layout of a member's parameters."""
        return Layout(self.network)

    @cached_property
    def places(self) -> dict[int, int]:
        """The place (from 0) of each row that can be picked, by its number."""
        return {int(number): place for place, number in enumerate(self.numbers)}

    @cached_property
    def frozen(self) -> list[str]:
        """The addresses of the parameters that training leaves alone, at most so many."""
        return [self.layout.address(int(i)) for i in np.flatnonzero(self.layout.free == 0)[:MOST_FROZEN]]

    @property
    def encoded(self) -> bool:
        """Whether the rows are cells of a table that an encoder makes numbers of."""
        return self.rows is not None and self.reads is not None

    @property
    def shares(self) -> bool:
        """Whether the members share, so that no update is one member's."""
        return self.settings.sharing != "none"

    @cached_property
    def truths(self) -> dict[int, Any]:
        """The rows' targets as they are shown, by place, as far as somebody looked."""
        return {}

    def row_table(self, place: int) -> Table:
        """Return a row as a table of one, as it is after what was changed in it."""
        assert self.rows is not None
        return self.own_rows.get(place) or self.rows.take([place])

    def cells(self, place: int) -> tuple[InputValue, ...] | None:
        """Return a row's inputs with the cells and the arithmetic that they come from; None where there are no cells."""
        if (
            self.rows is None
            or self.reads is None
            or (place >= self.rows.n_rows and place not in self.own_rows)
        ):
            return None
        if place in self.own_rows:
            return tuple(self.reads.encoder.explain_row(self.own_rows[place], 0))
        return tuple(self.reads.encoder.explain_row(self.rows, place))

    def scored(self, result: FitResult) -> Trained | None:
        """Return the model of a training with its scores; None where there was no table prepared for it."""
        return None if self.prepared is None else score_prepared(self.prepared, result, engine=ENGINES[0])


def course_from(course: Course) -> Course:
    """Return a course that is trained as `training.loop.fit` trains what is in it: from its ``start``, as from the beginning."""
    engine, network, start, data = course.engine, course.network, course.start, course.data
    settings, plan, prepared = course.settings, course.plan, course.prepared

    def train(after: Callback) -> FitResult:
        return fit(engine, network, start, data, settings, plan, after)

    if prepared is not None:
        resolved = replace(prepared.resolved, network=network, steps=settings, plan=plan)
        prepared = replace(prepared, resolved=resolved)
    return replace(course, train=train, prepared=prepared, model=None, by_hand=True)


def course_of_table(question: Question, settings: Settings, threads: int | None = None) -> Course:
    """Return the training that settings give for a question.

    Raises TableError or SettingsError for what can't be trained on, or shown step by step.
    """
    if settings.time_limit is not None:
        raise SettingsError(
            f"{setting('time_limit')} is about a clock, and the studio waits for you: leave it out"
        )
    if (settings.search or 1) > 1:
        raise SettingsError(
            f"{setting('search')} makes many trainings, and the studio shows one: leave it out"
        )
    if settings.refit:
        raise SettingsError(
            f"{setting('refit')} trains twice, and the studio shows one training: leave it out"
        )
    prepared = prepare(question, settings)
    resolved = prepared.resolved
    if resolved.steps.optimizer.searches:
        raise SettingsError(
            f"{resolved.steps.optimizer.name} sees the whole table and finds the length of its steps itself: it has no "
            f"single steps to show; choose {setting('optimizer', 'adam')}"
        )
    start, data = start_of(prepared, threads)
    reads = _reader(resolved.network, prepared)
    engine = engine_named(ENGINES[0], dtype=DTYPE, threads=threads)

    def train(after: Callback) -> FitResult:
        return fit_prepared(prepared, engine=ENGINES[0], dtype=DTYPE, threads=threads, on_epoch_end=after)

    fitted = prepared.fitted
    places = np.arange(fitted.n_rows) if fitted.rows is None else fitted.rows
    return Course(
        "table",
        prepared.table.name,
        prepared.table.name,
        resolved.network,
        engine,
        start,
        data,
        resolved.steps,
        resolved.plan,
        resolved.members,
        np.asarray(places) + 1,
        prepared.arrays.n_training,
        train,
        tuple(neuron.name for neuron in prepared.encoder.inputs),
        output_names(reads),
        reads,
        fitted,
        prepared,
        notes=(*prepared.schema.notes, *prepared.notes),
    )


def _reader(network: Network, prepared: Prepared) -> Model:
    """Return a model that reads outputs as the trained one will; its parameters are nobody's."""
    parameters = np.zeros((1, network.n_parameters))
    return Model((Group(network, parameters),), prepared.encoder, prepared.target)


def course_of_setup(setup: Setup, title: str, notation: str, epochs: int = LESSON_EPOCHS) -> Course:
    """Return the training of a lesson's network from where it stands; raises SettingsError where it has no targets."""
    y = setup.targets("training needs")
    data = Data(setup.x, y, setup.training, setup.training[:0])
    plan = Plan(epochs=epochs, learning_rate=setup.eta, early_stopping=False, rows="training", keep="last")
    engine, start = engine_named(JUDGE), setup.flat[None].copy()
    cells = setup.cells
    reads = None
    if cells is not None:
        group = Group(setup.network, np.zeros((1, setup.network.n_parameters)))
        reads = Model((group,), cells.encoder, cells.target)

    def train(after: Callback) -> FitResult:
        return fit(engine, setup.network, start, data, setup.settings, plan, after)

    outputs = tuple(f"y[{j}]" for j in range(1, setup.network.output.n_out + 1))
    return Course(
        "lesson",
        title,
        setup.name,
        setup.network,
        engine,
        start,
        data,
        setup.settings,
        plan,
        1,
        np.arange(len(setup.x)) + 1,
        len(setup.training),
        train,
        setup.input_names,
        outputs if reads is None else output_names(reads),
        reads,
        None if cells is None else cells.table,
        notation=notation,
    )


def course_of_model(
    model: Model, source: Source, title: str = "", member: int = 1, threads: int | None = None
) -> Course:
    """Return the training that made a model, to be made once more on its table; of several groups that of a member's.

    Raises SettingsError for a model that can't be replayed, TableError for another table than its own.
    """
    model, _ = model.of_member(member - 1)
    begun = trained_again(model, source)
    row, card = REGISTRY[model.engine], model.card
    engine = engine_named(
        model.engine, threads=threads if row.threaded else None, dtype=card["bits"]["machine"].get("dtype")
    )
    # What ended it, and which plateaus it met, is known; so nothing is watched.
    plan = replace(
        begun.plan,
        early_stopping=False,
        watch=None,
        rows="steps",
        keep="last",
        together=False,
        met=tuple(card["plateaus"]),
        most_steps=card.get("most_steps"),
    )

    def train(after: Callback) -> FitResult:
        def ends(state: EpochState) -> bool:
            return bool(after(state)) or state.line.epoch >= card["epochs_run"]

        return fit(engine, model.network, begun.start, begun.data, begun.settings, plan, ends)

    return Course(
        "model",
        title or card["table"],
        begun.table.name,
        model.network,
        engine,
        begun.start,
        begun.data,
        begun.settings,
        plan,
        card["members"]["trained"],
        begun.numbers,
        len(begun.data.x),
        train,
        tuple(neuron.name for neuron in model.encoder.inputs),
        output_names(model),
        model,
        begun.table.take(begun.numbers - 1),
        model=model,
        notes=tuple(begun.table.notes),
    )


def courses_of_model(model: Model, source: Source, title: str = "", threads: int | None = None) -> Course:
    """Return the training that made a model, of several groups that of the first, with those of the others beside it.

    Of more than `MOST_GROUPS` the first ones; a note says so.

    Raises SettingsError for a model that can't be replayed, TableError for another table than its own.
    """
    made, first = [], 1
    for number, (group, share) in enumerate(zip(model.groups, model.shares, strict=True), 1):
        course = course_of_model(model, source, title, first, threads)
        first += group.members
        if len(model.groups) > 1:
            sizes = "-".join(map(str, group.network.sizes))
            told = f"group {number} of {len(model.groups)}: {sizes}, {100 * share:.3g} % of the answer"
            note = (
                f"The model has {len(model.groups)} groups of different networks, each trained by itself; what it answers is "
                f"their mean by weight. Shown is {told}; the others are runs beside it, under Compare."
            )
            course = replace(
                course, title=f"{course.title}, {told}", notes=(note, *course.notes), whole=model
            )
        made.append(course)
        if len(made) == MOST_GROUPS:
            break
    if len(model.groups) > MOST_GROUPS:
        more = f"Of the {len(model.groups)} groups the first {MOST_GROUPS} can be seen here; the answer needs all of them."
        made[0] = replace(made[0], notes=(made[0].notes[0], more, *made[0].notes[1:]))
    return replace(made[0], beside=tuple(made[1:]))
