"""Documents as JSON that a page or a program in another language can read; that of an explanation has a version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from chainrule._numbers import number_to_data, visible
from chainrule._version import __version__
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.document import (
    PRINTED,
    Beside,
    Block,
    Checked,
    Document,
    Erratum,
    Formulas,
    GridBlock,
    Picture,
    Plot,
    Section,
    SeeAlso,
    TableBlock,
    Words,
    Worked,
    kind_of,
    styled,
)
from chainrule.explain.show.formulas import formula_data
from chainrule.explain.show.showing import Showing, address_of, names_of
from chainrule.formula.latex import latex
from chainrule.formula.mathml import mathml_content
from chainrule.formula.nodes import Symbol

VERSION = 1
"""The version of an explanation; it rises when what is there changes its meaning."""


def render(document: Document) -> str:
    """Return what a document is about as JSON: its derivation, else its data, else its blocks.

    A derivation has its numbers with all digits, its formulas as trees and as text; `read_json` reads it back. In a notation
    it also has the name of every address in it, as text, LaTeX and MathML.
    """
    if document.worked is None:
        blocks = {"title": document.title, "blocks": list(map(block_to_data, document.blocks))}
        return written(blocks if document.data is None else document.data)
    versions = {"explanation_version": VERSION, "chainrule": __version__}
    about: dict[str, Any] = {
        "source": dict(document.data or {}),
        "derivation": document.worked.derivation.to_dict(),
    }
    if document.worked.naming is not None:
        about["notation"] = notation_data(names_of(document.worked.derivation), document.worked.naming)
    return visible(json.dumps(versions | about, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def notation_data(given: Iterable[str], naming: Naming) -> dict[str, Any]:
    """Return a notation, and the names in it of those of the given names that are addresses."""
    showing = Showing(naming=naming)
    places = (name for name in dict.fromkeys(given) if address_of(name) is not None)
    names = {
        name: {
            "text": showing.name(name),
            "latex": latex(Symbol(name), {name: showing.written(name)}),
            "mathml": mathml_content(Symbol(name), {name: showing.written(name)}),
        }
        for name in places
    }
    return {**naming.notation.to_dict(), "names_of": names}


def read_json(text: str) -> Derivation:
    """Return the derivation that a document in JSON is about; raises SettingsError for anything else."""
    try:
        data = json.loads(text)
        version = data["explanation_version"]
        if version != VERSION:
            raise SettingsError(f"the explanation has version {version!r}, and version {VERSION} is read")
        return Derivation.from_dict(data["derivation"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, ModelFileError) as error:
        raise SettingsError(f"this is not the JSON of an explanation: {error}") from error


def block_to_data(block: Block) -> dict[str, Any]:
    """Return a block as plain data, its kind (`kind_of`) as ``block``."""
    return {"block": kind_of(block), **_content(block)}


def _content(block: Block) -> dict[str, Any]:
    match block:
        case Words(_, style, label):
            more = {"style": style, "label": label}
            return {
                "text": block.showing.words(block.text),
                **{name: word for name, word in more.items() if word},
            }
        case Worked(derivation):
            return derivation.to_dict()
        case Grid():
            return block.to_dict()
        case GridBlock(grid):
            return grid.to_dict()
        case Erratum(printed, right, why, naming):
            right, why = map(Showing(naming=naming).words, (right, why))
            return {"printed": PRINTED.words(printed), "right": right, "why": why}
        case Picture(chart):
            return {"chart": chart.to_dict()}
        case Checked(items):
            data = [{**asdict(item), "found": number_to_data(item.found)} for item in items]
            return {"items": data, "ok": block.ok}
        case Section(title, blocks, place, naming):
            return {
                "place": place,
                "title": Showing(naming=naming).words(title),
                "blocks": list(map(block_to_data, blocks)),
            }
        case Formulas(items):
            return {"formulas": list(map(formula_data, items))}
        case Beside(left, right, names):
            columns = {"left": list(map(block_to_data, left)), "right": list(map(block_to_data, right))}
            return {"names": list(names), **columns}
        case SeeAlso(text, sections):
            return {
                "text": text,
                "sections": [{"name": name, "heading": heading} for name, heading in sections],
            }
        case TableBlock(headers, rows, _, rest):
            cells = [[styled(cell).plain for cell in row] for row in rows]
            return {"headers": list(headers), "rows": cells, "more": rest}
        case Plot(signs, key, chart):
            drawn = {} if chart is None else {"chart": chart.to_dict()}
            return {"lines": list(signs), "key": key, **drawn}
    return asdict(block)


def written(data: Any) -> str:
    """Return data as JSON; arrays become lists, numbers that are not finite null."""
    return visible(json.dumps(_plain(data), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
