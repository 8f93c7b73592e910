"""A lesson is read in its own notation, and told in that or another: its words, tables, pictures, sheets and keys."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.derive.grid import Grid
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation, notation_names
from chainrule.explain.show import RENDERERS, render
from chainrule.explain.show.document import Document, Erratum, GridBlock, Section, Words
from chainrule.explain.show.terminal import render as as_text
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.names import in_addresses, told_in_addresses
from chainrule.lessons.runner import Walk, setups_of, walk_lesson
from chainrule.lessons.sheets import draw_sheets
from chainrule.lessons.show.document import lesson_document
from chainrule.lessons.show.sheets import sheets_html, sheets_latex
from effort import many

NETWORK = Network([3, Dense(2, "sigmoid"), Dense(2, "sigmoid", bias="layer")])

SEVEN = """
title = "w5 goes down"
notation = "article-5"

[networks.main]
x = [[0.05, 0.10]]
y = [[0.01, 0.99]]
learning_rate = 0.5
layers = [
  { neurons = 2, activation = "sigmoid", bias = "layer", W = [[0.15, 0.25], [0.20, 0.30]], b = [0.35] },
  { neurons = 2, activation = "sigmoid", bias = "layer", W = [[0.40, 0.50], [0.45, 0.55]], b = [0.60] },
]

[[steps]]
move = "derive"
title = "From net_o1 to w5"
text = "Of E_total, w5 and `b2`, w99 is none, and w5's update is w5⁺. The error `E_total` of o1 is at W[2][1,2]."
addresses = ["out_o1", "dE_total/dw5"]
[steps.expect]
"net_h1" = 0.3775
"z[1][2]" = 0.3925
"E_total" = 0.298371109
"dE_total/dw5" = 0.082167041
"w5+" = 0.35891648

[[steps]]
move = "erratum"
printed = "w5 is 0.5"
right = "w5 is 0.4"
why = "so it is in the figure"
wrong = { w5 = 0.5 }

[[steps]]
move = "curve"
parameter = "w5"

[[steps]]
move = "surface"
parameters = ["w5", "w6"]
across = [0, 1]
up = [0, 1]
epochs = 2

[[steps]]
move = "train"
epochs = 2
columns = ["E_total", "out_o1"]

[[steps]]
move = "compare"
networks = ["main", "other"]
number = "out_o1"
epochs = 1
[steps.expect]
"other.out_o1" = "> 0"

[sheet]
addresses = ["E_total", "dE_total/dw1"]
x = [0.1, 0.2, 0.3]

