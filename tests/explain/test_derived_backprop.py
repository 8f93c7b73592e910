"""Backpropagation in symbols: true of every network, and any wrong index, missing transpose or missing sum is seen."""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.latex_check import complaints

from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.dense import BIAS_MODES, Dense
from chainrule.equations.losses import LOSSES
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Derivation, Statement
from chainrule.explain.derive.symbolic import backprop as module
from chainrule.explain.derive.symbolic.backprop import derive_backprop
from chainrule.explain.derive.symbolic.instances import instances, tried
from chainrule.explain.derive.symbolic.interpreter import Instance, Interpreter, Passed
from chainrule.explain.derive.symbolic.letters import ARTICLE_4, NOTATIONS, OURS
from chainrule.explain.show import RENDERERS, render
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.json import read_json
from chainrule.formula.latex import latex
from chainrule.formula.mathml import mathml
from chainrule.formula.nodes import (
    Binary,
    Call,
    Indexed,
    Node,
    Number,
    PartialDerivative,
    SumOver,
    Symbol,
    children,
    nodes_in,
    put,
    with_children,
)
from chainrule.formula.plain import tree_from_data, tree_to_data
from chainrule.formula.text import text
from effort import many


def statements(derivation: Derivation) -> list[Statement]:
    return [line for part in derivation.parts for line in part.statements]


def wrong_lines(derivation: Derivation) -> list[str]:
    return [f"{line.text}: {line.check.words}" for line in statements(derivation) if not line.check.ok]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "perceptron"])
def test_every_loss_with_every_kind_of_bias_is_derived(loss, notation):
    for bias in BIAS_MODES:
        derived = derive_backprop(3, loss, "tanh", bias=bias, notation=notation)
        assert wrong_lines(derived) == []
        assert derived.ok


@settings(max_examples=many(15))
@given(
    st.integers(2, 5),
    st.sampled_from(
        [name for name, record in ACTIVATIONS.items() if not record.output_only] + ["z/(1+abs(z))"]
    ),
    st.sampled_from(["half_squared_error", "(a-y)^4", "categorical_cross_entropy", "huber(delta=0.5)"]),
    st.sampled_from([None, "softmax", "tanh", "softplus"]),
    st.sampled_from(BIAS_MODES),
    st.sampled_from(list(NOTATIONS)),
)
def test_any_network_is_derived(layers, activation, loss, output, bias, notation):
    if output == "tanh" and loss == "categorical_cross_entropy":
        output = None
    derived = derive_backprop(layers, loss, activation, output, bias, notation)
    assert wrong_lines(derived) == []


# ---- planted mistakes

CASES = {
    "article-4": (4, "half_squared_error", "sigmoid", None, "neuron", "article-4"),
    "softmax": (4, "categorical_cross_entropy", "tanh", None, "neuron", "ours"),
    "to first": (3, "half_squared_error", "sigmoid", None, "neuron", "nielsen"),
    "shared": (3, "mean_squared_error", "tanh", None, "layer", "article-4"),
}


def changed(node: Node, names: list[str]) -> Iterator[Node]:
    """A node with one mistake in it: an index or a layer, a sum, a transpose or a factor left out, a sign."""
    match node:
        case Indexed("1" | "f" | "f'" | "n"):
            return
        case Indexed(letter, above, below, bracketed):
            if len(below) == 2:
                yield Indexed(letter, above, below[::-1], bracketed)
            for place, name in product(range(len(below)), names):
                if below[place] != Symbol(name):
                    yield Indexed(
                        letter, above, (*below[:place], Symbol(name), *below[place + 1 :]), bracketed
                    )
            for sign in "+-" if above else "":
                yield Indexed(
                    letter, tuple(Binary(sign, one, Number(1.0)) for one in above), below, bracketed
                )
        case SumOver(index, _, operand):
            yield put(operand, {index: Number(1.0)})
        case Call("transpose" | "sum", (operand,)):
            yield operand
        case Binary("*" | "⊙" | "/" | "@", left, right):
            yield left
            yield right
        case Binary("-" | "+", left, right) if not isinstance(right, Number):
            yield Binary("+" if node.op == "-" else "-", left, right)
            yield left
            yield right
            if node.op == "-":
                yield Binary("-", right, left)


def mistakes(node: Node, names: list[str]) -> Iterator[Node]:
    """A tree with one of its nodes changed, in every way."""
    yield from changed(node, names)
    operands = children(node)
    for place, operand in enumerate(operands):
        for other in mistakes(operand, names):
            yield with_children(node, (*operands[:place], other, *operands[place + 1 :]))


def is_true_as_well(right: Node, planted: Node) -> bool:
    """Whether the change makes no difference: a factor dz/db, which is 1, left out, or a - y turned round in a square."""
    by_bias = sum(
        isinstance(n, PartialDerivative) and n.by.letter == "b" and n.of.letter == "z"
        for n in nodes_in(right)
    )
    left = sum(
        isinstance(n, PartialDerivative) and n.by.letter == "b" and n.of.letter == "z"
        for n in nodes_in(planted)
    )
    factors = [sum(isinstance(n, PartialDerivative) for n in nodes_in(tree)) for tree in (right, planted)]
    turned = re.sub(r"\((y\[j\]) - (a\[[nL]\]\[j\])\)\^2", r"(\2 - \1)^2", text(planted)) == text(right)
    return turned or (by_bias - left == 1 and factors[0] - factors[1] == 1)


