"""How derivations are shown in a notation: names in every format, chains of factors, dot products, matrices in columns."""

import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.explain.derive.derivation import derive
from chainrule.explain.notation.columns import in_columns, line_in_columns
from chainrule.explain.notation.factors import in_factors
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation, notation_names
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.html import render as html
from chainrule.explain.show.json import read_json
from chainrule.explain.show.json import render as as_json
from chainrule.explain.show.latex import render as as_latex
from chainrule.explain.show.terminal import document_rows, plain_text
from chainrule.explain.show.terminal import render as as_text
from chainrule.explain.show.text import ASCII
from chainrule.explain.trace.steps import trace_network
from chainrule.formula.nodes import Binary, Call, Symbol

NETWORK = Network(
    [2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")], "half_squared_error"
)
WEIGHTS = {
    1: {"W": [[0.15, 0.25], [0.20, 0.30]], "b": [0.35]},
    2: {"W": [[0.40, 0.50], [0.45, 0.55]], "b": [0.60]},
}
TRACE = trace_network(NETWORK, WEIGHTS, [[0.05, 0.10]], [[0.01, 0.99]])


def shown(name, place, *, write=as_text, **how):
    """Return the explanation of an address in a notation."""
    naming = Naming(notation(name), NETWORK)
    made = derive(TRACE, place, **how)
    made = in_factors(made, TRACE) if naming.notation.delta == "factors" else made
    return write(explanation(made, TRACE if write is html else None, naming=naming, digits=9))


def random_trace(sizes, biases, rows, seed):
    """Return the trace of a network of random numbers."""
    draw = np.random.default_rng(seed)
    made = [Dense(size, "tanh", bias=bias) for size, bias in zip(sizes[1:], biases, strict=False)]
    network = Network([sizes[0], *made])
    weights = {
        layer: {name: draw.normal(size=shape) for name, shape in shapes.items()}
        for layer, shapes in network.shapes().items()
    }
    return trace_network(
        network, weights, draw.normal(size=(rows, sizes[0])), draw.normal(size=(rows, sizes[-1]))
    )


def on_columns(node, arrays):
    """Work a tree out in plain NumPy; a sum is over the columns, the table's rows, and then over the neurons."""
    match node:
        case Symbol(name):
            return arrays[name]
        case Call("transpose", (inner,)):
            return on_columns(inner, arrays).T
        case Call("sum", (inner,)):
            found = on_columns(inner, arrays)
            return (
                found.sum(axis=0, keepdims=True) if found.shape[1] == 1 else found.sum(axis=1, keepdims=True)
            )
        case Binary("@", left, right):
            return on_columns(left, arrays) @ on_columns(right, arrays)
        case Binary("+", left, right):
            return on_columns(left, arrays) + on_columns(right, arrays)
        case Binary("⊙", left, right):
            return on_columns(left, arrays) * on_columns(right, arrays)
    raise AssertionError(node)


def column(array):
    """Return the transpose; a vector as a column."""
    return np.atleast_2d(array).T


@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    biases=st.lists(st.sampled_from(["neuron", "layer", "none"]), min_size=3, max_size=3),
    rows=st.integers(2, 4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25, deadline=None)
def test_a_line_in_columns_is_its_row_form_transposed(sizes, biases, rows, seed):
    trace = random_trace(sizes, biases, rows, seed)
    places = ["dC/dx"]
    for layer, shapes in trace.network.shapes().items():
        places += [f"{name}[{layer}]" for name in ("z", *(f"dC/d{own}" for own in shapes))]
    for place in places:
        for line in derive(trace, place, form="matrix").matrices:
            made = line_in_columns(line)
            arrays = {name: column(trace.array(name)) for name in made.operands}
            expected = column(trace.array(line.address))
            found = on_columns(made.symbols, arrays)
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)
            np.testing.assert_array_equal(made.result.rows, column(line.result.rows))
            assert made.result.shape == expected.shape
            assert {name: matrix.shape for name, matrix in made.operands.items()} == {
                name: array.shape for name, array in arrays.items()
            }


def test_factors_left_in_their_order_are_found():
    """The planted error: operands that are transposed without being turned round."""
    trace = random_trace([2, 3, 2], ["neuron"] * 2, 2, 1)
    (line,) = derive(trace, "z[1]", form="matrix").matrices
    arrays = {name: column(trace.array(name)) for name in line.operands}
    with pytest.raises(ValueError, match="matmul"):
        on_columns(line.symbols, arrays)
    assert in_columns(in_columns(line.symbols)) == line.symbols


def test_article_4_has_columns_and_counts_the_input():
    text = shown("article-4", "z[2]", form="matrix")
    assert "z⃗^3 = W^{2,3} @ a⃗^2 + b⃗^3" in text
    assert "all of layer 3" in text
    assert re.search(r"W\^\{2,3\} 2 × 2 +\[ +0\.4 +0\.45 +\]\n +\[ +0\.5 +0\.55 +\]", text)


