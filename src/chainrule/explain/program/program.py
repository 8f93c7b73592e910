"""The program that predicts one row of a table as a model does, step by step: cells, network, answer."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import printable
from chainrule.errors import SettingsError, TableError
from chainrule.explain.program.network import Names, member_arrays, network_function, unrolled
from chainrule.explain.program.plain import HELPERS, formula_function, literal
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.tables.encoding.encode import InputValue
from chainrule.tables.encoding.scalings import ARITHMETIC, parsed
from chainrule.tables.encoding.targets import Targets

UNROLLED = 30
"""The most parameters of a network that is written weight by weight, without lists and loops."""

MOST_PARAMETERS = 200_000
"""The most parameters of a program that can still be read: some megabytes of text."""

WIDTH = 110

ARITHMETIC_NAMES = {arithmetic.formula: name for name, arithmetic in ARITHMETIC.items()}


def program_of(model: Model, source: Source, row: int, member: int | None = None, **reading: Any) -> str:
    """Return a program in plain Python that predicts a row (from 1) of a table, or what one member (from 1) says.

    It imports nothing but math, and prints the answer in the target's units, or each class's probability and the class.
    It computes in float64 from the stored parameters, as explanations do. Raises TableError for a row that isn't there, and
    SettingsError for a model of more than `MOST_PARAMETERS`.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[2], epochs=30, members=1)
    >>> print(program_of(trained.model, {"x": [1]}, 1).splitlines()[-1])
    print("y:", label)
    """
    one = model if member is None else replace(model, groups=(model.member(member - 1),))
    _check_size(one)
    table = model.table(source, **reading)
    if not 1 <= row <= table.n_rows:
        raise TableError(f"{table.name}: there is no row {row}; it has rows 1 to {table.n_rows}")
    inputs = model.encoder.explain_row(table, row - 1)
    names = Names()
    body = [*_cells(inputs, names)]
    (first, *others) = one.groups
    small = not others and first.members == 1 and first.network.n_parameters <= UNROLLED
    if small and first.network.features is None:
        body += _each_weight(first, len(inputs), names)
    else:
        body += _lists(one, names)
    body += _answer(one, names)
    told = f"one of {model.members} members" if member is not None else _members(model.members)
    what = printable(f"Row {row:,} of {table.name}: {model.target.name} as {told} of the model predicts it.")
    head = [f"# {line}" for line in textwrap.wrap(what, WIDTH - 2)]
    if any(np.asarray(group.parameters).dtype != np.float64 for group in one.groups):
        head.append(
            "# Worked out in double precision; the model's own engine computes in single precision, to about"
        )
        head.append("# seven digits.")
    return "\n".join([*head, "", "import math", "", *_functions(names), *body]) + "\n"


def _members(count: int) -> str:
    return "the network" if count == 1 else f"the mean of the {count} members"


def _check_size(model: Model) -> None:
    size = sum(group.members * group.network.n_parameters for group in model.groups)
    if size <= MOST_PARAMETERS:
        return
    most = f"a program that can be read has at most {MOST_PARAMETERS:,}"
    smallest = max(group.network.n_parameters for group in model.groups)
    remedy = f"explain single numbers by their address, or train a smaller network, as in {setting('hidden', [64])}"
    if model.members > 1 and smallest <= MOST_PARAMETERS:
        remedy = f"choose one of them, as in {setting('member', 1)}"
    what = "the network has" if model.members == 1 else f"the {model.members} members have"
    raise SettingsError(f"{what} {size:,} parameters, and {most}: {remedy}")


def _functions(names: Names) -> Iterator[str]:
    used = sorted({helper for function in names.functions.values() for helper in function.helpers})
    if used:
        yield "# These give inf and nan where math's own functions raise."
        yield ""
    for source in (*(HELPERS[name] for name in used), *(made.source for made in names.functions.values())):
        yield f"\n{source}".rstrip("\n")
        yield ""
    yield ""


def _cells(inputs: list[InputValue], names: Names) -> Iterator[str]:
    """Yield a line for each input neuron: its cell, and the arithmetic with its numbers."""
    yield "# From the cells of the row to the input neurons."
    for place, value in enumerate(inputs, 1):
        cell = "missing" if value.cell is None else value.cell
        arithmetic = ARITHMETIC_NAMES.get(value.formula)
        if arithmetic is None:
            yield f"x{place} = {literal(value.value)}  # {printable(f'{value.formula}: it is {cell}')}"
            continue
        told = f"{value.column} is {cell}"
        if value.input != value.column:
            told = f"{value.input}: {told}"
        parameters = ARITHMETIC[arithmetic].parameters
        name = f"scaled_{arithmetic}"
        names.add(name, formula_function(name, parsed(value.formula), ("v", *parameters), stable=True))
        numbers = {key: literal(value.parameters[key]) for key in ("v", *parameters)}
        given = ", ".join([numbers.pop("v"), *(f"{key}={each}" for key, each in numbers.items())])
        yield f"x{place} = {name}({given})  # {printable(told)}"


def _each_weight(group: Group, n_inputs: int, names: Names) -> Iterator[str]:
    lines, outputs = unrolled(
        group.network, group.parameters[0], [f"x{i}" for i in range(1, n_inputs + 1)], names
    )
    yield ""
    yield "# Through the network: z is the weighted sum of what enters, a what the activation makes of it."
    yield from lines
    yield f"outputs = [{', '.join(outputs)}]"


def _lists(model: Model, names: Names) -> Iterator[str]:
    """Yield the parameters as lists, and the mean of the members' outputs."""
    yield ""
    given = ", ".join(f"x{i}" for i in range(1, model.encoder.n_inputs + 1))
    yield from textwrap.wrap(f"x = [{given}]", WIDTH, subsequent_indent="    ")
    yield ""
    yield "# The parameters, by layer: W1[i][j] is the weight from number i to neuron j, b1[j] the bias of neuron j."
    endings = [f"_{g}" if len(model.groups) > 1 else "" for g in range(1, len(model.groups) + 1)]
    for group, ending in zip(model.groups, endings, strict=True):
        names.add(f"network{ending}", network_function(f"network{ending}", group.network, names))
        yield f"members{ending} = ["
        for flat in group.parameters:
            yield "    {"
            for key, array in member_arrays(group.network, flat):
                yield from _array(f'"{key}": ', array, ",")
            yield "    },"
        yield "]"
    yield ""
    yield "# Through the network of each member, and the mean of what they say."
    for ending in endings:
        yield f"answers = [network{ending}(x, p) for p in members{ending}]"
        yield f"outputs{ending} = [sum(of_all) / len(answers) for of_all in zip(*answers)]"
    if len(endings) > 1:
        yield "# What each group of members counts."
        parts = zip(model.shares, endings, strict=True)
        total = " + ".join(f"{literal(share)} * outputs{ending}[j]" for share, ending in parts)
        yield f"outputs = [{total} for j in range({model.output.n_out})]"


