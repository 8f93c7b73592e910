"""Article 4 as it is written: its notation, feedforward as a loop, and the derivatives that it announces."""

import pytest
from mpmath import mp, mpf
from tests.lessons.as_written import Part, errata, told, unlike

from chainrule.explain.show.document import Worked
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import setups_of

ARTICLE = (
    Part("what a network is, two outputs for points of the plane", "describe", (), {}),
    Part("the notation: activation, bias and weight", "say", (), {}),
    Part(
        "the columns of a layer",
        "arrays",
        (
            "a⃗^2 = [ a_1^2 ] [ a_2^2 ] [ a_3^2 ] = [ 0.731059 ] [ 0.268941 ] [ 0.5 ]",
            "b⃗^3 = [ b_1^3 ] [ b_2^3 ] = [ -2 ] [ -1 ]",
        ),
        {},
    ),
    Part(
        "the row of a neuron's weights, and the matrix of them",
        "arrays",
        (
            "W^{2,3} = [ w_{1,1}^{2,3} w_{2,1}^{2,3} w_{3,1}^{2,3} ] [ w_{1,2}^{2,3} ",
            "w_{3,2}^{2,3} ] = [ 1 1 2 ] [ 2 2 -2 ]",
        ),
        {},
    ),
    Part("the solution vector", "arrays", ("y⃗ = [ y_1 ] [ y_2 ] = [ 0 ] [ 1 ]",), {"y[1]": "0", "y[2]": "1"}),
    Part(
        "how it predicts: an explanation, left open",
        "derive",
        ("z_2^3 = w_{1,2}^{2,3}*a_1^2 + w_{2,2}^{2,3}*a_2^2 + w_{3,2}^{2,3}*a_3^2 + b_2^3",),
        {},
    ),
    Part(
        "an animation, left open; feedforward as a loop",
        "derive",
        (
            "z⃗^2 = W^{1,2} @ a⃗^1 + b⃗^2",
            "a⃗^2 = 1/(1 + exp(-z⃗^2))",
            "z⃗^3 = W^{2,3} @ a⃗^2 + b⃗^3",
            "a⃗^3 = 1/(1 + exp(-z⃗^3))",
            "z⃗^4 = W^{3,4} @ a⃗^3 + b⃗^4",
            "a⃗^4 = 1/(1 + exp(-z⃗^4))",
        ),
        {"a[3][2]": "0.73105858"},
    ),
    Part(
        "how it learns: an explanation of gradient descent, left open",
        "derive",
        ("C = loss",),
        {"C": "0.16116474"},
    ),
    Part("a picture of a mountain, left open", "surface", (), {}),
    Part(
        "an animation of backpropagation, left open",
        "derive",
        (),
        {"delta[1][3]": "0.0625", "delta[3][2]": "-0.05287709"},
    ),
    Part(
        "partial derivatives: The partial derivatives, link by link",
        "backprop",
        ("chain rule for a weight", "chain rule for a bias", "16 instances"),
        {},
    ),
    Part(
        "partial derivatives: The whole chain, for any weight and any bias",
        "backprop",
        ("the chain of a weight to layer 2", "the chain of a bias of layer 4"),
        {},
    ),
    Part(
        "partial derivatives: The same with numbers: a weight",
        "derive",
        (
            "P_1 = ∂C/∂a_1^4*∂a_1^4/∂z_1^4*w_{1,1}^{3,4}*∂a_1^3/∂z_1^3*w_{3,1}^{2,3}*∂a_3^2/∂z_3^2*a_2^1",
            "∂C/∂w_{2,3}^{1,2} = P_1 + P_2 + P_3 + P_4",
        ),
        {"dC/dW[1][2,3]": "0.125"},
    ),
    Part("partial derivatives: The same with numbers: a bias", "derive", ("∂C/∂b_1^3 = P_1 + P_2",), {}),
    Part(
        "partial derivatives: Once for all weights",
        "backprop",
        ("derivative by any weight", "derivative by any bias"),
        {},
    ),
    Part(
        "partial derivatives: As matrices, in symbols",
        "backprop",
        ("derivatives by the weights", "derivatives by the biases"),
        {},
    ),
    Part(
        "partial derivatives: As matrices, with numbers",
        "derive",
        ("∂C/∂W^{2,3} = ∂C/∂z⃗^3 @ transpose(a⃗^2)", "∂C/∂z⃗^2 = transpose(W^{2,3}) @ ∂C/∂z⃗^3 ⊙ ∂a⃗^2/∂z⃗^2"),
        {},
    ),
    Part("adapting: Weights and biases adapted", "update", ("0.125",), {}),
    Part("adapting: Points of the plane", "train", (), {"mistakes": "0"}),
    Part("adapting: The decision boundary", "plane", (), {}),
    Part("ours", "derive", ("softmax",), {}),
)


