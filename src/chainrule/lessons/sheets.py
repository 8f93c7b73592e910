"""Exercise sheets: a lesson's derivations with fresh friendly numbers, of which some are left blank.

Numbers are drawn by counter-based random words keyed by the seed, so variant 17 is the same however many are printed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import DIGITS
from chainrule._random import Purpose, random_words
from chainrule.errors import ChainruleError, SettingsError
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.hand import Hand
from chainrule.explain.derive.lines import Line
from chainrule.explain.derive.writer import NO_VALUE
from chainrule.explain.notation.factors import in_factors
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.explain.show.document import Block, GridBlock, Picture, Words
from chainrule.explain.show.drawn import drawn_layers, network_layers, picture
from chainrule.explain.show.showing import address_of
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.moves.base import Scene
from chainrule.lessons.moves.showing import described, end_names
from chainrule.lessons.names import in_addresses
from chainrule.lessons.runner import setups_of
from chainrule.lessons.setup import Setup

DRAWN = ("x", "y", "W", "b")
"""What can be drawn anew."""

TENTHS: Mapping[str, tuple[float, ...]] = {
    "x": tuple(i / 10 for i in range(1, 10)),
    "y": tuple(i / 10 for i in range(1, 10)),
    "W": tuple(i / 10 for i in range(-9, 10) if i),
    "b": tuple(i / 10 for i in range(-5, 6)),
}
"""What numbers are drawn from where the sheet's lesson names none, and its own are no small whole numbers."""

MOST_WHOLE = 10
"""Whole numbers stay whole where they lie no farther apart than this."""

FORWARD = frozenset(
    ("u", "e", "scale", "z", "a", "r", "h", "mean_a", "answer", "prediction", "probability", "y_smooth", "loss", "penalty", "C")
)  # fmt: skip
"""The quantities of the forward pass; all others that are worked out come after it."""

MOST_VARIANTS = 1000
MOST_DRAWS = 200
LARGEST_RESULT = 1000.0
MOST_ZEROS = 0.3
"""Numbers are drawn again where a line's result is larger, or more than this share of the lines result in 0."""


@dataclass(frozen=True)
class Variant:
    """One sheet: what is given, and the lines of the calculation, of which those at the places ``blank`` are left blank.

    The network is ``drawn`` with the given numbers in it, for the key ``solved``. Where lines ``keep`` their formulas, only their
    results are left blank.
    """

    number: int
    given: tuple[Block, ...]
    drawn: Picture
    solved: Picture
    wanted: tuple[str, ...]
    lines: tuple[Line, ...]
    blank: frozenset[int]
    keep: bool
    hand: str
    naming: Naming

    def is_blank(self, place: int) -> bool:
        """Tell whether the line at a place, from 0, is left blank."""
        return place in self.blank

    def line(self, place: int, gap: str) -> Line:
        """Return the line at a place as the sheet shows it: for each number that is left blank stands ``gap``."""
        line = self.lines[place]
        hidden = {self.lines[other].left for other in self.blank}
        gone = [name for name in (*line.values, line.left) if name in hidden]
        values = {name: math.nan if name in gone else value for name, value in line.values.items()}
        result = math.nan if line.left in gone else line.result
        return replace(
            line, values=values, result=result, note="" if gone else line.note, shown={**line.shown, **dict.fromkeys(gone, gap)}
        )  # fmt: skip


@dataclass(frozen=True)
class Blank:
    """Which lines of a sheet are left blank: the last ``count``, all if None, of those of one part of the calculation."""

    part: Literal["", "forward", "backward"] = ""
    count: int | None = None
    keep: bool = False

    def places(self, lines: Sequence[Line]) -> frozenset[int]:
        """Return the places, from 0, of the lines that are left blank; raises SettingsError where there are none."""
        passes: list[str] = []
        for line in lines:
            place = address_of(line.address)
            before = passes[-1] if passes else "forward"
            passes.append(before if place is None else _PASSES[place.quantity.name in FORWARD])
        found = [place for place, name in enumerate(passes) if self.part in ("", name)]
        if not found:
            what = f"the sheet has no line of the {self.part} pass"
            raise SettingsError(f"{setting('blank')} {self.part}: {what}; leave others blank, as in last2")
        return frozenset(found if self.count is None else found[-self.count :])


