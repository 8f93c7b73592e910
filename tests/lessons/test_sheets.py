"""Exercise sheets: fresh friendly numbers, all different, the same for the same seed, right, and blank where they should be."""

import math
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from html import unescape

import pytest

from browsers import started
from chainrule.errors import SettingsError
from chainrule.explain.show.document import GridBlock
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.sheets import draw_sheets, read_blank
from chainrule.lessons.show.sheets import sheets_html, sheets_latex
from chainrule.plots.network.marks import Edges, Neurons
from effort import one_in
from paper import check_by_hand


@pytest.mark.parametrize("name", one_in(4, lesson_names()))
def test_thirty_sheets_all_differ(name):
    sheets = draw_sheets(read_lesson(name), variants=30, seed=7)
    assert len({sheet.given for sheet in sheets}) == 30
    for sheet in sheets:
        assert [sheet.is_blank(place) for place in range(len(sheet.lines))].count(True) == 2
        assert sheet.is_blank(len(sheet.lines) - 1)
        assert not sheet.is_blank(0)
        # Few digits in all that is given, and nothing that gets out of hand.
        given = [
            value for line in sheet.lines for key, value in line.values.items() if re.match(r"[xyWb]\[", key)
        ]
        assert all(len(f"{value:g}".lstrip("-0.").replace(".", "")) <= 2 for value in given)
        assert all(abs(line.result) < 1000 for line in sheet.lines)
        assert all(line.check is None for line in sheet.lines)


@pytest.mark.parametrize("name", lesson_names())
@pytest.mark.parametrize(
    ("variants", "seed"), [(3, 11), *(pytest.param(22, seed, marks=pytest.mark.slow) for seed in (0, 7))]
)
def test_the_key_is_right_on_paper(name, variants, seed):
    lesson = read_lesson(name)
    hand = (lesson.sheet or {}).get("hand") or 3
    for sheet in draw_sheets(lesson, variants=variants, seed=seed):
        assert check_by_hand(sheet.lines, hand) >= 2


def test_a_variant_does_not_depend_on_how_many_there_are():
    lesson = read_lesson("article-5")
    assert draw_sheets(lesson, variants=9, seed=7)[:3] == draw_sheets(lesson, variants=3, seed=7)
    assert draw_sheets(lesson, variants=3, seed=7) != draw_sheets(lesson, variants=3, seed=8)


def test_the_same_seed_gives_the_same_bytes():
    for show in (sheets_html, sheets_latex):
        first, second = (
            show(read_lesson("adam"), draw_sheets(read_lesson("adam"), variants=3, seed=7)) for _ in range(2)
        )
        assert first == second


def test_a_sheet_of_momentum_is_right():
    """C = (w x - y)^2/2, dC/dw = (w x - y) x, velocity = -0.1 dC/dw, w + velocity; with four digits at most."""
    for sheet in draw_sheets(read_lesson("momentum"), variants=10, seed=1):
        values = {key: value for line in sheet.lines for key, value in line.values.items()}
        w, x, y = values["W[1][1,1]"], values["x[1]"], values["y[1]"]
        result = {line.left: line.result for line in sheet.lines}
        gradient = (w * x - y) * x
        assert result["C"] == pytest.approx((w * x - y) ** 2 / 2, rel=1e-3)
        assert result["dC/dW[1][1,1]"] == pytest.approx(gradient, rel=1e-3)
        assert result["velocity_new/dW[1][1,1]"] == pytest.approx(-0.1 * gradient, rel=1e-3)
        assert result["W_new[1][1,1]"] == pytest.approx(w - 0.1 * gradient, rel=2e-3)


def test_a_sheet_of_article_5_is_right():
    """The forward pass and the gradient of w5 by plain arithmetic, to what rounding to three places leaves."""
    from math import exp

    for sheet in draw_sheets(read_lesson("article-5"), variants=10, seed=3):
        v = {key: value for line in sheet.lines for key, value in line.values.items()}
        x, y = (v["x[1]"], v["x[2]"]), (v["y[1]"], v["y[2]"])
        s = [
            1 / (1 + exp(-(v[f"W[1][1,{j}]"] * x[0] + v[f"W[1][2,{j}]"] * x[1] + v["b[1][1]"])))
            for j in (1, 2)
        ]
        o = [
            1 / (1 + exp(-(v[f"W[2][1,{j}]"] * s[0] + v[f"W[2][2,{j}]"] * s[1] + v["b[2][1]"])))
            for j in (1, 2)
        ]
        result = {line.left: line.result for line in sheet.lines}
        assert result["C"] == pytest.approx(
            sum((a - t) ** 2 for a, t in zip(o, y, strict=True)) / 2, abs=2e-3
        )
        w5 = (o[0] - y[0]) * o[0] * (1 - o[0]) * s[0]
        assert result["dC/dW[2][1,1]"] == pytest.approx(w5, abs=1e-3)


