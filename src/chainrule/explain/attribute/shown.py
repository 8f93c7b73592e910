"""What a prediction owes to each column, as a derivation that every renderer can show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from chainrule.errors import SettingsError
from chainrule.explain.attribute.cells import Effects, column_effects
from chainrule.explain.attribute.gradients import Attributions, integrated_gradients
from chainrule.explain.attribute.outcome import outcome_of
from chainrule.explain.derive.answers import clamp_note
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation, Line, LineCheck
from chainrule.explain.derive.writer import MOST_TERMS, added, as_node
from chainrule.formula.nodes import Binary, Node, Symbol
from chainrule.model.model import Model
from chainrule.tables.table import Table

MOST_SWAPS = 10
"""The most other cells of a column whose changes are shown: those that change most."""


def attribution_derivation(
    model: Model,
    table: Table,
    row: int,
    *,
    member: int | None = None,
    baseline: str | Mapping[str, object] = "typical",
) -> Derivation:
    """Return what each column adds to the prediction for a row (from 0), and how it answers to each.

    ``member`` (from 0) and ``baseline`` as in `integrated_gradients`. Raises SettingsError for what the model or the
    table doesn't have.

    >>> import chainrule
    >>> rows = {"a": [float(i % 5) for i in range(40)], "b": ["u", "v"] * 20, "y": [float(i % 7) for i in range(40)]}
    >>> model = chainrule.train(rows, "y", hidden=[4], members=1, epochs=5).model
    >>> made = attribution_derivation(model, model.table(rows), 0)
    >>> made.title, [line.left for line in made.lines], made.ok
    ('What each column adds to y', ['answer', 'baseline', 'change', 'shares'], True)
    """
    if not 0 <= row < table.n_rows:
        raise SettingsError(f"{table.name}: there is no row {row + 1}; it has rows 1 to {table.n_rows}")
    names = model.target.names
    if len(names) > 1:
        made = tuple(_of_target(model, table, row, member, baseline, name) for name in names)
        return Derivation("", f"What each column adds to {model.target.name}", parts=made)
    return _of_target(model, table, row, member, baseline, names[0])


def _of_target(
    model: Model,
    table: Table,
    row: int,
    member: int | None,
    baseline: str | Mapping[str, object],
    target: str,
) -> Derivation:
    """Return what each column adds to the prediction for one target."""
    found = integrated_gradients(model, table, row, member=member, target=target, baseline=baseline)
    effects = column_effects(model, table, row, member=member, target=target)
    notes = [
        "The share of a column: along the straight way from the baseline's inputs to the row's, the derivative by each "
        f"input is averaged ({found.points:,} points) and multiplied by the change of the input; the inputs of a column "
        "are added (integrated gradients)."
    ]
    if found.jump:
        notes.append(f"The answer jumps by {found.jump:.3g} on the way, which no derivative sees.")
    if model.target.clamp is not None:
        x = model.encoder.transform(table.take([row]))
        outcome = outcome_of(model, x[0], member=member, target=target)
        if clamped := clamp_note(outcome.target, float(outcome.outputs(x)[0, outcome.place])):
            notes.append(
                f"The answer is {clamped}. Small changes of the cells don't change it: every slope is 0."
            )
    return Derivation(
        "",
        f"What each column adds to {found.quantity}",
        tuple(_lines(found, model, member)),
        grids=(_shares(found), *_effects(effects)),
        notes=tuple(notes),
    )


def _lines(found: Attributions, model: Model, member: int | None) -> Iterator[Line]:
    of = "of one member"
    if member is None and model.members > 1:
        weighed = ", by the weights of its groups" if len(model.groups) > 1 else ""
        of = f"the mean of {model.members} members{weighed}"
    rules = (f"{found.quantity} for the row, {of}", f"the same for the baseline: {found.baseline}")
    ends = {"answer": found.value, "baseline": found.baseline_value}
    for rule, (label, value) in zip(rules, ends.items(), strict=True):
        yield Line(rule, "", as_node(value), {}, value, label=label)
    change = Binary("-", Symbol("answer"), Symbol("baseline"))
    yield Line("what there is to share out", "", change, ends, found.difference, label="change")
    values = {f"s_{number}": share.value for number, share in enumerate(found.columns, 1)}
    note = ""
    if len(values) > MOST_TERMS:
        largest = sorted(values, key=lambda name: -abs(values[name]))[: MOST_TERMS - 2]
        others = [value for name, value in values.items() if name not in largest]
        values = {name: value for name, value in values.items() if name in largest}
        values["rest"] = math.fsum(others)
        note = f"rest: the sum of the other {len(others)} columns"
    nodes: list[Node] = [Symbol(name) for name in values]
    check = LineCheck(found.difference, found.error, found.tolerance, found.holds, "the change")
    rule = "the columns' shares, which add up to the change"
    yield Line(rule, "", added(nodes), values, found.total, check, note, "shares")


def _shares(found: Attributions) -> Grid:
    rows = tuple(
        (f"s_{number}", share.column, share.value, _cell(share.cell), _cell(share.baseline))
        for number, share in enumerate(found.columns, 1)
    )
    headers = ("share", "column", "adds", "cell", "baseline")
    return Grid(headers, rows, headers[:2], "What the way from the baseline's cell to the row's adds")


def _effects(effects: Effects) -> Iterator[Grid]:
    known = ((effect, effect.slope) for effect in effects.columns if effect.slope is not None)
    slopes = tuple((effect.column, _cell(effect.cell), slope) for effect, slope in known)
    if slopes:
        caption = f"The derivative of {effects.quantity} by each number, for one unit of its column"
        yield Grid(("column", "cell", "derivative"), slopes, ("column",), caption)
    swaps = tuple(
        (effect.column, _cell(effect.cell), other, effect.changes[other])
        for effect in effects.columns
        for other in sorted(effect.changes, key=lambda name: -abs(effect.changes[name]))[:MOST_SWAPS]
    )
    if swaps:
        headers = ("column", "cell", "instead", "change")
        yield Grid(headers, swaps, headers[:3], f"How {effects.quantity} changes with another cell instead")


def _cell(cell: str | None) -> str:
    return "missing" if cell is None else cell
