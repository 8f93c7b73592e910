"""Rendering: the text can be read again, MathML says the same as the tree, everything is escaped."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.formula.evaluate import Formula
from chainrule.formula.functions import FUNCTIONS
from chainrule.formula.latex import latex
from chainrule.formula.mathml import mathml, mathml_content
from chainrule.formula.nodes import (
    Binary,
    Call,
    Compare,
    Constant,
    Derivative,
    Negate,
    Node,
    Number,
    Symbol,
    children,
)
from chainrule.formula.parse import parse
from chainrule.formula.text import text
from effort import many

NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"

numbers = st.sampled_from([0.0, 1.0, 2.0, 0.5, 1 / 3, 12345.678, 1e15]).map(Number)
symbols = st.sampled_from(["z", "a", "alpha", "w_5", "beta1", "label_smoothing"]).map(Symbol)
leaves = numbers | symbols | st.sampled_from(["pi", "e"]).map(Constant)
BY_ARITY = {n: [name for name in FUNCTIONS if FUNCTIONS[name].arity == n and name != "sum"] for n in (1, 2)}


def grow(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    condition = st.builds(Compare, st.sampled_from(["<", "<=", ">", ">=", "=="]), nodes, nodes)
    return (
        st.builds(Negate, nodes)
        | st.builds(Binary, st.sampled_from(list("+-*/^")), nodes, nodes)
        | st.builds(lambda name, u: Call(name, (u,)), st.sampled_from(BY_ARITY[1]), nodes)
        | st.builds(lambda name, u, v: Call(name, (u, v)), st.sampled_from(BY_ARITY[2]), nodes, nodes)
        | st.builds(lambda c, u, v: Call("where", (c, u, v)), condition, nodes, nodes)
    )


trees = st.recursive(leaves, grow, max_leaves=12)
VALUES = {
    "z": np.array([-1.5, 0.0, 0.7]),
    "a": np.array([2.0, -3.0, 0.25]),
    "alpha": 0.3,
    "w_5": -2.0,
    "beta1": 0.9,
    "label_smoothing": 0.1,
}


def same(left: Node, right: Node, values: dict[str, object] = VALUES, rtol: float = 0.0) -> None:
    results = [Formula("", node).evaluate_like(values, np.zeros(3), np) for node in (left, right)]
    np.testing.assert_allclose(*results, rtol=rtol, atol=rtol)


@settings(max_examples=many(300))
@given(trees)
def test_text_is_read_again_with_the_same_bits(node: Node) -> None:
    same(parse(text(node)).root, node)
    assert text(parse(text(node)).root) == text(node)


@settings(max_examples=many(200))
@given(trees, st.floats(-3, 3), st.sampled_from(["-2.0", "−2.0", "1.5e-3", "-1e2"]))
def test_numbers_in_place_of_symbols_give_the_value(node: Node, z: float, a: str) -> None:
    filled = parse(text(node, {"z": z, "a": a})).root
    assert not {"z", "a"} & set(Formula("", filled).symbols)
    same(filled, node, {**VALUES, "z": z, "a": float(a.replace("−", "-"))})


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("((z))", "z"),
        ("1/(1+exp(-z))", "1/(1 + exp(-z))"),
        ("a-(b-c)", "a - (b - c)"),
        ("(a-b)-c", "a - b - c"),
        ("a/(b*c)", "a/(b*c)"),
        ("(a*b)/c", "a*b/c"),
        ("(-a)^2", "(-a)^2"),
        ("-(a^2)", "-a^2"),
        ("(a^b)^c", "(a^b)^c"),
        ("a^(b^c)", "a^b^c"),
        ("a^(-b)", "a^(-b)"),
        ("-(a+b)", "-(a + b)"),
        ("a*(-b)", "a*(-b)"),
        ("(-a)*b", "-a*b"),
        ("where(z>=0,z,-z)", "where(z >= 0, z, -z)"),
        ("1e-05*z+1E22+2.50", "1e-5*z + 1e22 + 2.5"),
    ],
)
def test_text(formula: str, shown: str) -> None:
    assert text(parse(formula).root) == shown


@pytest.mark.parametrize(
    ("formula", "shown"),
    [
        ("1/(1+exp(-z))", r"\frac{1}{1 + e^{-z}}"),
        ("a+(b+c)", "a + b + c"),
        ("a-(b+c)", r"a - \left(b + c\right)"),
        ("a*(b*c)", r"a \cdot b \cdot c"),
        ("(a/b)^2", r"\left(\frac{a}{b}\right)^{2}"),
        ("a^(b+1)", "a^{b + 1}"),
        ("exp(z)^2", r"\left(e^{z}\right)^{2}"),
        ("exp(z/2)", r"\exp\left(\frac{z}{2}\right)"),
        ("sqrt(2)*abs(z)", r"\sqrt{2} \cdot \left|z\right|"),
        ("log(z)+log2(z)", r"\ln\left(z\right) + \log_{2}\left(z\right)"),
        ("erf(z)*floor(z)", r"\operatorname{erf}\left(z\right) \cdot \left\lfloor z\right\rfloor"),
        ("max(0,z)", r"\max\left(0, z\right)"),
        ("exp(z)/sum(exp(z))", r"\frac{e^{z}}{\sum e^{z}}"),
        ("2*sum(a+b)", r"2 \cdot \left(\sum \left(a + b\right)\right)"),
        ("alpha*w5+z_max", r"\alpha \cdot w_{5} + z_{\mathrm{max}}"),
        ("label_smoothing", r"\mathrm{label\_smoothing}"),
        ("1.5e-9*z", r"1.5 \times 10^{-9} \cdot z"),
        ("where(z <= 0, a, b)", r"\begin{cases}a & \text{if }z \le 0 \\ b & \text{otherwise}\end{cases}"),
    ],
)
def test_latex(formula: str, shown: str) -> None:
    assert latex(parse(formula).root) == shown


def test_nested_where_continues_the_cases() -> None:
    node = parse("where(z > 1, 1, where(z < -1, -1, z))").root
    assert latex(node) == (
        r"\begin{cases}1 & \text{if }z > 1 \\ -1 & \text{if }z < -1 \\ z & \text{otherwise}\end{cases}"
    )
    assert mathml(node).count("<mtr>") == 3


def test_derivatives_still_to_be_taken() -> None:
    node = Binary("*", Symbol("a"), Derivative("alpha", parse("alpha^2").root))
    assert text(node) == "a*d/dalpha[alpha^2]"
    assert latex(node) == r"a \cdot \frac{\mathrm{d}}{\mathrm{d}\alpha}\left[\alpha^{2}\right]"
    bar = "<mfrac><mi>d</mi><mrow><mi>d</mi><mi>α</mi></mrow></mfrac>"
    assert bar in mathml(node)


@given(trees)
def test_latex_braces_and_brackets_balance(node: Node) -> None:
    markup = latex(node, {"z": -1.5e-9, "a": "}{$#%&~^_\\"})
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", markup.replace(r"\textbackslash{}", "")):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"\\left\b|\\left[(|\[]", markup)) == len(
        re.findall(r"\\right\b|\\right[)|\]]", markup)
    )


# ---- MathML, read back by a reader of its own

SIGNS = {"−": "-", "·": "*", "×": "*", "=": "==", "≤": "<=", "≥": ">=", "\u2061": ""}
NAMES = {"α": "alpha", "β": "beta", "π": "pi", "ln": "log", "arctan": "atan"}
FENCES = {"|": "abs(", "⌊": "floor(", "(": "("}


def meaning(element: ET.Element) -> str:
    """Turn MathML to the formula language by its layout alone: a row has no brackets but those it shows."""
    if element.find(f"{NAMESPACE}mtable") is not None:
        return cases(element[1])
    parts = [meaning(child) for child in element]
    match element.tag.removeprefix(NAMESPACE):
        case "mi":
            return NAMES.get(element.text or "", element.text or "")
        case "mn":
            return element.text or ""
        case "mo":
            if element.get("form") == "prefix":
                return FENCES[element.text or ""]
            if element.get("form") == "postfix":
                return ")"
            return SIGNS.get(element.text or "", element.text or "")
        case "math":
            assert len(parts) == 1
            return parts[0]
        case "mrow":
            return "".join(parts)
        case "mfrac":
            above, below = parts
            return f"(({above})/({below}))"
        case "msup":
            base, exponent = parts
            return f"{base}^({exponent})"
        case "msub":
            base, subscript = parts
            return "log2" if base == "log" else {"w": "w_5", "beta": "beta1"}[base] * (subscript in "51")
        case "msqrt":
            assert len(parts) == 1
            return f"sqrt({parts[0]})"
    raise AssertionError(element.tag)


def cases(table: ET.Element) -> str:
    rows = [(meaning(row[0][0]), row[1][0]) for row in table]
    result = rows[-1][0]
    assert rows[-1][1].text == "otherwise"
    for value, when in reversed(rows[:-1]):
        assert when[0].text == "if\u00a0"
        result = f"where({meaning(when[1])}, {value}, {result})"
    return result


def arrangement(node: Node) -> object:
    """Return a formula without what a book doesn't show: (a + b) + c or a + (b + c), (-a)·b or -(a·b), exp or e^."""
    match node:
        case Negate(u):
            sign, factors = product(arrangement(u))
            return "*", -sign, factors
        case Binary("*", u, v):
            (sign, factors), (other_sign, others) = product(arrangement(u)), product(arrangement(v))
            return "*", sign * other_sign, factors + others
        case Binary("+", u, v):
            return "+", terms(arrangement(u)) + terms(arrangement(v))
        case Binary("-", u, v):
            return "+", (*terms(arrangement(u)), (-1, arrangement(v)))
        case Call("exp", (u,)):
            return "^", Constant("e"), arrangement(u)
        case Binary(op) | Compare(op):
            return op, *(arrangement(child) for child in children(node))
        case Call(name, args):
            return name, *(arrangement(arg) for arg in args)
    return node


