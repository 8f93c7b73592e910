"""A row with other cells: the answer before and after, what changed on the way, and what would turn the answer.

What turns it is looked for column by column, all others as they are: numbers and dates at 401 places between the smallest and the
largest of the table, then between the two places where the answer turns until they can't be told apart, and words one by one.
Which is nearest is told by the share of the table's rows that lie between the cell and the new one; a word that is another is
as far as can be, 1, so that numbers and words stand beside each other as in Gower's distance ("A general coefficient of
similarity", Biometrics 27, 1971). A change of this kind is a counterfactual (Wachter, Mittelstadt & Russell, Harvard JOLT 31,
2018) of one column: it says what the model would answer, not what would happen if one could change the cell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._numbers import number_text
from chainrule._plain import AnyNumber, Plain
from chainrule._types import BoolArray, FloatArray
from chainrule.equations.layout import Layout
from chainrule.equations.network import Record
from chainrule.errors import SettingsError, TableError
from chainrule.explain.attribute.outcome import place_of
from chainrule.explain.columns.dial import DAY, Dial, dial_of
from chainrule.explain.trace.address import Address
from chainrule.model.model import Model, Prediction, check_finite
from chainrule.model.scoring import of_target
from chainrule.model.source import Source
from chainrule.tables.encoding.target import TargetEncoder
from chainrule.tables.table import Table

PLACES = 401
"""The places of a number that are tried first."""

CLOSER, ROUNDS = 65, 9
"""The places between two where the answer turns, and how often they are parted so."""

MOST_NEURONS = 5
"""The most neurons of a layer that are named, those that changed most."""


@dataclass(frozen=True)
class CellChange(Plain):
    """A cell that is set: None is a missing one. ``note`` says what is odd about it."""

    column: str
    before: str | None
    after: str | None
    note: str


@dataclass(frozen=True)
class Answer(Plain):
    """What is answered: the class, or the number as text; ``number`` is the number, NaN for classes.

    ``probabilities`` are those of all classes, none where the model gives none.
    """

    said: str
    number: AnyNumber
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class NumberChange(Plain):
    """A number of the network before and after, by its address: an input ``x[3]``, an activation ``a[1][4]@member=2``."""

    address: str
    before: AnyNumber
    after: AnyNumber
    name: str


@dataclass(frozen=True)
class LayerChange(Plain):
    """How a layer's outputs changed, in all members: the length of the change by that of the outputs before, ``moved``.

    ``neurons`` of them changed at all of ``total``; ``most`` are those that changed most.
    """

    layer: int
    moved: AnyNumber
    neurons: int
    total: int
    most: tuple[NumberChange, ...]


@dataclass(frozen=True)
class Turn(Plain):
    """The nearest change of one column that turns the answer: ``answer`` is the new one.

    ``value`` is the cell as a number (dates in microseconds since 1970), NaN for words. ``distance`` is the share of the
    table's rows between the two cells, 1 for words and from a missing cell.
    """

    column: str
    before: str | None
    after: str
    value: AnyNumber
    answer: Answer
    distance: float


@dataclass(frozen=True)
class WhatIf(Plain):
    """A row (from 1) as it is and as it would be.

    ``turns`` has the nearest change of each single column that turns the answer of the row as it is, the nearest first, or gets
    it to ``wanted``; ``steady`` are the columns of which no cell within the table's range does. Without a question, a number
    and no ``wanted``, both are empty.
    """

    row: int
    target: str
    labels: tuple[str, ...]
    changes: tuple[CellChange, ...]
    before: Answer
    after: Answer
    inputs: tuple[NumberChange, ...]
    layers: tuple[LayerChange, ...]
    wanted: str | None
    turns: tuple[Turn, ...]
    steady: tuple[str, ...]

    @property
    def turned(self) -> bool:
        """Whether the answer of the changed row is another."""
        return self.before.said != self.after.said


def whatif(
    model: Model,
    table: Source,
    row: int,
    changes: Mapping[str, object] | None = None,
    *,
    target_value: object = None,
    target: str | None = None,
    **reading: Any,
) -> WhatIf:
    """Return what a model answers for a row (from 1) of a table with some cells changed, and what would turn its answer.

    ``changes`` are cells by column, None or empty text for a missing one. ``target_value``: the number, or the class, that one
    column is to get the answer to; for classes any other one if None. ``target``: which one of several. Raises SettingsError
    for words, a cell or a row that can't be, TableError for a table that doesn't fit the model.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": ["u", "v"] * 20, "y": [float(i % 5) for i in range(40)]}
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=40).model
    >>> found = whatif(model, rows, 2, {"a": 4})
    >>> found.changes[0].before, found.changes[0].after, found.after.number > found.before.number
    ('1', '4', True)
    """
    read = model.table(table, **reading)
    if not 1 <= row <= read.n_rows:
        raise TableError(f"{read.name}: there is no row {row}; it has rows 1 to {read.n_rows}")
    asked = _Asked(model, read, row, place_of(model, target))
    single = read.take([row - 1])
    x = model.encoder.transform(single)[0]
    new, cells = x.copy(), []
    for name, cell in (changes or {}).items():
        dial = dial_of(model, read, name, "set")
        encoded, text = dial.read(cell)
        new[dial.own] = encoded
        cells.append(CellChange(name, single.cell(0, name), text, _odd(dial, text)))
    before, after = asked.answers(np.stack([x, new]))
    moved = (tuple(_inputs(model, x, new)), tuple(_layers(model, x, new))) if cells else ((), ())
    turns: list[Turn] = []
    wanted = asked.wanted(target_value, before)
    if wanted is not None or asked.part.n_classes:
        for column in model.encoder.columns:
            dial = dial_of(model, read, column.name)
            if (turn := asked.turn(dial, x, single, before, wanted)) is not None:
                turns.append(turn)
    reached = {turn.column for turn in turns}
    looked = wanted is not None or bool(asked.part.n_classes)
    steady = tuple(c.name for c in model.encoder.columns if c.name not in reached) if looked else ()
    said = wanted if wanted is None or isinstance(wanted, str) else number_text(wanted)
    labels = tuple(map(str, asked.part.labels))
    ordered = tuple(sorted(turns, key=lambda turn: turn.distance))
    return WhatIf(row, asked.part.name, labels, tuple(cells), before, after, *moved, said, ordered, steady)


@dataclass(frozen=True, eq=False)
class _Asked:
    """A model, the table that its columns' ranges come from, and the place of the target in question."""

    model: Model
    table: Table
    row: int
    place: int

    @property
    def part(self) -> TargetEncoder:
        return self.model.target.parts[self.place]

    def _predicted(self, x: FloatArray) -> Prediction:
        """Return the predictions for encoded rows (n, d), all of which stand for the row in question."""
        rows = self.table.take(np.full(len(x), self.row - 1))
        return of_target(check_finite(self.model.answer(x), rows), self.place)

    def answers(self, x: FloatArray) -> list[Answer]:
        """Return the answers to encoded rows (n, d)."""
        made = self._predicted(x)
        found = []
        for place, label in enumerate(made.labels.tolist()):
            if made.codes is None:
                found.append(Answer(number_text(label), float(label), ()))
                continue
            p = () if made.probabilities is None else tuple(map(float, made.probabilities[place]))
            found.append(Answer(str(label), float("nan"), p))
        return found

    def wanted(self, value: object, before: Answer) -> str | float | None:
        """Return the class or the number that is asked for; raises SettingsError for what the answer can't be, or is."""
        if value is None:
            return None
        part, labels = self.part, list(map(str, self.part.labels))
        if labels:
            if str(value) not in labels:
                raise SettingsError(
                    f"{setting('target_value')} {value!r} is no class of {part.name!r}: choose {', '.join(labels)}"
                )
            if str(value) == before.said:
                others = ", ".join(label for label in labels if label != before.said)
                raise SettingsError(f"the answer is {before.said} already: choose {others}")
            return str(value)
        try:
            number = float(str(value))
        except ValueError:
            number = float("nan")
        if not np.isfinite(number):
            raise SettingsError(
                f"{setting('target_value')} {value!r} must be a number, which {part.name!r} is to become"
            )
        return number

    def reached(self, x: FloatArray, before: Answer, wanted: str | float | None) -> BoolArray:
        """Return which encoded rows (n, d) have the answer asked for, numbers at or beyond it."""
        made = self._predicted(x)
        if made.codes is None:
            numbers = np.asarray(made.labels, np.float64)
            assert isinstance(wanted, float)
            return numbers >= wanted if before.number < wanted else numbers <= wanted
        labels = list(map(str, self.part.labels))
        if wanted is None:
            return np.asarray(made.codes != labels.index(before.said))
        return np.asarray(made.codes == labels.index(str(wanted)))

    def turn(
        self, dial: Dial, x: FloatArray, single: Table, before: Answer, wanted: str | float | None
    ) -> Turn | None:
        """Return the nearest cell of a column that turns the answer, None where there is none."""

        def rows(encoded: FloatArray) -> FloatArray:
            made = np.repeat(x[None], len(encoded), axis=0)
            made[:, dial.own] = encoded
            return made

        def turns(values: FloatArray) -> BoolArray:
            return self.reached(rows(dial.inputs(values)), before, wanted)

        cell, own = single.cell(0, dial.name), dial.of_row(single, 0)
        if not dial.is_number:
            return self._word(dial, rows(dial.encoded), cell, own, before, wanted)
        value = nearest(turns, dial.values, own, dial.share_below) if len(dial.values) else None
        if value is None:
            return None
        value = _rounded(value, own, turns, dial)
        answer = self.answers(rows(dial.inputs([value])))[0]
        distance = 1.0 if np.isnan(own) else abs(dial.share_below(value) - dial.share_below(own))
        return Turn(dial.name, cell, dial.text(value), value, answer, distance)

    def _word(
        self,
        dial: Dial,
        x: FloatArray,
        cell: str | None,
        own: float,
        before: Answer,
        wanted: str | float | None,
    ) -> Turn | None:
        """Return the word that turns the answer most surely: the likeliest, of numbers the least beyond what is wanted."""
        if not len(x):
            return None
        answers, there = self.answers(x), self.reached(x, before, wanted)
        found = [place for place in np.flatnonzero(there).tolist() if place != own]
        if not found:
            return None
        if isinstance(wanted, float):
            best = min(found, key=lambda place: abs(answers[place].number - wanted))
        else:
            best = max(found, key=lambda place: max(answers[place].probabilities, default=0.0))
        return Turn(dial.name, cell, dial.words[best], float("nan"), answers[best], 1.0)


