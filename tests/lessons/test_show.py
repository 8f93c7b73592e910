"""What lessons look like: text in 80 columns, a page that loads nothing, LaTeX in balance."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chainrule.explain.derive.grid import Grid
from chainrule.explain.show import render
from chainrule.explain.show.document import Checked, Compared, Erratum, Plot, Words
from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.explain.show.text import ASCII
from chainrule.lessons.asking import ASK
from chainrule.lessons.lesson import (
    COMMON,
    LAYER,
    LESSON,
    NETWORK,
    PROGRAM,
    SHEET,
    STATED,
    TABLE,
    UNTIL,
    read_lesson,
)
from chainrule.lessons.lesson import PAGE as OF_PAGE
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.numbers import GENERAL
from chainrule.lessons.runner import walk_lesson
from chainrule.lessons.show.document import ShownStep, lesson_document

PAGE = (Path(__file__).parents[2] / "docs" / "lessons.md").read_text("utf-8")
LESSONS = ("and-or-xor", "one-neuron", "dead-relu", "article-4")

EVERYTHING = ShownStep(
    1,
    2,
    "say",
    "All blocks",
    (
        Words("a < b & c_d"),
        Grid(("name", "value"), (("W[1][1,2]", "0.5"), ("50 %", "1")), ("name",), "a caption"),
        Plot(("·#o", "x.."), "a key"),
        Erratum("1 = 2", "1 = 1", "because"),
        Checked((Compared("C", "0.5", 0.5, True), Compared("z[1][1]", "1", 2 / 3, False))),
    ),
)


@pytest.fixture
def lessons(walked):
    return {name: (read_lesson(name), walked(name)) for name in LESSONS}


@pytest.mark.parametrize("name", LESSONS)
def test_text_fits_eighty_columns(name, lessons):
    lesson, steps = lessons[name]
    text = render(lesson_document(lesson, steps), "text")
    wide = [line for line in text.splitlines() if len(line) > 80]
    assert wide == []


def test_every_block_as_text():
    text = plain_text(section_rows(EVERYTHING.section, 80))
    assert "Step 1 of 2: All blocks" in text
    assert "  W[1][1,2]    0.5" in text
    assert "Erratum. Printed: 1 = 2\nRight: 1 = 1\nWhy: because" in text
    assert "  C             0.5  ✓  0.5\n" in text
    assert "  z[1][1]         1  ✗  0.66666666666666663\n" in text
    assert "✗" not in plain_text(section_rows(EVERYTHING.section, 80, ASCII))
    assert not EVERYTHING.ok


def test_wide_tables_are_parted():
    grid = Grid(tuple("abcdef"), (tuple(sign * 18 for sign in "abcdef"),))
    text = plain_text(section_rows(ShownStep(1, 1, "say", "", (grid,)).section, 80))
    assert all(len(line) <= 80 for line in text.splitlines())
    assert text.count("a" * 18) == 2  # each part begins with the first column
    assert all(sign * 18 in text for sign in "abcdef")


class Ids(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.ids += [value for key, value in attrs if key == "id"]
        if tag not in ("meta", "link", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", LESSONS)
def test_a_page_loads_nothing_and_is_well_formed(name, lessons):
    lesson, steps = lessons[name]
    html = render(lesson_document(lesson, steps), "html")
    parser = Ids()
    parser.feed(html)
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids)) >= len(steps)
    assert not re.search(r'(?:src|href)="(?!data:|#step-|#term-|#use-)|url\(|@import|<script src', html)
    assert html.count('<section class="section"') == len(steps)
    targets = re.findall(r' href="#([^"]+)"', html)
    assert set(targets) <= set(parser.ids)
    assert targets.count("step-2") == 3  # from the contents, from step 1, and back from step 3
    assert "did not come out" not in html
    assert "\\u20" not in html  # an invisible sign of a product is none that hides something


def test_a_page_escapes_and_names_what_failed():
    lesson = read_lesson("adam")
    html = render(lesson_document(lesson, [EVERYTHING]), "html")
    assert "a &lt; b &amp; c_d" in html
    assert "in 1 step a number did not come out as expected" in html
    assert "✗ wrong" in html
    assert 'data-address="W[1][1,2]"' in html  # an address is written as formulas write it


@pytest.mark.parametrize("name", LESSONS)
def test_latex_is_balanced(name, lessons):
    latex = render(lesson_document(*lessons[name]), "latex")
    for environment in ("document", "align*", "tabular", "verbatim", "footnotesize", "quote", "bmatrix"):
        assert latex.count(rf"\begin{{{environment}}}") == latex.count(rf"\end{{{environment}}}"), environment
    outside = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", latex, flags=re.DOTALL)
    bare = outside.replace(r"\{", "").replace(r"\}", "")
    assert bare.count("{") == bare.count("}")
    assert re.search(r"(?<!\\)%", outside) is None


def test_every_key_move_and_name_is_on_the_page():
    for fields in (
        LESSON,
        NETWORK,
        LAYER,
        TABLE,
        SHEET,
        PROGRAM,
        STATED,
        ASK,
        OF_PAGE,
        UNTIL,
        COMMON,
        *(move.fields for move in MOVES.values()),
    ):
        for key in fields:
            assert f"`{key}`" in PAGE, key
    for name in (*MOVES, *GENERAL):
        assert f"`{name}`" in PAGE, name


def test_the_lesson_on_the_page_runs(tmp_path):
    (text,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "mine.toml").write_text(text, "utf-8")
    steps = list(walk_lesson(read_lesson(tmp_path / "mine.toml")))
    assert len(steps) == 2
    assert all(step.ok for step in steps)
