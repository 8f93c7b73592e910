"""What every export says of itself in its first lines: what it is, of which model, how a row goes in, what was checked."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Sequence
from importlib.resources import files

from chainrule._numbers import printable
from chainrule._version import __version__
from chainrule.exports.program import Program

WIDTH = 100
HASH_WORDS = "of the model with SHA-256 "
INT8_WORDS = "Weights are whole numbers of 8 bits with a scale for each neuron, other parameters of 16 bits."
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
    text = (files("chainrule.exports.written") / "frames" / name).read_text(encoding="utf-8")
    return _IMPORTED.sub(lambda found: f"\n{_body_of(found[1])}", text)


_IMPORTED = re.compile(r"\nfrom chainrule\.tables\.([\w.]+) import .*(?=\n)")


def _body_of(module: str) -> str:
    """Return what a module of the room of tables defines, which stands in place of its import."""
    room, _, name = module.rpartition(".")
    text = (files(f"chainrule.tables.{room}") / f"{name}.py").read_text(encoding="utf-8")
    return (
        re.split(r"^(?:from|import) .*\n+(?!from|import)", text, maxsplit=0, flags=re.MULTILINE)[-1].rstrip()
        + "\n"
    )


def frame_for(name: str, uses: Collection[str]) -> str:
    """Return a frame with what is ``uses``'d of it alone: readers by the kind of their columns, functions by name."""

    def of_kinds(found: re.Match[str]) -> str:
        readers = [each for each in re.split(r",\s*", found[2]) if each.split(":")[0].strip('"') in uses]
        space = " " if found[1] == " " else ""
        return f"READERS = {{{space}{', '.join(readers)}{space}}}"

    text = re.sub(r"\bREADERS = \{(\s*)(.*?),?\s*\}", of_kinds, frame(name), flags=re.DOTALL)
    # What stands together begins after a blank line, with no blank before it, or is a comment above such.
    blocks = re.split(r"\n\n+(?=[^\s})\]])", text)
    named = [
        set(re.findall(r"^(?:def|function|const|class) (\w+)|^([A-Z_]+) =", block, re.MULTILINE))
        for block in blocks
    ]
    names = [{one or other for one, other in each} for each in named]
    kept, waiting = set[int](), {i for i, own in enumerate(names) if not own or own & set(uses)}
    while waiting:
        kept |= waiting
        words = {word for i in waiting for word in re.findall(r"\w+", blocks[i])}
        waiting = {i for i, own in enumerate(names) if own & words} - kept
    between = "\n\n\n" if "\n\n\n" in text else "\n\n"
    return between.join(blocks[i] for i in sorted(kept)) + "\n"
