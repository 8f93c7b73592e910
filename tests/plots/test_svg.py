"""SVG: well formed, without styles and scripts, the same bytes each time, nothing cut and nothing over another."""

import base64
import hashlib
import itertools
import re

import numpy as np
import pytest
from tests.plots.drawn import NS, found, parsed, path_points, texts
from tests.plots.gallery import gallery, networks

from chainrule.plots.axes import Axis, fitted, names_axis
from chainrule.plots.chart import Chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.marks import (
    Arrows,
    Band,
    Bars,
    Contours,
    Curve,
    Faces,
    Intervals,
    Points,
    Quantiles,
    Rules,
    Tiles,
    Writing,
)
from chainrule.plots.network.marks import Boxes, Edges, Neurons
from chainrule.plots.svg import cells as cells_module
from chainrule.plots.svg.draw import NARROW, WIDE, to_svg
from chainrule.plots.svg.drawn import DRAWN as DRAWN_BY
from chainrule.plots.svg.frame import frame_of
from chainrule.plots.svg.page import figure, table
from chainrule.plots.svg.sheet import SHEET, SHEET_HASH

PLOTS = gallery()
DRAWN = {(name, width): to_svg(plot, width) for name, plot in PLOTS.items() for width in (WIDE, NARROW)}
DRAWN |= {
    (name, width): to_svg(plot, width) for width in (WIDE, NARROW) for name, plot in networks(width).items()
}


@pytest.mark.parametrize(("name", "width"), DRAWN)
def test_a_page_with_a_strict_policy_can_hold_it(name, width):
    root = parsed(DRAWN[name, width])
    attributes = {key for element in root.iter() for key in element.attrib}
    assert not [
        key for key in attributes if key == "style" or key.startswith("on") or "href" in key or key == "id"
    ]
    assert {element.tag.removeprefix(NS) for element in root.iter()} <= {
        "svg", "title", "desc", "g", "path", "rect", "circle", "text",
    }  # fmt: skip
    assert "url(" not in DRAWN[name, width]


@pytest.mark.parametrize(("name", "width"), DRAWN)
def test_it_says_what_it_shows(name, width):
    root = parsed(DRAWN[name, width])
    assert root.get("role") == "img"
    assert root[0].tag == NS + "title"
    assert root[0].text
    told = root.get("aria-label")
    assert told.startswith(f"{root[0].text}. ")
    assert len(told) > len(root[0].text) + 10
    # On a page its label says it; a file has it as an element, too, which other programs read.
    assert not root.findall(NS + "desc")
    assert float(root.get("width")) <= width + 1
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"


@pytest.mark.parametrize(("name", "width"), DRAWN)
def test_no_text_is_cut_or_stands_on_another(name, width):
    root = parsed(DRAWN[name, width])
    found_texts = texts(root)
    for text, left, top, right, bottom in found_texts:
        assert left >= -0.5, text
        assert right <= float(root.get("width")) + 0.5, text
        assert top >= -1, text
        assert bottom <= float(root.get("height")) + 2, text
    for (a, *one), (b, *two) in itertools.combinations(found_texts, 2):
        beside = min(one[2], two[2]) - max(one[0], two[0])
        above = min(one[3], two[3]) - max(one[1], two[1])
        assert beside < 0.5 or above < 3, (a, b)


def test_the_same_plot_has_the_same_bytes():
    again = gallery()
    for name in PLOTS:
        assert to_svg(again[name], WIDE) == DRAWN[name, WIDE], name


def test_plots_are_small():
    sizes = {name: len(text.encode()) for (name, width), text in DRAWN.items() if width == WIDE}
    assert max(sizes.values()) < 130_000, max(sizes, key=sizes.get)
    assert sizes["curves"] < 25_000
    assert sizes["confusion"] < 8_000


def test_numbers_are_read_back_from_marks():
    x, y = [1.0, 2.5, 4.0], [10.0, 1000.0, 31.622776601683793]
    chart = Chart(
        "t", "d", Axis(0, 5), Axis(1, 1000, scale="log"),
        (Points(tuple(x), tuple(y), addresses=("a[1][1]", "a[1][2]", "a[1][3]"), values=(0.1 + 0.2, 1 / 3, -0.0)),),
    )  # fmt: skip
    frame, root = frame_of(chart, 500), parsed(to_svg(chart, 500))
    circles = found(root, "circle", data_address=None)
    assert [c.get("data-address") for c in circles] == ["a[1][1]", "a[1][2]", "a[1][3]"]
    assert [float(c.get("data-value")) for c in circles] == [0.1 + 0.2, 1 / 3, 0.0]
    left, right, top, bottom = frame.left, frame.right, frame.top, frame.bottom
    shares = [
        ((float(c.get("cx")) - left) / (right - left), (bottom - float(c.get("cy"))) / (bottom - top))
        for c in circles
    ]
    assert [5 * a for a, _ in shares] == pytest.approx(x, abs=0.01)
    assert [1000.0**b for _, b in shares] == pytest.approx(y, rel=0.001)


