"""A row's cells and its answer as a page shows them: with the encoder's arithmetic, and in the target's own words and units."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from chainrule._numbers import number_text
from chainrule.explain.derive.forward import formula
from chainrule.formula.text import text
from chainrule.model.model import Prediction
from chainrule.studio.training.course import Course
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.encoding.scalings import ARITHMETIC


def number_or_none(value: float) -> float | None:
    """Return a number as JSON can hold it."""
    return float(value) if math.isfinite(value) else None


def cells_shown(values: Sequence[InputValue], columns: Collection[str]) -> list[dict[str, Any]]:
    """Return a row's cells in some columns, with the arithmetic of each of their inputs in words.

    Of a text these are the inputs of the words that it has: it hasn't most of them.
    """
    found: dict[str, dict[str, Any]] = {}
    for number, value in enumerate(values, 1):
        if value.column not in columns:
            continue
        cell = "" if value.cell is None else value.cell
        one = found.setdefault(
            value.column, {"column": value.column, "cell": cell, "steps": [], "inputs": []}
        )
        counts = value.formula == ARITHMETIC["count"].formula
        if counts and not value.counted:
            continue
        shown = number_text(value.value)
        if value.formula.startswith("["):
            words = f"x[{number}] = {value.formula} = {shown}"
        else:
            numbers: dict[str, str | float] = {
                name: number_text(own) for name, own in value.parameters.items()
            }
            root = formula(value.formula).root
            words = f"x[{number}] = {text(root)} = {text(root, numbers)} = {shown}"
            if counts:
                words += f" (v counts {', '.join(map(repr, value.counted))})"
            elif value.cell is None:
                words += " (the cell is missing; v is filled in)"
        one["steps"].append({"words": words})
        one["inputs"].append(f"x[{number}]")
    return list(found.values())


def answer_read(course: Course, answer: Prediction, number: int) -> dict[str, Any]:
    """Return the prediction of a row, by its number, in words, beside the truth."""
    model = course.reads
    assert model is not None
    place, target = course.places[number], model.target
    if place not in course.truths:
        course.truths[place] = _truth(course, place)
    truth = course.truths[place]
    if len(target.parts) > 1:
        numbers = answer.codes is None
        labels = [number_text(float(v)) if numbers else str(v) for v in np.ravel(answer.labels)]
        given = answer.probabilities if answer.probabilities is not None else answer.labels
        each = [
            {"name": name, "value": _float(value)}
            for name, value in zip(target.names, np.ravel(given), strict=True)
        ]
        words = ", ".join(f"{name} = {label}" for name, label in zip(target.names, labels, strict=True))
        right = None if numbers else labels == truth
        return {"words": words, "value": labels, "truth": truth, "right": right, "each": each}
    if answer.codes is None:
        value = float(answer.labels[0])
        words = f"{target.name} = {number_text(value)}"
        each = [{"name": target.name, "value": number_or_none(value)}]
        return {
            "words": words,
            "value": number_or_none(value),
            "truth": number_or_none(truth),
            "right": None,
            "each": each,
        }
    label, code = str(answer.labels[0]), int(answer.codes[0])
    labels = [str(one) for one in target.labels]
    each, words = [], f"{target.name} = {label}"
    if answer.probabilities is not None:
        values = answer.probabilities[0]
        each = [
            {"name": name, "value": number_or_none(float(v))} for name, v in zip(labels, values, strict=True)
        ]
        words += f", with probability {number_text(float(values[code]), 3)}"
    return {"words": words, "value": label, "truth": truth, "right": truth == label, "each": each}


def _truth(course: Course, place: int) -> Any:
    """Return a row's target as it is shown: cells of several, a number, or a class."""
    assert course.reads is not None
    row, target = course.row_table(place), course.reads.target
    if len(target.parts) > 1:
        return [row.cell(0, name) for name in target.names]
    if target.n_classes:
        return str(target.labels[int(np.ravel(target.codes(row))[0])])
    return float(np.ravel(target.numbers(row))[0])


def _float(value: Any) -> float | None:
    try:
        return number_or_none(float(value))
    except (TypeError, ValueError):
        return None
