"""A document as Markdown: headings, tables, lists, formulas as blocks of text; pictures by what they show in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chainrule._numbers import visible
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show import document as doc
from chainrule.explain.show.showing import Showing
from chainrule.explain.show.terminal import block_rows, plain_text
from chainrule.explain.show.text import text_rows

DEEPEST = 6
"""The levels of headings that there are."""


def render(document: doc.Document) -> str:
    """Return a document as Markdown (CommonMark with tables); ``metadata`` stands at the head as YAML."""
    lines = list(_document(document))
    return visible(re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n")


def _document(document: doc.Document) -> Iterator[str]:
    if document.metadata is not None:
        yield from ("---", yaml_of(document.metadata), "---", "")
    if document.title:
        yield from (f"# {markdown_text(document.title)}", "")
    if document.source:
        yield from (f"*After: {markdown_text(document.source)}*", "")
    if document.origin:
        yield from (
            ", ".join(
                f"{markdown_text(name)} {markdown_text(value)}" for name, value in document.origin.items()
            ),
            "",
        )
    if document.verdict is not None:
        yield from (f"**{markdown_text(document.verdict.text)}**", "")
    for block in document.blocks:
        yield from _block(block, 2, document)


def _block(block: doc.Block, level: int, document: doc.Document) -> Iterator[str]:
    match block:
        case doc.Section(_, blocks, naming=naming):
            if block.heading:
                yield from _heading(Showing(naming=naming).words(block.heading), level)
            for inner in blocks:
                yield from _block(inner, level + bool(block.heading), document)
        case doc.Words(words, style, label):
            text = markdown_text(re.sub(r"\s+", " ", block.showing.words(words)).strip())
            text = f"**{text}**" if style == "title" else text
            yield from (f"**{label}:** {text}" if label else text, "")
        case doc.Facts(rows):
            yield from (f"- {_fact(row)}" for row in rows)
            yield ""
        case doc.TableBlock():
            table = block.without_bars
            yield from _table(
                table.headers, [[_cell(cell, table) for cell in row] for row in table.rows], table.right
            )
            if block.more:
                yield from (markdown_text(block.more), "")
        case doc.Worked(derivation, digits, naming):
            shown = text_rows(derivation, digits=digits, width=document.width, naming=naming)
            yield from _fenced(plain_text(shown))
        case Grid() | doc.GridBlock() | doc.Formulas():
            yield from _fenced(plain_text(block_rows(block, document.width)))
        case doc.Beside(left, right, names):
            for name, side in zip(names, (left, right), strict=True):
                yield from (f"*{markdown_text(name)}*", "") if side else ()
                for inner in side:
                    yield from _block(inner, level, document)
        case doc.SeeAlso(words, sections):
            yield from (markdown_text(f"{words} {'; '.join(heading for _, heading in sections)}"), "")
        case doc.Plot(lines, key):
            yield from _fenced("\n".join(lines))
            yield from (markdown_text(key), "")
        case doc.Listing(text, language):
            yield from _fenced(text, language)
        case doc.Picture(chart):
            yield from (f"> **{markdown_text(chart.title)}.** {markdown_text(chart.description)}", "")
        case doc.FindingBlock(what, said):
            yield from _heading(what, level)
            yield from (f"- {markdown_text(name)}: {markdown_text(value)}" for name, value in said)
            yield ""
        case doc.Erratum(printed, right, why, naming):
            told = map(Showing(naming=naming).words, (right, why))
            for name, words in zip(
                ("Erratum. Printed", "Right", "Why"), (doc.PRINTED.words(printed), *told), strict=True
            ):
                yield f"- **{name}:** {markdown_text(words)}"
            yield ""
        case doc.Checked(items, naming):
            showing = Showing(naming=naming)
            found = [
                (
                    markdown_text(showing.name(item.name)),
                    markdown_text(item.expected),
                    item.shown,
                    "✓" if item.ok else "✗ wrong",
                )
                for item in items
            ]
            yield from _table(("number", "expected", "found", ""), found, (1, 2))
        case doc.Cells():
            pass


def _heading(title: str, level: int) -> Iterator[str]:
    yield from (f"{'#' * min(level, DEEPEST)} {markdown_text(title)}", "")


def _fact(row: Sequence[doc.Cell]) -> str:
    name, *said = (markdown_text(doc.styled(cell).plain) for cell in row)
    return f"**{name}** {' '.join(said)}".strip() if name else " ".join(said)


def _cell(cell: doc.Cell, table: doc.TableBlock) -> str:
    shown = doc.styled(cell)
    text = Showing(naming=table.naming).words(shown.text) if shown.is_name else shown.plain
    made = markdown_text(text).replace("\n", "<br>")
    return f"**{made}**" if shown.style == "result" and made else made


def _table(headers: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int]) -> Iterator[str]:
    yield f"| {' | '.join(map(markdown_text, headers))} |"
    yield f"|{'|'.join('---:' if place in right else '---' for place in range(len(headers)))}|"
    yield from (f"| {' | '.join(row)} |" for row in rows)
    yield ""


def _fenced(text: str, language: str = "") -> Iterator[str]:
    """Yield a block of text as it stands, in a fence that is longer than any in it."""
    longest = max(map(len, re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    yield from (f"{fence}{language or 'text'}", text.rstrip("\n"), fence, "")


_SIGNS = re.compile(r"([\\`*_{}\[\]<>|#~])")


def markdown_text(text: str) -> str:
    """Return a text whose signs are not taken for Markdown's or HTML's."""
    return _SIGNS.sub(r"\\\1", text)


def yaml_of(data: Mapping[str, Any]) -> str:
    """Return plain data as YAML, texts in quotes where they need it: a subset that any reader knows.

    >>> print(yaml_of({"tags": ["a", "b: c"], "rows": [{"n": 1, "of": "x"}]}))
    tags:
    - a
    - "b: c"
    rows:
    - n: 1
      of: x
    """
    return "\n".join(_yaml(data, ""))


def _yaml(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, Mapping | list) and item:
                yield f"{indent}{_scalar(name)}:"
                yield from _yaml(item, indent if isinstance(item, list) else f"{indent}  ")
            else:
                yield f"{indent}{_scalar(name)}: {_scalar(item)}"
    elif isinstance(value, list):
        for item in value:
            first, *rest = _yaml(item, f"{indent}  ") if isinstance(item, Mapping | list) else [_scalar(item)]
            yield f"{indent}- {first.strip()}"
            yield from rest


_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_./ -]*[A-Za-z0-9]|[A-Za-z]", value) is not None
        return value if plain and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)
