"""The places inside an update, in the order of the calculation, as arithmetic: place number i is worked out, never listed.

An update begins at rest. Then the picked row goes forward (its cells become inputs, term after term flows into each weighted
sum, the sum through the activation, the outputs are read as an answer), its loss is worked out, and it comes back: deltas
layer by layer, each with the derivatives by its layer's parameters. Then the rows of the batch add up, and the optimizer
changes each parameter. The order is one in which every number comes after all that it is made of.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

from chainrule.equations.network import Network
from chainrule.errors import SettingsError

Pass = Literal["rest", "cell", "forward", "answer", "loss", "backward", "update"]
Grain = Literal["term", "neuron", "layer", "pass", "update", "epoch"]
PASSES: tuple[Pass, ...] = get_args(Pass)
GRAINS: tuple[Grain, ...] = get_args(Grain)


STEPS: Mapping[str, int] = {"backward": 1, "update": 2}
"""The places of a parameter: its derivative for the row; then the rows' sum, and what the optimizer makes of it."""


class WalkSection(NamedTuple):
    """A run of places of one kind: ``neurons`` of a layer, each with as many places, one for each of ``steps``.

    ``what`` is the kind: ``z`` (terms, then the sum, then what comes of it), ``a`` of softmax, ``delta``, ``dC/dW`` …; a
    step is the name of what a place works out, ``terms`` of which stand for one each before the ``steps``.
    """

    phase: Pass
    layer: int
    what: str
    neurons: int
    terms: int
    steps: tuple[str, ...]
    start: int = 0

    @property
    def per_neuron(self) -> int:
        """The places of a neuron."""
        return self.terms + len(self.steps)

    @property
    def size(self) -> int:
        """The places in it."""
        return self.neurons * self.per_neuron

    @property
    def stop(self) -> int:
        """The index after its last place."""
        return self.start + self.size


@dataclass(frozen=True)
class WalkPlace:
    """One place: its index from 0, the pass, the layer, the neuron and the term (from 1; 0 where there is none), and its step.

    ``step`` says what is worked out there: ``term``, ``z``, ``a``, ``delta`` …
    """

    index: int
    phase: Pass
    layer: int
    neuron: int
    term: int
    what: str
    step: str


class UpdateWalk:
    """The places of one update of a network; ``encoded``: the rows come from a table, whose cells are encoded first.

    ``updates``: whether the update can be shown for one member (it can't where members share).
    """

    def __init__(
        self, network: Network, *, encoded: bool, answers: bool = True, updates: bool = True
    ) -> None:
        self.network = network
        sections: list[WalkSection] = []
        start = 0
        for section in _sections(network, encoded, answers, updates):
            if section.size:
                sections.append(section._replace(start=start))
                start = sections[-1].stop
        self.sections = tuple(sections)
        self.size = start
        self._starts = [section.start for section in sections]

    def __len__(self) -> int:
        return self.size

    def section(self, index: int) -> WalkSection:
        """Return the section of a place."""
        return self.sections[bisect_right(self._starts, index) - 1]

    def find(self, phase: Pass, layer: int, what: str) -> WalkSection | None:
        """Return the section of that kind, None where there is none."""
        found = (s for s in self.sections if (s.phase, s.layer, s.what) == (phase, layer, what))
        return next(found, None)

    def at(self, index: int) -> WalkPlace:
        """Return a place by its index; raises SettingsError for one that isn't there."""
        if not 0 <= index < self.size:
            raise SettingsError(f"there is no place {index}: an update has places 0 to {self.size - 1}")
        section = self.section(index)
        neuron, step = divmod(index - section.start, section.per_neuron)
        known = (index, section.phase, section.layer, neuron + 1)
        if step < section.terms:
            return WalkPlace(*known, step + 1, section.what, "term")
        if section.phase == "rest":
            return WalkPlace(index, "rest", 0, 0, 0, "", "rest")
        step -= section.terms
        # Of a parameter's places the term is what enters: 3 of W[1][3,2], and 1 of a bias.
        term = (
            step // STEPS[section.phase] + 1
            if section.what.startswith("dC/d") and section.phase in STEPS
            else 0
        )
        return WalkPlace(*known, term if section.what != "dC/da" else 0, section.what, section.steps[step])

    def _end(self, index: int, grain: Grain) -> int:
        """Return the last place of the group of that grain which a place is in."""
        section = self.section(index)
        if grain == "term":
            return index
        if grain == "neuron":
            neuron = (index - section.start) // section.per_neuron
            return section.start + (neuron + 1) * section.per_neuron - 1
        same = ("phase", "layer") if grain == "layer" else ("phase",)
        number = self.sections.index(section)
        while number + 1 < len(self.sections) and all(
            getattr(self.sections[number + 1], name) == getattr(section, name) for name in same
        ):
            number += 1
        return self.sections[number].stop - 1

    def _begin(self, index: int, grain: Grain) -> int:
        """Return the first place of that group."""
        section = self.section(index)
        if grain == "term":
            return index
        if grain == "neuron":
            return index - (index - section.start) % section.per_neuron
        same = ("phase", "layer") if grain == "layer" else ("phase",)
        number = self.sections.index(section)
        while number and all(
            getattr(self.sections[number - 1], name) == getattr(section, name) for name in same
        ):
            number -= 1
        return self.sections[number].start

    def after(self, index: int, grain: Grain) -> int | None:
        """Return the next place at which a grain stops, None at the end of the update.

        A grain stops at the last place of each of its groups, and at rest.
        """
        if index + 1 >= self.size:
            return None
        return self._end(index + 1, grain) if self._end(index, grain) == index else self._end(index, grain)

    def before(self, index: int, grain: Grain) -> int | None:
        """Return the place at which a grain stopped before, None at rest."""
        return None if index == 0 else self._begin(index, grain) - 1


