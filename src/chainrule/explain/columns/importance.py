"""How much a model needs each column: what shuffling it costs, and how much it moves predictions.

Both are about the model, not about the world: a column that the model could do without may still matter, and one that it
leans on may stand in for another. `permuted` says how the first is worked out, `attribute.mean` the second, `alike` which
columns can't be told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule._doors import setting
from chainrule._plain import AnyNumber, Plain
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.explain.attribute.gradients import baseline_row
from chainrule.explain.attribute.mean import attributed_quantity, mean_attributions
from chainrule.explain.attribute.outcome import place_of
from chainrule.explain.columns.alike import TOLD, alike_groups, told_shares
from chainrule.explain.columns.permuted import Drop, Order, Permuted, Scored
from chainrule.explain.columns.rows import scored_rows
from chainrule.model.model import Model
from chainrule.model.scoring import scorer
from chainrule.model.source import Source
from chainrule.tables.table import suggestion

REPEATS, LEAST_REPEATS, SHUFFLED_ROWS = 10, 3, 60_000
"""The permutations of each column: 10, fewer where these are more than so many rows, at least 3."""

MOST_ATTRIBUTED = 500
"""The most rows whose predictions are attributed to columns: the first of those looked at."""

Method = Literal["permutation", "attribution"]
METHODS: tuple[Method, ...] = ("permutation", "attribution")


@dataclass(frozen=True)
class ColumnImportance(Plain):
    """One column, or columns that are shuffled together.

    ``drop`` is how much worse the score gets, ``low`` and ``high`` a 95 % interval, ``repeats`` the drop in each permutation;
    ``attribution`` the mean of absolute attributions. What wasn't asked for, or has no value, is NaN.
    """

    name: str
    columns: tuple[str, ...]
    drop: AnyNumber
    low: AnyNumber
    high: AnyNumber
    repeats: tuple[AnyNumber, ...]
    attribution: AnyNumber

    @property
    def counts(self) -> bool:
        """Whether the interval says that the model's score needs it."""
        return self.low > 0


@dataclass(frozen=True)
class Alike(Plain):
    """Columns that tell each other.

    ``told`` is the least share of one that another tells, ``together`` what it costs to shuffle all as one.
    """

    columns: tuple[str, ...]
    told: float
    together: ColumnImportance | None


@dataclass(frozen=True)
class Redundant(Plain):
    """A column of which another one tells a large share, ``told``, and not the other way round."""

    column: str
    by: str
    told: float


@dataclass(frozen=True)
class Importance(Plain):
    """The importance of all columns, in the model's order; ``score`` is that of the rows as they are.

    ``metric`` is the score's name, ``words`` what it is called. ``rows`` is how many rows were scored, ``of`` which they are in
    words; ``attributed`` of them had their ``quantity`` attributed to the columns, and ``missed`` is the share of its changes
    by which attributions don't add up.
    """

    metric: str
    words: str
    greater_is_better: bool
    score: AnyNumber
    columns: tuple[ColumnImportance, ...]
    interchangeable: tuple[Alike, ...]
    redundant: tuple[Redundant, ...]
    rows: int
    of: str
    repeats: int
    seed: int
    attributed: int
    quantity: str
    missed: float
    methods: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(one.name for one in self.columns)

    @property
    def values(self) -> FloatArray:
        """The drops (columns,), or where only they were asked for the mean absolute attributions."""
        permuted = "permutation" in self.methods
        return np.array([one.drop if permuted else one.attribution for one in self.columns])

    def __getitem__(self, name: str) -> ColumnImportance:
        """Return a column by name."""
        return next(one for one in self.columns if one.name == name)