@pytest.mark.parametrize("case", CASES)
def test_every_planted_mistake_is_seen(case, monkeypatch):
    seen = []

    def remember(line, letters, made, *, of_batch):
        seen.append((line, letters, made, of_batch))
        return tried(line, letters, made, of_batch=of_batch)

    monkeypatch.setattr(module, "tried", remember)
    derive_backprop(*CASES[case])
    planted = missed = 0
    for line, letters, made, of_batch in seen:
        names = sorted({given.index for given in line.ranges} - {letters.layer})
        for place, right in enumerate(line.sides):
            for other in mistakes(right, names):
                sides = (*line.sides[:place], other, *line.sides[place + 1 :])
                found = tried(replace(line, sides=sides), letters, made[:2], of_batch=of_batch)
                planted += 1
                if found.ok:
                    missed += 1
                    assert is_true_as_well(right, other), f"{text(line.left)} = {text(other)}"
    assert planted > 250
    assert missed < 12


def test_a_wrong_shape_is_seen(monkeypatch):
    made = list(instances(lambda sizes: Network([sizes[0], Dense(sizes[1], "tanh")]), 2))
    for letters in (OURS, ARTICLE_4):
        derived = derive_backprop(2, activation="tanh", notation=letters.name)
        line = next(line for line in statements(derived) if line.rule == "derivatives by the weights")
        assert tried(line, letters, made, of_batch=False).ok
        turned = tuple(replace(one, rows=one.columns, columns=one.rows) for one in line.shapes)
        assert not tried(replace(line, shapes=turned), letters, made, of_batch=False).ok


def test_a_mistake_is_shown_in_every_format(monkeypatch):
    def plant(statements):
        def planted(subject):
            for line in statements(subject):
                yield replace(line, sides=tuple(Binary("*", Number(1.000001), side) for side in line.sides))

        return planted

    monkeypatch.setattr(module, "recursion", plant(module.recursion))
    derived = derive_backprop(3)
    assert not derived.ok
    assert len(wrong_lines(derived)) == len(derived.parts[3].statements)
    assert render(explanation(derived), "text").count("✗") == len(wrong_lines(derived))
    page = render(explanation(derived), "html")
    assert f"✗ {len(wrong_lines(derived))} of {len(derived.checks)} checks failed" in page
    assert "instances differ from the engine" in render(explanation(derived), "latex")


# ---- what it says


def test_the_lines_of_the_fourth_article():
    lines = {line.text for line in statements(derive_backprop(4, notation="article-4"))}
    assert lines >= {
        "z[i][k] = Σ_{j=1..#(i-1)} w[i-1,i][j,k]*a[i-1][j] + b[i][k]",
        "∂C/∂w[i-1,i][j,k] = delta[i][k]*a[i-1][j]",
        "∂C/∂b[i][j] = delta[i][j]",
        "delta[i][j] = sigma'(z[i][j])*(Σ_{k=1..#(i+1)} w[i,i+1][j,k]*delta[i+1][k])",
        "z[i] = W[i-1,i] @ a[i-1] + b[i]",
        "delta[i] = transpose(W[i,i+1]) @ delta[i+1] ⊙ sigma'(z[i])",
        "∂C/∂W[i-1,i] = delta[i] @ transpose(a[i-1])",
    }
    matrix = next(
        line for line in statements(derive_backprop(4, notation="article-4")) if line.rule == "weighted sums"
    )
    assert latex(matrix.sides[0]) == r"W^{i - 1,i} \, \vec{a}^{i - 1} + \vec{b}^{i}"


def test_the_four_equations_of_nielsen():
    lines = {line.text for line in statements(derive_backprop(4, notation="nielsen"))}
    assert lines >= {
        "z[l][j] = Σ_{k=1..n[l-1]} w[l][j,k]*a[l-1][k] + b[l][j]",
        "delta[L] = ∂C/∂a[L] ⊙ sigma'(z[L])",
        "delta[l] = transpose(w[l+1]) @ delta[l+1] ⊙ sigma'(z[l])",
        "∂C/∂b[l][j] = delta[l][j]",
        "∂C/∂w[l][j,k] = delta[l][j]*a[l-1][k]",
    }


def test_the_lines_in_our_letters():
    lines = {line.text for line in statements(derive_backprop(4, "categorical_cross_entropy", bias="layer"))}
    assert lines >= {
        "z[l][j] = Σ_{i=1..n[l-1]} w[l][i,j]*a[l-1][i] + b[l]",
        "a[L][j] = exp(z[L][j])/(Σ_{m=1..n[L]} exp(z[L][m]))",
        "∂a[L][m]/∂z[L][j] = a[L][m]*(1[m==j] - a[L][j])",
        "delta[L][j] = a[L][j] - y[j]",
        "∂C/∂b[l] = Σ_{j=1..n[l]} delta[l][j]",
        "delta[l] = delta[l+1] @ transpose(W[l+1]) ⊙ f'[l](z[l])",
        "∂C/∂W[l] = transpose(a[l-1]) @ delta[l]",
    }


