"""What the exports in languages without types have in common: their three functions, and the members' parameters, packed."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from chainrule.exports.program import Program, network_graph, parameter_slots
from chainrule.exports.written.rowwise import Language, Lies, Statements, write_rowwise
from chainrule.model.group import Group


class Functions(NamedTuple):
    """How a language writes them: a ``function`` by name, arguments, result, its size, words and statements.

    ``network`` is the name of a network's function by its number, ``keeps`` the operations that the language has itself.
    """

    language: Language
    function: Callable[[str, str, str, int, str, Statements], Iterator[str]]
    network: str
    keeps: Collection[str] = ()


def program_functions(program: Program, how: Functions) -> Iterator[str]:
    """Yield the functions from cells to inputs, from these through each network, and from the mean output to the answer."""
    language = how.language
    cells = program.cells_graph()
    given = {name: Lies("v", start) for name, start in program.starts.items()}
    what = "From what the cells were read as to the input neurons."
    written = write_rowwise(cells, language, given, {"x": Lies("x")})
    yield from how.function("encode", "v", "x", program.n_inputs, what, written)
    for number, group in enumerate(program.groups, 1):
        graph, output = network_graph(group, keeps=how.keeps)
        slots = {name: Lies("p", slot.start) for name, slot in parameter_slots(group).items()}
        written = write_rowwise(graph, language, {"x": Lies("x"), **slots}, {output: Lies("outputs")})
        what = "From the input neurons through a network with the parameters p to its outputs."
        yield from how.function(
            how.network.format(number), "x, p", "outputs", program.n_outputs, what, written
        )
    ends = {"outputs": Lies("outputs")}, {"answers": Lies("answers")}
    what = "From the mean of the networks' outputs to the numbers of the answer."
    written = write_rowwise(program.answer_graph(), language, *ends)
    yield from how.function("answer", "outputs", "answers", program.n_answers, what, written)


def packed_members(
    program: Program, number: int, group: Group, packed: Callable[[Any], str], whole: str
) -> Iterator[str]:
    """Yield the expression of each member's parameters, those of a group (from 0).

    ``packed`` writes an array of floats; ``whole`` makes them of {bytes}, the whole numbers of 8 bits, {words}, those of 16,
    and {units}.
    """
    numbers = program.whole_numbers(number)
    if not numbers:
        yield from map(packed, group.parameters)
        return
    for k in range(group.members):
        eight, sixteen = [], []
        for own in numbers.values():
            if own.scales is None:
                sixteen.append(own.whole[k].ravel())
            else:
                eight.append(own.whole[k].ravel())
                sixteen.append(own.scales[k].ravel())
        data = (_text(eight, np.int8), _text(sixteen, "<i2"))
        units = packed(np.array([own.units[k] for own in numbers.values()], np.float32))
        yield whole.format(bytes=data[0], words=data[1], units=units)


def whole_layout(program: Program, number: int) -> list[list[int]]:
    """Return for each array of a group (from 0) how many numbers it has, and n_in and n_out of weights, else 0 and 0."""
    numbers = program.whole_numbers(number)
    return [
        [slot.stop - slot.start, *([0, 0] if numbers[name].scales is None else slot.shape[-2:])]
        for name, slot in parameter_slots(program.groups[number]).items()
    ]


def _text(parts: Sequence[Any], dtype: Any) -> str:
    joined = np.concatenate(parts) if parts else np.zeros(0)
    return base64.b64encode(joined.astype(dtype).tobytes()).decode()