_PASSES: tuple[Literal["backward", "forward"], ...] = ("backward", "forward")

BLANKS: Mapping[str, Blank] = {
    "forward": Blank("forward"),
    "backward": Blank("backward"),
    "results": Blank(keep=True),
    "all": Blank(),
}
"""What can be left blank by name; last2 and 2 are the last two lines."""


def read_blank(text: str) -> Blank:
    """Return which lines are left blank; raises SettingsError for words that mean none."""
    if text in BLANKS:
        return BLANKS[text]
    match = re.fullmatch(r"(?:last)?([1-9][0-9]{0,3})", text)
    if match is None:
        what = f"is neither {', '.join(BLANKS)}, nor a number of last lines such as last2"
        raise SettingsError(f"{setting('blank')} {text!r} {what}")
    return Blank(count=int(match[1]))


def draw_sheets(lesson: Lesson, *, variants: int, seed: int, blank: str = "last2") -> tuple[Variant, ...]:
    """Return sheets of a lesson that all differ; ``blank`` says what is left blank, as `read_blank` reads it.

    Raises SettingsError where a lesson has nothing to work out, or hasn't so many different sheets.
    """
    empty = read_blank(blank)
    if not 1 <= variants <= MOST_VARIANTS:
        raise SettingsError(f"{setting('variants')} {variants}: from 1 to {MOST_VARIANTS} sheets are printed")
    if seed < 0:
        raise SettingsError(f"{setting('seed')} {seed} must be at least 0")
    exercise = _Exercise(lesson)
    seen: set[tuple[float, ...]] = set()
    try:
        return tuple(exercise.variant(seed, number, seen, empty) for number in range(1, variants + 1))
    except ChainruleError as error:
        raise lesson.where.at("sheet").wrong(str(error)) from error


@dataclass(frozen=True, kw_only=True)
class _OnPaper(Scene):
    """A scene whose numbers are given, to be worked with by hand."""

    hand: Hand

    def number(self, value: float) -> str:
        return self.hand.given(value)


class _Drawn(NamedTuple):
    """Numbers that were drawn, in a network, and what is worked out from them."""

    setup: Setup
    numbers: tuple[float, ...]
    lines: tuple[Line, ...]
    wanted: tuple[str, ...]

    @property
    def is_bearable(self) -> bool:
        results = [line.result for line in self.lines if line.rule != "given"]
        if any(NO_VALUE in line.note for line in self.lines):
            return False
        few_zeros = sum(value == 0 for value in results) <= MOST_ZEROS * len(results)
        return few_zeros and all(abs(value) < LARGEST_RESULT for value in results)