[networks.other]
like = "main"
"""


def told(lesson, *, form="text"):
    """Return a whole lesson in a format."""
    return render(lesson_document(lesson, tuple(walk_lesson(lesson))), form)


@pytest.fixture
def seven(write):
    return write(text=SEVEN)


def test_keys_and_arguments_are_names_of_the_lessons_own_notation(seven):
    steps = in_addresses(seven, setups_of(seven)).steps
    assert list(steps[0].values["expect"]) == ["z[1][1]", "z[1][2]", "C", "dC/dW[2][1,1]", "W_new[2][1,1]"]
    assert steps[0].values["addresses"] == ("a[2][1]", "dC/dW[2][1,1]")
    assert list(steps[1].values["wrong"]) == ["W[2][1,1]"]
    assert (steps[2].values["parameter"], steps[3].values["parameters"]) == (
        "W[2][1,1]",
        ("W[2][1,1]", "W[2][2,1]"),
    )
    assert steps[4].values["columns"] == ("C", "a[2][1]")
    assert (steps[5].values["number"], list(steps[5].values["expect"])) == ("a[2][1]", ["other.a[2][1]"])
    assert in_addresses(seven, setups_of(seven)).sheet["addresses"] == ("C", "dC/dW[1][1,1]")
    walk = Walk(seven)
    walk.step(len(walk))
    assert all(step.ok for step in walk.made)


def test_words_name_numbers_and_say_them_in_any_notation(seven):
    own, other = told(seven), told(replace(seven, told_in="nielsen"))
    assert (
        "Of E_total, w5 and b2, w99 is none, and w5's update is w5⁺. The error E_total of o1 is at w7."
        in " ".join(own.split())
    )
    words = " ".join(other.split())
    assert (
        "Of C, w^3_{11} and b[2][1], w99 is none, and w^3_{11}'s update is w^{3'}_{11}. The error C of o1"
        in words
    )
    assert "From z^3_1 to w^3_{11}" in words
    assert "Erratum. Printed: w5 is 0.5 Right: w^3_{11} is 0.4" in words
    assert "w^3_{11} to the right, C up" in words
    assert "w^3_{11} to the right, w^3_{12} up" in words
    assert re.search(r"epoch +C +a\^3_1\n", other)
    assert not re.search(r"E_total|net_|out_|`", other)


@pytest.mark.parametrize("name", notation_names())
@pytest.mark.parametrize("form", RENDERERS)
def test_every_format_has_the_names(seven, form, name):
    lesson = replace(seven, steps=seven.steps[:3], told_in=name)
    shown = told(lesson, form=form)
    shown = shown.partition("<script>")[0]  # a script has its own
    assert "`" not in shown.replace("```", "")  # the fences of Markdown
    if form == "json":
        assert json.loads(shown)["notation"]["name"] == name
        text = Naming(notation(name), setups_of(lesson)["main"].network).text("W[2][1,1]")
        assert f"{text} and" in json.loads(shown)["steps"][0]["blocks"][0]["text"]
    if form == "latex":
        assert shown.count("{") == shown.count("}")
    if form == "html" and name == "mazur":
        assert re.search(r"<p>Of <math>.{,200}total", shown)


@pytest.mark.parametrize("name", ["goodfellow", "article-5", "mazur"])
def test_sheets_and_keys_have_the_names(seven, name):
    lesson = replace(seven, told_in=name)
    variants = draw_sheets(lesson, variants=2, seed=1)
    tex, page = sheets_latex(lesson, variants), sheets_html(lesson, variants)
    cost = {"goodfellow": "$J$, the cost", "article-5": r"$E_{\mathrm{total}}$, the cost"}.get(name)
    assert cost is None or cost in tex
    wanted = {"goodfellow": r"\frac{\partial J}{\partial W^{(1)}_{1,1}}", "mazur": r"\delta_{o1} = "}.get(
        name, "w_{1}"
    )
    assert wanted in tex
    assert "W[1]" not in tex
    assert "delta" not in tex if name == "article-5" else "Wanted" in tex
    assert page.count('data-address="W[1][1,1]"') >= 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"net_h1" = 0.3775', '"net_h9" = 1'), "steps[1].expect: 'net_h9' is no name in the notation article-5"),
        (('parameter = "w5"', 'parameter = "w9"'), "steps[3].parameter: 'w9' is no name in the notation article-5"),
        (('"w6"]', '"v6"]'), "steps[4].parameters: "),
        (('["E_total", "dE_total/dw1"]', '["E_totl"]'), "sheet.addresses: 'E_totl' is no name"),
        (("`b2`", "`b7`"), "steps[1].text: 'b7' is no name in the notation article-5, and no address; did you mean b1"),
        (('"z[1][2]" = 0.3925', '"z[1][1]" = 0.3775'), "steps[1].expect: z[1][1] is z[1][1], which is named already"),
    ],
)  # fmt: skip
def test_a_name_of_no_number_is_refused_in_one_line(write, change, message):
    lesson = write(change, text=SEVEN)
    with pytest.raises(SettingsError) as error:
        Walk(lesson)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def addresses():
    names = Naming(notation("ours"), NETWORK)
    every = (Naming(notation(name), NETWORK) for name in notation_names())
    return sorted({str(place) for naming in every for place in naming.places()} | {"dC/dW[2][1,2]"}), names


@pytest.mark.parametrize("name", notation_names())
@given(place=st.sampled_from(addresses()[0]), data=st.data())
@settings(max_examples=many(20), deadline=None)
def test_words_survive_the_way_from_one_notation_to_another(name, place, data):
    """A name in an author's words is the same number in another's."""
    own, other = (
        Naming(notation(each), NETWORK) for each in (name, data.draw(st.sampled_from(notation_names())))
    )
    lesson = read_lesson("article-5")
    words = told_in_addresses(f"it is `{own.text(place)}`, and so on", own, lesson.where)
    assert words == f"it is `{place}`, and so on"
    shown = as_text(Document("", (Words(words, naming=other),)))
    assert shown.split() == f"it is {other.text(place)}, and so on".split()


SETUPS = setups_of(read_lesson("article-5"))


@pytest.mark.parametrize("name", notation_names())
@given(data=st.data())
@settings(max_examples=many(10), deadline=None)
def test_keys_survive_the_way_there_and_back(name, data):
    """A law: an expected number named in any notation is the one at the address."""
    lesson, (setup, *_) = read_lesson("article-5"), SETUPS.values()
    naming = Naming(notation(name), setup.network)
    every = [
        *setup.parameters(),
        *(f"dC/d{place}" for place in setup.parameters()),
        "C",
        "z[1][2]",
        "a[2][1]",
        "eta",
    ]
    places = data.draw(st.lists(st.sampled_from(every), min_size=1, unique=True))
    step = lesson.steps[0]
    values = {
        **step.values,
        "expect": {naming.text(place): place for place in places},
        "text": None,
        "title": None,
    }
    made = in_addresses(
        replace(lesson, notation=name, steps=(replace(step, values=values),), sheet=None), SETUPS
    )
    assert made.steps[0].values["expect"] == {place: place for place in places}


def test_an_author_s_own_spelling_stays_in_his_and_is_told_in_others():
    naming, where = Naming(notation("article-1"), NETWORK), read_lesson("article-1").where
    words = "W111 and W1_{11} of ∂Error/∂W211"
    assert told_in_addresses(words, naming, where) == "W111 and `W[1][1,1]` of ∂Error/∂W211"
    told = "`W[1][1,1]` and `W[1][1,1]` of `dC/dW[2][1,1]`"
    assert told_in_addresses(words, naming, where, stays=False) == told


def test_a_column_that_is_called_as_the_cost_keeps_its_name():
    naming = Naming(notation("mazur"), NETWORK)
    grid = Grid(("number", "C", "z[1][1]"), (("a[2][1]", "C", "0.5"), ("C", "C", "1")), ("number",))
    block = GridBlock(grid, naming, frozenset({"C"}))
    assert as_text(Document("", (block,))).split() == [
        "number",
        "C",
        "net_h1",
        "out_o1",
        "C",
        "0.5",
        "C",
        "C",
        "1",
    ]
    block = GridBlock(grid, naming)
    assert as_text(Document("", (block,))).split()[:2] == ["number", "E_total"]


def test_sections_and_errata_have_the_names():
    naming = Naming(notation("mazur"), NETWORK)
    inner = Erratum("W[2][1,1] = 1", "`W[2][1,1]` = 2", "z[1][1]", naming)
    document = Document("", (Section("About z[1][2]", (inner,), "1", naming),))
    for form, name in (("text", "net_h2"), ("latex", r"\mathrm{net}_{h2}"), ("html", "<mi>net</mi>")):
        assert name in render(document, form)
    assert "Printed: W[2][1,1] = 1" in as_text(document)
    assert json.loads(render(document, "json"))["blocks"][0]["title"] == "About net_h2"


def test_columns_of_rows_have_the_names_of_targets_and_outputs(seven):
    lesson = replace(
        seven, steps=(replace(seven.steps[1], move="rows", values={**seven.steps[1].values, "which": None}),)
    )
    assert re.search(r"row +i1 +i2 +target_o1 +target_o2 +out_o1 +out_o2 +loss\n", told(lesson))
    assert re.search(r"row +x_1 +x_2 +y_1 +y_2 +ŷ_1 +ŷ_2 +L\n", told(replace(lesson, told_in="goodfellow")))
    assert re.search(
        r"target\[1\] +target\[2\] +output\[1\] +output\[2\] +loss\n", told(replace(lesson, told_in="ours"))
    )


def test_layers_and_formulas_are_the_notations(seven):
    lesson = replace(seven, steps=(replace(seven.steps[1], move="describe"),))
    shown = told(replace(lesson, told_in="goodfellow"))
    assert "loss of a row: (ŷ - y)^2/2" in shown
    assert re.search(r"1 +2 +sigmoid +1/\(1 \+ exp\(-a\)\)", shown)
    shown = told(replace(lesson, told_in="nielsen"))
    assert re.search(r"\n +3 +2 +sigmoid", shown)
    shown = told(lesson)
    assert re.findall(r"(?<=  )w\d", shown) == ["w1", "w8", "w2", "w5", "w3", "w6", "w4", "w7", "w5"]
