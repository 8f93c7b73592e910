"""What every export says of itself in its first lines: what it is, of which model, how a row goes in, what was checked."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from importlib.resources import files

from chainrule._numbers import printable
from chainrule._version import __version__
from chainrule.exports.program import Program

WIDTH = 100
HASH_WORDS = "of the model with SHA-256 "
INT8_WORDS = "Weights are whole numbers of 8 bits, with a scale for each neuron."
EXPLAINS_WORDS = "It explains its answers:"
TYPICAL_WORDS = " The row that explanations start from has the most frequent levels of a table."
LICENCE = "This file may be used, changed and given on under any licence, or none."


def first_lines(program: Program, what: str, usage: Sequence[str], certificate: Sequence[str]) -> list[str]:
    """Return the first lines: wrapped, without the signs of a comment."""
    model = program.model
    count = model.members
    networks = "one network" if count == 1 else f"{count} networks, whose outputs are averaged"
    told = f"{what} by chainrule {__version__}: it predicts {_listed(model.target.names)} by {networks}."
    carried = (
        "It holds the names of the columns, the classes and the levels of categories, the scalings' numbers (means, "
        "quantiles, the lowest and the highest) and the parameters; no row of the table that it was trained on."
    )
    said = [
        told,
        f"{HASH_WORDS[0].upper()}{HASH_WORDS[1:]}{program.sha256}",
        *([INT8_WORDS] if program.weights else []),
        *usage,
        f"{carried}{TYPICAL_WORDS if program.typical is not None else ''}",
        LICENCE,
        *certificate,
    ]
    return [line for text in said for line in textwrap.wrap(printable(text), WIDTH, break_long_words=False)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:5]) + (
        f" and {len(names) - 5} more" if len(names) > 5 else ""
    )


def frame(name: str) -> str:
    """Return the source of a frame, which stands in a file of its own."""
    return (files("chainrule.exports.written") / "frames" / name).read_text(encoding="utf-8")