def test_every_kind_of_mark_carries_its_addresses_and_numbers():
    at, two = ("p", "q"), (0.25, 0.75)
    ends = ((0.1, 0.3, 0.3), (0.5, 0.8, 0.5))
    marks = (
        Points(two, two, addresses=at), Curve(two, two, addresses=at), Curve(two, two, address="line"),
        Band(two, two, two, address="area"), Bars(two, two, (0.5, 1.0), 0.1, addresses=at),
        Intervals(two, two, (0.5, 1.0), addresses=at), Quantiles(two, two, two, two, two, two, 0.1, addresses=at),
        Tiles((0.0, 0.5, 1.0), (0.0, 1.0), two, 0.0, 1.0, addresses=at), Rules(two, addresses=at),
        Writing(two, two, ("a", "b"), addresses=at, values=two), Contours(two, ends, ends, addresses=at),
        Arrows(two, two, (0.5, 1.0), two, addresses=at, values=two), Faces(ends, ends, two, 0.0, 1.0, addresses=at),
        Edges(two, two, (0.5, 1.0), two, two, 1.0, addresses=at), Neurons(two, two, two, 1.0, 9.0, addresses=at),
        Boxes(two, two, (0.5, 1.0), (0.5, 1.0), ("a", "b"), addresses=at),
    )  # fmt: skip
    assert {type(mark) for mark in marks} == set(DRAWN_BY)
    for mark in marks:
        root = parsed(to_svg(Chart("t", "d", Axis(0, 1), Axis(0, 1), (mark,))))
        carrying = [e for e in root.iter() if e.get("data-address")]
        if getattr(mark, "address", ""):
            assert [e.get("data-address") for e in carrying] == [mark.address]
            continue
        assert [e.get("data-address") for e in carrying] == ["p", "q"], mark
        told = [float(e.get("data-value") or e.get("data-low") or 0) for e in carrying]
        assert told == (
            [0.5, 1.0] if isinstance(mark, Bars) else [0, 0] if isinstance(mark, Boxes) else list(two)
        ), mark


def test_a_curve_is_interrupted_where_there_is_no_number():
    chart = curves_chart({"loss": [1.0, np.nan, 0.5, 0.25]}, log=False)
    (line,) = [
        p for p in found(parsed(to_svg(chart)), "path", stroke_linejoin="round") if p.get("fill") == "none"
    ]
    assert line.get("d").count("M") == 2
    assert len(path_points(line.get("d"))) == 3
    spots = [c for c in found(parsed(to_svg(chart)), "circle") if c.get("data-value")]
    assert [float(c.get("data-value")) for c in spots] == [1.0, 0.5, 0.25]


def test_marks_beyond_the_axes_are_cut_at_the_frame_without_a_name_for_a_clip():
    inside = Chart("t", "d", Axis(0, 1), Axis(0, 1), (Curve((0.0, 1.0), (0.0, 1.0)),))
    beyond = Chart("t", "d", Axis(0, 1), Axis(0, 1), (Curve((0.0, 1.0), (0.0, 2.0)),))
    assert not found(parsed(to_svg(inside)), "svg", overflow="hidden")
    (inner,) = found(parsed(to_svg(beyond)), "svg", overflow="hidden")
    frame = frame_of(beyond, WIDE)
    assert float(inner.get("height")) == pytest.approx(frame.bottom - frame.top, abs=0.01)


def test_names_and_texts_are_escaped():
    wicked = '<script>alert("1")</script> & \x00\u202e'
    chart = Chart(
        wicked, wicked, names_axis([wicked, "b"], wicked), fitted([[0, 1]], wicked),
        (Bars((0.0, 1.0), (0.0, 0.0), (1.0, 0.5), 0.5, names=(wicked, wicked), addresses=(wicked, wicked), texts=(wicked, "")),
         Writing((0.5,), (0.5,), (wicked,))), note=wicked,
    )  # fmt: skip
    for text in (to_svg(chart), to_svg(chart, 300, alone=True), figure(chart)):
        assert "<script" not in text
        assert "\x00" not in text
        assert "\u202e" not in text
    assert parsed(to_svg(chart))[0].text.startswith("<script>alert")


def test_every_class_of_a_mark_is_in_the_sheet_with_its_light_color():
    for text in DRAWN.values():
        for names in re.findall(r'class="([^"]+)"', text):
            for name in names.split():
                assert name == "plot" or f".plot .{name}{{" in SHEET, name
    for name, fill in re.findall(r'class="f-(\w+)" fill="(#[0-9a-f]{6})"', "".join(DRAWN.values())):
        assert f"--plot-{name}:light-dark({fill}," in SHEET
    for step, fill in re.findall(r'class="([sd]\d+)" fill="(#[0-9a-f]{6})"', "".join(DRAWN.values())):
        assert f".plot .{step}{{fill:light-dark({fill}," in SHEET