def nearest(
    turns: Callable[[FloatArray], BoolArray],
    values: FloatArray,
    own: float,
    share_below: Callable[[float], float],
) -> float | None:
    """Return the value nearest to ``own`` where the answer turns, between the ends of sorted ``values``; None if nowhere.

    The one on the other side of it is where it doesn't turn, as near as floats allow. From a missing value, NaN, it is the
    one nearest to the middle of the values.
    """
    start = float(np.median(values)) if np.isnan(own) else own
    low, high = min(float(values[0]), start), max(float(values[-1]), start)
    places = np.unique(
        np.concatenate([np.linspace(low, high, PLACES), np.quantile(values, np.linspace(0, 1, 101)), [start]])
    )
    there = turns(places)
    at = int(np.searchsorted(places, start))
    if there[at] and np.isnan(own):
        return start
    found = []
    after, before = np.flatnonzero(there[at + 1 :]), np.flatnonzero(there[:at])
    if len(after):
        found.append(_between(turns, places[at + after[0]], places[at + 1 + after[0]]))
    if len(before):
        found.append(_between(turns, places[before[-1] + 1], places[before[-1]]))
    return min(found, key=lambda value: abs(share_below(value) - share_below(start)), default=None)


def _between(turns: Callable[[FloatArray], BoolArray], steady: float, turned: float) -> float:
    """Return where the answer turns on the way from a value where it doesn't to one where it does."""
    for _ in range(ROUNDS):
        places = np.linspace(steady, turned, CLOSER)
        first = int(np.argmax(turns(places[1:]))) + 1
        if places[first] in (steady, turned) and places[first - 1] in (steady, turned):
            break
        steady, turned = float(places[first - 1]), float(places[first])
    return turned