def _sections(network: Network, encoded: bool, answers: bool, updates: bool) -> Iterator[WalkSection]:
    last, shapes = len(network.layers), network.shapes()
    yield WalkSection("rest", 0, "rest", 1, 0, ("rest",))
    if encoded:
        yield WalkSection("cell", 0, "x", network.n_inputs, 0, ("x",))
    if network.features is not None:
        yield WalkSection("forward", 0, "a", network.features.n_outputs, 0, ("a",))
    for number, layer in enumerate(network.layers, 1):
        terms = sum(shapes[number][t.name][0] if t.enters in ("i", "x") else 1 for t in layer.parameters
                    if t.name in shapes[number] and t.enters is not None)  # fmt: skip
        passed = ("h",) if layer.dropout else ()
        if layer.activation.elementwise:
            yield WalkSection("forward", number, "z", layer.n_out, terms, ("z", "a", *passed))
        else:
            yield WalkSection("forward", number, "z", layer.n_out, terms, ("z",))
            yield WalkSection("forward", number, "a", layer.n_out, 0, ("a", *passed))
    if answers:
        yield WalkSection("answer", last, "answer", 1, 0, ("answer",))
    yield WalkSection("loss", last, "loss", 1, 0, ("loss",))
    for number in range(last, 0, -1):
        layer = network.layers[number - 1]
        if number < last:
            onto = network.layers[number].n_out if network.layers[number].product.enters == "i" else 1
            dropped = ("dC/da",) if layer.dropout else ()
            yield WalkSection(
                "backward", number, "delta", layer.n_out, onto, ("dC/dh", *dropped, "f'", "delta")
            )
        elif layer.activation.elementwise:
            yield WalkSection("backward", number, "delta", layer.n_out, 0, ("dC/da", "f'", "delta"))
        else:
            yield WalkSection("backward", number, "dC/da", layer.n_out, 0, ("dC/da",))
            yield WalkSection("backward", number, "delta", layer.n_out, 0, ("delta",))
        yield from _of_parameters("backward", number, shapes[number])
    if network.features is not None:
        yield WalkSection("backward", 0, "stage", 1, 0, ("stage",))
    if not updates:
        return
    for number in range(1, last + 1):
        yield from _of_parameters("update", number, shapes[number])
    if network.features is not None:
        yield WalkSection("update", 0, "stage", 1, 0, ("stage",))
    yield WalkSection("update", last, "C_new", 1, 0, ("C_new",))


def _of_parameters(phase: Pass, number: int, shapes: dict[str, tuple[int, ...]]) -> Iterator[WalkSection]:
    """Yield the sections of a layer's parameters: of the weights into each neuron, of a bias for each."""
    for name, shape in shapes.items():
        made: tuple[str, ...] = ("gradient",) if phase == "backward" else ("sum", "new")
        made *= shape[0] if len(shape) == 2 else 1
        yield WalkSection(phase, number, f"dC/d{name}", shape[-1], 0, made)