def test_article_5_is_told_as_it_is_told_there():
    """By hand: 0.74136507 · 0.186815602 · 0.593269992 = 0.082167041."""
    text = shown("article-5", "dC/dW[2][1,1]")
    assert "∂E_total/∂w5 = ∂E_total/∂out_o1*∂out_o1/∂net_o1*∂net_o1/∂w5\n" in text
    assert "= 0.74136507*0.186815602*0.593269992\n" in text
    assert "= 0.0821670406  ✓" in text
    assert "delta" not in text.partition("in the notation")[0]
    assert re.search(r"∂E_total/∂w5 +dC/dW\[2\]\[1,1\] ", text)


def test_mazur_has_a_letter_for_the_derivative_by_a_sum():
    assert "∂E_total/∂w5 = δ_o1*out_h1\n" in shown("mazur", "dC/dW[2][1,1]")


def test_article_3_writes_a_dot_product_first():
    text = shown("article-3", "z[1][1]")
    assert re.search(r"z\^1_1 = x⃗\*w⃗\^1_1 \+ b\[1\]\[1\]\n +=", text)
    assert "w^1_{1,1}*x_1 + w^1_{2,1}*x_2 + b[1][1]" in text


@pytest.mark.parametrize("name", notation_names())
def test_the_factors_multiply_to_what_the_engine_says(name):
    for place in ("dC/dW[2][2,1]", "dC/dW[1][1,2]", "dC/db[1]"):
        made = derive(TRACE, place) if place[-3:] != "[1]" else derive(TRACE, "dC/db[1][1]")
        for line in in_factors(made, TRACE).lines:
            assert line.result == pytest.approx(TRACE[line.address], rel=1e-12)
            assert line.symbols is not None
            assert set(line.values) == set(
                re.findall(r'"name": "([^"]+)"', json.dumps(line.to_dict()["symbols"]))
            )


def test_softmax_keeps_its_deltas():
    """Its outputs share all of z, so ∂C/∂z is no product of ∂C/∂a and a slope."""
    trace = trace_network(
        Network([1, Dense(2, "softmax")], "categorical_cross_entropy"),
        np.array([0.5, -0.5, 0.1, 0.2]),
        [[1.0]],
        [[0.0, 1.0]],
    )
    made, found = derive(trace, "dC/dW[1][1,2]"), in_factors(derive(trace, "dC/dW[1][1,2]"), trace)
    assert [line.symbols for line in found.lines] == [line.symbols for line in made.lines]
    assert "delta" not in " ".join(line.rule for line in found.lines)


@pytest.mark.parametrize("name", notation_names())
@pytest.mark.parametrize("place", ["dC/dW[1][2,1]", "C", "dC/dW[2]", "f'[1][2]", "delta[1][1]"])
def test_every_format_writes_it(name, place):
    page = shown(name, place, write=html)
    for found in re.findall("<math.*?</math>", page):
        ElementTree.fromstring(found)
    assert f'data-address="{place}' in page
    assert shown(name, place, write=as_latex).count("{") == shown(name, place, write=as_latex).count("}")
    data = shown(name, place, write=as_json)
    assert read_json(data).address == place
    written = json.loads(data)["notation"]
    assert written["name"] == name
    assert written["names_of"][place]["text"] == Naming(notation(name), NETWORK).text(place)
    naming = Naming(notation(name), NETWORK)
    document = explanation(derive(TRACE, place), naming=naming)
    assert plain_text(document_rows(document, 80, ASCII)).isascii()


def test_latex_and_pages_lay_names_out():
    tex = shown("article-5", "dC/dW[2][1,1]", write=as_latex)
    assert r"\frac{\partial E_{\mathrm{total}}}{\partial w_{5}}" in tex
    assert r"\frac{\partial \mathrm{out}_{o1}}{\partial \mathrm{net}_{o1}}" in tex
    assert "delta" not in tex.partition("in the notation")[0].partition(r"\begin{document}")[2]
    page = shown("article-5", "z[1][1]", write=html)
    assert '<msub data-address="z[1][1]"' in page
    assert r"\vec{z}^{3} &= W^{2,3}" in shown("article-4", "z[2]", write=as_latex, form="matrix")


def test_each_number_in_columns_keeps_its_address():
    page = shown("article-4", "dC/dW[2]", write=html, form="matrix")
    numbers = re.findall(r'data-address="(W\[2\]\[\d,\d\])" data-value="([^"]+)"', page)
    assert all(TRACE[place] == float(value) for place, value in numbers)
    values = re.findall(r'data-address="(dC/dW\[2\]\[\d,\d\])" data-value="([^"]+)"', page)
    assert len(values) >= 4
    assert all(TRACE[place] == pytest.approx(float(value), rel=1e-12) for place, value in values)


def test_a_sum_over_rows_is_no_single_chain():
    trace = trace_network(NETWORK, WEIGHTS, [[0.05, 0.10], [0.2, 0.3]], [[0.01, 0.99], [0.5, 0.5]])
    naming = Naming(notation("article-5"), NETWORK)
    text = as_text(explanation(in_factors(derive(trace, "dC/dW[2][1,1]"), trace), naming=naming))
    assert "∂net_o1/∂w5" not in text
    assert "∂E_total/∂out_o1@row=1*∂out_o1/∂net_o1@row=1*out_h1@row=1" in text
