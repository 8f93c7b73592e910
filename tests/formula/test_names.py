"""Names and addresses: parts and back, and as a book prints them."""

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.formula.latex import latex
from chainrule.formula.mathml import mathml, mathml_content
from chainrule.formula.names import Name, join_name, split_name
from chainrule.formula.nodes import Binary, Call, Number, Symbol
from chainrule.formula.text import text

COUNT = st.integers(1, 2000)
NAMES = st.builds(
    Name,
    st.sampled_from(["x", "z", "f'", "dC", "m_hat", "W_new", "loss", "delta"]),
    st.sampled_from(["", "W", "b"]),
    st.lists(st.lists(COUNT, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    st.dictionaries(st.sampled_from(["row", "step", "member"]), COUNT).map(lambda d: tuple(d.items())),
)


@given(NAMES)
def test_parts_and_text_are_the_same(name):
    assert split_name(join_name(name)) == name


@pytest.mark.parametrize(
    "bad", ["", "3x", "z[2][1", "z[]", "z[1,]", "z[1][2][3]", "z[1]@row", "z@row=-1", "d/d", "a b"]
)
def test_what_is_no_name(bad):
    assert split_name(bad) is None


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("x[3]", "x_{3}"),
        ("z[2][1]", "z^{(2)}_{1}"),
        ("a[1][4]@row=3", r"a^{(1)}_{4,\,\text{row 3}}"),
        ("W[2][1,3]", "w^{(2)}_{1,3}"),
        ("W[2]", "W^{(2)}"),
        ("delta[2][1]", r"\delta^{(2)}_{1}"),
        ("f'[2][3]", r"f^{\prime(2)}\left(z^{(2)}_{3}\right)"),
        ("dC/dW[2][1,3]", r"\frac{\partial C}{\partial w^{(2)}_{1,3}}"),
        ("dC/dx[2]@row=4", r"\frac{\partial C_{\text{row 4}}}{\partial x_{2}}"),
        ("m_hat/dW[1][2,3]", r"\hat{m}\left[w^{(1)}_{2,3}\right]"),
        ("W_new[2][1,3]", r"w^{(2),\,\text{new}}_{1,3}"),
        ("loss@row=3", r"\mathrm{loss}_{\text{row 3}}"),
        ("mean_a[2]", r"\bar{a}_{2}"),
        ("probability[1]", r"\mathrm{probability}_{1}"),
        ("y_smooth[1]", r"y^{\text{smooth}}_{1}"),
        ("C_new", r"C^{\text{new}}"),
        ("velocity_new/dW[1][1,1]", r"\mathrm{velocity}^{\text{new}}\left[w^{(1)}_{1,1}\right]"),
    ],
)
def test_addresses_in_latex(address, shown):
    assert latex(Symbol(address)) == shown
    assert text(Symbol(address)) == address


@given(NAMES)
def test_addresses_in_mathml_are_one_element_with_its_address(name):
    address = join_name(name)
    page = mathml(Symbol(address), None, lambda given: {"data-address": given})
    (element,) = ElementTree.fromstring(page)
    assert element.attrib["data-address"] == address


def test_a_raised_address_gets_brackets():
    # z^{(2)}_{1}^{2} is a double superscript, which LaTeX refuses.
    squared = Binary("^", Symbol("z[2][1]"), Number(2.0))
    assert latex(squared) == r"\left(z^{(2)}_{1}\right)^{2}"
    assert latex(Binary("^", Symbol("x[2]"), Number(2.0))) == "x_{2}^{2}"


def test_matrices():
    line = Binary("⊙", Binary("@", Call("transpose", (Symbol("a[1]"),)), Symbol("delta[2]")), Symbol("r[1]"))
    assert text(line) == "transpose(a[1]) @ delta[2] ⊙ r[1]"
    assert latex(line) == r"\left(a^{(1)}\right)^{T} \, \delta^{(2)} \odot r^{(1)}"
    assert "<msup>" in mathml_content(line)
