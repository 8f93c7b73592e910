"""Backpropagation in symbols: true of every network, and any wrong index, missing transpose or missing sum is seen."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, product

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
from chainrule.explain.derive.symbolic.backprop import derive_backprop, derive_backprop_on
from chainrule.explain.derive.symbolic.instances import instance_of, instances, tried
from chainrule.explain.derive.symbolic.interpreter import Instance, Interpreter, Passed
from chainrule.explain.derive.symbolic.letters import Letters, letters_of
from chainrule.explain.notation.record import Notation, notation_names
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
from effort import many, one_in

NOTATIONS = notation_names()


def statements(derivation: Derivation) -> list[Statement]:
    return [line for part in derivation.parts for line in part.statements]


def wrong_lines(derivation: Derivation) -> list[str]:
    return [f"{line.text}: {line.check.words}" for line in statements(derivation) if not line.check.ok]


@pytest.mark.parametrize(
    ("loss", "notation"), list(zip(sorted({*LOSSES} - {"perceptron"}), cycle(NOTATIONS), strict=False))
)
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
    "four layers": (4, "half_squared_error", "sigmoid", None, "neuron", "article-4"),
    "softmax": (4, "categorical_cross_entropy", "tanh", None, "neuron", "ours"),
    "to first": (3, "half_squared_error", "sigmoid", None, "neuron", "nielsen"),
    "shared": (3, "mean_squared_error", "tanh", None, "layer", "article-4"),
    **{name: (3, "half_squared_error", "tanh", None, "neuron", name) for name in NOTATIONS},
}


def changed(node: Node, names: list[str], letters: Letters) -> Iterator[Node]:
    """A node with one mistake in it: an index or a layer, a sum, a transpose or a factor left out, a sign."""
    match node:
        case Indexed() if letters.find(node) is None or letters.find(node).shape.quantity == "f":
            return
        case Indexed(_, above, below):
            if len(below) == 2 and below[0] != below[1]:
                yield replace(node, below=below[::-1])
            for place, name in product(range(len(below)), names):
                if below[place] != Symbol(name):
                    yield replace(node, below=(*below[:place], Symbol(name), *below[place + 1 :]))
            for sign in "+-" if above else "":
                yield replace(node, above=tuple(Binary(sign, one, Number(1.0)) for one in above))
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


def mistakes(node: Node, names: list[str], letters: Letters) -> Iterator[Node]:
    """A tree with one of its nodes changed, in every way."""
    yield from changed(node, names, letters)
    operands = children(node)
    for place, operand in enumerate(operands):
        for other in mistakes(operand, names, letters):
            yield with_children(node, (*operands[:place], other, *operands[place + 1 :]))


def is_true_as_well(right: Node, planted: Node, letters: Letters) -> bool:
    """Whether the change makes no difference: a factor dz/db, which is 1, left out, or a - y turned round in a square."""

    def by_bias(tree: Node) -> int:
        pairs = ((n.of, n.by) for n in nodes_in(tree) if isinstance(n, PartialDerivative))
        found = ([letters.find(each) for each in pair] for pair in pairs)
        return sum([each and each.shape.quantity for each in pair] == ["z", "b"] for pair in found)

    factors = [sum(isinstance(n, PartialDerivative) for n in nodes_in(tree)) for tree in (right, planted)]
    turned = unturned(right) == unturned(planted)
    return turned or (by_bias(right) - by_bias(planted) == 1 and factors[0] - factors[1] == 1)


def unturned(node: Node) -> Node:
    """A tree whose squares of differences have their operands in one order."""
    match node:
        case Binary("^", Binary("-", left, right), Number(2.0)):
            first, second = sorted((left, right), key=text)
            return Binary("^", Binary("-", first, second), Number(2.0))
    return with_children(node, tuple(map(unturned, children(node))))


@pytest.mark.parametrize("case", one_in(2, CASES))
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
            for other in mistakes(right, names, letters):
                sides = (*line.sides[:place], other, *line.sides[place + 1 :])
                found = tried(replace(line, sides=sides), letters, made[:2], of_batch=of_batch)
                planted += 1
                if found.ok:
                    missed += 1
                    assert is_true_as_well(right, other, letters), f"{text(line.left)} = {text(other)}"
    assert planted > 250
    assert missed < 12


def test_a_wrong_shape_is_seen(monkeypatch):
    made = list(instances(lambda sizes: Network([sizes[0], Dense(sizes[1], "tanh")]), 2))
    for letters in map(letters_of, ("ours", "article-4")):
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
        "z_k^i = Σ_{j=1..#(i-1)} w_{j,k}^{i-1,i}*a_j^{i-1} + b_k^i",
        "∂C/∂w_{j,k}^{i-1,i} = ∂C/∂z_k^i*a_j^{i-1}",
        "∂C/∂b_j^i = ∂C/∂z_j^i",
        "∂C/∂z_j^i = σ'(z_j^i)*(Σ_{k=1..#(i+1)} w_{j,k}^{i,i+1}*∂C/∂z_k^{i+1})",
        "z⃗^i = W^{i-1,i} @ a⃗^{i-1} + b⃗^i",
        "∂C/∂z⃗^i = transpose(W^{i,i+1}) @ ∂C/∂z⃗^{i+1} ⊙ σ'(z⃗^i)",
        "∂C/∂W^{i-1,i} = ∂C/∂z⃗^i @ transpose(a⃗^{i-1})",
    }
    matrix = next(
        line for line in statements(derive_backprop(4, notation="article-4")) if line.rule == "weighted sums"
    )
    assert latex(matrix.sides[0]) == r"W^{i - 1,i} \, \vec{a}^{i - 1} + \vec{b}^{i}"


def test_the_four_equations_of_nielsen():
    lines = {line.text for line in statements(derive_backprop(4, notation="nielsen"))}
    assert lines >= {
        "z^l_j = Σ_{k=1..s_{l-1}} w^l_{jk}*a^{l-1}_k + b^l_j",
        "δ^L = ∂C/∂a^L ⊙ σ'(z^L)",
        "δ^l = transpose(w^{l+1}) @ δ^{l+1} ⊙ σ'(z^l)",
        "∂C/∂b^l_j = δ^l_j",
        "∂C/∂w^l_{jk} = δ^l_j*a^{l-1}_k",
        "C = 1/n*(Σ_{x=1..n} C_x)",
    }


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "bishop",  # equations 5.48, 5.53, 5.54 and 5.56, with layers
            [
                "a_j^{(l)} = Σ_{i=1..M_{l-1}} w_{ji}^{(l)}*z_i^{(l-1)} + w_{j0}^{(l)}",
                "∂E/∂w_{ji}^{(l)} = δ_j^{(l)}*z_i^{(l-1)}",
                "∂E/∂y_j = y_j - t_j",
                "δ_j^{(l)} = h'(a_j^{(l)})*(Σ_{k=1..M_{l+1}} w_{kj}^{(l+1)}*δ_k^{(l+1)})",
            ],
        ),
        (
            "goodfellow",  # algorithms 6.3 and 6.4
            [
                "h^{(0)}_j = x_j",
                "h^{(l)}_j = ŷ_j",
                "a^{(k)} = W^{(k)} @ h^{(k-1)} + b^{(k)}",
                "h^{(k)} = f(a^{(k)})",
                "∂J/∂a^{(k)} = transpose(W^{(k+1)}) @ ∂J/∂a^{(k+1)} ⊙ f'(a^{(k)})",
                "∂J/∂W^{(k)} = ∂J/∂a^{(k)} @ transpose(h^{(k-1)})",
            ],
        ),
        (
            "mazur",
            [
                "net_k^l = Σ_{j=1..n_{l-1}} w_{j,k}^l*out_j^{l-1} + b_k^l",
                "∂E_total/∂out_k^L = out_k^L - target_k",
                "∂E_total/∂w_{j,k}^l = δ_k^l*out_j^{l-1}",
            ],
        ),
        (
            "article-1",
            [
                "Y_{out,j}^0 = X_j",
                "Y_{in,j}^L = Z_{in,j}",
                "∂Error/∂Z_{in,j} = ∂Error/∂Output_j*f'(Z_{in,j})",
                "∂Error/∂W_{ij}^l = ∂Error/∂Y_{in,j}^l*Y_{out,i}^{l-1}",
            ],
        ),
    ],
)
def test_the_lines_in_the_letters_of_others(name, said):
    assert {line.text for line in statements(derive_backprop(4, notation=name))} >= set(said)


def test_a_notation_of_ones_own_is_derived_in(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text(
        'summary = "mine"\nsource = "class"\ncolumns = true\n[names]\nz = "s<w>"\n'.replace("<w>", "_<j>^<l>")
        + 'W = "w<w>"\n[output]\na = "o_<j>"\n[letters]\nfrom = "p"\nto = "q"\nnext = "r"\nrow = "i"\n',
        "utf-8",
    )
    derived = derive_backprop(3, notation=own)
    assert wrong_lines(derived) == []
    lines = {line.text for line in statements(derived)}
    assert "s_q^l = Σ_{p=1..n_{l-1}} w_{p,q}^l*a_p^{l-1} + b_q^l" in lines
    assert "a_q^L = o_q" in lines


OWN = st.builds(
    Notation,
    name=st.just("own"),
    summary=st.just("made up"),
    source=st.just("here"),
    first_layer=st.sampled_from([0, 1]),
    columns=st.booleans(),
    delta=st.sampled_from(["symbol", "factors"]),
    names=st.fixed_dictionaries(
        {
            "z": st.sampled_from(["s_<n>", "s^{(<l>)}_<j>", "s<l>_{in,<j>}", "hat(s)_<j>^<l>"]),
            "W": st.sampled_from(["w<w>", "w_{<j><i>}", "w^{<l-1>,<l>}_{<i>,<j>}", "W<l>_{<i><j>}"]),
            "b": st.sampled_from(["b_<n>", "w_{<j>0}^<l>", "bar(b)_<j>"]),
            "x": st.sampled_from(["x<i>", "a_<i>^<l>"]),
            "C": st.sampled_from(["E_total", "J"]),
        },
        optional={"loss": st.just("E_r"), "y": st.just("t_<n>"), "f'": st.just("g'(<z>)")},
    ),
    output=st.sampled_from([{}, {"a": "hat(y)[_<j>]"}, {"a": "Out[_<j>]", "z": "In[_<j>]"}]),
    shared=st.sampled_from([{}, {"b": "b<l>"}]),
    neurons=st.just({"hidden": "h", "output": "o"}),
    letters=st.sampled_from(
        [{}, {"from": "p", "to": "q", "next": "u", "layer": "m", "last": "M", "size": "#"}]
    ),
)


@settings(max_examples=many(12), deadline=None)
@given(OWN, st.sampled_from(BIAS_MODES), st.sampled_from(["half_squared_error", "categorical_cross_entropy"]))
def test_any_notation_is_derived_in(own, bias, loss):
    """A law: whatever the letters, the orientation and the first layer's number, every line holds."""
    derived = derive_backprop(3, loss, "tanh", bias=bias, notation=own)
    assert wrong_lines(derived) == []
    for line in statements(derived):
        assert tree_from_data(tree_to_data(line.left)) == line.left
        assert latex(line.left).count("{") == latex(line.left).count("}")


