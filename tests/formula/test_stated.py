"""Formulas as somebody states them: what is read, how each format writes it, and what is refused."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.errors import FormulaError
from chainrule.explain.show.formulas import formula_data, formula_latex, formula_lines, formula_mathml
from chainrule.formula.nodes import AppliedLetter, Binary, Negate, Node, SumOver, Symbol
from chainrule.formula.stated import StatedMatrix, stated
from chainrule.formula.text import text

STATED = [
    # As stated, as plain text, as LaTeX.
    (
        "vec(a)^{i+1} <- σ(W^{i,i+1} × vec(a)^i + vec(b)^{i+1})",
        "a⃗^{i+1} ← σ(W^{i,i+1} × a⃗^i + b⃗^{i+1})",
        r"\vec{a}^{i+1} &\leftarrow \sigma\left(W^{i,i+1} \times \vec{a}^{i} + \vec{b}^{i+1}\right)",
    ),
    ("a_j^i", "a_j^i", "a^{i}_{j} &"),
    ("#(i)", "#(i)", r"\text{\#}\left(i\right) &"),
    (
        "∂E/∂w5 = ∂E/∂out_o1 · ∂out_o1/∂w5",
        "∂E/∂w5 = ∂E/∂out_o1*∂out_o1/∂w5",
        r"\frac{\partial E}{\partial w_{5}} &= \frac{\partial E}{\partial \mathrm{out}_{o1}} \cdot "
        r"\frac{\partial \mathrm{out}_{o1}}{\partial w_{5}}",
    ),
    ("w5^+ = w5 - η·0.10", "w5⁺ = w5 - η*0.10", r"w_{5}^{+} &= w_{5} - \eta \cdot 0.10"),
    (
        "C = 1/n · sum(i, n, (y_i - hat(y)_i)^2)",
        "C = 1/n*(Σ_{i=1..n} (y_i - ŷ_i)^2)",
        r"C &= \frac{1}{n} \cdot \left(\sum_{i=1}^{n} \left(y_{i} - \hat{y}_{i}\right)^{2}\right)",
    ),
    ("E = ½·(t - o)^2", "E = 1/2*(t - o)^2", r"E &= \frac{1}{2} \cdot \left(t - o\right)^{2}"),
    ("σ'(z) = σ(z)·(1 - σ(z))", "σ'(z) = σ(z)*(1 - σ(z))", None),
    ("0.01 <= η <= 0.5", "0.01 ≤ η ≤ 0.5", r"0.01 &\le \eta \\ &\le 0.5"),
    (
        "∂(½·(t - o)^2)/∂o = -(t - o)",
        "∂(1/2*(t - o)^2)/∂o = -(t - o)",
        r"\frac{\partial \left(\frac{1}{2} \cdot \left(t - o\right)^{2}\right)}{\partial o} &= -\left(t - o\right)",
    ),
    ("∂(f(Z_in))/∂Z_in", "∂f(Z_in)/∂Z_in", None),
    ("z = x_1 × w_1 + … + x_n × w_n", "z = x_1 × w_1 + … + x_n × w_n", r"z &= x_{1} \times w_{1} + \cdots + x_{n} \times w_{n}"),
    ("-x_1 / (y - -2)", "-x_1/(y - (-2))", None),
]  # fmt: skip


@pytest.mark.parametrize(("given_text", "plain", "latex"), STATED)
def test_what_is_stated_is_written_in_every_format(given_text, plain, latex):
    made = stated(given_text)
    assert " ".join(" ".join(formula_lines(made, 100)).split()) == plain
    if latex is not None:
        assert r" \\ ".join(formula_latex(made)) == latex
    ElementTree.fromstring(formula_mathml(made))


def test_a_matrix_with_dots_and_for_what_it_holds():
    made = stated("W^{i} := [w_{1,1}^i, …, w_{#(i),1}^i; …, …, …] for i = 1..n-1, k = 2..m")
    matrix = made.sides[1]
    assert isinstance(matrix, StatedMatrix)
    assert [[cell is None for cell in row] for row in matrix.rows] == [[False, True, False], [True] * 3]
    assert list(formula_lines(made, 60)) == [
        "W^i := [ w_{1,1}^i  …  w_{#(i),1}^i ]",
        "       [ …          …  …            ]",
        "  for i = 1..n-1",
        "  for k = 2..m",
    ]
    (line,) = formula_latex(made)
    assert (
        r"\begin{bmatrix} w^{i}_{1,1} & \cdots & w^{i}_{\#(i),1} \\ \cdots & \cdots & \cdots \end{bmatrix}"
        in line
    )
    assert r"\text{for } i = 1, \dots, n - 1" in line
    tree = ElementTree.fromstring(formula_mathml(made))
    cells = tree.iter("{http://www.w3.org/1998/Math/MathML}mtd")
    assert len(list(cells)) == 6


def test_what_is_wide_is_broken_or_begins_a_line_of_its_own():
    lines = list(formula_lines(stated("∂E_total/∂w5 = ∂E_total/∂out_o1 · ∂out_o1/∂net_o1 · ∂net_o1/∂w5"), 44))
    assert all(len(line) <= 44 for line in lines)
    assert len(lines) > 1


def test_data_has_all_three_and_the_words():
    data = formula_data(stated("a_1 = 2", "an example"))
    assert data["text"] == "a_1 = 2"
    assert data["latex"] == "a_{1} &= 2"
    assert data["mathml"].startswith("<math ")
    assert data["words"] == "an example"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("", "must have 1 to 500 signs"),
        ("a" * 501, "must have 1 to 500 signs"),
        ("a = ", "something is missing at the end of a side"),
        ("a + * b", '"\\*" stands where a number or name is expected'),
        ("(a + b", "a bracket isn't closed"),
        ("a b", 'not a formula from "b" on'),
        ("a ? b", r'"\?" is not allowed here; write names'),
        ("[a, b; c] = W", "the rows of .* are not equally long"),
        ("a for i", '"i" says of no index; write for i = 1..n'),
        ("f(a, b)", r"f\(…\) is of one thing, not of 2"),
        ("max(a)", r"max\(…\) takes 2, not 1"),
        ("sum(1, n, a)", "a sum runs over a letter"),
        ("(" * 30 + "a" + ")" * 30, "nested too deeply"),
        ("∂(a + b)", "a partial derivative is by something"),
        ("∂(a)/b", "a partial derivative is by something"),
        ("∂(a)/∂2", "a partial derivative is by something"),
        ("∂2", '"∂" stands where a number or name is expected'),
        ("-" * 200 + "a", "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(wrong, message):
    with pytest.raises(FormulaError, match=message):
        stated(wrong)


NAMES = st.sampled_from(["a_j^i", "w_{j,k}^{i-1,i}", "net_h1", "w5", "η", "0.10", "2", "hat(y)_2", "∂C/∂w_1"])


def trees():
    """Trees of all operators, and how a person may write each."""

    def grown(inner):
        def both(pair, op):
            (left, one), (right, other) = pair
            return Binary(op, left, right), f"({one}) {op} ({other})"

        return st.one_of(
            st.builds(both, st.tuples(inner, inner), st.sampled_from("+-*×⊙/")),
            inner.map(lambda made: (Negate(made[0]), f"-({made[1]})")),
            inner.map(lambda made: (AppliedLetter(Symbol("σ"), made[0]), f"σ({made[1]})")),
            inner.map(lambda made: (SumOver("i", Symbol("n"), made[0]), f"sum(i, n, {made[1]})")),
        )

    return st.recursive(NAMES.map(lambda name: (Symbol(name), name)), grown, max_leaves=6)


@given(trees())
def test_brackets_are_read_as_the_tree_that_they_make(made):
    tree, written = made
    assert stated(written).sides == (tree,)


@given(trees())
def test_what_is_written_reads_as_the_same_again(made):
    """Plain text has as few brackets as it needs; sums are written in a sign of their own."""
    tree, _ = made
    if any(isinstance(node, SumOver) for node in _all(tree)):
        return
    again = re.sub(r"ŷ", "hat(y)", text(tree))
    assert text(stated(again).sides[0]) == text(tree)


def _all(node: Node):
    from chainrule.formula.nodes import nodes_in

    return nodes_in(node)