def test_the_hash_is_that_of_the_sheet():
    digest = base64.b64encode(hashlib.sha256(SHEET.encode()).digest()).decode()
    assert f"sha256-{digest}" == SHEET_HASH
    assert SHEET.isascii()
    assert "</" not in SHEET


def test_alone_it_brings_sheet_and_paper():
    alone = to_svg(PLOTS["curves"], alone=True)
    root = parsed(alone)
    assert found(root, "style")[0].text == SHEET
    assert found(root, "rect")[0].get("class") == "f-paper"
    assert to_svg(PLOTS["curves"]) .replace("<svg", "") [-4000:] == alone[-4000:]  # fmt: skip


def test_texts_in_cells_are_all_there_or_none():
    def chart(texts):
        tiles = Tiles((-0.5, 0.5, 1.5), (-0.5, 0.5), (0.0, 1.0), 0.0, 1.0, texts=texts)
        return Chart("t", "d", names_axis(["a", "b"]), names_axis(["c"]), (tiles,))

    assert [t for t, *_ in texts(parsed(to_svg(chart(("1", "2"))))) if t in "12"] == ["1", "2"]
    assert not [t for t, *_ in texts(parsed(to_svg(chart(("1", "2" * 40))))) if set(t) <= set("12")]


def test_long_names_are_cut_and_whole_in_a_title():
    root = parsed(to_svg(PLOTS["importance, many"], NARROW))
    cut_texts = [t for t in found(root, "text") if t.find(NS + "title") is not None]
    titles = {t.find(NS + "title").text for t in cut_texts}
    assert {f"a_rather_long_column_name_number_{i}" for i in range(30)} <= titles


def test_more_cells_than_are_drawn_one_by_one_are_runs_of_one_color():
    n = 40
    values = np.add.outer(np.arange(n), np.arange(n)).ravel() / (2 * n - 2)
    edges = tuple(float(i) for i in range(n + 1))
    chart = Chart("t", "d", Axis(0, n), Axis(0, n), (Tiles(edges, edges, tuple(values.tolist()), 0.0, 1.0),))
    (group,) = found(parsed(to_svg(chart)), "g", shape_rendering="crispEdges")
    frame = frame_of(chart, WIDE)
    area = sum(area_of(part.get("d")) for part in group)
    assert len(group) == 21
    wide, tall = (round(b) - round(a) for a, b in ((frame.left, frame.right), (frame.top, frame.bottom)))
    assert area == wide * tall
    # Around a band from corner to corner goes one line, not one for each of its cells.
    assert max(part.get("d").count("M") for part in group) == 1


def area_of(d: str) -> int:
    """Return the area inside of a path of M, H, V and Z: what goes around the other way, as around holes, counts against it."""
    twice, at, start = 0, (0, 0), (0, 0)
    for way, first, second in re.findall(r"([MHVZ])(-?\d+)?(?: (-?\d+))?", d):
        if way == "M":
            at = start = (int(first), int(second))
            continue
        to = start if way == "Z" else (int(first), at[1]) if way == "H" else (at[0], int(first))
        twice += at[0] * to[1] - to[0] * at[1]
        at = to
    return abs(twice) // 2


@pytest.mark.parametrize("seed", range(3))
def test_a_path_goes_around_cells_that_touch_at_corners_and_around_holes(seed):
    draw = np.random.default_rng(seed)
    cells = {(int(r), int(c)) for r, c in np.argwhere(draw.random((9, 7)) < 0.6)}
    x, y = list(range(0, 80, 10)), list(range(0, 50, 5))
    assert area_of(cells_module._around(cells, x, y)) == 50 * len(cells)
    ring = {(r, c) for r in range(3) for c in range(3)} - {(1, 1)}
    assert area_of(cells_module._around(ring, x, y)) == 50 * 8
    assert cells_module._around(ring, x, y).count("M") == 2


def test_a_figure_has_two_drawings_and_the_table():
    text = figure(PLOTS["confusion"])
    assert text.count("<svg") == 2
    assert text.index("plot-narrow") < text.index("plot-wide") < text.index("<table>")
    assert 'style="' not in text
    assert '<th scope="col">Adelie</th>' in table(PLOTS["confusion"])
    assert table(PLOTS["residuals"], 10).endswith(">334 more rows are not shown.</td></tr></tbody></table>")


def test_names_beside_the_ends_of_lines_keep_apart():
    chart = curves_chart({f"fold {i}": [1.0, 0.5 + i / 1000] for i in range(5)}, log=False)
    frame = frame_of(chart, WIDE)
    assert [end.text for end in frame.ends] == [f"fold {i}" for i in range(5)]
    places = [end.y * (frame.bottom - frame.top) for end in frame.ends]
    assert min(np.diff(places)) >= 15 - 1e-9
    assert not frame.legend.entries
    # Too many for that: they are named above.
    assert (
        len(frame_of(curves_chart({f"f{i}": [1.0, 0.5] for i in range(7)}, log=False), WIDE).legend.entries)
        == 7
    )
