"""A model as one program: from the cells of a row to numbers, through the networks, to the answer; each part a graph.

Every target prints these three graphs by its table of operations, and gives them its frame: how a row comes in, how cells
are read, where parameters lie, how an answer goes out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule._kept import cached_property
from chainrule._types import FloatArray
from chainrule.equations.answers import Answers
from chainrule.equations.graph import Graph, Traced
from chainrule.equations.layout import Layout, Slot
from chainrule.errors import SettingsError
from chainrule.formula.evaluate import Formula
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.tables.encoding.scalings import parsed
from chainrule.tables.encoding.steps import (
    ColumnSteps,
    CountIn,
    DrawIn,
    Fill,
    HashWords,
    InputStep,
    IsMissing,
    IsPlace,
    LookUp,
    ReadDate,
    Scale,
    TakePart,
)
from chainrule.tables.encoding.target import Label
from chainrule.tables.encoding.targets import Targets

VALUE, COUNTS = "value", "counts"


@dataclass(frozen=True)
class Cell:
    """One column: its steps, and the inputs of the graph of cells that it gives, by the part of the cell.

    A number gives its ``value``, a category the place among its levels, a date its parts; a text gives its ``counts``, as many
    as it has inputs, and of a text that may be missing the ``value`` is NaN where it is, else 0. ``words`` are some that
    training saw in a text.
    """

    steps: ColumnSteps
    inputs: Mapping[str, str]
    words: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column's name."""
        return self.steps.column

    @property
    def sizes(self) -> dict[str, int]:
        """How many numbers each of these inputs is, by its name."""
        reads = self.steps.reads
        n = len(reads.kept) if isinstance(reads, HashWords) else 1
        return {name: n if part == COUNTS else 1 for part, name in self.inputs.items()}


class WholeArray(NamedTuple):
    """An array of each member as whole numbers (k, …): what one of them is are ``units`` (k,).

    Of weights (k, …, n_in, n_out) in 8 bits that is for each neuron so many times more as its ``scales`` (k, …, n_out) say.
    """

    whole: NDArray[np.signedinteger[Any]]
    scales: NDArray[np.int16] | None
    units: NDArray[np.float32]


WholeNumbers: TypeAlias = Mapping[str, WholeArray]
"""A group's parameters as whole numbers, by the name of their array."""


@dataclass(frozen=True)
class TypicalRow:
    """The row that attributions start from: its inputs (d,), its cells as text, and what it is in words."""

    inputs: FloatArray
    cells: Mapping[str, str | None]
    words: str


