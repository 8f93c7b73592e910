"""Partial dependence as charts and as documents."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, TypeVar

import numpy as np

from chainrule.explain.columns.dependence import CellsTried, Dependence, DependenceCurve, Interaction, Surface
from chainrule.explain.columns.numbers import alike_numbers
from chainrule.explain.show.document import Block, Document, Picture, Section, TableBlock, Words, more, notes
from chainrule.plots.chart import Chart, Charts, alike
from chainrule.plots.kinds.effects import dependence_chart, interactions_chart

_Moving = TypeVar("_Moving", DependenceCurve, Surface)

MOST_CHARTS = 4
"""The most answers that are drawn, those that move most; its JSON has all."""

MOST_ROWS = 12
"""The most places of a number that a table has, evenly chosen."""

MOST_ACROSS = 7
"""The most places of a number side by side."""

MOST_COLUMNS = 5
"""The most answers that a table has, those that move most."""

LITTLE, MUCH = 0.02, 0.1
"""From which shares on two columns act together: a little, and much."""


def dependence_picture(found: Dependence | Interaction) -> Chart | Charts:
    """Return the picture of the answers that move most: curves with single rows, or colored cells."""
    made: list[Chart]
    if isinstance(found, Dependence):
        made = list(alike([_curve_chart(found, one) for one in _foremost(found.curves)], "both"))
        what = f"by {found.places.column}"
    else:
        shown = _foremost(found.surfaces)
        every = [mean for one in shown for line in one.mean for mean in line]
        # Probabilities share their colors; numbers of several targets have units of their own.
        within = (min(every), max(every)) if all(one.quantity.startswith("P(") for one in shown) else None
        made = [_surface_chart(found, one, within) for one in shown]
        what = f"by {found.first.column} and {found.second.column}"
    if len(made) == 1:
        return made[0]
    said = " ".join(f"{chart.title}: {chart.description}" for chart in made)
    shared: Literal["both", "none"] = "both" if isinstance(found, Dependence) else "none"
    note = "\n".join(dict.fromkeys(chart.note for chart in made if chart.note))
    # What they all say is said once.
    made = [replace(chart, note="") for chart in made]
    return Charts(f"Answers {what}", said, tuple(made), min(len(made), 3), shared, note)


def dependence_document(
    found: Dependence | Interaction, model: str, table: str, table_notes: Sequence[str] = ()
) -> Document:
    """Return the document of a dependence; ``model`` and ``table`` are the names of their files."""
    blocks: list[Block] = [
        *notes(table_notes),
        Picture(dependence_picture(found), in_text=isinstance(found, Dependence)),
    ]
    if isinstance(found, Dependence):
        columns = found.places.column
        blocks += _curve_table(found)
        said, legend = list(_curve_said(found)), _CURVE_LEGEND
    else:
        columns = f"{found.first.column} and {found.second.column}"
        foremost = max(found.surfaces, key=_moves)
        blocks += _surface_table(found, foremost)
        said, legend = list(_surface_said(found)), _SURFACE_LEGEND
    blocks.append(Section("", tuple(map(Words, said))))
    blocks.append(Section("", (Words(legend, "dim"),)))
    title = f"How the answers of {model} depend on {columns}, over {found.of}"
    return Document(title, tuple(blocks), data={"model": model, "table": table, **found.to_dict()})


_CURVE_LEGEND = (
    "mean: each row keeps its other cells, and only this one is set; the mean is over all rows (partial dependence). What a "
    "single row would get is in the picture and in the JSON; where these lines are not parallel, the effect depends on other "
    "columns. Where columns go together, some of these rows are like none that there is."
)
_SURFACE_LEGEND = (
    "mean: each row keeps its other cells, and these two are set; the mean is over all rows. Acting together: the share of the "
    "variance over the cells that is not the effect of either column by itself, all cells weighed alike."
)


def _moves(one: DependenceCurve | Surface) -> float:
    return float(np.ptp(one.mean))


def _foremost(parts: Sequence[_Moving], most: int = MOST_CHARTS) -> list[_Moving]:
    """Return the answers that move most, in their own order."""
    kept = sorted(parts, key=lambda one: -_moves(one))[:most]
    return [one for one in parts if one in kept]


def _label(found: Dependence | Interaction, quantity: str) -> str:
    parts = found.curves if isinstance(found, Dependence) else found.surfaces
    if len(parts) == 1:
        return quantity
    return "probability" if quantity.startswith("P(") else "answer"


def _curve_chart(found: Dependence, curve: DependenceCurve) -> Chart:
    places = found.places
    words = {"datetime": " (year)"}.get(places.kind, "")
    if places.kind == "datetime" and places.values and places.values[-1] <= 24:
        words = " (hour)"
    how = {"column": places.column + words, "unit": _label(found, curve.quantity)}
    title = f"{curve.quantity} by {places.column}" if len(found.curves) == 1 else curve.quantity
    if places.values:
        return dependence_chart(
            places.values, curve.mean, rows=curve.lines, values=places.seen, title=title, **how
        )
    return dependence_chart(places.texts, curve.mean, rows=curve.lines, title=title, **how)


def _surface_chart(found: Interaction, surface: Surface, within: tuple[float, float] | None) -> Chart:
    return interactions_chart(
        _written(found.first),
        _written(found.second),
        surface.mean,
        x_name=found.first.column,
        y_name=found.second.column,
        unit=_label(found, surface.quantity),
        within=within,
        title=f"{surface.quantity} by both" if len(found.surfaces) == 1 else surface.quantity,
    )


def _curve_table(found: Dependence) -> Iterator[Block]:
    places = found.places
    chosen = _evenly(len(places.texts), MOST_ROWS) if places.values else range(len(places.texts))
    shown = _foremost(found.curves, MOST_COLUMNS)
    writes = [alike_numbers(curve.mean) for curve in shown]
    texts = _written(places)
    rows = []
    for place in chosen:
        counted = [f"{places.counts[place]:,}"] if places.counts else []
        means = (write(curve.mean[place]) for write, curve in zip(writes, shown, strict=True))
        rows.append((texts[place], *counted, *means))
    if any(not math.isnan(curve.missing) for curve in shown):
        rows.append(("missing", *(write(curve.missing) for write, curve in zip(writes, shown, strict=True))))
    if len(shown) > 1:
        yield Words(f"mean of {' and '.join(_kinds(shown))}, with {places.column} set to:")
    names = [curve.short if len(shown) > 1 else f"mean {curve.quantity}" for curve in shown]
    headers = (places.column, *(["rows"] if places.counts else []), *names)
    rest = [
        more(len(places.texts) - len(chosen), "places, in its JSON"),
        more(len(found.curves) - len(shown), "answers, in its JSON"),
    ]
    first = (0,) if places.values else ()
    yield TableBlock(headers, tuple(rows), (*first, *range(1, len(headers))), " ".join(filter(None, rest)))


def _kinds(curves: Sequence[DependenceCurve]) -> list[str]:
    """Say what several answers are: ``P(species = …)``."""
    said = (curve.quantity.replace(f" = {curve.short}", " = …") for curve in curves)
    return list(dict.fromkeys(said))


def _curve_said(found: Dependence) -> Iterator[str]:
    texts = _written(found.places)
    for curve in _foremost(found.curves, MOST_COLUMNS):
        low, high = int(np.argmin(curve.mean)), int(np.argmax(curve.mean))
        write = alike_numbers(curve.mean)
        if write(curve.mean[low]) == write(curve.mean[high]):
            yield f"The mean {curve.quantity} doesn't move: it is {write(curve.mean[low])}."
            continue
        same = sum(line[high] > line[low] for line in curve.lines)
        drawn = len(curve.lines)
        rows = f"all {drawn} rows drawn rise" if same == drawn else f"{same} of the {drawn} rows drawn rise"
        yield (
            f"The mean {curve.quantity} is lowest, {write(curve.mean[low])}, at {texts[low]}, and highest, "
            f"{write(curve.mean[high])}, at {texts[high]}; from there to here {rows}, too."
        )


def _surface_table(found: Interaction, surface: Surface) -> Iterator[Block]:
    write = alike_numbers(np.ravel(surface.mean).tolist())
    across, down = _written(found.first), _written(found.second)
    columns = _evenly(len(across), MOST_ACROSS) if found.first.values else range(len(across))[:MOST_ROWS]
    lines = _evenly(len(down), MOST_ROWS) if found.second.values else range(len(down))
    headers = (f"{found.second.column} \\ {found.first.column}", *(across[place] for place in columns))
    rows = [(down[line], *(write(surface.mean[line][place]) for place in columns)) for line in lines]
    said = [
        f"{count:,} more {what}"
        for count, what in (
            (len(across) * len(down) - len(rows) * len(columns), "cells"),
            (len(found.surfaces) - 1, "answers"),
        )
        if count
    ]
    rest = f"… and {', '.join(said)}, in its JSON" if said else ""
    yield Words(f"mean {surface.quantity}:")
    yield TableBlock(headers, tuple(rows), tuple(range(1, len(headers))), rest)


def _evenly(count: int, most: int) -> list[int]:
    """Return at most so many places of ``count``, evenly chosen."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(count, most)).tolist()})


def _written(places: CellsTried) -> list[str]:
    """Return the places as they are written beside each other."""
    if places.kind != "number":
        return list(places.texts)
    if all(value.is_integer() for value in places.values):
        return [f"{value:.0f}" for value in places.values]
    return list(map(alike_numbers(places.values), places.values))


def _surface_said(found: Interaction) -> Iterator[str]:
    names = f"{found.first.column} and {found.second.column}"
    for surface in _foremost(found.surfaces, MOST_COLUMNS):
        if math.isnan(surface.joint):
            yield f"The mean {surface.quantity} doesn't move."
            continue
        how = "hardly act" if surface.joint < LITTLE else "act"
        much = "much " if surface.joint >= MUCH else ""
        yield f"On {surface.quantity} {names} {how} {much}together: {surface.joint:.1%} of the variance."
