"""One column's way to its input neurons: fitting it, writing its values, reading it back from a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import polars as pl

from chainrule._kept import cached_property
from chainrule._plain import IF_SET, Plain, check_keys, one_of
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.tables.cells import LEVEL_MISSING, as_levels, boolean_cells, date_cells, number_cells
from chainrule.tables.encoding.dates import DATE_PARTS, WEEKDAYS, date_parts, middle
from chainrule.tables.encoding.scalings import ARITHMETIC, LARGEST, fit_scaling
from chainrule.tables.encoding.steps import (
    ColumnSteps,
    DrawIn,
    Fill,
    InputStep,
    InputSteps,
    IsMissing,
    IsPlace,
    LookUp,
    MissingWords,
    ReadDate,
    ReadNumber,
    Reads,
    ReadTruth,
    Scale,
    TakePart,
    Trim,
    parts_read,
)
from chainrule.tables.encoding.texts import TextWords, fit_words
from chainrule.tables.kinds import INPUT_KINDS
from chainrule.tables.schema import Column
from chainrule.tables.spelling.dress import Dress
from chainrule.tables.spelling.spellings import DATE_FORMATS, date_spellings, is_time_only
from chainrule.tables.spelling.values import BLANKS, FALSE_WORDS, TRUE_WORDS, check_texts, level_counts
from chainrule.tables.table import Table

VALUE = "value"


@dataclass(frozen=True)
class Input:
    """One input neuron: its name, its column, and its arithmetic.

    ``formula`` is in ``v``, the number in the cell (or the ``part`` of a date), and the names of ``parameters``. Where
    the input says what a cell is, it is a statement in brackets: [island = "Dream"] is 1 if so, else 0. ``seen`` tells
    whether any training row gave it another value than 0; if not, nothing was learned about its weights.
    """

    name: str
    column: str
    part: str
    formula: str
    parameters: Mapping[str, float]
    seen: bool


@dataclass(frozen=True)
class Part(Plain):
    """A number that comes from a cell (its value, or a part of a date) and the arithmetic of its input.

    ``fill`` stands in for a missing cell.
    """

    name: str
    arithmetic: Annotated[str, one_of(ARITHMETIC)]
    parameters: Mapping[str, float]
    fill: float
    seen: bool

    def __post_init__(self) -> None:
        arithmetic, parameters = ARITHMETIC[self.arithmetic], self.parameters
        check_keys(parameters, "parameters", arithmetic.parameters)
        if not arithmetic.are_sound({**parameters, "fill": self.fill}):
            raise SettingsError(f"parameters: {arithmetic.name} can't be computed with {parameters}")
        if arithmetic.name == "equals" and parameters["k"] not in range(1, 8):
            raise SettingsError(f"parameters.k: a day of the week is 1 to 7, not {parameters['k']:g}")

    @cached_property
    def steps(self) -> tuple[Fill, DrawIn, Scale]:
        """The steps from the number to the value of the input."""
        arithmetic = ARITHMETIC[self.arithmetic]
        return (
            Fill(self.fill),
            DrawIn(*arithmetic.reach(self.parameters)),
            Scale(arithmetic.name, arithmetic.formula, self.parameters),
        )

    def numbers(self, values: FloatArray) -> FloatArray:
        """Return ``v`` as the formula meets it: filled in where missing, drawn in where out of all bounds."""
        fill, draw_in, _ = self.steps
        return draw_in.apply(fill.apply(values))

    def apply(self, values: FloatArray) -> FloatArray:
        """Return the values of the input, shape (n,)."""
        return self.steps[2].apply(self.numbers(values))


@dataclass(frozen=True)
class ColumnEncoder(Plain):
    """One column and its input neurons.

    A number, a truth value and a date have an input for each of ``parts``, and one that says that the cell is missing
    if that was so in training (``missing``). A category has one for each of ``levels``, one for missing cells if there
    were any in training, and always one for whatever else: levels too rare for an input of their own (``rare``: whether
    there were any), levels never seen, and missing cells if there were none in training. A text has one for each bucket of
    its ``words``, and like a number one for missing cells.
    """

    name: str
    kind: Annotated[str, one_of(INPUT_KINDS)]
    parts: tuple[Part, ...]
    levels: tuple[str, ...]
    rare: bool
    missing: bool
    spelling: str
    dress: Annotated[Dress | None, IF_SET] = None
    words: Annotated[TextWords | None, IF_SET] = None

    def __post_init__(self) -> None:
        kind, parts, levels, spelling = self.kind, self.parts, self.levels, self.spelling
        check_texts((self.name, *levels), "levels")
        if (self.words is None) == (kind == "text"):
            raise SettingsError("words: a text has words, and nothing else has")
        allowed = {"category": (), "text": (), "datetime": DATE_PARTS}.get(kind, (VALUE,))
        for part in parts:
            if part.name not in allowed:
                raise SettingsError(f"parts: a {kind} has no part {part.name!r}")
        if kind in ("number", "boolean") and len(parts) != 1:
            raise SettingsError(f"parts: a {kind} has one part, not {len(parts)}")
        if len(set(levels)) < len(levels) or (levels and kind != "category"):
            raise SettingsError("levels: levels are different, and of a category only")
        if spelling not in (DATE_FORMATS if kind == "datetime" else ("",)):
            raise SettingsError(f"spelling: {spelling!r} is not how a {kind} is spelled")
        if self.dress is not None and kind != "number":
            raise SettingsError(f"dress: a {kind} is no number")
        if kind == "datetime" and is_time_only(spelling) and any(part.name != "hour" for part in parts):
            raise SettingsError("parts: a time of day has no part but the hour")

    @cached_property
    def inputs(self) -> tuple[Input, ...]:
        """The input neurons of this column, in order."""
        name, found = self.name, []
        for part in self.parts:
            label = name if part.name == VALUE else f"{name}: {_part_label(part)}"
            formula = ARITHMETIC[part.arithmetic].formula
            found.append(Input(label, name, part.name, formula, part.parameters, part.seen))
        if self.words is not None:
            scale = self.words.scale
            for label in self.words.labels:
                found.append(Input(f"{name}: {label}", name, "count", scale.formula, scale.parameters, True))
        for level in self.levels:
            found.append(Input(f"{name}: {level}", name, "level", f'[{name} = "{level}"]', {}, True))
        if self.missing:
            label = f"{name}: {self._free('missing')}" if self.levels else f"{name} is missing"
            found.append(Input(label, name, "missing", f"[{name} is missing]", {}, True))
        if self.kind == "category":
            label, formula = f"{name}: {self._free('other')}", f"[{name} is none of these]"
            found.append(Input(label, name, "other", formula, {}, self.rare))
        return tuple(found)

    def _free(self, word: str) -> str:
        while word in self.levels:
            word = f"({word})"
        return word

    def write(self, table: Table, out: FloatArray) -> None:
        """Write the values of the inputs into ``out``, shape (n, inputs of this column), all zeros."""
        if self.kind == "category":
            codes = self.looked_up(table)
            places = np.where(codes >= 0, codes, len(self.levels) + self.missing)
            if self.missing:
                places[codes == LEVEL_MISSING] = len(self.levels)
            out[np.arange(len(places)), places] = 1
            return
        if self.words is not None:
            n = len(self.words.kept)
            self.words.write(table, self.name, out[:, :n])
            if self.missing:
                out[:, n] = table.column(self.name).is_null().to_numpy()
            return
        values = self._values(table)
        for j, part in enumerate(self.parts):
            out[:, j] = part.apply(values[part.name])
        if self.missing:
            out[:, len(self.parts)] = np.isnan(next(iter(values.values())))

    def numbers_used(self, table: Table) -> list[FloatArray | None]:
        """Return for each input the ``v`` of its formula, shape (n,), or None where it has none."""
        if self.kind == "category":
            return [None] * len(self.inputs)
        if self.words is not None:
            return [*self.words.counts(table, self.name).T, *[None] * self.missing]
        values = self._values(table)
        used: list[FloatArray | None] = [part.numbers(values[part.name]) for part in self.parts]
        return used + [None] * self.missing

    def numbers(self, table: Table) -> FloatArray:
        """Return the cells of a number (n,) in the units of the table, NaN where missing."""
        return number_cells(table, self.name, self.dress)

    def steps(self, missing: Sequence[str], decimal: str = ".") -> ColumnSteps:
        """Return the steps from a cell to the values of the inputs, where these words mean a missing cell."""
        cell = (Trim(BLANKS), MissingWords(tuple(dict.fromkeys(("", *missing)))), self._reads(decimal))
        steps: list[tuple[InputStep, ...]]
        steps = [(TakePart(p.name), *p.steps) if self.kind == "datetime" else p.steps for p in self.parts]
        steps += [] if self.words is None else self.words.steps()
        flags: list[tuple[IsPlace | IsMissing]] = []
        if self.kind == "category":
            flags = [(IsPlace(place),) for place in range(len(self.inputs))]
        elif self.missing:
            flags = [(IsMissing(),)]
        named = zip(self.inputs, (*steps, *flags), strict=True)
        return ColumnSteps(self.name, cell, tuple(InputSteps(neuron.name, own) for neuron, own in named))

    def _reads(self, decimal: str) -> Reads:
        if self.kind == "number":
            return ReadNumber(self.dress or Dress(decimal))
        if self.kind == "boolean":
            return ReadTruth(TRUE_WORDS, FALSE_WORDS)
        if self.kind == "datetime":
            return ReadDate(date_spellings(self.spelling))
        return LookUp(self.levels) if self.words is None else self.words.hashing

    def looked_up(self, table: Table) -> IntArray:
        """Return the place of each cell of a category among the levels (n,), less than 0 where it is missing or another."""
        return LookUp(self.levels).column(table, self.name)

    def _values(self, table: Table) -> dict[str, FloatArray]:
        return parts_read(self._reads(table.decimal), table, self.name)


def fit_column(table: Table, column: Column, scaling: str, rows: IntArray, max_levels: int) -> ColumnEncoder:
    """Fit the encoder of one column to the training rows."""
    name, kind = column.name, column.kind
    parts: tuple[Part, ...] = ()
    levels: tuple[str, ...] = ()
    rare, spelling, words = False, "", None
    if kind == "category":
        counts = level_counts(as_levels(table, name)[rows])
        levels = tuple(sorted(counts.head(max_levels).get_column("level")))
        rare = counts.height > len(levels)
    elif kind == "datetime":
        spelling = column.spelling
        parts = _fit_dates(date_cells(table, name, spelling)[rows], scaling)
    elif kind == "boolean":
        values = boolean_cells(table, name)[rows]
        present = values[~np.isnan(values)]
        fill = float(len(present) > 0 and present.mean() > 0.5)
        parts = (Part(VALUE, "none", {}, fill, bool(present.any())),)
    elif kind == "text":
        words = fit_words(table.text(name)[rows])
    else:
        parts = (_fit_part(VALUE, scaling, number_cells(table, name, column.dress)[rows]),)
    cells = table.column(name)
    missing = cells.null_count() > 0 and bool(cells[rows].is_null().any())
    dress = column.dress if kind == "number" else None
    return ColumnEncoder(name, kind, parts, levels, rare, missing, spelling, dress, words)


def _fit_part(name: str, scaling: str, values: FloatArray) -> Part:
    present = values[~np.isnan(values)]
    if not len(present):
        return Part(name, "constant", {}, 0.0, False)
    arithmetic, parameters = fit_scaling(scaling, present)
    fill = float(np.median(np.clip(present, -LARGEST, LARGEST)))
    return Part(name, arithmetic, parameters, fill, arithmetic != "constant")


def _fit_dates(dates: pl.Series, scaling: str) -> tuple[Part, ...]:
    values = date_parts(dates)
    if dates.null_count() == len(dates):
        return ()
    fills = {name: float(value[0]) for name, value in date_parts(middle(dates)).items()}
    parts: list[Part] = []
    for name, numbers in values.items():
        if np.nanmin(numbers) == np.nanmax(numbers):
            continue
        if name == "weekday":
            days = [(k, bool(np.any(numbers == k))) for k in range(1, 8)]
            parts += [Part(name, "equals", {"k": float(k)}, fills[name], seen) for k, seen in days]
        elif name in ("month", "hour"):
            period = {"period": 12.0 if name == "month" else 24.0}
            parts += [Part(name, wave, period, fills[name], True) for wave in ("sine", "cosine")]
        else:
            arithmetic, parameters = fit_scaling(scaling, numbers[~np.isnan(numbers)])
            parts.append(Part(name, arithmetic, parameters, fills[name], True))
    return tuple(parts)


def _part_label(part: Part) -> str:
    if part.arithmetic == "equals":
        return WEEKDAYS[int(part.parameters["k"]) - 1]
    suffix = {"sine": " (sine)", "cosine": " (cosine)"}.get(part.arithmetic, "")
    return {"day": "day of the month", "days": "days elapsed"}.get(part.name, part.name) + suffix