@dataclass(frozen=True)
class Program:
    """A model as graphs, with what the frames of all targets need.

    Of weights that are kept as whole numbers ``model`` has those that come of it, ``source`` is the model as it was, and
    ``weights`` are the numbers by group. Where an export carries explanations, they start from the ``typical`` row.
    """

    model: Model
    source: Model | None = None
    weights: tuple[WholeNumbers, ...] = ()
    typical: TypicalRow | None = None

    @cached_property
    def sha256(self) -> str:
        """The hash of the model: of its description, without the version that wrote it, and of its parameters."""
        return model_hash(self.source or self.model)

    def whole_numbers(self, number: int) -> WholeNumbers:
        """Return the parameters of a group (from 0) that are kept as whole numbers; none of most programs."""
        return self.weights[number] if self.weights else {}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The columns, in the order of the encoder."""
        reading = self.model.reading
        steps = self.model.encoder.steps(reading.words, reading.decimal)
        words = [() if one.words is None else one.words.examples for one in self.model.encoder.columns]
        return tuple(
            Cell(own, {part: _input_name(i, part) for part in _parts(own)}, words[i])
            for i, own in enumerate(steps)
        )

    @cached_property
    def starts(self) -> dict[str, int]:
        """Where the numbers of each input of the graph of cells begin, one after the other, by its name."""
        sizes = {name: size for cell in self.cells for name, size in cell.sizes.items()}
        return dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))

    @property
    def n_values(self) -> int:
        """How many numbers the cells of a row are read as."""
        return sum(size for cell in self.cells for size in cell.sizes.values())

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups of networks."""
        return self.model.groups

    @property
    def n_inputs(self) -> int:
        """The number d of input neurons."""
        return self.model.encoder.n_inputs

    @property
    def n_outputs(self) -> int:
        """The number of a network's outputs."""
        return self.model.output.n_out

    @property
    def labels(self) -> tuple[tuple[Label, ...], ...]:
        """The classes of each target; none of a number."""
        return tuple(part.labels for part in self.model.target.parts)

    @property
    def answers(self) -> Answers:
        """How the mean outputs are read."""
        if self.model.task == "regression":
            return Answers("number")
        several = isinstance(self.model.target, Targets)
        return Answers("labels" if several else "class", self.model.loss.signed)

    @property
    def limit(self) -> float:
        """What a single output, or that of a label, is beyond where it stands for the second class."""
        if self.answers.signed:
            return 0.0
        return 0.5 if self.model.threshold is None else self.model.threshold.second

    @property
    def n_answers(self) -> int:
        """How many numbers an answer has: probabilities, outputs that decide, or numbers in the targets' units."""
        answers = self.answers
        if answers.kind == "class" and self.model.gives_probabilities:
            return max(2, self.n_outputs)
        return self.n_outputs

    @property
    def answer_names(self) -> tuple[str, ...]:
        """What each number of an answer is called: the target, or P(class)."""
        parts = self.model.target.parts
        if self.answers.kind == "number":
            return tuple(part.name for part in parts)
        if not self.model.gives_probabilities:
            return tuple(f"output {j + 1}" for j in range(self.n_outputs))
        if self.answers.kind == "labels":
            return tuple(f"P({part.name} = {part.labels[1]})" for part in parts)
        return tuple(f"P({label})" for label in parts[0].labels)

    def cells_graph(self, rows: int | str = 1, *, scaled: bool = True) -> Graph:
        """Return the graph from what cells were read as (rows,) to the input neurons ``x`` (rows, d), in double.

        If not ``scaled`` numbers are as the formula of their scaling meets them.
        """
        graph = Graph(np.float64)
        pieces: list[Traced] = []
        for cell in self.cells:
            given = {
                part: graph.input(name, (rows, cell.sizes[name]) if part == COUNTS else (rows,))
                for part, name in cell.inputs.items()
            }
            pieces += list(_pieces(graph, cell.steps if scaled else _unscaled(cell.steps), given))
        graph.output("x", graph.concat(pieces, axis=-1))
        return graph

    def answer_graph(self, rows: int | str = 1) -> Graph:
        """Return the graph from the members' mean ``outputs`` (rows, n_out) to the ``answers`` (rows, n), in double."""
        graph = Graph(np.float64)
        outputs = graph.input("outputs", (rows, self.n_outputs))
        if self.answers.kind == "number":
            made = [
                _applied(graph, target, outputs[..., j : j + 1])
                for j, target in enumerate(self.model.target.parts)
            ]
            graph.output("answers", graph.concat(made, axis=-1) if len(made) > 1 else made[0])
        elif self.model.gives_probabilities:
            graph.output("answers", self.answers.probabilities(outputs, graph))
        else:
            graph.output("answers", outputs)
        return graph


def network_graph(
    group: Group,
    *,
    dtype: Any = np.float64,
    rows: int | str = 1,
    keeps: Collection[str] = (),
    whole: WholeNumbers = MappingProxyType({}),
    members: int | None = None,
    products: bool = False,
) -> tuple[Graph, str]:
    """Return the graph of one member of a group, and the name of its output; with ``members`` k of all of them, (k, …) each.

    Its inputs are x (rows, d), and the parameters W1, b1, … as `parameter_slots` names them. Those in ``whole`` are
    products of inputs: whole numbers such as W1q, a neuron's scale W1s of weights, and the unit W1t. With
    ``products`` a feature stage is products of whole matrices.
    """
    graph = Graph(dtype, keeps=keeps)
    outer = () if members is None else (members,)
    x = graph.input("x", (rows, group.network.n_inputs))
    p: dict[int, dict[str, Traced]] = {number: {} for number in group.network.shapes()}
    for name, slot in parameter_slots(group).items():
        shape = (*outer, *slot.shape)
        if name not in whole:
            p[slot.layer][slot.name] = graph.input(name, shape)
            continue
        numbers, scales = graph.input(f"{name}q", shape), whole[name].scales
        ndim = len(slot.shape) - (scales is not None)
        unit = graph.input(f"{name}t", (*outer, *[1] * ndim))
        if scales is not None:
            unit = graph.expand_dims(graph.input(f"{name}s", (*shape[:-2], shape[-1])) * unit, axis=-2)
        p[slot.layer][slot.name] = numbers * unit
    features = group.network.features if products else None
    entering = None if features is None else features.by_products(p[0], x, graph)
    graph.output("a", group.network.forward(p, x, graph, entering=entering).a)
    return graph, "a"


