"""Article 5 as it is written: its seven steps as it numbers them, in its names."""

import re

import numpy as np
import pytest
from tests.lessons.as_written import Part, errata, told, unlike

from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import Walk, setups_of

ARTICLE = (
    Part("step 1: random initialization", "describe", (), {"x[1]": "0.05", "x[2]": "0.10"}),
    Part(
        "step 2: forward propagation",
        "derive",
        (
            "net_h1 = w1*i1 + w2*i2 + b1 = 0.15*0.05 + 0.2*0.1 + 0.35 = 0.3775",
            "out_h1 = 1/(1 + exp(-net_h1))",
            "net_o2 = w7*out_h1 + w8*out_h2 + b2",
        ),
        {"a[2][1]": "0.75136507", "a[2][2]": "0.772928465", "y[1]": "0.01", "y[2]": "0.99"},
    ),
    Part(
        "step 3: the loss",
        "derive",
        ("(out_o1 - target_o1)^2/2 + (out_o2 - target_o2)^2/2",),
        {"C": "0.298371109"},
    ),
    Part(
        "the ½ only takes away the 2 of the derivative: 3 · What the ½ is for",
        "calculus",
        ("= d/dout[(out - target)^2/2]", "= out - target"),
        {},
    ),
    Part(
        "the ½ only takes away the 2 of the derivative: 3 · Without it",
        "calculus",
        ("= 2*(out - target)",),
        {},
    ),
    Part(
        "the ½ only takes away the 2 of the derivative: 3 · The same steps at half the rate",
        "derive",
        ("w5⁺ = w5 - η*g[w5] = 0.4 - 0.25*0.164334081 = 0.35891648",),
        {},
    ),
    Part(
        "picture 4: the slope of the error says where to go: 3 · The error over one weight",
        "curve",
        ("Its slope is the derivative by that weight",),
        {},
    ),
    Part(
        "picture 4: the slope of the error says where to go: 3 · The whole valley",
        "curve",
        ("Seen from farther away",),
        {},
    ),
    Part("the learning rate, 0.01 to 0.5", "compare", (), {}),
    Part(
        "steps 4 to 6: the chain for w5",
        "derive",
        (
            "∂E_total/∂w5 = ∂E_total/∂out_o1*∂out_o1/∂net_o1*∂net_o1/∂w5",
            "= 0.74136507*0.186815602*0.593269992 = 0.0821670406",
        ),
        {
            "dC/da[2][1]": "0.74136507",
            "f'[2][1]": "0.186815602",
            "a[1][1]": "0.593269992",
            "dC/dW[2][1,1]": "0.082167041",
        },
    ),
    Part(
        "the same for all other weights: 4–6 · The chain for w1", "derive", ("∂E_total/∂w1 = P_1 + P_2",), {}
    ),
    Part(
        "the same for all other weights: 4–6 · All the other weights",
        "derive",
        (
            "∂E_total/∂w2 = ",
            "∂E_total/∂w3 = ",
            "∂E_total/∂w4 = ",
            "∂E_total/∂w6 = ",
            "∂E_total/∂w7 = ",
            "∂E_total/∂w8 = ",
        ),
        {},
    ),
    Part("the same for the bias", "derive", ("∂E_total/∂b1 = ", "∂E_total/∂b2 = "), {}),
    Part(
        "step 7: update: 7 · Update",
        "update",
        (),
        {
            "W_new[1][1,1]": "0.149780716",
            "W_new[1][2,1]": "0.19956143",
            "W_new[1][1,2]": "0.24975114",
            "W_new[1][2,2]": "0.29950229",
            "W_new[2][1,1]": "0.35891648",
            "W_new[2][2,1]": "0.408666186",
            "W_new[2][1,2]": "0.51130127",
            "W_new[2][2,2]": "0.561370121",
        },
    ),
    Part("step 7: update: 7 · The error after the first update", "erratum", ("0.2910277737",), {}),
    Part(
        "one iteration, on one sample: 7 · What an iteration is", "erratum", ("1 iteration = steps 2–7",), {}
    ),
    Part(
        "one iteration, on one sample: 7 · Iterate: steps 2 to 7 once more, and again",
        "train",
        ("One iteration",),
        {},
    ),
    Part(
        "until convergence: 7 · Until convergence: 10,000 updates",
        "train",
        (),
        {"updates": "10000", "a[2][1]": "0.0159136", "a[2][2]": "0.9840643", "C": "3.5102e-5"},
    ),
    Part("until convergence: 7 · The biases updated as well", "derive", ("b1⁺ = b1 - η*∂E_total/∂b1",), {}),
    Part(
        "until convergence: 7 · 10,000 updates with the biases",
        "train",
        ("10,000 updates with the biases",),
        {},
    ),
    Part("additional samples: 7 · More samples", "train", (), {}),
    Part("additional samples: 7 · One record, a batch, all records at a time", "compare", (), {}),
    Part("ours", "update", (), {}),
)


@pytest.fixture(scope="module")
def walk(walked):
    return read_lesson("article-5"), walked("article-5")


def test_the_lesson_is_the_article(walk):
    _, shown = walk
    assert unlike(ARTICLE, told(shown)) == []
    assert [part.move for part in ARTICLE] == [step.move for step in shown]


