"""A learning curve as a document: scores by the number of rows trained on, and what they say of more rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path

import numpy as np

from chainrule._doors import setting
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.show.document import Block, Document, Facts, Picture, TableBlock, Words, notes
from chainrule.fitting.studies.learning import LearningCurve, LearningPoint
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.search import learning_chart
from chainrule.reports.words import SCORE_NAMES, number_shown

LARGEST_FILE = 10_000_000


def read_learning(path: str | PathLike[str]) -> LearningCurve:
    """Return what ``chainrule train`` printed of a learning curve as JSON; raises SettingsError for anything else."""
    name = fspath(path)
    remedy = f"give what {setting('learning_curve')} printed as JSON"
    try:
        data = Path(path).read_bytes()
        if len(data) > LARGEST_FILE:
            raise SettingsError(
                f"{name}: the file has {len(data):,} bytes, more than a learning curve has; {remedy}"
            )
        known = json.loads(data)
        if isinstance(known, dict):
            known = {key: value for key, value in known.items() if key not in ("table", "target")}
        return LearningCurve.from_dict(known)
    except OSError as error:
        raise SettingsError(f"{name}: the file can't be read: {error.strerror}") from error
    except ModelFileError as error:
        raise SettingsError(f"{name}: {error}; {remedy}") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise SettingsError(f"{name}: this is not JSON: {error}; {remedy}") from error


def learning_charts(found: LearningCurve) -> Chart | Charts | None:
    """Return the plots of each score by rows, means and the ends of the draws; None where nothing was trained."""
    points = [point for point in found.points if not point.reason]
    if not points:
        return None
    rows = [point.rows for point in points]
    names = list(points[0].held_out)
    charts = []
    for name in names:
        sides = {
            "learned from": [point.learned[name] for point in points],
            "held out": [point.held_out[name] for point in points],
        }
        ends = {side: _ends(values) for side, values in sides.items()}
        chart = learning_chart(rows, ends, score=SCORE_NAMES[name], title=SCORE_NAMES[name])
        charts.append(replace(chart, y=replace(chart.y, label="")))  # its title says it
    if len(charts) == 1:
        return charts[0]
    told = " ".join(chart.description for chart in charts)
    return Charts("Scores by rows trained on", told, tuple(charts), len(charts))


def learning_document(found: LearningCurve) -> Document:
    """Return the scores by rows, and whether the last doubling still made a difference."""
    points = [point for point in found.points if not point.reason]
    names = list(points[0].held_out) if points else []
    headers = [header for name in names for header in (f"{SCORE_NAMES[name]} held out", "learned from")]
    rows = []
    for point in points:
        cells = [(_cell(point.held_out[name]), _mean(point.learned[name])) for name in names]
        rows.append((f"{point.rows:,}", *(cell for pair in cells for cell in pair)))
    chart = learning_charts(found)
    blocks: list[Block] = [] if chart is None else [Picture(chart)]
    if rows:
        blocks.append(TableBlock(("rows", *headers), tuple(rows), tuple(range(1 + len(headers)))))
        blocks.append(
            Words(
                "Means over the draws, in brackets the lowest and the highest of them, which bands show.",
                "dim",
            )
        )
    left = [(f"{point.rows:,} rows:", point.reason) for point in found.points if point.reason]
    if left:
        blocks.append(Facts(tuple(("not trained on", *one) for one in left)))
    if found.interrupted:
        blocks += notes(["interrupted; this is what was done before it"])
    if len(points) > 1:
        blocks.append(Words(_verdict(points[-2], points[-1], names[0])))
    return Document(f"Scores by rows trained on, on {found.tested:,} rows held out", tuple(blocks))


def _verdict(before: LearningPoint, last: LearningPoint, name: str) -> str:
    """Say whether the last step in rows moved a score by more than the draws differ."""
    old, new = before.held_out[name], last.held_out[name]
    change = float(np.mean(new) - np.mean(old))
    spread = max(float(np.ptp(old)), float(np.ptp(new)))
    words = f"From {before.rows:,} to {last.rows:,} rows {SCORE_NAMES[name]} goes from {number_shown(float(np.mean(old)))}"
    words += f" to {number_shown(float(np.mean(new)))}"
    if len(old) < 2 or len(new) < 2:
        return f"{words}; one draw doesn't tell by how much such a number differs by chance."
    if abs(change) <= spread:
        return f"{words}, which is no more than draws of the same size differ by: more rows like these promise little."
    better = "falls" if change < 0 else "rises"
    return f"{words}, more than draws of the same size differ by: it still {better} with more rows."


def _ends(values: Sequence[Sequence[float]]) -> tuple[list[float], list[float], list[float]]:
    return (
        [float(np.mean(each)) for each in values],
        [min(each) for each in values],
        [max(each) for each in values],
    )


def _cell(values: Sequence[float]) -> str:
    mean = _mean(values)
    return mean if len(values) == 1 else f"{mean} ({number_shown(min(values))}–{number_shown(max(values))})"


def _mean(values: Sequence[float]) -> str:
    return number_shown(float(np.mean(values)))