@pytest.fixture(scope="module")
def walk(walked):
    return read_lesson("article-4"), walked("article-4")


def test_the_lesson_is_the_article(walk):
    _, shown = walk
    assert unlike(ARTICLE, told(shown)) == []
    assert [part.move for part in ARTICLE] == [step.move for step in shown]


def test_sigmoid_throughout(walk):
    lesson, _ = walk
    for name in ("exact", "plane", "mountain"):
        assert {layer["activation"] for layer in lesson.networks[name]["layers"]} == {"sigmoid"}


def test_planted_errors_are_seen(walk):
    _, shown = walk
    steps = told(shown)
    for place in range(len(steps) - 1):
        swapped = [*steps[:place], steps[place + 1], steps[place], *steps[place + 2 :]]
        assert unlike(ARTICLE, swapped), shown[place].title
    rows = [
        part._replace(lines=("z⃗^2 = a⃗^1 @ W^{1,2} + b⃗^2",))
        for part in ARTICLE
        if "z⃗^2 = W" in str(part.lines)
    ]
    assert unlike(rows, steps)
    cost = [part._replace(numbers={"C": "0.16116475"}) for part in ARTICLE if "C" in part.numbers]
    assert len(unlike(cost, steps)) == len(cost) > 0


def test_it_has_no_erratum(walk):
    assert errata(walk[1]) == []


def test_the_numbers_are_right_by_hand():
    """The network once more in mpmath, written with columns and a row of W for each neuron, as the article has it."""
    W = {2: [[1, 0], [1, -1], [-2, 1]], 3: [[1, 1, 2], [2, 2, -2]], 4: [[2, -2], [1, 1]]}
    b = {2: [0, 0, 0], 3: [-2, -1], 4: [0, 0]}
    a, y = {1: [mpf(1), mpf(2)]}, [0, 1]
    for i in (1, 2, 3):
        z = [
            sum(w * v for w, v in zip(row, a[i], strict=True)) + c
            for row, c in zip(W[i + 1], b[i + 1], strict=True)
        ]
        a[i + 1] = [1 / (1 + mp.exp(-v)) for v in z]
    delta = {4: [(v - t) * v * (1 - v) for v, t in zip(a[4], y, strict=True)]}
    for i in (3, 2):
        back = [
            sum(W[i + 1][k][j] * delta[i + 1][k] for k in range(len(delta[i + 1]))) for j in range(len(a[i]))
        ]
        delta[i] = [d * v * (1 - v) for d, v in zip(back, a[i], strict=True)]
    setup = setups_of(read_lesson("article-4"))["exact"]
    trace = setup.trace()
    for i in (2, 3, 4):
        for j, value in enumerate(a[i], 1):
            assert trace[f"a[{i - 1}][{j}]"] == pytest.approx(float(value), rel=1e-14)
            assert trace[f"delta[{i - 1}][{j}]"] == pytest.approx(
                float(delta[i][j - 1]), rel=1e-12, abs=1e-16
            )
            for k, entering in enumerate(a[i - 1], 1):
                slope = float(delta[i][j - 1] * entering)
                assert trace[f"dC/dW[{i - 1}][{k},{j}]"] == pytest.approx(slope, rel=1e-12, abs=1e-16)


def test_the_derivation_is_the_lesson_s_network_s(walk):
    """Every statement was put to the test on 2-3-2-2: 16 weights, 7 biases."""
    _, shown = walk
    parts = [
        block.derivation
        for step in shown
        if step.move == "backprop"
        for block in step.blocks
        if isinstance(block, Worked)
    ]
    assert len(parts) == 5
    checks = {line.rule: line.check for part in parts for line in part.statements}
    assert all(check.ok for check in checks.values())
    assert checks["chain rule for a weight"].count == 16
    assert checks["chain rule for a bias"].count == 7
    assert checks["derivative by any weight"].count == 16