def test_every_step_has_the_article_s_number_in_its_order(walk):
    lesson, _ = walk
    numbers = [re.match(r"\d", step.values["title"]) for step in lesson.steps]
    found = [int(match[0]) for match in numbers if match]
    assert found == sorted(found)
    assert set(found) == {1, 2, 3, 4, 7}  # 4 to 6 are told together, as there
    assert len(found) == len(lesson.steps) - 1


def test_planted_errors_are_seen(walk):
    _, shown = walk
    steps = told(shown)
    for place in range(len(steps) - 1):
        swapped = [*steps[:place], steps[place + 1], steps[place], *steps[place + 2 :]]
        assert unlike(ARTICLE, swapped), shown[place].title
    for part in ARTICLE:
        for name, printed in part.numbers.items():
            decimals = len(printed.partition("e")[0].partition(".")[2])
            power = printed.partition("e")[2]
            off = f"{float(printed.partition('e')[0]) + 3 * 10.0**-decimals:.{decimals}f}" + (
                f"e{power}" if power else ""
            )
            assert unlike([part._replace(numbers={name: off})], steps), (part.section, name)
    crossed = [part._replace(lines=("net_h1 = w1*i1 + w3*i2 + b1",)) for part in ARTICLE if part.lines]
    assert len(unlike(crossed, steps)) == len(crossed)


def test_its_errata(walk):
    assert [printed.partition(" (")[0] for printed in errata(walk[1])] == [
        "0.291027924",
        "1 iteration = steps 1–6",
    ]


def test_half_the_rate_without_the_half_makes_the_same_steps():
    setups = setups_of(read_lesson("article-5"))
    for name in ("frozen", "whole"):
        setups[name].train(50)
    assert setups["whole"].flat == pytest.approx(setups["frozen"].flat, rel=1e-12)
    assert setups["whole"].trace()["C"] == pytest.approx(2 * setups["frozen"].trace()["C"], rel=1e-12)


def test_again_makes_another_iteration(walk):
    lesson, _ = walk
    (place,) = [n for n, step in enumerate(lesson.steps, 1) if step.values["title"].startswith("7 · Iterate")]
    walk = Walk(lesson, repeats=True)
    walk.step(place)
    texts = [plain_text(section_rows(walk.again(place).section, 100)).split("\n") for _ in range(3)]
    seen = [[line.split() for line in lines if re.match(r" +[0-9]+ +0\.2", line)][-1][:2] for lines in texts]
    assert [row[0] for row in seen] == ["2", "3", "4"]
    errors = [float(row[1]) for row in seen]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] < 0.2910277737
    # All costs so far are drawn: the one before the first update, and one after each.
    for number, lines in enumerate(texts, 2):
        (picture,) = [line for line in lines if line.startswith("updates to the right")]
        assert picture == "updates to the right, cost up; * the cost so far"
        assert any(re.fullmatch(rf" +0 +{number}", line) for line in lines)


def gone_through(batch, epochs, tolerance=None):
    """The mean error before and after each time that all samples were gone through: the loop, written out."""
    x = np.array([[0.05, 0.10], [0.90, 0.80], [0.10, 0.20], [0.80, 0.95]])
    y = np.array([[0.01, 0.99], [0.99, 0.01], [0.01, 0.99], [0.99, 0.01]])
    w, b1, v, b2 = np.array([[0.15, 0.25], [0.20, 0.30]]), 0.35, np.array([[0.40, 0.50], [0.45, 0.55]]), 0.60

    def sigmoid(net):
        return 1 / (1 + np.exp(-net))

    errors = []
    for _ in range(epochs + 1):
        errors.append(float(np.mean(np.sum((sigmoid(sigmoid(x @ w + b1) @ v + b2) - y) ** 2, axis=1) / 2)))
        if tolerance and len(errors) > 1 and errors[-2] - errors[-1] < tolerance:
            break
        for first in range(0, len(x), batch):
            given, target = x[first : first + batch], y[first : first + batch]
            hidden = sigmoid(given @ w + b1)
            out = sigmoid(hidden @ v + b2)
            of_output = (out - target) * out * (1 - out) / len(given)
            of_hidden = of_output @ v.T * hidden * (1 - hidden)
            v, b2 = v - 0.5 * hidden.T @ of_output, b2 - 0.5 * of_output.sum()
            w, b1 = w - 0.5 * given.T @ of_hidden, b1 - 0.5 * of_hidden.sum()
    return errors


def test_more_samples_one_by_one_until_convergence(walk):
    lesson, _ = walk
    (step,) = [step for step in lesson.steps if step.values["title"] == "7 · More samples"]
    errors = gone_through(1, 2000, tolerance=step.values["tolerance"])
    assert step.values["expect"]["epochs"].holds(len(errors) - 1)
    assert step.values["expect"]["cost"].holds(errors[-1])


@pytest.mark.parametrize(("name", "batch"), [("each", 1), ("pairs", 2), ("all", 4)])
def test_batches(walk, name, batch):
    lesson, _ = walk
    (step,) = [step for step in lesson.steps if step.values["title"].startswith("7 · One record, a batch")]
    assert step.values["expect"][f"{name}.cost"].holds(gone_through(batch, step.values["epochs"])[-1])