@dataclass(frozen=True, eq=False)
class Asked:
    """What is asked of encoded rows: columns by name with their ``inputs`` in x (n, d), and which are shuffled together."""

    names: Sequence[str]
    inputs: Sequence[IntArray]
    groups: Sequence[Sequence[str]] = ()
    repeats: int | None = None
    seed: int = 0
    methods: Collection[Method] = METHODS

    def __post_init__(self) -> None:
        if self.repeats is not None and (not isinstance(self.repeats, int) or self.repeats < 1):
            raise SettingsError(f"{setting('repeats', self.repeats)} must be a whole number, at least 1")
        for method in self.methods:
            if method not in METHODS:
                raise SettingsError(f"{setting('method', method)} is unknown: choose {' or '.join(METHODS)}")
        seen: set[str] = set()
        for name in (name for group in self.groups for name in group):
            if name not in self.names:
                raise SettingsError(
                    f"{setting('group')}: {name!r} is no input of the model; {suggestion(name, list(self.names))}"
                )
            if name in seen:
                raise SettingsError(
                    f"{setting('group')}: {name!r} is named twice; a column is in one group at most"
                )
            seen.add(name)

    def repeats_for(self, n: int) -> int:
        """Return how often columns of n rows are shuffled."""
        return self.repeats or max(LEAST_REPEATS, min(REPEATS, SHUFFLED_ROWS // n))

    def parts(self) -> list[tuple[str, ...]]:
        """Return the columns that are shuffled as one: the groups, in place of their first column, and the others."""
        group_of = {name: tuple(group) for group in self.groups for name in group}
        return list(dict.fromkeys(group_of.get(name, (name,)) for name in self.names))

    def places(self, columns: Collection[str]) -> IntArray:
        """Return the places of some columns' inputs in x."""
        found = [self.inputs[place] for place, name in enumerate(self.names) if name in columns]
        return np.concatenate(found) if found else np.zeros(0, np.int64)


def importance(
    model: Model,
    table: Source,
    *,
    metric: str | None = None,
    groups: Sequence[Sequence[str]] = (),
    repeats: int | None = None,
    seed: int = 0,
    methods: Collection[Method] = METHODS,
    target: str | None = None,
    **reading: Any,
) -> Importance:
    """Return how much a model needs each column of a table that has the target.

    The rows are those held out of the training where the table is the training's own, else all with a target; of more than
    20,000 so many are drawn by ``seed``. ``metric``: a score of `Model.evaluate`, its first one if None. ``groups`` of columns
    are shuffled together, ``repeats`` times (None: 10, of more than 6,000 rows fewer). ``methods``: ``permutation``,
    ``attribution`` (on the first 500 rows) or both.
    Of several targets the score is the mean, and nothing is attributed, unless it is about the one named by ``target``.
    Raises SettingsError for words, TableError for a table that doesn't fit the model.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": [float(i % 8) for i in range(40)]}
    >>> rows["y"] = [2 * a for a in rows["a"]]
    >>> model = chainrule.train(rows, "y", hidden=[], members=1, epochs=60).model
    >>> found = importance(model, rows)
    >>> found.metric, found.names, found["a"].drop > 100 * abs(found["b"].drop)
    ('rmse', ('a', 'b'), True)
    """
    inputs, start = [], 0
    for column in model.encoder.columns:
        inputs.append(np.arange(start, start + len(column.inputs)))
        start += len(column.inputs)
    names = [column.name for column in model.encoder.columns]
    asked = Asked(names, inputs, groups, repeats, seed, tuple(methods))
    read = model.table(table, **reading)
    chosen = scored_rows(model, read, seed)
    part = chosen.part
    x = model.encoder.transform(part)
    places = None if target is None else (place_of(model, target),)
    counted = scorer(model, part, metric, places)
    scored = Scored(counted.y, counted.answers, counted.compare, counted.metric.greater_is_better)
    base = baseline_row(model, part, "typical")[0]
    about = target if target is not None or len(model.target.names) > 1 else model.target.name
    words = (counted.metric.name, counted.metric.words)
    return measured(asked, scored, x, words, chosen.words, model, base, about)


def measured(
    asked: Asked,
    scored: Scored,
    x: FloatArray,
    metric: tuple[str, str],
    of: str,
    model: Model | None,
    start: FloatArray,
    target: str | None,
    order: Order | None = None,
) -> Importance:
    """Return the importance of columns for encoded rows x (n, d).

    ``metric`` has the score's name and words, ``of`` says which rows these are. ``model``, ``start``, a baseline (d,), and
    ``target`` are what is attributed; without a model or a target nothing is. ``order``: permutations instead of the seed's.
    """
    told = told_shares(x, asked.inputs)
    alike = [tuple(asked.names[place] for place in group) for group in alike_groups(told)]
    parts = asked.parts()
    every = list(dict.fromkeys([*parts, *alike]))
    drops: dict[tuple[str, ...], Drop] = {}
    score = float("nan")
    if "permutation" in asked.methods:
        shuffled = Permuted(scored, x, asked.repeats_for(len(x)), asked.seed, order)
        score = shuffled.score
        for place, columns in enumerate(every):
            drops[columns] = shuffled.drop(asked.places(columns), place)
    attributions, quantity, missed, attributed = {}, "", 0.0, 0
    if "attribution" in asked.methods and model is not None and target is not None:
        rows = x[:MOST_ATTRIBUTED]
        attributed, quantity = len(rows), attributed_quantity(model, target)
        means, missed = mean_attributions(
            model, rows, start, [asked.places(columns) for columns in every], target
        )
        attributions = dict(zip(every, means.tolist(), strict=True))

    def made(columns: tuple[str, ...]) -> ColumnImportance:
        nothing = Drop(float("nan"), float("nan"), float("nan"), ())
        drop = drops.get(columns, nothing)
        given = (drop.mean, drop.low, drop.high, drop.repeats, attributions.get(columns, float("nan")))
        return ColumnImportance(" + ".join(columns), columns, *given)

    return Importance(
        *metric,
        scored.greater_is_better,
        score,
        tuple(made(columns) for columns in parts),
        tuple(_alike(columns, asked.names, told, made(columns) if drops else None) for columns in alike),
        tuple(_redundant(asked.names, told, alike)),
        len(x),
        of,
        asked.repeats_for(len(x)),
        asked.seed,
        attributed,
        quantity,
        missed,
        tuple(method for method in METHODS if method in asked.methods),
    )


def _alike(
    columns: tuple[str, ...], names: Sequence[str], told: FloatArray, together: ColumnImportance | None
) -> Alike:
    places = [list(names).index(name) for name in columns]
    shares = [told[a, b] for a in places for b in places if a != b]
    return Alike(columns, float(min(shares)), together)


def _redundant(names: Sequence[str], told: FloatArray, alike: Sequence[tuple[str, ...]]) -> list[Redundant]:
    """Return the columns that another one tells, that which tells most, and that are not in a group with it."""
    found = []
    for place, name in enumerate(names):
        shares = told[:, place].copy()
        with_it = [group for group in alike if name in group]
        for other, by in enumerate(names):
            if other == place or any(by in group for group in with_it):
                shares[other] = 0.0
        best = int(shares.argmax())
        if shares[best] >= TOLD:
            found.append(Redundant(name, names[best], float(shares[best])))
    return found
