"""The page without a browser: well-formed, nothing from elsewhere, every number as it is, hostile words as words."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from tests.explain.latex_check import complaints
from tests.explain.samples import ALL, Z, product, symbol_sum
from tests.explain.shown import as_html

from chainrule import Dense, Network
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.lines import Derivation, MatrixLine
from chainrule.explain.derive.matrices import matrix
from chainrule.explain.derive.walk import walk
from chainrule.explain.show.cells import MOST_CELLS, cells
from chainrule.explain.show.html import html_fragment
from chainrule.explain.show.mathml import element_name, terms
from chainrule.explain.show.showing import Showing
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.steps import trace_network
from chainrule.explain.trace.trace import Trace
from chainrule.formula.mathml import mathml_content
from chainrule.formula.nodes import Binary, Negate, Node, Number, Symbol

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Reader(HTMLParser):
    """Reads a page strictly: every element is closed in order; keeps attributes and the text of each element."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def having(self, attribute: str) -> list[dict[str, str]]:
        return [found for _, found in self.found if attribute in found]


def batch() -> Trace:
    """Three rows, so that addresses need @row."""
    rng = np.random.default_rng(3)
    network = Network([2, Dense(3, "relu"), Dense(1, "sigmoid")], "binary_cross_entropy")
    shapes = {1: (2, 3), 2: (3, 1)}
    weights = {
        number: {"W": rng.normal(size=shape), "b": rng.normal(size=shape[1])}
        for number, shape in shapes.items()
    }
    return trace_network(network, weights, rng.normal(size=(3, 2)), [[1.0], [0.0], [1.0]])


@pytest.mark.parametrize("page", [as_html(ALL), html_fragment(ALL)], ids=["page", "fragment"])
def test_it_is_well_formed_and_stays_at_home(page):
    reader = Reader(page)
    for tag, found in reader.found:
        assert tag not in ("img", "iframe", "object", "embed", "base", "form"), tag
        assert "src" not in found
        assert found.get("href", "#").startswith(("#", "data:,")), found
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/1998/Math)", page)


def test_hostile_words_are_words():
    reader = Reader(as_html(ALL, origin={"</style>": "<b>bold</b>"}))
    assert "<script>alert('&')</script>" in "".join(reader.words)
    assert "<b>bold</b>" in "".join(reader.words)
    assert "b" not in {tag for tag, _ in reader.found}
    assert [tag for tag, _ in reader.found].count("script") == 2  # the page's own


def test_ids_are_there_once_and_links_lead_to_them():
    for page in (as_html(ALL), as_html(walk(batch(), row=2), batch())):
        reader = Reader(page)
        ids = [found["id"] for found in reader.having("id")]
        assert len(ids) == len(set(ids))
        links = {found["href"][1:] for found in reader.having("href") if found["href"].startswith("#")}
        assert links <= set(ids)


