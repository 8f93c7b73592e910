"""Documents: every block in every format, one head for all pages, and a format as one module and one row."""

import json
import sys
from dataclasses import replace
from html.parser import HTMLParser
from types import ModuleType

import pytest
from tests.explain.latex_check import complaints
from tests.explain.samples import ALL

from chainrule.explain.derive.grid import Grid
from chainrule.explain.show import RENDERERS, Format, render
from chainrule.explain.show.document import (
    Cells,
    Checked,
    Compared,
    Document,
    Erratum,
    Facts,
    FindingBlock,
    Plot,
    Section,
    Styled,
    TableBlock,
    Words,
    Worked,
    kind_of,
    more,
    notes,
)
from chainrule.explain.show.html import environment
from chainrule.explain.show.terminal import COLORS, document_rows, plain_text
from chainrule.explain.show.text import ASCII

HOSTILE = "<b>&\x1b[31m_$%"

EVERYTHING = Document(
    "All blocks",
    (
        *notes(["a note"]),
        Words("z[1][2] is large", "dim"),
        Facts((("name", "what it is"), ("left out:", Styled("a", "dim"), HOSTILE))),
        TableBlock(
            ("name", "n"),
            (("first\nsecond", "1"), (Styled("dC/dW[1][2,3]", "ok", True), "22")),
            (1,),
            more(3, "rows"),
        ),
        Grid(("name", "value"), (("W[1][1,2]", 0.5),), ("name",), "a caption"),
        Worked(ALL),
        Plot(("·#o", "x.."), "a key"),
        Cells("The network", ()),
        FindingBlock("1. it is wrong", (("where", "z[1][2]"), ("try", "something else"))),
        Erratum("1 = 2", "1 = 1", "because"),
        Section("Inner", (Words("inside"), Section("", (Words("deeper"),))), "Step 1 of 2"),
        Checked((Compared("C", "0.5", 0.5, True), Compared("z[1][1]", "1", 2 / 3, False))),
    ),
    verdict=Styled("2 checks failed", "wrong"),
)


class Reader(HTMLParser):
    """Reads a page strictly; keeps the tags, the ids and the words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.words = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.words += data


def test_every_block_as_text():
    text = render(EVERYTHING, "text")
    lines = text.splitlines()
    assert lines[:3] == ["All blocks", "note: a note", "z[1][2] is large"]
    assert "left out:  a           <b>&\\x1b[31m_$%" in lines
    assert " first            1" in lines
    assert " second" in lines
    assert "… and 3 more rows" in lines
    assert "   where  z[1][2]" in lines
    assert lines[-2:] == ["", "2 checks failed"]
    assert "Step 1 of 2: Inner\n\ninside\n\ndeeper\n" in text
    assert not any(line != line.rstrip() for line in lines)
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 80])
def test_text_keeps_its_width_and_its_signs(width):
    document = Document(
        "t" * 90, (Words("word " * 50), Facts((("n", "long " * 40),)), TableBlock(("a",), (("é" * 90,),)))
    )
    rows = plain_text(document_rows(document, width, ASCII)).splitlines()
    assert all(len(row) <= width for row in rows)
    shown = plain_text(document_rows(replace(EVERYTHING, title="Σ ± ²"), 100, ASCII))
    assert shown.startswith("sum +- ^2\n")
    assert not set("✓✗─…·×") & set(shown)


def test_every_style_has_a_color():
    shown = {style for row in document_rows(EVERYTHING, 100) for _, style in row}
    assert shown <= set(COLORS)
    assert {"title", "dim", "warn", "ok", "wrong"} <= shown


def test_every_block_as_a_page():
    page = render(EVERYTHING, "html")
    reader = Reader(page)
    assert len(reader.ids) == len(set(reader.ids))
    assert "b" not in reader.tags
    assert reader.tags.count("script") == 2  # what names stand for, and what lights them
    assert "script" not in Reader(render(replace(EVERYTHING, blocks=(Words("no number"),)), "html")).tags
    assert "<b>&" in reader.words
    for words in ("a note", "inside", "deeper", "it is wrong", "✗ 2 checks failed", "first\nsecond"):
        assert words in reader.words, words
    assert 'data-address="dC/dW[1][2,3]"' in page
    assert 'data-address="z[1][2]"' in page


def test_every_block_as_latex():
    # The strict reader knows no verbatim and no quotation.
    strict = tuple(block for block in EVERYTHING.blocks if not isinstance(block, Plot | Erratum))
    assert complaints(render(replace(EVERYTHING, blocks=strict), "latex")) == []
    latex = render(EVERYTHING, "latex")
    assert "\\begin{verbatim}\n·#o\nx..\n\\end{verbatim}" in latex
    assert r"\textbf{Erratum.}" in latex
    assert latex.count(r"\section*{Step 1 of 2: Inner}") == 1
    assert r"\textbf{2 checks failed}" in latex


def test_every_block_as_json():
    data = json.loads(render(EVERYTHING, "json"))
    kinds = [block["block"] for block in data["blocks"]]
    assert kinds == [
        "words", "words", "facts", "table", "grid", "worked", "plot", "cells", "finding", "erratum", "section", "checked",
    ]  # fmt: skip
    assert kinds == list(map(kind_of, EVERYTHING.blocks))
    assert data["blocks"][-1]["ok"] is False
    given = Document("t", (), data={"x": float("nan"), "y": (1, 2)})
    assert json.loads(render(given, "json")) == {"x": None, "y": [1, 2]}


def test_a_head_is_written_once():
    pages = (render(EVERYTHING, "html"), render(Document(ALL.title, (Worked(ALL),)), "html"))
    heads = [page[: page.index("<style>")].splitlines() for page in pages]
    parts = environment().loader.get_source(environment(), "parts.html")[0]
    assert parts.count("<head>") == 1
    differ = [(one, two) for one, two in zip(*heads, strict=True) if one != two]
    assert ["<title>" in one for one, _ in differ] == [True]
    # only a page on which something is worked out may run its own script
    without = render(Document(ALL.title, (Words("no number"),)), "html")
    assert ["script-src" in page for page in (*pages, without)] == [True, True, False]


def test_a_format_is_a_module_and_a_row(monkeypatch):
    module = ModuleType("chainrule.explain.show.markdown")
    module.render = lambda document: f"# {document.title}\n"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(RENDERERS, "markdown", Format("markdown", ".md"))
    assert render(EVERYTHING, "markdown") == "# All blocks\n"
