"""Exercise sheets: fresh friendly numbers, all different, the same for the same seed, right, and blank where they should be."""

import re

import pytest

from chainrule.errors import SettingsError
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.sheets import draw_sheets, read_blank
from chainrule.lessons.show.sheets import sheets_html, sheets_latex
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


@pytest.mark.parametrize(("text", "count"), [("last2", 2), ("5", 5), ("last10", 10), ("all", None)])
def test_what_is_left_blank(text, count):
    assert read_blank(text) == count
    (sheet,) = draw_sheets(read_lesson("one-neuron"), variants=1, seed=0, blank=read_blank(text))
    blank = [sheet.is_blank(place) for place in range(len(sheet.lines))]
    assert sum(blank) == (len(sheet.lines) if count is None else count)
    assert blank == sorted(blank)


@pytest.mark.parametrize("text", ["last", "0", "first2", "-1", "last0", "2.5", ""])
def test_what_can_not_be_left_blank(text):
    with pytest.raises(SettingsError, match=r"^blank"):
        read_blank(text)


def test_the_sheet_hides_what_the_key_shows():
    lesson = read_lesson("article-5")
    variants = draw_sheets(lesson, variants=2, seed=7, blank=2)
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
    assert latex.count(r"\hrulefill") == 4
    assert latex.count(r"\newpage") == 1


def test_pages_load_nothing_and_latex_is_balanced():
    lesson = read_lesson("article-4")
    variants = draw_sheets(lesson, variants=2, seed=7)
    html = sheets_html(lesson, variants)
    assert not re.search(r'(?:src|href)="(?!data:)', html)
    assert not re.search(r"url\(|@import|<script", html)
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
            '[sheet]\nrows = [1]\nW = [1, 2]\naddresses = ["z[1][1]"]\n\n[[steps]]\nmove = "derive"',
        )
    )
    assert len(draw_sheets(lesson, variants=4, seed=0)) == 4  # 2 x 2
    with pytest.raises(SettingsError, match=r"mine\.toml: sheet: there are only 4 different sheets"):
        draw_sheets(lesson, variants=5, seed=0)


@pytest.mark.parametrize(
    ("sheet", "message"),
    [
        ("[sheet]\nW = []", r"sheet\.W: the list has 0 items"),
        ("[sheet]\nhand = 2", "sheet: nothing is drawn anew; give numbers for x, y, W or b"),
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