def _rounded(value: float, own: float, turns: Callable[[FloatArray], BoolArray], dial: Dial) -> float:
    """Return the shortest number just beyond a turn, away from the row's own, that turns the answer as well; dates whole days."""
    low, high = float(dial.values[0]), float(dial.values[-1])
    up = np.isnan(own) or value >= own
    if dial.column.kind == "datetime":
        steps = [60_000_000.0 if dial.is_time else float(DAY)]
    else:
        size = max(abs(value), (high - low) / 1000, 1e-300)
        steps = [10.0 ** (np.floor(np.log10(size)) - digits) for digits in range(1, 7)]
    for step in steps:
        candidate = (np.ceil(value / step) if up else np.floor(value / step)) * step
        candidate = float(number_text(candidate, 12)) if dial.column.kind == "number" else float(candidate)
        # A little beyond, as no reader would mind: not where the cell itself is as near.
        slack = min(0.01 * (high - low), abs(value - own) / 50) if not np.isnan(own) else 0.01 * (high - low)
        near = abs(candidate - value) <= slack or dial.column.kind == "datetime"
        if near and candidate != own and turns(np.array([candidate]))[0]:
            return candidate
    return value


def _odd(dial: Dial, text: str | None) -> str:
    """Say what is odd about a cell: beyond what the table has, or missing where the model has never seen that."""
    if text is None:
        if dial.column.missing:
            return ""
        instead = {"category": "the word for others", "text": "no words"}
        kind = instead.get(dial.column.kind, "the value that stands in for it")
        return f"no cell was missing in training: it gets {kind}"
    if dial.is_number and len(dial.values):
        value = float(dial.of_text(text))
        if not dial.values[0] <= value <= dial.values[-1]:
            return f"beyond the table, which has {dial.text(dial.values[0])} to {dial.text(dial.values[-1])}"
    return ""