def test_two_letters_that_are_one_for_any_layer_are_refused(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text(
        'summary = "mine"\nsource = "class"\n[neurons]\nhidden = "h"\noutput = "o"\n'
        '[names]\nz = "s_<n>"\na = "s_<j>^<l>"\n',
        "utf-8",
    )
    with pytest.raises(SettingsError, match=r"mine: for any layer z and a are both written with s: give one"):
        derive_backprop(3, notation=own)


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


@pytest.mark.parametrize("name", NOTATIONS)
def test_a_line_in_columns_is_that_in_rows_transposed(name):
    rows, others = (
        derive_backprop(4, "categorical_cross_entropy", notation=each).parts[4] for each in ("ours", name)
    )
    (made, *_) = instances(
        lambda sizes: Network(
            [sizes[0], *(Dense(size, "tanh") for size in sizes[1:-1]), Dense(sizes[-1], "softmax")],
            "categorical_cross_entropy",
        ),
        4,
    )
    for row, other in zip(rows.statements, others.statements, strict=True):
        for layer in (1, 2):
            values = []
            for letters, line in ((letters_of("ours"), row), (letters_of(name), other)):
                reading = Interpreter(letters, made)
                at = {**reading.names, letters.layer: layer + letters.first}
                values.append([reading.evaluate(side, at) for side in (line.left, *line.sides)])
            for first, second in zip(*values, strict=True):
                np.testing.assert_array_equal(first, second.T if letters.columns else second)


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
    reading = Interpreter(letters_of("ours"), Instance(network, p, y[0], (run,), run))
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
        ({"notation": "mine"}, "notation: there is no notation 'mine'; there are ours, article-1,"),
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


def of_network(*layers: Dense, loss: str = "half_squared_error", rows: int = 2):
    """A network of 2 inputs, random parameters, and rows with targets."""
    network = Network([2, *layers], loss)
    rng = np.random.default_rng(3)
    p = {n: {k: rng.normal(size=shape) for k, shape in of.items()} for n, of in network.shapes().items()}
    return network, p, rng.normal(size=(rows, 2)), np.eye(network.output.n_out)[rng.integers(0, 2, rows)]


@pytest.mark.parametrize("notation", ["ours", "article-4", "nielsen"])
def test_one_network_s_own_numbers_put_every_line_to_the_test(notation):
    made = of_network(Dense(3, "tanh"), Dense(2, "softmax"), loss="categorical_cross_entropy")
    derived = derive_backprop_on(*made, notation=notation)
    assert derived.ok
    counts = {line.rule: line.check.count for line in statements(derived)}
    assert counts["chain rule for a weight"] == 2 * 3 + 3 * 2
    assert counts["chain rule for a bias"] == 3 + 2
    assert "2-3-2 neurons" in derived.notes[1]


def test_a_weight_turned_round_is_seen_where_layers_are_equally_wide():
    network, p, x, y = of_network(Dense(2, "sigmoid"), Dense(2, "sigmoid"))
    derived = derive_backprop_on(network, p, x, y)
    (line,) = [line for line in statements(derived) if line.rule == "weighted sum by a weight"]
    turned = replace(line, left=line.sides[0], sides=(line.left,))
    assert tried(turned, letters_of("ours"), [instance_of(network, p, x, y)], of_batch=False).ok
    (recursion,) = [line for line in statements(derived) if line.rule.startswith("recursion")][:1]
    swapped = {**p, 2: {**p[2], "W": p[2]["W"].T}}
    right = instance_of(network, p, x, y)
    wrong = replace(right, p=swapped)
    assert tried(recursion, letters_of("ours"), [right], of_batch=False).ok
    assert not tried(recursion, letters_of("ours"), [wrong], of_batch=False).ok


@pytest.mark.parametrize(
    ("layers", "loss", "message"),
    [
        ((Dense(2, "relu"), Dense(2, "tanh"), Dense(2)), "half_squared_error", "several hidden activations, relu and tanh"),
        ((Dense(2, bias="none"), Dense(2)), "half_squared_error", "several kinds of bias, neuron and none"),
        ((Dense(2),) * 8, "half_squared_error", "a chain of 9 layers is too long: at most 8"),
        ((Dense(1, "binary_step"),), "perceptron", "is a rule of its own and no derivative"),
    ],
)  # fmt: skip
def test_a_network_that_cannot_be_told_in_general_is_refused(layers, loss, message):
    network = Network([2, *layers], loss)
    p = {n: {k: np.zeros(shape) for k, shape in of.items()} for n, of in network.shapes().items()}
    with pytest.raises(SettingsError, match=message):
        derive_backprop_on(network, p, np.zeros((1, 2)), np.zeros((1, network.output.n_out)))