@pytest.mark.parametrize("layers", range(2, 6))
def test_the_chain_is_written_out_for_every_layer(layers):
    part = derive_backprop(layers).parts[2]
    assert [line.rule for line in part.statements] == [
        f"the chain of a {what} {layer}"
        for layer in range(layers - 1, 0, -1)
        for what in ("weight to layer", "bias of layer")
    ]
    sums = [
        sum(isinstance(node, SumOver) for node in nodes_in(line.sides[0])) for line in part.statements[::2]
    ]
    assert sums == list(range(layers - 1))


def test_a_line_in_columns_is_that_in_rows_transposed():
    rows, columns = (
        derive_backprop(4, "categorical_cross_entropy", notation=name).parts[4]
        for name in ("ours", "article-4")
    )
    (made, *_) = instances(
        lambda sizes: Network(
            [sizes[0], *(Dense(size, "tanh") for size in sizes[1:-1]), Dense(sizes[-1], "softmax")],
            "categorical_cross_entropy",
        ),
        4,
    )
    for row, column in zip(rows.statements, columns.statements, strict=True):
        assert row.rule == column.rule
        for layer in (1, 2):
            values = []
            for letters, line in ((OURS, row), (ARTICLE_4, column)):
                reading = Interpreter(letters, made)
                at = {**reading.names, letters.layer: layer + letters.first}
                values.append([reading.evaluate(side, at) for side in (line.left, *line.sides)])
            for first, second in zip(*values, strict=True):
                np.testing.assert_array_equal(first, second.T)


def test_the_fifth_article_comes_out():
    """Mazur's network: dE/dw5 = 0.082167041, and dE/dw1 = 0.000438568, by the written-out chains of 3 layers."""
    network = Network(
        [2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")], "half_squared_error"
    )
    p = {
        1: {"W": np.array([[0.15, 0.25], [0.20, 0.30]]), "b": np.array([0.35])},
        2: {"W": np.array([[0.40, 0.50], [0.45, 0.55]]), "b": np.array([0.60])},
    }
    y = np.array([[0.01, 0.99]])
    record = network.forward(p, np.array([[0.05, 0.10]]), np)
    run = Passed(record, network.backward(p, record, y, np))
    derived = derive_backprop(3, bias="layer")
    lines = {line.rule: line for line in statements(derived)}
    reading = Interpreter(OURS, Instance(network, p, y[0], (run,), run))
    axes = ("i", "j", "k")
    for rule, layer, expected in (
        ("weight to layer 2", 2, 0.082167041),
        ("weight to layer 1", 1, 0.000438568),
    ):
        line = lines[f"the chain of a {rule}"]
        at = {**reading.names, "l": layer, "i": np.array([[[1]]]), "j": np.array([[[1]]])}
        for side in line.sides:
            assert float(reading.evaluate(side, at, axes).squeeze()) == pytest.approx(expected, abs=5e-10)


@pytest.mark.parametrize("form", RENDERERS)
@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_format_shows_it(form, notation):
    derived = derive_backprop(3, "categorical_cross_entropy", "tanh", notation=notation)
    shown = render(explanation(derived), form)
    for line in statements(derived):
        if form == "text":
            assert text(line.left) in shown
        if form in ("text", "latex", "html"):
            assert line.check.words in shown
    if form == "json":
        assert read_json(shown) == derived
    if form == "html":
        assert "munderover" in shown
        assert "point at a number" not in shown.lower()
    if form == "latex":
        assert complaints(shown) == []


def test_trees_are_plain_data_and_every_markup_is_whole():
    for notation in NOTATIONS:
        for line in statements(derive_backprop(3, "categorical_cross_entropy", notation=notation)):
            for tree in (line.left, *line.sides):
                assert tree_from_data(tree_to_data(tree)) == tree
                assert mathml(tree).count("<mrow>") == mathml(tree).count("</mrow>")
                assert latex(tree).count("{") == latex(tree).count("}")


def test_the_networks_are_told_and_counted():
    derived = derive_backprop(3)
    assert "Put to the test on 5 random networks of 3 layers" in derived.notes[1]
    assert all(line.check.count >= 5 for line in statements(derived))


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"layers": 1}, "layers=1 must be a whole number from 2"),
        ({"layers": 9}, "to 8"),
        ({"layers": True}, "layers=True must be a whole number"),
        ({"notation": "mine"}, "notation 'mine' is unknown: choose ours, article-4, nielsen"),
        ({"bias": "all"}, "bias 'all' is unknown"),
        ({"loss": "perceptron"}, "is a rule of its own and no derivative"),
        ({"loss": "half_squared"}, "did you mean half_squared_error"),
        ({"activation": "softmax"}, "is for the output layer"),
        ({"loss": "poisson", "output_activation": "-exp(z)"}, "has no finite value"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(asked, message):
    with pytest.raises(SettingsError) as error:
        derive_backprop(**asked)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
