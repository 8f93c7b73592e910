"""A lesson beside the formulas of the text that it follows, in every format."""

import json
import re

import pytest

from chainrule.errors import SettingsError
from chainrule.explain.show import render
from chainrule.explain.show.document import Beside, Formulas, Section, Words
from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.formula.text import text
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.runner import walk_lesson
from chainrule.lessons.show.document import lesson_document

STATES = 'title = "Forward"\nstates = ["z = w_1·x_1 + b", { formula = "σ(z)", words = "passed on" }]\n'
OPEN = 'announces = "a picture"\npictures = ["Forward"]\n'


@pytest.fixture
def mine(write):
    lesson = write(('title = "Forward"\n', f"{STATES}{OPEN}"))
    return lesson, tuple(walk_lesson(lesson))


def test_text_is_in_two_columns_where_there_is_room(mine):
    _, (step, _) = mine
    wide = plain_text(section_rows(step.beside, 120))
    assert re.search(r"^As printed +│ Here$", wide, re.MULTILINE)
    assert re.search(r"^  z = w_1\*x_1 \+ b +│", wide, re.MULTILINE)
    assert re.search(r"^Announced, and left open: a picture\. +│", wide, re.MULTILINE)
    bars = {line.index("│") for line in wide.splitlines() if "│" in line}
    assert len(bars) == 1
    assert max(map(len, wide.splitlines())) <= 120
    narrow = plain_text(section_rows(step.beside, 80))
    assert "│" not in narrow
    first, second = narrow.index("As printed"), narrow.index("\nHere\n")
    assert first < narrow.index("  z = w_1*x_1 + b") < second < narrow.index("z[1][1] = ")
    assert max(map(len, narrow.splitlines())) <= 80
    assert "In pictures: step 1: Forward" in wide


def test_a_step_without_formulas_of_a_text_stays_on_its_side(mine):
    _, (_, step) = mine
    wide = plain_text(section_rows(step.beside, 120))
    assert "As printed" not in wide
    assert all("│" in line or not line or line.startswith("Step") for line in wide.splitlines())


def test_without_it_nothing_of_the_text_is_shown(mine):
    lesson, steps = mine
    for form in ("text", "html", "latex"):
        plain = render(lesson_document(lesson, steps), form)
        assert "As printed" not in plain
        assert "left open" not in plain


def test_a_page_has_mathematics_on_the_left_and_links_to_the_pictures(mine):
    lesson, steps = mine
    page = render(lesson_document(lesson, steps, beside=True), "html")
    theirs = re.findall(r'<div class="theirs">(.*?)<div class="ours">', page, re.DOTALL)
    assert len(theirs) == 2
    assert all(words in theirs[0] for words in ("<math", "passed on", "left open: a picture"))
    assert "<math" not in theirs[1]
    assert '<a href="#step-1">step 1: Forward</a>' in page
    assert 'id="step-1"' in page


def test_latex_has_it_in_the_margin(mine):
    lesson, steps = mine
    beside = render(lesson_document(lesson, steps, beside=True), "latex")
    assert all(words in beside for words in (r"\reversemarginpar", "marginparwidth="))
    (margin,) = re.findall(r"\\marginpar\{(.*?)\}%\n", beside, re.DOTALL)
    assert r"z &= w_{1} \cdot x_{1} + b" in margin
    for environment in ("align*", "document"):
        assert beside.count(rf"\begin{{{environment}}}") == beside.count(rf"\end{{{environment}}}")
    assert "marginpar" not in render(lesson_document(lesson, steps), "latex")


def test_json_has_the_formulas_of_each_step(mine):
    lesson, steps = mine
    data = json.loads(render(lesson_document(lesson, steps), "json"))
    first, second = data["steps"]
    assert [each["text"] for each in first["states"]] == ["z = w_1*x_1 + b", "σ(z)"]
    assert first["states"][1]["words"] == "passed on"
    assert (first["announces"], first["pictures"]) == ("a picture", [1])
    assert (second["states"], second["announces"], second["pictures"]) == ([], "", [])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('states = ["z = "]', r'steps\[1\]\.states\[1\]: formula "z =": something is missing'),
        ("states = [3]", r"steps\[1\]\.states\[1\]: 3 is no table of keys and values"),
        ('states = [{ words = "a" }]', "the key 'formula' is missing"),
        ('pictures = ["Foward"]', "no step is titled 'Foward'; did you mean Forward?"),
    ],
)
def test_what_cannot_be_shown_is_refused(write, wrong, message):
    with pytest.raises(SettingsError, match=message):
        write(('title = "Forward"\n', f'title = "Forward"\n{wrong}\n'))


def test_every_article_has_its_own():
    told = [name for name in lesson_names() if any(step.values["states"] for step in read_lesson(name).steps)]
    assert told == [f"article-{n}" for n in range(1, 6)]


def placed(document):
    """What stands left and right of each step: formulas as text and what is open, kinds of blocks."""
    for section in document.blocks:
        assert isinstance(section, Section)
        (beside,) = section.blocks
        assert isinstance(beside, Beside)
        left = [
            [text(side, one.names) for one in block.items for side in one.sides if not hasattr(side, "rows")]
            if isinstance(block, Formulas)
            else block.text
            for block in beside.left
            if isinstance(block, Formulas | Words)
        ]
        yield section.title, left, beside.right


def test_article_4_has_his_formulas_and_his_placeholders_filled_at_their_place(walked):
    lesson, steps = read_lesson("article-4"), walked("article-4")
    left = {title: column for title, column, _ in placed(lesson_document(lesson, steps, beside=True))}
    assert left["Feedforward as a loop"] == [
        ["a⃗^{i+1}", "σ(W^{i,i+1} × a⃗^i + b⃗^{i+1})", "a⃗^n"],
        "Announced, and left open: an animation of feedforward.",
    ]
    opened = [
        title
        for title, column in left.items()
        if any("left open" in each for each in column if isinstance(each, str))
    ]
    assert opened == [
        "Feedforward, number by number", "Feedforward as a loop", "The cost", "Down the mountain",
        "Backpropagation, from the output back", "The partial derivatives, link by link",
    ]  # fmt: skip
    for title, _, right in placed(lesson_document(lesson, steps, beside=True)):
        assert len(right) >= 2, title
