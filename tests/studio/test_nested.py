"""Our own markup as nested lists: all of it gets through, and nothing that acts."""

import pytest
from tests.explain.samples import ALL
from tests.explain.shown import as_html

from chainrule.explain.show.html import html_fragment
from chainrule.formula.mathml import mathml
from chainrule.formula.parse import parse
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.svg.page import figure
from chainrule.studio.protocol.nested import TAGS, _Reader, nested, text_of


def tags(nodes):
    for node in nodes:
        if not isinstance(node, str):
            yield node[0]
            yield from tags(node[2:])


def attributes(nodes):
    for node in nodes:
        if not isinstance(node, str):
            yield from node[1].items()
            yield from attributes(node[2:])


def read_as_html(markup):
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.open[0][2:]


@pytest.mark.parametrize(
    "markup",
    ["<p>a<wbr>b<br></p>", '<details class="part" open><summary>a</summary></details>', '<p title="a\nb">c</p>', "a\r\nb &amp; c",
     '<p class="x">1 &lt; 2 &#x2062; \u2062 &quot;</p>', "<p>&nbsp;</p>", "<svg><path d='M0\n1'/></svg>", "<P>a</P>"],
)  # fmt: skip
def test_the_quick_way_leads_to_the_same(markup):
    assert nested(markup) == read_as_html(markup)


def test_markup_becomes_lists():
    assert nested('<p class="a">x &lt; <b>2</b>&nbsp;</p><br>') == [
        ["p", {"class": "a"}, "x < ", ["b", {}, "2"], "\xa0"],
        ["br", {}],
    ]
    assert nested("a &amp; b") == ["a & b"]
    assert nested('<svg viewBox="0 0 1 1"><linearGradient/></svg>') == [
        ["svg", {"viewBox": "0 0 1 1"}, ["linearGradient", {}]]
    ]
    assert text_of(nested("<p>a<b>b</b></p>c")) == "abc"


def test_a_style_is_left_out_as_the_policy_applies_none():
    assert nested('<p style="color:red">a<style>p{}</style></p>') == [["p", {}, "a"]]


@pytest.mark.parametrize(
    "markup",
    ["<iframe></iframe>", "<img src=x>", "<form></form>", "<object></object>", "<foreignObject></foreignObject>", "<animate/>",
     '<p onclick="x()">a</p>', '<a href="javascript:x()">a</a>', '<a href="http://a.example/">a</a>', '<use href="a.svg#b"/>',
     "<p>a", "<p>a</b></p>", "<input>", "<x-a></x-a>", '<p 1="a">b</p>'],
)  # fmt: skip
def test_what_acts_or_is_broken_is_refused(markup):
    with pytest.raises(ValueError, match=r"."):
        nested(markup)


def test_all_that_we_write_gets_through():
    """Explanations of every kind, formulas and plots: nothing in them is lost, and nothing in them acts."""
    page = as_html(ALL, None)
    body = page[page.index("<main") : page.index("</main>") + len("</main>")]
    chart = curves_chart({"training": [3.0, 2.0, 1.0], "validation": [3.0, 2.5, 2.4]}, best=3)
    for markup in (body, html_fragment(ALL), mathml(parse("where(z > 0, z^2, exp(-z))").root), figure(chart)):
        nodes = nested(markup)
        assert set(tags(nodes)) <= TAGS
        names = {name for name, _ in attributes(nodes)}
        assert not [name for name in names if name.startswith("on") or name == "style"]
        assert nodes == read_as_html(markup), "the quick way leads to the same"
    assert "viewBox" in {name for name, _ in attributes(nested(figure(chart)))}