class _Exercise:
    """What all sheets of a lesson have in common."""

    def __init__(self, lesson: Lesson) -> None:
        own = notation(lesson.told_in or lesson.notation)
        lesson = in_addresses(lesson, setups_of(lesson))
        self.lesson = lesson
        sheet: Mapping[str, Any] = lesson.sheet or {}
        self.network = sheet.get("network") or next(iter(lesson.networks))
        self.hand = sheet.get("hand") or 3
        self.text = sheet.get("text") or "Work out the following."
        given, rows = sheet.get("addresses"), sheet.get("rows")
        derived = (tuple(given), rows) if given else self._derived()
        self.addresses: tuple[str, ...] = derived[0]
        self.notation = own
        self.setup = setup = self._setup(lesson.networks[self.network])
        index = setup.rows_of(derived[1])
        self.x = setup.x[index]
        self.y = None if setup.y is None else setup.y[index]
        kept = sheet.get("keep") or ()
        self.choices = {key: () if key in kept else sheet.get(key) or self._friendly(key) for key in DRAWN}
        if twice := [key for key in kept if sheet.get(key)]:
            raise lesson.where.at("sheet").wrong(
                f"{twice[0]} is kept, and there are numbers to draw it from; leave one of them out"
            )
        if not any(self.choices.values()):
            raise lesson.where.at("sheet").wrong("nothing is drawn anew; keep fewer of x, y, W and b")

    def _friendly(self, key: str) -> tuple[float, ...]:
        """Return what numbers are drawn from where the lesson names none: whole ones like its own, tenths for all others."""
        own = {"x": self.x, "y": self.y}.get(key)
        if own is None or np.any(own != np.round(own)) or np.ptp(own) > MOST_WHOLE:
            return TENTHS[key]
        if key == "y" and self.setup.network.loss.targets in ("zero_one", "one_hot"):
            return (0.0, 1.0)
        low, high = (float(end(own)) for end in (np.min, np.max))
        return tuple(np.arange(low, high + 1).tolist()) if low < high else tuple(np.arange(low - 1, high + 2))

    def _derived(self) -> tuple[tuple[str, ...], tuple[int, ...] | None]:
        """Return the addresses that the lesson first derives in this network, before it is trained, and for which rows."""
        found: list[str] = []
        rows = None
        for step in self.lesson.steps:
            if (step.values["network"] or next(iter(self.lesson.networks))) != self.network:
                continue
            if MOVES[step.move].trains:
                break
            if step.move == "derive" and (not found or step.values["rows"] == rows):
                rows = step.values["rows"]
                found += step.values["addresses"]
        if not found:
            what = f"the lesson derives nothing in network {self.network!r} to make exercises of"
            remedy = 'name some numbers, as in addresses = ["C"]'
            raise self.lesson.where.at("sheet").wrong(f"{what}; {remedy}")
        return tuple(dict.fromkeys(found)), rows

    def _drawn(self, seed: int, number: int, seen: set[tuple[float, ...]]) -> _Drawn:
        """Return a plan with numbers that no sheet before has, and that are bearable to work with if such come up."""
        draws = (self._plan(seed, number, attempt) for attempt in range(MOST_DRAWS))
        fresh = (self._worked(*drawn) for drawn in draws if drawn[1] not in seen)
        first = next(fresh, None)
        if first is None:
            raise SettingsError(
                f"there are only {len(seen)} different sheets of this lesson; print fewer variants, or let its "
                "[sheet] draw from more numbers"
            )
        found = next((one for one in chain([first], fresh) if one.is_bearable), first)
        seen.add(found.numbers)
        return found

    def _plan(self, seed: int, number: int, attempt: int) -> tuple[dict[str, Any], tuple[float, ...]]:
        draws = _Draws(seed, number, attempt)
        network = self.setup.network
        p = self.setup.layout.unflatten(self.setup.flat)
        layers = []
        for number, layer in enumerate(self.lesson.networks[self.network]["layers"], 1):
            arrays = p[number]
            w = draws.array(arrays["W"], self.choices["W"])
            b = draws.array(arrays["b"], self.choices["b"]).tolist() if "b" in arrays else None
            layers.append({**layer, "W": w.tolist(), "b": b, "init": "auto"})
        x = draws.array(self.x, self.choices["x"]).tolist()
        left_out = dict.fromkeys(("table", "test_rows", "input_names", "y"))
        plan = {**self.lesson.networks[self.network], **left_out, "layers": layers, "x": x}
        if self.y is not None and network.loss.targets == "one_hot" and self.choices["y"]:
            classes = draws.array(np.zeros(len(self.y)), tuple(range(self.y.shape[1]))).astype(int)
            plan["y"] = np.eye(self.y.shape[1])[classes].tolist()
        elif self.y is not None:
            plan["y"] = draws.array(self.y, self.choices["y"]).tolist()
        return plan, tuple(draws.taken)

    def _setup(self, plan: Mapping[str, Any]) -> Setup:
        where = self.lesson.where.at("networks").at(self.network)
        return Setup(self.network, plan, where, self.lesson.folder)

    def _worked(self, plan: Mapping[str, Any], numbers: tuple[float, ...]) -> _Drawn:
        """Work out a plan's numbers: the lines of all derivations, each number once."""
        setup = self._setup(plan)
        trace = setup.trace()
        derivations = [derive(trace, address, hand=self.hand) for address in self.addresses]
        if self.notation.delta == "factors":
            derivations = [in_factors(derivation, trace) for derivation in derivations]
        lines: dict[str, Line] = {}
        for line in chain.from_iterable(derivation.lines for derivation in derivations):
            # No check marks on paper: by hand all lines are rounded.
            lines.setdefault(line.left, replace(line, check=None))
        return _Drawn(setup, numbers, tuple(lines.values()), tuple(made.title for made in derivations))

    def variant(self, seed: int, number: int, seen: set[tuple[float, ...]], blank: Blank) -> Variant:
        """Return a sheet that differs from those whose numbers were ``seen``."""
        drawn = self._drawn(seed, number, seen)
        naming = Naming(self.notation, drawn.setup.network)
        scene = _OnPaper(drawn.setup, {}, {}, DIGITS, self.notation, hand=Hand(self.hand))
        blocks = (Words(self.text), *described(scene), _rows(drawn.setup, scene))
        given = tuple(GridBlock(block, naming) if isinstance(block, Grid) else block for block in blocks)
        return Variant(
            number=number,
            given=given,
            drawn=_network(scene, solved=False),
            solved=_network(scene, solved=True),
            wanted=drawn.wanted,
            lines=drawn.lines,
            blank=blank.places(drawn.lines),
            keep=blank.keep,
            hand=str(scene.hand),
            naming=naming,
        )