@pytest.mark.parametrize(
    ("text", "count"), [("last2", 2), ("5", 5), ("last10", 10), ("all", 19), ("results", 19)]
)
def test_the_last_lines_are_left_blank(text, count):
    (sheet,) = draw_sheets(read_lesson("one-neuron"), variants=1, seed=0, blank=text)
    assert len(sheet.lines) == 19
    assert sorted(sheet.blank) == list(range(19 - count, 19))
    assert sheet.keep is (text == "results")


def test_a_pass_is_left_blank():
    """Article 3's two rows: z, a and the loss of each and the cost are forward, what is derived by them is backward."""
    names = {}
    for part in ("forward", "backward"):
        (sheet,) = draw_sheets(read_lesson("article-3"), variants=1, seed=0, blank=part)
        names[part] = [line.left for place, line in enumerate(sheet.lines) if sheet.is_blank(place)]
    forward = [f"{name}@row={row}" for row in (1, 2) for name in ("z[1][1]", "a[1][1]", "loss")]
    assert names["forward"] == [*forward, "C"]
    assert names["backward"][:2] == ["share@row=1", "dC/da[1][1]@row=1"]
    assert [*names["forward"], *names["backward"]] == [line.left for line in sheet.lines]


@pytest.mark.parametrize("text", ["last", "0", "first2", "-1", "last0", "2.5", "", "Forward", "result"])
def test_what_can_not_be_left_blank(text):
    with pytest.raises(SettingsError, match=r"^blank .*forward, backward, results, all.*last2"):
        read_blank(text)


def test_a_pass_that_is_not_there_can_not_be_left_blank(write):
    lesson = write(
        (
            '[[steps]]\nmove = "train"',
            '[sheet]\nrows = [1]\naddresses = ["a[1][1]"]\n\n[[steps]]\nmove = "train"',
        )
    )
    assert draw_sheets(lesson, variants=1, seed=0, blank="forward")[0].blank == {0, 1}
    with pytest.raises(
        SettingsError, match=r"sheet: blank backward: the sheet has no line of the backward pass"
    ):
        draw_sheets(lesson, variants=1, seed=0, blank="backward")


@pytest.mark.parametrize("blank", ["forward", "backward", "results", "last7", "all"])
@pytest.mark.parametrize("name", one_in(4, lesson_names()))
def test_no_number_that_is_left_blank_stands_elsewhere(name, blank):
    """Neither printed, nor in an attribute: the sheet is the same whatever came out."""
    lesson = read_lesson(name)
    (sheet,) = draw_sheets(lesson, variants=1, seed=5, blank=blank)
    other = replace(
        sheet,
        lines=tuple(
            replace(line, **_changed(line, {sheet.lines[at].left for at in sheet.blank}))
            for line in sheet.lines
        ),
    )
    assert other.lines != sheet.lines
    for show in (sheets_html, sheets_latex):
        assert show(lesson, [other], "sheets") == show(lesson, [sheet], "sheets")
        assert show(lesson, [other], "keys") != show(lesson, [sheet], "keys")


def _changed(line, hidden):
    """Return a line's numbers with 7.5 for each that is hidden."""
    change = dict.fromkeys(hidden, 7.5)
    values = {name: change.get(name, value) for name, value in line.values.items()}
    shown = {name: "7.5" if name in hidden else text for name, text in line.shown.items()}
    return {"values": values, "shown": shown, "result": change.get(line.left, line.result)}


def numbers_at(picture, kind):
    """Return the numbers of a drawing's marks of one kind by address."""
    marks = [mark for mark in picture.chart.marks if isinstance(mark, kind) and mark.addresses]
    return {name: value for mark in marks for name, value in zip(mark.addresses, mark.values, strict=True)}


def test_the_network_is_drawn_with_the_numbers():
    """The weights of the lines stand at the edges; the row's inputs in the neurons, and in the key what comes of them."""
    for sheet in draw_sheets(read_lesson("article-5"), variants=3, seed=2):
        given = {key: value for line in sheet.lines for key, value in line.values.items()}
        for picture in (sheet.drawn, sheet.solved):
            edges = numbers_at(picture, Edges)
            assert {f"W[{layer}][{i},{j}]" for layer in (1, 2) for i in (1, 2) for j in (1, 2)} <= set(edges)
            assert all(value == given[name] for name, value in edges.items() if name in given)
        inside = [numbers_at(picture, Neurons) for picture in (sheet.drawn, sheet.solved)]
        for name in ("x[1]", "x[2]"):
            assert inside[0][name] == inside[1][name] == given[name]
        for name in ("a[1][1]", "a[2][2]"):
            assert math.isnan(inside[0][name])
            assert inside[1][name] == pytest.approx(given[name], abs=2e-3)
    latex = sheets_latex(read_lesson("article-5"), [sheet], "sheets")
    assert latex.count(r"\begin{picture}") == latex.count(r"\end{picture}") == 1
    assert latex.count(r"\Line(") == 12  # eight weights, and two biases to two neurons each
    assert latex.count(r"\circle{") == 6
    assert r"{\scriptsize out$_{o1}$}" in latex
    assert "U+" not in latex