def parameter_slots(group: Group) -> dict[str, Slot]:
    """Return where each array lies among a member's parameters, by the name of its input in the graph."""
    return {f"{slot.name}{slot.layer}": slot for slot in Layout(group.network).slots}


def model_hash(model: Model) -> str:
    """Return the SHA-256 of what a model answers by: its groups, its encoder, its target, and how it reads a table."""
    said = model.to_dict()
    said = {name: said[name] for name in ("encoder", "target", "reading")} | {
        "groups": [{key: group[key] for key in ("network", "weight")} for group in said["groups"]]
    }
    digest = hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=True).encode())
    for group in model.groups:
        array = np.ascontiguousarray(group.parameters)
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def _input_name(column: int, part: str) -> str:
    return f"v{column}" if part == VALUE else f"v{column}_{part}"


def _parts(steps: ColumnSteps) -> list[str]:
    """Return the parts of a cell that its inputs are made of, in order."""
    if isinstance(steps.reads, HashWords):
        missing = len(steps.inputs) > len(steps.reads.kept)
        return [COUNTS] * bool(steps.reads.kept) + [VALUE] * missing
    if not isinstance(steps.reads, ReadDate):
        return [VALUE]
    taken = [step.part for one in steps.inputs for step in one.steps if isinstance(step, TakePart)]
    return list(dict.fromkeys(taken)) or ["hour"]


def _pieces(graph: Graph, steps: ColumnSteps, given: Mapping[str, Traced]) -> Iterator[Traced]:
    """Yield the inputs of a column, (rows, 1) each, or all places among levels at once."""
    if isinstance(steps.reads, LookUp):
        value = graph.expand_dims(given[VALUE], axis=-1)
        places = [step.place for one in steps.inputs for step in one.steps if isinstance(step, IsPlace)]
        yield _truth(graph, value == graph.asarray(np.array(places, np.float64)))
        return
    if COUNTS in given:
        # All counts have the same steps.
        yield _number(graph, steps.inputs[0].steps, {COUNTS: given[COUNTS]})
    rest = {part: number for part, number in given.items() if part != COUNTS}
    for one in steps.inputs:
        if not isinstance(one.steps[0], CountIn):
            yield graph.expand_dims(_number(graph, one.steps, rest), axis=-1)


def _unscaled(steps: ColumnSteps) -> ColumnSteps:
    """Return a column's steps without the scaling."""
    inputs = (
        replace(one, steps=tuple(step for step in one.steps if not isinstance(step, Scale)))
        for one in steps.inputs
    )
    return replace(steps, inputs=tuple(inputs))


def _truth(graph: Graph, condition: Traced) -> Traced:
    made = graph.where(condition, graph.traced(1.0), graph.traced(0.0))
    assert isinstance(made, Traced)
    return made


def _number(graph: Graph, steps: tuple[InputStep, ...], given: Mapping[str, Traced]) -> Traced:
    """Return what the steps of a number's input, or of all counts' inputs, make of a part of the cell."""
    part = next((step.part for step in steps if isinstance(step, TakePart)), next(iter(given)))
    v = given[part]
    for step in steps:
        match step:
            case IsMissing():
                v = _truth(graph, v != v)
            case Fill(value):
                v = graph.where(v != v, graph.traced(value), v)
            case DrawIn(low, high):
                v = graph.clip(v, low, high)
            case Scale(formula=formula, parameters=parameters):
                v = _evaluated(graph, parsed(formula), {"v": v, **parameters}, v)
            case TakePart() | CountIn():
                pass
            case IsPlace():
                raise SettingsError("a number has no place among levels")
    return v


def _evaluated(graph: Graph, formula: Formula, values: Mapping[str, Any], like: Traced) -> Traced:
    made = formula.evaluate_like(values, like, graph)
    assert isinstance(made, Traced)
    return graph.whole(made)


def _applied(graph: Graph, target: Any, y: Traced) -> Traced:
    """Return a target's answer in the units of its table."""
    return _evaluated(graph, parsed(target.inverse_formula), {"y": y, **target.inverse_parameters}, y)
