"""Frames as plain data: what a page is told of each place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from chainrule._kept import cached_property
from chainrule._numbers import number_text
from chainrule._types import FloatArray, IntArray
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.shown.answers import answer_read, cells_shown, number_or_none
from chainrule.studio.shown.blocks import blocks_shown
from chainrule.studio.shown.drawing import Drawing
from chainrule.studio.shown.known import Known
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import naming_of
from chainrule.studio.training.course import Course
from chainrule.studio.training.session import SessionState
from chainrule.studio.training.walk import WalkPlace
from chainrule.tables.encoding.encode import InputValue

MOST_BATCH = 50
"""The most rows of a batch that a frame names."""

MOST_CELLS = 60
"""The most columns whose cells a frame has."""

MOST_NAMES = 400
"""The most neurons and weights whose names in a notation a frame has."""


@dataclass(eq=False)
class Framer:
    """Makes the frames of a course."""

    course: Course
    drawn: Drawing
    known: Known
    cells: dict[int, tuple[InputValue, ...]] = field(default_factory=dict)
    _told: tuple[tuple[int, str], list[dict[str, Any]]] = ((-1, ""), [])
    _names: tuple[str, dict[str, str]] | None = None

    def frame(
        self,
        state: SessionState,
        look: Look,
        place: WalkPlace,
        stage: Mapping[str, Any] | None,
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        """Return a frame; ``more`` has what isn't about the numbers: its number, generation, phase, checks."""
        return {
            **more,
            "t": look.t,
            "frontier": state.frontier,
            "updates": state.last,
            "epoch": look.epoch,
            "steps_per_epoch": look.tape.steps_per_epoch,
            "playing": state.playing,
            "direction": state.direction,
            "speed": 0.0 if state.follows else state.speed,
            "grain": state.grain,
            "driver": state.driver,
            "member": state.member,
            "notation": state.notation,
            "row": look.row,
            "row_picked": state.row,
            "row_in_batch": look.index + 1 if look.in_batch else None,
            "batch": {"size": len(look.rows), "rows": list(look.numbers[:MOST_BATCH])},
            **self.frame_numbers(look, place),
            "together": self._together(look, place, state),
            "cells": self._cells_near(look, place),
            "blocks": blocks_shown(self.drawn, look, place, quick=state.follows),
            "flags": look.flags,
            "frozen": look.course.frozen,
            "place": {
                "pass": place.phase,
                "layer": place.layer,
                "neuron": place.neuron,
                "term": place.term,
                "step": place.step,
                "index": place.index,
                "of": len(state.walk),
            },
            "stage": None if stage is None else dict(stage),
            "arrays": self.arrays(look, place.index, quick=state.follows),
            **self._named(look, state.notation),
        }

    def frame_numbers(self, look: Look, place: WalkPlace) -> dict[str, Any]:
        """Return the few numbers of a frame that are no array: rate, costs, the row's loss and its answer."""
        step, update = look.step, None if look.batch is None else look.batch.steps[0].update
        batch = look.batch.steps[0] if look.batch is not None else None
        cost = None if batch is None or batch.gradients is None else float(batch.gradients.cost)
        shows_new = place.phase == "update" and place.step == "C_new" and update is not None
        return {
            "eta": number_or_none(look.eta),
            "cost": None if cost is None else number_or_none(cost),
            "cost_new": number_or_none(update.cost) if shows_new and update is not None else None,
            "row_loss": None if step.losses is None else number_or_none(float(step.losses[look.index])),
            "answer": self._answer(look, place),
        }

    def _named(self, look: Look, name: str) -> dict[str, dict[str, str]]:
        """Return what a notation calls the numbers that are drawn, by address; nothing where it is ours, or there are many."""
        naming, told = naming_of(look, name), self.drawn.told
        if naming is None or len(told["neurons"]) + len(told["edges"]["list"]) > MOST_NAMES:
            return {}
        if self._names is None or self._names[0] != name:
            marks = [
                *(n[key] for n in told["neurons"] for key in ("address", "z", "bias")),
                *(e[2] for e in told["edges"]["list"]),
            ]
            self._names = (name, {mark: naming.text(mark) for mark in marks if mark})
        return {"names": self._names[1]}

    def arrays(self, look: Look, index: int, *, quick: bool = False) -> dict[str, dict[str, Any]]:
        """Return the numbers of the drawing at a place, without those that aren't known there yet; at rest all are known.

        ``quick``: without the last change where it would take a replay.
        """
        found = {
            kind: {name: values for name, values in arrays.items() if not np.isnan(values).all()}
            for kind, arrays in self.numbers(look, index, quick=quick).items()
        }
        sent = {
            kind: {name: packed_as(values, "float64") for name, values in made.items()}
            for kind, made in found.items()
        }
        for kind, codes in self.meant(look, index).items():
            if codes.any():
                sent[kind]["meant"] = packed_as(codes, "int8")
        return sent

    def meant(self, look: Look, index: int) -> dict[str, IntArray]:
        """Return what the drawn parameters' numbers stand for at a place: 1, the row's part in the gradient; 2, a new weight."""
        several = look.batch is not look.picked or len(look.step.rows) > 1
        made = {}
        for kind, (row_from, whole_from, new_from) in self.known.parameters.items():
            part = (index >= row_from) & (index < whole_from) & several
            new = (index >= new_from) & (look.new is not None)
            made[kind] = np.where(index == 0, 0, part + 2 * new)
        return made

    def numbers(self, look: Look, index: int, *, quick: bool = False) -> dict[str, dict[str, FloatArray]]:
        """Return the same as arrays of numbers, NaN where they aren't known."""
        step, known, at = look.step, self.known, look.index
        neurons = np.full((4, len(self.drawn.neurons)), np.nan)
        for layer, places in self._by_layer.items():
            j = self._neuron[places]
            if layer == 0:
                neurons[0, places] = step.record.x[at, j]
                continue
            record, slope = step.record.layers[layer - 1], step.slopes[layer - 1]
            neurons[0, places], neurons[1, places] = record.a[at, j], record.z[at, j]
            if step.gradients is not None:
                neurons[2, places] = step.gradients.layers[layer - 1].delta[at, j]
            if slope is not None:
                neurons[3, places] = slope[at, j]
        from_on = (known.a, known.z, known.delta, known.slope)
        if index:
            neurons[np.array([index < places for places in from_on])] = np.nan
        a, z, delta, slopes = neurons
        return {
            "neurons": {"a": a, "z": z, "delta": delta, "slope": slopes},
            "edges": self._parameters(look, index, self.drawn.edges, known.parameters["edges"], quick),
            "biases": self._parameters(look, index, self.drawn.biases, known.parameters["biases"], quick),
        }

    @cached_property
    def _neuron(self) -> IntArray:
        return np.array([j for _, j in self.drawn.neurons], np.int64)

    @cached_property
    def _by_layer(self) -> dict[int, IntArray]:
        layers = np.array([layer for layer, _ in self.drawn.neurons], np.int64)
        return {int(layer): np.flatnonzero(layers == layer) for layer in np.unique(layers)}

    def _parameters(
        self,
        look: Look,
        index: int,
        places: IntArray,
        from_on: tuple[IntArray, IntArray, IntArray],
        quick: bool,
    ) -> dict[str, FloatArray]:
        """Return weight, gradient and change of the parameters at flat places; -1 is none."""
        row_from, whole_from, new_from = from_on

        def taken(flat: FloatArray | None) -> FloatArray:
            if flat is None:
                return np.full(len(places), np.nan)
            return np.where(places < 0, np.nan, np.asarray(flat)[places])

        flat, whole = np.asarray(look.state.parameters, np.float64), taken(look.whole_gradient)
        weight = taken(flat)
        change = taken(None if quick and not look.knows_last else look.last_change)
        if index == 0:
            return {"weight": weight, "gradient": whole, "change": change}
        gradient = np.where(index >= row_from, taken(look.row_gradient), np.nan)
        gradient = np.where(index >= whole_from, whole, gradient)
        if index >= int(new_from.min(initial=2**62)) and look.new is not None:
            made = index >= new_from
            new = taken(look.new)
            weight, change = np.where(made, new, weight), np.where(made, new - taken(flat), np.nan)
        return {"weight": weight, "gradient": gradient, "change": change}

    def _answer(self, look: Look, place: WalkPlace) -> dict[str, Any] | None:
        """Return the answer in the target's own units, where the pass has come so far."""
        answered = self._answered_from
        if 0 < place.index < answered:
            return None
        out = look.step.record.a[look.index]
        model, course = self.course.reads, self.course
        y = self.course.data.y[course.places[look.row]]
        if model is None:
            each = [
                {"name": name, "value": number_or_none(v)}
                for name, v in zip(course.outputs, out, strict=True)
            ]
            words = ", ".join(number_text(float(v)) for v in out)
            truth = [number_or_none(v) for v in y]
            value = [number_or_none(v) for v in out]
            one = len(value) == 1
            return {
                "words": words, "value": value[0] if one else value, "truth": truth[0] if one else truth,
                "right": None, "each": each,
            }  # fmt: skip
        return answer_read(course, model.answer_of(out[None]), look.row)

    def _together(self, look: Look, place: WalkPlace, state: SessionState) -> dict[str, Any] | None:
        """Return the answer of all members together; None for one alone, before it is come to, and while something plays."""
        if state.playing or 0 < place.index < self._answered_from or look.together is None:
            return None
        (step,), model = look.together.steps, self.course.reads
        assert step.members is not None
        assert model is not None
        return answer_read(self.course, model.answer_of(step.members.mean(axis=0)), look.row)

    @cached_property
    def _answered_from(self) -> int:
        last = len(self.course.network.layers)
        of_outputs = [
            a for a, (layer, _) in zip(self.known.a, self.drawn.neurons, strict=True) if layer == last
        ]
        return int(max(of_outputs, default=0))

    def _cells_near(self, look: Look, place: WalkPlace) -> list[dict[str, Any]]:
        """Return the picked row's cells as they stand in the table, of many columns those around the one that is encoded."""
        row = self.course.places[look.row]
        if row not in self.cells:
            self.cells = {row: self.course.cells(row) or ()}
        values = self.cells[row]
        columns = list(dict.fromkeys(value.column for value in values))
        if len(columns) > MOST_CELLS:
            now = values[place.neuron - 1].column if place.phase == "cell" else columns[0]
            begin = min(max(0, columns.index(now) - MOST_CELLS // 2), len(columns) - MOST_CELLS)
            columns = columns[begin : begin + MOST_CELLS]
        key = (row, columns[0] if columns else "")
        if self._told[0] != key:
            self._told = (key, cells_shown(values, frozenset(columns)))
        return self._told[1]