def test_headings_go_down_one_level_at_a_time():
    levels = [int(tag[1]) for tag, _ in Reader(as_html(ALL)).found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("form", ["short", "paths", "recursive", "matrix"])
def test_every_address_has_the_engines_number(form):
    trace = batch()
    page = Reader(as_html(derive(trace, "dC/dW[1][2,1]", form=form), trace))
    numbers = [found for found in page.having("data-value") if "data-address" in found]
    assert len(numbers) > 20
    for found in numbers:
        truth = trace[found["data-address"]]
        assert float(found.get("data-engine", found["data-value"])) == truth
        assert float(found["data-value"]) == pytest.approx(truth, rel=1e-13, abs=1e-16)


def test_a_wrong_number_on_the_page_would_be_seen():
    trace = batch()
    page = as_html(walk(trace, row=2), trace)
    value = trace["z[1][3]@row=2"]
    broken = page.replace(f'data-value="{value!r}"', f'data-value="{value * 1.001!r}"')
    found = [
        found for found in Reader(broken).having("data-value") if found.get("data-address") == "z[1][3]@row=2"
    ]
    assert any(float(one["data-value"]) != value for one in found)


def test_by_hand_the_engines_number_stands_beside_the_rounded_one():
    trace = trace_network(Network([1, Dense(1, "sigmoid")]), {1: {"W": [[0.3]], "b": [0.0]}}, [[1.0]])
    page = Reader(as_html(derive(trace, "a[1][1]", hand=2)))
    (result,) = [
        found
        for found in page.having("data-engine")
        if found["data-address"] == "a[1][1]" and found["data-value"] == "0.57"
    ]
    assert float(result["data-engine"]) == trace["a[1][1]"]


def test_names_belong_to_their_line_or_their_part():
    page = Reader(as_html(ALL))
    rests = [found for found in page.having("data-name") if found["data-name"] == "rest"]
    assert len(rests) == 2  # as symbol and as number
    assert {found["data-in"] for found in rests} == {"part-1 z[2][1]"}


def test_terms_are_the_sum_and_nothing_else():
    one = "<mrow><mo>−</mo><mi>x</mi></mrow>"
    assert terms(one) == [one]
    product = "<mrow><mi>a</mi><mo>·</mo><mi>b</mi></mrow>"
    assert terms(product) == [product]
    marked = '<mrow data-address="x"><mi>a</mi><mo>+</mo><mi>b</mi></mrow>'
    assert terms(marked) == [marked]
    assert len(terms(f"<mrow><mrow>{product}<mo>+</mo>{one}</mrow><mo>−</mo>{product}</mrow>")) == 3


def read(pieces: list[str]) -> str:
    return "|".join("".join(Reader(piece).words) for piece in pieces)


def long_terms(count: int) -> Node:
    return symbol_sum(*(product(f"W[1][{i},1]", f"x[{i}]") for i in range(1, count + 1)))


def test_wide_brackets_and_fractions_are_broken_with_their_sum():
    short = mathml_content(Binary("/", long_terms(2), Number(3.0)))
    assert terms(short) == [short]
    wide = terms(mathml_content(Binary("/", long_terms(9), Number(10.0))))
    assert len(wide) == 9
    assert read(wide).startswith("(w1,1(1)·x1|+w2,1(1)·x2|")
    assert read(wide).endswith("|+w9,1(1)·x9)/10")
    below = terms(mathml_content(Binary("/", long_terms(9), Binary("+", Symbol("n"), Number(1.0)))))
    assert read(below).endswith(")/(n+1)")
    times = terms(mathml_content(Negate(Binary("*", long_terms(9), Symbol("b[1][1]")))))
    assert read(times).startswith("−(w1,1(1)·x1|")
    assert read(times).endswith("|+w9,1(1)·x9)·b1(1)")


def test_numbers_of_whole_arrays_have_addresses():
    weights = matrix(Address.parse("dC/dW[2]@step=3"), np.zeros((2, 3)))
    assert element_name(weights, 1, 2) == "dC/dW[2][2,3]@step=3"
    assert element_name(matrix(Address.parse("z[1]"), np.zeros((1, 3))), 0, 2) == "z[1][3]"
    # of several rows the line doesn't say which they are
    assert element_name(matrix(Address.parse("z[1]"), np.zeros((4, 3))), 3, 2) == ""


def test_blocks_hold_every_neuron():
    trace = batch()
    made = cells(trace, Address.parse("z[1][1]@row=3"), {"z[1][1]@row=3"}, Showing())
    assert [block["title"] for block in made] == ["Inputs", "Layer 1", "Layer 2, the output"]
    assert [strip["name"] for strip in made[1]["strips"]] == ["z", "a", "delta"]
    for block in made:
        for strip in block["strips"]:
            for cell in strip["cells"]:
                assert float(cell["value"]) == trace[cell["address"]]
                assert cell["address"].endswith("@row=3")
    explained = [c["address"] for b in made for s in b["strips"] for c in s["cells"] if c["explained"]]
    assert explained == ["z[1][1]@row=3"]


def test_shades_are_the_share_of_the_largest():
    trace = trace_network(
        Network([3, Dense(1)]), {1: {"W": [[1.0], [1.0], [1.0]], "b": [0.0]}}, [[-4.0, 2.0, 0.0]]
    )
    made = cells(trace, Address.parse("x[1]"), set(), Showing())
    assert [cell["shade"] for cell in made[0]["strips"][0]["cells"]] == [-10, 5, 0]


def test_layers_too_large_to_show_say_how_many_more():
    count = MOST_CELLS + 5
    network = Network([1, Dense(count), Dense(1)])
    weights = {
        1: {"W": np.ones((1, count)), "b": np.zeros(count)},
        2: {"W": np.ones((count, 1)), "b": np.zeros(1)},
    }
    trace = trace_network(network, weights, [[1.0]])
    page = as_html(walk(trace), trace)
    assert "and 5 more" in page
    assert len(page) < 2_000_000


def test_a_failed_check_is_told_at_the_top_and_unfolded():
    inner = Derivation("b[1][1]", "inner", parts=(Derivation("x", "innermost", (ALL.lines[1],)),))
    page = as_html(Derivation("C", "t", (Z,), parts=(inner,)))
    assert "1 of 2 checks failed" in page
    assert page.count("<details") == page.count(" open>") == 2
    assert "engine says 0.5: off by 0.12" in page


def test_a_matrix_that_is_cut_shows_dots():
    page = html_fragment(ALL)
    assert page.count("⋯") == 1
    assert page.count("⋮") == 1
    assert isinstance(ALL.matrices[1], MatrixLine)


def test_the_files_of_the_page_are_installed_with_it():
    folder = files("chainrule.explain.show") / "page"
    assert {file.name for file in folder.iterdir()} == {
        "fragment.html", "math.css", "page.css", "page.html", "page.js", "parts.html", "reach.js",
    }  # fmt: skip


def test_notebooks_show_derivations_and_traces():
    trace = batch()
    derivation = derive(trace, "z[1][2]@row=2")
    assert derivation._repr_html_() == html_fragment(derivation)
    for shown in (derivation, trace):
        bundle = shown._repr_mimebundle_()
        assert set(bundle) == {"text/plain", "text/html", "text/latex"}
        assert Reader(bundle["text/html"]).having("data-value")
        assert complaints(bundle["text/latex"]) == []
        assert set(shown._repr_mimebundle_(include={"text/html"})) == {"text/html"}
