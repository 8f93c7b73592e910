"""Networks in notebooks: every layer's formula, in HTML that is well-formed and LaTeX that a reader passes."""

from html.parser import HTMLParser

import pytest

from chainrule import Dense, Network

NETWORK = Network(
    [
        3,
        Dense(4, "leaky_relu(alpha=0.2)", dropout=0.25),
        Dense(2, "z/(1+abs(z))", bias="layer"),
        Dense(1, bias="none"),
    ],
    "half_squared_error",
    "sum",
)


class Reader(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def test_the_table_has_every_layer():
    html = NETWORK._repr_html_()
    reader = Reader(html)
    assert reader.open == []
    words = "".join(reader.words)
    for told in (
        "3 → 4, leaky_relu(alpha=0.2), dropout 0.25",
        "4 → 2, z/(1+abs(z)), one bias",
        "2 → 1, identity, no bias",
    ):
        assert told in words
    assert "3 inputs, cost: the sum of half_squared_error over the rows" in words
    assert html.count("<math") == 2 * 2 * 3 + 1  # each layer's z and a, left and right; and the loss


def test_latex_says_the_formulas():
    latex = NETWORK._repr_latex_()
    assert r"z^{(1)} &= x \, W^{(1)} + b^{(1)}" in latex
    assert r"a^{(2)} &= \frac{z^{(2)}}{1 + \left|z^{(2)}\right|}" in latex
    assert r"z^{(3)} &= a^{(2)} \, W^{(3)} & a^{(3)} &= z^{(3)}" in latex
    assert latex.startswith("$$\\begin{aligned}")


def test_a_formula_of_the_user_is_no_markup():
    network = Network([1, Dense(1, "where(z < 2, z, 0)")])
    html = network._repr_html_()
    assert "where(z &lt; 2, z, 0)" in html
    assert Reader(html).open == []


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ({}, {"text/plain", "text/html", "text/latex"}),
        ({"include": {"text/html", "image/png"}}, {"text/html"}),
        ({"exclude": {"text/html"}}, {"text/plain", "text/latex"}),
    ],
    ids=["all", "include", "exclude"],
)
def test_a_notebook_chooses(asked, given):
    assert set(NETWORK._repr_mimebundle_(**asked)) == given
