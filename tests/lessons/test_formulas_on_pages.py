"""Lesson pages write mathematics as mathematics, with contents, folded checks, terms explained, and drawn pictures."""

import re
from dataclasses import replace

import pytest
from tests.code_like import code_like

from chainrule.explain.show import render
from chainrule.explain.show.document import Checked, Compared, Words
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.runner import setups_of
from chainrule.lessons.show.document import ShownStep, lesson_document
from effort import one_in

SETTINGS = ("learning_rate", "clip_norm", "weight_decay", "leaky_relu")
"""Remedies name settings as one types them."""


def page_of(name, walked, *more):
    return render(lesson_document(read_lesson(name), (*walked(name), *more)), "html")


@pytest.mark.parametrize("name", one_in(8, lesson_names()))
def test_no_formula_of_a_lesson_reads_like_code(name, walked):
    assert code_like(page_of(name, walked), *SETTINGS) == []


@pytest.mark.parametrize(
    "planted",
    ["half_squared_error", "-y*log(a)", "the share@row=1", "at z[1][2]", "(out - target)^2/2", "$5x$6"],
)
def test_a_planted_formula_is_found(planted, walked):
    step = ShownStep(1, 1, "say", "Planted", (Words(f"Here is {planted}."),))
    document = lesson_document(read_lesson("adam"), (step,))
    page = render(document, "html")
    # An address among words is written as formulas write it, so it has to be planted behind the renderer's back.
    page = page.replace("Here is", "Here is z[1][2], and") if "z[1]" in planted else page
    assert any("Here is" in text for text in code_like(page))


def test_formulas_between_dollar_signs_are_formulas_everywhere(walked):
    lesson = read_lesson("article-3")
    steps = walked("article-3")
    naming = steps[0].naming
    words = "The slope is $a·(1 - a)$, and `W[1][1,1]` is $5 or $6."
    step = replace(steps[0], number=1, count=1, blocks=(Words(words, naming=naming),), states=(), pictures=())
    document = lesson_document(lesson, (step,))
    text, page, latex = (render(document, form) for form in ("text", "html", "latex"))
    assert "The slope is a·(1 - a), and w_1 is $5 or $6." in " ".join(text.split())
    assert re.search(r"The <a [^>]*>slope</a> is <math><mrow><mrow><mi>a</mi><mo>·</mo>", page)
    assert "is $5 or $6" in page
    assert r"The slope is $a \cdot \left(1 - a\right)" in latex
    assert "$" not in render(document, "json").replace("$5 or $6", "")


def test_checks_fold_behind_one_tick_and_open_where_one_fails():
    right, wrong = Compared("C", "0.5", 0.5, True), Compared("z[1][1]", "1", 2 / 3, False)
    step = ShownStep(1, 1, "say", "Checks", (Checked((right, right)), Checked((right, wrong))))
    page = render(lesson_document(read_lesson("adam"), (step,)), "html")
    shut, opened = re.findall(
        r'<details class="found"( open)?>\s*<summary>\s*(.*?)\s*</summary>', page, re.DOTALL
    )
    assert shut[0] == ""
    assert "2 expected numbers found again" in shut[1]
    assert opened[0] == " open"
    assert "1 of 2 expected numbers did not come out" in opened[1]


@pytest.mark.parametrize(("name", "titles"), [
    ("and-or-xor", {"The answer over x₁ and x₂"}),
    ("one-neuron", {"The cost from above", "The cost as a surface"}),
    ("article-4", {"The cost from above", "The cost as a surface", "The answer over a₁¹ and a₂¹"}),
])  # fmt: skip
def test_pictures_are_drawn_and_not_signs(name, titles, walked):
    page = page_of(name, walked)
    assert '<figure class="signs">' not in page
    for title in titles:
        assert f'aria-label="Table: {title}"' in page


def test_the_mountain_and_its_path_have_the_lessons_own_costs(walked):
    (step,) = [step for step in walked("one-neuron") if step.title == "The landscape"]
    above, surface = (block.chart for block in step.blocks if getattr(block, "chart", None) is not None)
    tiles, _, path, *_ = above.marks
    setup = next(iter(setups_of(read_lesson("one-neuron")).values()))
    x, y = ((edges[1] + edges[2]) / 2 for edges in (tiles.x, tiles.y))  # the middle of the second cell
    setup.flat = setup.flat.copy()
    places = [list(setup.parameters()).index(name) for name in ("W[1][1,1]", "W[1][2,1]")]
    setup.flat[places] = x, y
    columns = len(tiles.x) - 1
    assert tiles.values[columns + 1] == pytest.approx(setup.cost(setup.training), rel=1e-12)
    assert len(path.x) == 13  # the start, and after each of 12 epochs
    assert surface.note.startswith("The network has these two parameters alone")


def test_equal_neurons_are_said_once(walked):
    (step,) = [step for step in walked("article-1") if step.title == "The same with all digits"]
    (worked,) = [block.derivation for block in step.blocks if hasattr(block, "derivation")]
    lines = {line.address: line for line in worked.lines}
    assert list(lines) == ["z[1][1]", "a[1][1]", "z[2][1]", "a[2][1]", "loss", "C"]
    assert lines["a[1][1]"].note == "a[1][2], a[1][3] and a[1][4] are equal: the same numbers"
    page = render(lesson_document(read_lesson("article-1"), (step,)), "html")
    assert 'data-address="a[1][4]"' in page


def test_how_names_are_to_be_read_is_said_once_in_the_notations_terms(walked):
    found = {
        name: page_of(name, walked).split('<p class="dim read moves">') for name in ("article-4", "article-5")
    }
    assert {name: len(parts) for name, parts in found.items()} == {"article-4": 2, "article-5": 2}
    four, five = (re.sub("<[^>]*>", "", parts[1].partition("</p>")[0]) for parts in found.values())
    assert "a row for each neuron that the weights lead to, and a column for each that they come from" in four
    assert "a row for each neuron that the weights come from, and a column for each that they lead to" in five
    assert "in a formula is z[1][1] as one types it: the weighted sum of neuron 1 of layer 1" in five
    assert (
        "the weight from input 1 to neuron 2 of layer 1" in five
        or "from input 2 to neuron 1 of layer 1" in five
    )