def _array(before: str, values: Any, after: str, depth: int = 2) -> Iterator[str]:
    """Yield the lines of an array as nested lists, a line for each row."""
    indent = " " * (4 * depth)
    if not isinstance(values[0], list):
        line = f"{before}[{', '.join(map(literal, values))}]{after}"
        yield from textwrap.wrap(line, WIDTH, initial_indent=indent, subsequent_indent=indent + "    ")
        return
    yield f"{indent}{before}["
    for row in values:
        yield from _array("", row, ",", depth + 1)
    yield f"{indent}]{after}"


def _answer(model: Model, names: Names) -> Iterator[str]:
    """Yield how the outputs are read, and what is printed."""
    target = model.target
    yield ""
    if model.task == "regression":
        yield "# Back to the units of the table."
        for which, part in enumerate(target.parts if isinstance(target, Targets) else (target,)):
            ending = "" if which == 0 else f"_{which + 1}"
            arguments = ("y", *part.inverse_parameters)
            made = formula_function(f"in_units{ending}", parsed(part.inverse_formula), arguments)
            names.add(f"in_units{ending}", made)
            numbers = (f"{key}={literal(value)}" for key, value in part.inverse_parameters.items())
            told = ", ".join([f"outputs[{which}]", *numbers])
            yield f"prediction{ending} = in_units{ending}({told})"
            yield f"print({_text(f'{part.name}:')}, prediction{ending})"
        return
    limit = "0" if model.loss.signed else "0.5" if model.threshold is None else repr(model.threshold.second)
    if isinstance(target, Targets):
        yield "# Each output is the probability of its target's second class."
        for which, part in enumerate(target.parts):
            labels = f"[{', '.join(map(_text, part.labels))}]"
            if model.gives_probabilities:
                yield f"print({_text(f'P({part.name} = {part.labels[1]}):')}, outputs[{which}])"
            yield f"print({_text(f'{part.name}:')}, {labels}[1 if outputs[{which}] > {limit} else 0])"
        return
    yield f"labels = [{', '.join(map(_text, target.labels))}]"
    if model.output.n_out == 1:
        place = f"1 if outputs[0] > {limit} else 0"
    else:
        place = "outputs.index(max(outputs))"
    if model.gives_probabilities:
        yield "# The classes' probabilities."
        if model.output.n_out == 1:
            yield "probabilities = [1 - outputs[0], outputs[0]]"
        else:
            yield "total = sum(outputs)"
            yield "probabilities = [a / total if total > 0 else 1 / len(outputs) for a in outputs]"
        yield "for label, probability in zip(labels, probabilities):"
        yield '    print(f"P({label}):", probability)'
    else:
        yield 'print("outputs:", *outputs)'
    yield f"label = labels[{place}]"
    yield f"print({_text(f'{target.name}:')}, label)"


def _text(value: object) -> str:
    """Return a text, or another label, as it is written in a program."""
    if isinstance(value, str) and value.isprintable():
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return ascii(value)
