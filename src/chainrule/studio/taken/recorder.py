"""What a file that is mailed plays: frames, explanations and pictures of a training, recorded as a page asks for them.

Nothing depends on a clock: what is recorded, and the bytes that it becomes, follow from the training and from where it is
looked at. How much, follows from the size of the network: see `Plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from chainrule._kept import cached_property
from chainrule.errors import ChainruleError
from chainrule.explain.trace.address import Address
from chainrule.studio.shown.answers import number_or_none
from chainrule.studio.shown.between import kept_epoch
from chainrule.studio.shown.curves import CurveRecord
from chainrule.studio.shown.doctor import found_live
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.numbers import inspected, naming_of
from chainrule.studio.stages.all import stage_of
from chainrule.studio.taken.carried import CarriedModel, carried_model
from chainrule.studio.taken.filing import FramePieces, NodePool, piece_of
from chainrule.studio.taken.recordable import Recordable
from chainrule.studio.taken.taking import live_command
from chainrule.studio.training.walk import GRAINS
from chainrule.studio.views.views import recorded_views
from chainrule.studio.web.stream import json_ready

FORMAT = 1
"""The version of what is recorded; the page in the file goes with it."""

MOST_FRAME_BYTES = 350_000
"""About the bytes of the frames between updates."""

MOST_BETWEEN, FEWEST_BETWEEN = 160, 6
"""The most frames between updates, and the fewest."""

MOST_PLACES = 160
"""The most places inside of an update: of more, those at which a coarser step stops."""

MOST_EXPLAINED, MOST_SUMS = 150, 12
"""The most numbers of an update that are explained, and the most derivatives among them: those are long sums over rows."""

OTHERS = 3
"""What the update that is looked at first has so many times as often as each other."""

MOST_TRIED = 8
"""The rows of an answer among which one without a gap is looked for."""

MOST_ROWS = 3
"""The most rows that can be looked at."""

PICTURES = ("score", "confusion", "residuals", "gradients")
"""The kinds of pictures that are asked for as they come."""


@dataclass(frozen=True)
class RecordPlan:
    """What is recorded: the updates between which one stops, those whose inside is there, the ``first`` of them most, and rows.

    The first row is there at every stop, the others at ``few`` of them.
    """

    stops: tuple[int, ...]
    whole: tuple[int, ...]
    first: int
    rows: tuple[int, ...]
    few: frozenset[int]


class Recorder:
    """Records what a studio has made so far, of the member and in the notation that it shows.

    Of what there is most of, ``share`` is the part (a half of 2) that is recorded.
    """

    def __init__(self, studio: Recordable, share: int = 1) -> None:
        self.studio, self.share = studio, share
        self.made, self.state = studio.made, studio.state
        self.told = studio.hello()
        self.nodes = NodePool()
        self.frames = FramePieces(self.nodes)
        self.stops: list[tuple[int, int, int, int, int]] = []
        """Update, place, row, the grains that stop there as bits, and the number of the frame."""
        self.undropped: dict[str, int] = {}
        """By row the number of its frame after the last update with no output dropped, where outputs are dropped in its stop."""
        self.findings: dict[int, list[dict[str, Any]]] = {}
        """What the doctor finds, by the update."""

    # ---- what is recorded

    @cached_property
    def last(self) -> int:
        """The last update that can be shown."""
        return self.made.tape.frontier

    @cached_property
    def plan(self) -> RecordPlan:
        """What is recorded, by the size of the network and the length of the training."""
        each, last, shown = self.made.tape.steps_per_epoch, self.last, min(self.state.t, self.last)
        numbers = len(self.told["network"]["neurons"]) * 6 + self.told["network"]["edges"]["drawn"] * 3
        most = max(FEWEST_BETWEEN, min(MOST_BETWEEN, MOST_FRAME_BYTES // (7 * max(1, numbers))) // self.share)
        early = min(last, max(min(each, most // 4), most // 4 // each * each))
        epochs = last // each
        every = max(1, -(-epochs // max(1, most - early)))
        stops = {*range(early + 1), *range(0, last + 1, each * every), shown, last}
        whole = tuple(
            sorted({0, max(0, last - 1), *([shown] if self.state.index else [])} & set(range(last)))
        )
        stops |= {*whole, *(t + 1 for t in whole)}
        few = frozenset(
            (*whole, *(t + 1 for t in whole), shown, last, *range(0, last + 1, max(1, last // 8) or 1))
        )
        first = shown if shown in whole else 0
        return RecordPlan(tuple(sorted(stops)), whole, first, self._rows(), few & stops)

    def _rows(self) -> tuple[int, ...]:
        """Return the row that is shown, or else the first without a gap, and of other answers the first such rows."""
        course, rows = self.made.course, [] if self.state.row is None else [self.state.row]
        tried: dict[bytes, int] = {}
        answered = {course.data.y[course.places[row]].tobytes() for row in rows}
        for place, number in enumerate(course.numbers.tolist()):
            answer = course.data.y[place].tobytes()
            tried[answer] = tried.get(answer, 0) + 1
            if len(rows) < MOST_ROWS and answer not in answered:
                if tried[answer] < MOST_TRIED and not self._is_filled(place):
                    continue
                rows.append(number)
                answered.add(answer)
        return tuple(rows)

    def _is_filled(self, place: int) -> bool:
        cells = self.made.course.cells(place)
        return cells is None or all(cell.cell for cell in cells)

    @cached_property
    def carried(self) -> CarriedModel:
        """The model of the last update, with which the page answers what if."""
        state = self.made.tape.state(self.last, self.state.member - 1)
        return carried_model(self.made.course, np.asarray(state.parameters, np.float64), self.plan.rows)

    # ---- frames

    def _frame(self, t: int, index: int, row: int, look: Look | None = None) -> dict[str, Any]:
        made = self.made
        state = replace(
            self.state, t=t, index=index, row=row, frontier=self.last, playing=False, follows=False, wanted=None,
            begun=True, driver=None, direction=1,
        )  # fmt: skip
        look = look or made.lookout.look(t, state.member - 1, row)
        place = made.walk.at(0 if look.state.stays else index)
        stage = stage_of(look, place, naming_of(look, state.notation))
        more: dict[str, Any] = {"seq": 0, "generation": self.told["generation"], "phase": "paused"}
        if t in self.plan.few:
            more["findings"] = self._found(t, look)
        frame = made.framer.frame(state, look, place, stage, more)
        # Explanations are texts alone, and long.
        frame["stage"] = None
        frame = dict(json_ready(frame))
        if stage is not None:
            nodes = {"nodes": stage["nodes"], "curve": stage["curve"]}
            frame["stage"] = {**json_ready({**stage, "nodes": None, "curve": None}), **nodes}
        return frame

    def _found(self, t: int, look: Look) -> list[dict[str, Any]]:
        """Return what the doctor finds after ``t`` updates, of whichever row."""
        if t not in self.findings:
            self.findings[t] = json_ready(found_live(look))
        return self.findings[t]

    def _record(self, t: int, index: int, row: int, grains: int) -> None:
        number = self.frames.add(self._frame(t, index, row))
        self.stops.append((t, index, row, grains, number))

    def record_frames(self) -> None:
        """Record all frames: those between updates, then the insides."""
        plan, each = self.plan, self.made.tape.steps_per_epoch
        for t in plan.stops:
            epoch = t % each == 0 or t == self.last
            for row in plan.rows if t in plan.few else plan.rows[:1]:
                self._record(t, 0, row, _bits(g for g in GRAINS if g != "epoch" or epoch))
        for row in plan.rows:
            seen = self.made.lookout.look(self.last, self.state.member - 1, row)
            if any(layer.mask is not None for layer in seen.step.record.layers):
                alone = self.made.lookout.alone(self.last, self.state.member - 1, row)
                self.undropped[str(row)] = self.frames.add(self._frame(self.last, 0, row, alone))
        self.frames.close()
        for t in plan.whole:
            for index, bits in self._inside(MOST_PLACES // self.share // (1 if t == plan.first else OTHERS)):
                self._record(t, index, plan.rows[0], bits)
            self.frames.close()

    def _inside(self, most: int) -> Iterator[tuple[int, int]]:
        """Yield the at ``most`` so many places inside of an update that are recorded, with the grains that stop there."""
        walk = self.made.walk
        for finest in ("term", "neuron", "layer", "pass"):
            found: dict[int, int] = {}
            for bit, grain in enumerate(GRAINS[:4]):
                if bit < GRAINS.index(finest):
                    continue
                index: int | None = walk.after(0, grain)
                while index is not None and len(found) <= most:
                    found[index] = found.get(index, 0) | 1 << bit
                    index = walk.after(index, grain)
            if len(found) <= most:
                yield from sorted(found.items())
                return

    # ---- explanations and pictures

    def numbers(self) -> dict[str, list[Any]]:
        """Return the explanations by address, update and row: title, value, whether the checks hold, and the nodes' number."""
        found: dict[str, list[Any]] = {}
        for t in self.plan.whole:
            look = self.made.lookout.look(t, self.state.member - 1, self.plan.rows[0])
            share = self.share * (1 if t == self.plan.first else OTHERS)
            for address in self._addresses(look, MOST_EXPLAINED // share, MOST_SUMS // share):
                try:
                    told = inspected(look, {"address": address}, self.state.notation)
                except ChainruleError:
                    continue
                key = f"{address} {t} {look.row if Address.parse(address).quantity.per_row else ''}".rstrip()
                nodes = self.nodes.number(told["nodes"])
                found[key] = [
                    told["address"],
                    told["title"],
                    number_or_none(told["value"]),
                    told["ok"],
                    nodes,
                ]
        return found

    def _addresses(self, look: Look, most: int, sums: int) -> list[str]:
        """Return what can be asked for on the page, the most told of it first; of the derivatives the largest."""
        network = self.told["network"]
        neurons = [one[key] for key in ("address", "z") for one in network["neurons"] if one[key]]
        deltas = [f"delta{one['z'][1:]}" for one in network["neurons"] if one["z"]]
        parameters = [edge[2] for edge in network["edges"]["list"]]
        parameters += [one["bias"] for one in network["neurons"] if one["bias"]]
        derivatives: list[str] = []
        if look.whole_gradient is not None:
            layout, sizes = look.course.layout, np.abs(look.whole_gradient)
            drawn = set(parameters)
            largest = (layout.address(int(place)) for place in np.argsort(-sizes, kind="stable"))
            derivatives = [
                f"dC/d{name}" for name in islice((name for name in largest if name in drawn), sums)
            ]
        return ["C", "loss", "C_new", *neurons, *deltas, *derivatives, *parameters][:most]

    def pictures(self) -> dict[str, Any]:
        """Return the pictures by what they are asked by."""
        task = self.told["target"]["task"]
        found = {}
        for t in sorted({self.plan.first, self.last}):
            for kind in PICTURES:
                if kind == ("residuals" if task == "classification" else "confusion"):
                    continue
                scored = kind != "gradients"
                query: dict[str, Any] = {"kind": kind, "t": t, **({"part": "validation"} if scored else {})}
                for part in ("validation", "test") if scored and self.state.opened else ("validation",):
                    asked = {**query, "part": part} if scored else query
                    try:
                        told = json_ready(self.studio.picture({**asked, "width": 560}))
                    except ChainruleError as error:
                        told = {"problem": " ".join(str(error).split())}
                    found[query_key("picture", asked)] = told
            for what, words, told in recorded_views(self.studio, t):
                found[query_key(what, words)] = json_ready(told)
        return found

    def curve(self) -> dict[str, Any]:
        """Return the curves, worked out anew: how often a page was told of them leaves no mark."""
        news = CurveRecord().news(self.made)
        return {} if news is None else {"generation": self.told["generation"], **json_ready(news)}

    # ---- all of it

    def recording(self) -> dict[str, Any]:
        """Return what the file holds: texts and numbers alone."""
        self.record_frames()
        numbers, pictures = self.numbers(), self.pictures()
        plan = self.plan
        start = self._nearest(min(self.state.t, self.last), self.state.index)
        index = {
            "hello": {**self.told, "form": [], **self._narrowed(), "recorded": self._about()},
            "curve": self.curve(),
            "start": start,
            "stops": [list(stop) for stop in self.stops],
            "places": [list(place) for place in self.frames.places],
            "whole": list(plan.whole),
            "pictured": sorted({plan.first, self.last}),
            "numbers": numbers,
            "pictures": pictures,
            "takes": self._takes(),
            "model": {
                "t": self.last,
                "rows": self.carried.rows,
                "columns": self.carried.columns,
                "undropped": self.undropped,
            },
        }
        return {
            "format": FORMAT,
            "index": piece_of(index),
            "frames": self.frames.pieces,
            "nodes": [list(piece) for piece in self.nodes.pieces()],
        }

    def _narrowed(self) -> dict[str, Any]:
        """Return what of the studio can be chosen in the file."""
        shown = [one for one in self.told["notations"] if one["name"] == self.state.notation]
        rows = {**self.told["rows"], "numbers": sorted(self.plan.rows)}
        return {"notations": shown, "rows": rows}

    def _about(self) -> dict[str, Any]:
        plan = self.plan
        return {
            "command": live_command(self.made.course),
            "run": self._run(),
            "rows": list(plan.rows),
            "whole": list(plan.whole),
            "stops": len(plan.stops),
            "updates": self.last,
            "whatif": {
                "at": self.last,
                "kept": self._kept(),
                "refused": self.carried.why or None,
                "numbers": 0,
                "off": 0.0,
            },
        }

    def _kept(self) -> int | None:
        """Return the epoch that is kept, where that isn't the last one."""
        kept, each = kept_epoch(self.made, self.state.member - 1), self.made.tape.steps_per_epoch
        return None if kept is None or kept * each == self.last else kept

    def _run(self) -> str | None:
        """Return which run of several it is, in words."""
        runs = self.studio.runs
        return (
            f"run {runs.current.number} of {len(runs.all)}, {runs.current.words}"
            if len(runs.all) > 1
            else None
        )

    def _takes(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for what in ("command", "python"):
            try:
                name, mime, content = self.studio.take(what)
            except ChainruleError:
                continue
            found[what] = {"name": name, "mime": mime, "text": content.decode()}
        return found

    def _nearest(self, t: int, index: int) -> int:
        """Return the number of the stop that shows a place, or the one nearest to it."""
        row = self.plan.rows[0]
        far = [
            (abs(stop[0] - t), abs(stop[1] - index), number)
            for number, stop in enumerate(self.stops)
            if stop[2] == row
        ]
        return min(far)[2]


def _bits(grains: Iterable[str]) -> int:
    return sum(1 << GRAINS.index(grain) for grain in frozenset(grains) if grain in GRAINS)


def query_key(what: str, query: Mapping[str, Any]) -> str:
    """Return the key of a question: its words in order, without how wide the answer is drawn.

    >>> query_key("picture", {"t": 3, "kind": "score", "width": 500})
    'picture kind=score t=3'
    """
    words = [
        f"{name}={value}" for name, value in sorted(query.items()) if name != "width" and value is not None
    ]
    return " ".join([what, *words])