def product(arranged: object) -> tuple[int, tuple[object, ...]]:
    return arranged[1:] if isinstance(arranged, tuple) and arranged[0] == "*" else (1, (arranged,))


def terms(arranged: object) -> tuple[tuple[int, object], ...]:
    return arranged[1] if isinstance(arranged, tuple) and arranged[0] == "+" else ((1, arranged),)


@settings(max_examples=many(300))
@given(trees)
def test_mathml_means_the_same(node: Node) -> None:
    root = ET.fromstring(mathml(node))
    assert root.tag == f"{NAMESPACE}math"
    assert arrangement(parse(meaning(root)).root) == arrangement(node)


def test_the_reader_of_mathml_sees_missing_brackets() -> None:
    wrong = "<math><mrow><mi>a</mi><mo>−</mo><mrow><mi>b</mi><mo>−</mo><mi>z</mi></mrow></mrow></math>"
    assert arrangement(parse(meaning(ET.fromstring(wrong))).root) != arrangement(parse("a-(b-z)").root)


def test_mathml_is_complete() -> None:
    assert mathml_content(parse("2.5e-7").root) == (
        "<mrow><mn>2.5</mn><mo>×</mo><msup><mn>10</mn><mrow><mo>−</mo><mn>7</mn></mrow></msup></mrow>"
    )
    assert mathml(parse("-z").root, block=True) == (
        '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mrow><mo>−</mo><mi>z</mi></mrow></math>'
    )
    assert mathml_content(parse("z").root) == "<mi>z</mi>"