class _Draws:
    """Draws from short lists by the random words of one variant and attempt."""

    def __init__(self, seed: int, number: int, attempt: int) -> None:
        self.seed, self.place = seed, (number, attempt)
        self.count = 0
        self.taken: list[float] = []

    def array(self, like: Any, choices: Sequence[float]) -> Any:
        """Return an array of the same shape with drawn numbers; ``like`` itself where there are none to draw."""
        if not choices:
            return like
        drawn = random_words(self.seed, Purpose.SHEET, self.count, *self.place, -(-like.size // 4))[
            : like.size
        ]
        self.count += 1
        places = (drawn.astype(np.uint64) * np.uint64(len(choices))) >> np.uint64(32)
        made = np.array([choices[int(place)] for place in places]).reshape(like.shape)
        self.taken += made.reshape(-1).tolist()
        return made


PICTURE = (400.0, 350.0)
"""The pixels that a sheet's drawing is laid out for, on pages and on telephones."""


def _network(scene: Scene, *, solved: bool) -> Picture:
    """Return the drawing of the network with the first row's inputs in it, ``solved`` with all that comes of them."""
    trace = scene.setup.trace()
    row = trace.steps[0].rows[0]
    title = f"The network with row {row} in it" if len(scene.setup.x) > 1 else "The network"
    if solved:
        layers = drawn_layers(trace, **end_names(scene))
    else:
        inputs = tuple(scene.setup.x[row - 1].tolist())
        layers = network_layers(
            trace.network,
            trace.layout.unflatten(scene.setup.flat),
            values=lambda name, layer: inputs if name == "x" else (),
            **end_names(scene),
        )
    return picture(layers, title, dict.fromkeys(PICTURE, MOST_EDGES))


MOST_EDGES = 60


def _rows(setup: Setup, scene: Scene) -> Grid:
    """Return the rows that are given."""
    given = {"x": setup.x} | ({} if setup.y is None else {"y": setup.y})
    headers = [f"{name}[{i}]" for name, array in given.items() for i in range(1, array.shape[1] + 1)]
    values = np.hstack(list(given.values())).tolist()
    rows = tuple((str(number), *map(scene.number, row)) for number, row in enumerate(values, 1))
    return Grid(("row", *headers), rows)