def _inputs(model: Model, x: FloatArray, new: FloatArray) -> Iterator[NumberChange]:
    """Yield the inputs that changed."""
    for place, neuron in enumerate(model.encoder.inputs):
        if x[place] != new[place]:
            yield NumberChange(f"x[{place + 1}]", float(x[place]), float(new[place]), neuron.name)


@one_blas_thread()
@np.errstate(all="ignore")
def _layers(model: Model, x: FloatArray, new: FloatArray) -> Iterator[LayerChange]:
    """Yield how each layer's outputs changed, over all members, in float64."""
    records: list[tuple[int, Record]] = []
    first = 1
    for group in model.groups:
        flat = np.asarray(group.parameters, np.float64)
        made = group.network.forward(Layout(group.network).unflatten(flat), np.stack([x, new]), np)
        records.append((first, made))
        first += group.members
    many = model.members > 1
    for layer in range(max(len(made.layers) for _, made in records)):
        there = [(first, made.layers[layer].a) for first, made in records if layer < len(made.layers)]
        before = np.concatenate([a[:, 0].ravel() for _, a in there])
        after = np.concatenate([a[:, 1].ravel() for _, a in there])
        names = [
            str(Address("a", layer + 1, (neuron + 1,), member=first + member if many else None))
            for first, a in there
            for member in range(a.shape[0])
            for neuron in range(a.shape[2])
        ]
        change = np.abs(after - before)
        most = np.argsort(-change, kind="stable")[:MOST_NEURONS]
        length = float(np.linalg.norm(before))
        yield LayerChange(
            layer + 1,
            float(np.linalg.norm(change)) / length if length else float("inf"),
            int((change > 0).sum()),
            len(change),
            tuple(
                NumberChange(names[place], float(before[place]), float(after[place]), "")
                for place in most.tolist()
                if change[place]
            ),
        )