def test_attributes_belong_to_the_symbols_element() -> None:
    def address(name: str) -> dict[str, str]:
        return {"data-address": f'{name}[2]<"&'} if name == "z" else {}

    root = ET.fromstring(mathml(parse("z^2*alpha").root, {"z": -0.5}, address))
    (marked,) = [element for element in root.iter() if element.get("data-address")]
    assert marked.get("data-address") == 'z[2]<"&'
    assert "".join(marked.itertext()) == "−0.5"
    with pytest.raises(ValueError, match="can't be the name of an XML attribute"):
        mathml(parse("z").root, None, lambda name: {'x="" onload': "1"})


@given(st.text(max_size=20))
def test_substituted_text_is_escaped(shown: str) -> None:
    root = ET.fromstring(mathml(parse("2*z").root, {"z": shown}, lambda name: {"title": shown}))
    assert {element.tag.removeprefix(NAMESPACE) for element in root.iter()} <= {
        "math", "mrow", "mi", "mn", "mo", "msub", "msup", "mtext",
    }  # fmt: skip
    assert re.fullmatch(r"2 \\cdot .*", latex(parse("2*z").root, {"z": shown}), re.DOTALL)


def test_substituted_names_and_numbers() -> None:
    node = parse("w*z^2 - b").root
    assert text(node, {"w": 0.1, "z": "-0.30", "b": -2}) == "0.1*(-0.30)^2 - (-2)"
    assert latex(node, {"w": "w_12", "z": 1e-9, "b": "x<y"}) == (
        r"w_{12} \cdot \left(1 \times 10^{-9}\right)^{2} - \text{x<y}"
    )
    assert latex(node, {"w": math.inf, "z": -math.inf, "b": math.nan}) == (
        r"\infty \cdot \left(-\infty\right)^{2} - \mathrm{NaN}"
    )
    assert "<mi>&lt;script&gt;</mi>" in mathml(node, {"w": "<script>"})