@pytest.mark.parametrize("name", lesson_names())
def test_inputs_and_targets_vary_as_well(name):
    lesson = read_lesson(name)
    sheets = draw_sheets(lesson, variants=12, seed=4)
    kept = (lesson.sheet or {}).get("keep", ())
    rows = [
        next(block.grid for block in reversed(sheet.given) if isinstance(block, GridBlock))
        for sheet in sheets
    ]
    columns = list(zip(*[[cell for row in grid.rows for cell in row[1:]] for grid in rows], strict=True))
    names = list(rows[0].headers[1:]) * len(rows[0].rows)
    for header, cells in zip(names, columns, strict=True):
        assert (len(set(cells)) > 1) is (header[0] not in kept), header


@pytest.mark.slow
@pytest.mark.parametrize("blank", ["last2", "forward", "backward", "results", "all"])
def test_a_sheet_is_one_page(blank, tmp_path):
    """Printed by Chromium: as many pages as sheets and keys."""
    lessons = ["article-5", "one-neuron", "article-2", "momentum"]
    with started() as browser:
        for name in lessons:
            lesson = read_lesson(name)
            path = tmp_path / f"{name}.html"
            path.write_text(
                sheets_html(lesson, draw_sheets(lesson, variants=3, seed=9, blank=blank)), "utf-8"
            )
            page = browser.new_page()
            page.goto(path.as_uri())
            printed = page.pdf(prefer_css_page_size=True)
            assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 6, name


def test_the_sheet_hides_what_the_key_shows():
    lesson = read_lesson("article-5")
    variants = draw_sheets(lesson, variants=2, seed=7, blank="last2")
    sheets, keys = (sheets_html(lesson, variants, part) for part in ("sheets", "keys"))
    assert sheets.count('class="line blank"') == 4
    assert keys.count('class="line blank"') == 0
    # Not in what is shown, nor in an attribute.
    for variant in variants:
        hidden = f'"{variant.lines[-1].result!r}"'
        assert hidden in keys
        assert hidden not in sheets
    both = sheets_html(lesson, variants)
    assert both.count('<section class="sheet"') == 4
    assert both.index("exercise") < both.index("answer key")
    latex = sheets_latex(lesson, variants, "sheets")
    assert latex.count(r"\hrulefill") == 8
    assert latex.count(r"\newpage") == 1


def test_pages_load_nothing_and_latex_is_balanced():
    lesson = read_lesson("article-4")
    variants = draw_sheets(lesson, variants=2, seed=7)
    html = sheets_html(lesson, variants)
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert not re.search(r"url\(|@import", html)
    # Its one script gives what scrolls a place among the keys' stops; the policy names it by its hash.
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" in unescape(html)
    assert len(re.findall(r'\bid="', html)) == 0
    latex = sheets_latex(lesson, variants)
    for name in ("align*", "tabular", "document"):
        assert latex.count(rf"\begin{{{name}}}") == latex.count(rf"\end{{{name}}}")


def test_a_lesson_without_a_sheet_takes_its_derivations_and_tenths(write):
    sheets = draw_sheets(write(), variants=20, seed=0)
    assert len({sheet.given for sheet in sheets}) == 20
    weights = {
        value
        for sheet in sheets
        for line in sheet.lines
        for key, value in line.values.items()
        if key[0] == "W"
    }
    assert weights <= {i / 10 for i in range(-9, 10)}
    assert len(weights) > 9


def test_too_few_numbers_are_named(write):
    lesson = write(
        (
            '[[steps]]\nmove = "derive"',
            '[sheet]\nrows = [1]\nW = [1, 2]\nkeep = ["x", "y", "b"]\naddresses = ["z[1][1]"]\n\n[[steps]]\nmove = "derive"',
        )
    )
    assert len(draw_sheets(lesson, variants=4, seed=0)) == 4  # 2 x 2
    with pytest.raises(SettingsError, match=r"mine\.toml: sheet: there are only 4 different sheets"):
        draw_sheets(lesson, variants=5, seed=0)


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("[sheet]\nW = []", r"sheet\.W: the list has 0 items"),
        ('[sheet]\nkeep = ["x", "y", "W", "b"]', "sheet: nothing is drawn anew; keep fewer of x, y, W and b"),
        ('[sheet]\nkeep = ["z"]', r"sheet\.keep\[1\]: 'z' is unknown"),
        ('[sheet]\nx = [1]\nkeep = ["x"]', "sheet: x is kept, and there are numbers to draw it from"),
        ("[sheet]\nw = [1]", r"sheet: there is no key 'w'; did you mean"),
        ('[sheet]\nW = [1, 2]\naddresses = ["z[4][1]"]', r"sheet: z\[4\]\[1\]: there is no layer 4"),
        ('[sheet]\nnetwork = "no"', r"sheet\.network: there is no network 'no'"),
    ],
)
def test_what_is_wrong_in_a_sheet_is_named(write, sheet, message):
    with pytest.raises(SettingsError, match=message):
        draw_sheets(
            write(('[[steps]]\nmove = "derive"', f'{sheet}\n\n[[steps]]\nmove = "derive"')),
            variants=1,
            seed=0,
        )
