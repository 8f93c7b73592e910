"""The importance of columns as a chart and as a document."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from chainrule.explain.columns.importance import ColumnImportance, Importance
from chainrule.explain.columns.numbers import alike_numbers
from chainrule.explain.show.document import Block, Document, Picture, Section, TableBlock, Words, more, notes
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.scores import importance_chart

MOST_COLUMNS = 40
"""The most columns of the table; its JSON has all."""

MOST_NAMED = 12
"""The most columns that a sentence names."""


def importance_picture(found: Importance) -> Chart:
    """Return a bar for each column: what shuffling it costs, or where only that is known how much it moves predictions."""
    if "permutation" not in found.methods:
        values, unit = found.values, "mean of absolute attributions"
        return importance_chart(found.names, values, unit=unit, title="How much columns move predictions")
    low, high = ([getattr(one, end) for one in found.columns] for end in ("low", "high"))
    return importance_chart(
        found.names,
        found.values,
        None if any(map(math.isnan, low)) else low,
        None if any(map(math.isnan, high)) else high,
        unit=f"{_worse(found)} when shuffled",
        title="What the model needs",
    )


def importance_document(
    found: Importance, model: str, table: str, table_notes: Sequence[str] = ()
) -> Document:
    """Return the document of importances; ``model`` and ``table`` are the names of their files."""
    drops = "permutation" in found.methods
    ordered = sorted(found.columns, key=lambda one: -_size(one.drop if drops else one.attribution))
    lines = [*_legend(found), *_attributions_said(found)]
    blocks: list[Block] = [
        *notes(table_notes),
        Picture(importance_picture(found)),
        _table(found, ordered),
    ]
    if said := tuple(Words(line) for line in _said(found, ordered)):
        blocks.append(Section("", said))
    blocks.append(Section("", tuple(Words(line, "dim") for line in lines)))
    title = f"What {model} needs, on {found.of}"
    return Document(title, tuple(blocks), data={"model": model, "table": table, **found.to_dict()})


def _size(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _worse(found: Importance) -> str:
    return f"{found.words} {'lost' if found.greater_is_better else 'added'}"


def _table(found: Importance, ordered: Sequence[ColumnImportance]) -> TableBlock:
    shown = ordered[:MOST_COLUMNS]
    drop = alike_numbers([end for one in shown for end in (one.drop, one.low, one.high)], signed=True)
    size = alike_numbers([one.attribution for one in shown])
    headers, rows = ["column"], [[one.name] for one in shown]
    if "permutation" in found.methods:
        headers += [_worse(found), "95 % interval"]
        for row, one in zip(rows, shown, strict=True):
            row += [drop(one.drop), f"{drop(one.low)} … {drop(one.high)}"]
    if found.attributed:
        headers.append("moves by")
        for row, one in zip(rows, shown, strict=True):
            row.append(size(one.attribution))
    right = tuple(range(1, len(headers)))
    rest = more(len(ordered) - len(shown), "columns, in its JSON")
    return TableBlock(tuple(headers), tuple(map(tuple, rows)), right, rest)


def _said(found: Importance, ordered: Sequence[ColumnImportance]) -> Iterator[str]:
    """Say what can be told apart from nothing, and which columns stand in for others."""
    spare = [one.name for one in ordered if not one.counts and not math.isnan(one.low)]
    if spare and len(spare) == len(ordered):
        yield (
            "No column's interval is above 0: on these rows no single column is missed. Either columns stand in for each "
            "other, or the rows are too few to tell."
        )
    elif spare:
        yield f"Not missed as far as these rows tell, since the interval reaches 0: {_named(spare)}."
    write = alike_numbers([one.drop for one in ordered], signed=True)
    by_name = {one.name: one for one in found.columns}
    for group in found.interchangeable:
        line = f"Interchangeable: {_named(group.columns)} (each tells at least {group.told:.0%} of the other"
        line += "s)." if len(group.columns) > 2 else ")."
        alone = [by_name[name] for name in group.columns if name in by_name]
        if group.together is not None and alone:
            drops = ", ".join(write(one.drop) for one in alone)
            line += (
                f" Shuffled one by one they cost {drops}, together {write(group.together.drop)}: while one is shuffled "
                "the other still tells the model."
            )
        yield line
    for one in found.redundant:
        yield f"Redundant: {one.column}, of which {one.by} tells {one.told:.0%}; not the other way round."


def _named(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _legend(found: Importance) -> Iterator[str]:
    if "permutation" in found.methods:
        way = "lost" if found.greater_is_better else "added"
        write = alike_numbers([found.score])
        yield (
            f"{found.words} {way}: how much worse the {found.words} gets, which is {write(found.score)} as the rows are, when "
            f"the column's cells are dealt out to other rows; the mean of {found.repeats} shuffles, drawn with seed "
            f"{found.seed}. The interval says how far that may be from the same on all rows there could be (jackknife over "
            "the rows)."
        )


def _attributions_said(found: Importance) -> Iterator[str]:
    if found.attributed:
        yield (
            f"moves by: the mean of |attribution| to {found.quantity}, from typical cells to the row's (integrated gradients, on "
            f"{found.attributed:,} rows; they add up to within {found.missed:.1%})."
        )
