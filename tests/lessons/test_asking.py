"""What a lesson asks: questions from a file or a move, what is right, and which known mistake a wrong answer is."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainrule.errors import SettingsError
from chainrule.lessons.asking import LessonQuestion
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import Walk

MINE = """
title = "Two and two"
[networks.main]
x = [[0.05, 0.10]]
y = [[0.01, 0.99]]
learning_rate = 0.5
[[networks.main.layers]]
neurons = 2
activation = "sigmoid"
W = [[0.15, 0.25], [0.20, 0.30]]
b = [0.35, 0.35]
[[networks.main.layers]]
neurons = 2
activation = "sigmoid"
W = [[0.40, 0.50], [0.45, 0.55]]
b = [0.60, 0.60]
"""


def asked(tmp_path: Path, steps: str) -> LessonQuestion:
    """Return what the first step of a lesson on article 5's network asks."""
    file = tmp_path / "mine.toml"
    file.write_text(MINE + steps, "utf-8")
    found = Walk(read_lesson(file)).step(1).question
    assert found is not None
    return found


def derive(address: str) -> str:
    return f'[[steps]]\nmove = "derive"\naddresses = ["{address}"]\n[steps.ask]\nnumber = "{address}"\n'


SLOPE = 0.75136507 * (1 - 0.75136507)
"""Of o1, from Mazur's number."""


@pytest.mark.parametrize(
    ("address", "given", "words"),
    [  # from Mazur's numbers: net_h1 .3775, out_h1 .59327, out_o1 .751365, dE/dout .741365, gradient .0821670
        ("z[1][1]", 0.0275, "the bias is left out"),
        ("z[1][1]", 0.05 * 0.15 + 0.10 * 0.25 + 0.35, "the weights are those that leave each input"),
        ("z[1][1]", 0.59327, "what comes out of the activation"),
        ("a[1][1]", 0.3775, "the activation is left out"),
        ("a[1][1]", 1 / (1 + np.exp(-0.0275)), "the bias is left out"),
        ("a[2][1]", 1 / (1 + np.exp(-(0.4 * 0.3775 + 0.45 * 0.3925 + 0.6))), "activations, not its sums"),
        ("C", 0.596742, "1/2 of the square is left out"),
        ("C", 0.2748, "only output 1 is counted"),
        ("dC/dW[2][1,1]", -0.0821670, "wrong sign"),
        ("dC/dW[2][1,1]", 0.74136507 * 0.59326999, "f'(z) is left out of delta"),
        ("dC/dW[2][1,1]", 2 * 0.0821670, "twice"),
        ("W_new[2][1,1]", 0.4 + 0.5 * 0.0821670, "uphill"),
        ("W_new[2][1,1]", 0.4 - 0.0821670, "learning rate is left out"),
        ("W_new[2][1,1]", 0.0821670, "this is the derivative"),
        ("f'[2][1]", 0.2177, "taken at the activation"),
        ("delta[2][1]", 0.741365, "f'(z) is left out"),
    ],
)
def test_feature_18_a_wrong_number_is_named_by_its_slip(
    tmp_path: Path, address: str, given: float, words: str
) -> None:
    question = asked(tmp_path, derive(address))
    answer = question.read(f"{given:.6g}")
    assert not question.is_right(answer)
    assert words in question.slip(answer)
    assert question.is_right(question.read(f"{question.truth:.4g}"))
    assert question.slip(question.truth * 1.237) == ""


def test_feature_18_no_slip_is_the_right_number() -> None:
    for name in ("article-1", "article-2", "article-3", "article-4", "article-5", "one-neuron", "adam"):
        walk = Walk(read_lesson(name))
        for number in range(1, len(walk) + 1):
            question = walk.step(number).question
            for slip in () if question is None else question.slips:
                assert question is not None
                assert slip.value != question.truth
                assert np.isfinite(slip.value)


@pytest.mark.parametrize(
    ("move", "kind", "right"),
    [
        ('move = "derive"\naddresses = ["dC/dW[2][1,1]"]', "sign", 0),
        ('move = "derive"\naddresses = ["dC/dW[2][1,2]"]', "sign", 1),
        ('move = "derive"\naddresses = ["z[1][1]", "a[1][1]"]', "number", None),
        ('move = "train"\nepochs = 3', "number", None),
        ('move = "curve"\nparameter = "W[2][1,2]"', "sign", 1),
    ],
)
def test_feature_18_a_move_asks_by_itself(tmp_path: Path, move: str, kind: str, right: int | None) -> None:
    question = asked(tmp_path, f"[[steps]]\n{move}\n")
    assert (question.kind, question.right) == (kind, right)
    assert question.enough == ("guess" if "train" in move else "right")


def test_feature_18_which_weight_moves_most_is_the_run_s(tmp_path: Path) -> None:
    names = '["W[1][1,1]", "W[2][1,1]", "W[2][2,1]", "W[2][1,2]"]'
    question = asked(tmp_path, f'[[steps]]\nmove = "update"\n[steps.ask]\nmoves = {names}\n')
    assert question.right == 2  # w6, by Mazur: -.0413; w5 -.0411
    assert np.allclose(question.values, (-0.000219284, -0.04108352, -0.041333814, 0.01130127), atol=1e-8)
    assert question.is_right(question.read("3"))
    assert not question.is_right(question.read("2"))


def test_feature_18_choices_say_why(tmp_path: Path) -> None:
    steps = """
[[steps]]
move = "say"
text = "Done."
[steps.ask]
question = "What is `W[1][1,1]` times?"
choices = ["`x[1]`", "`x[2]`"]
right = 1
because = ["the first row of W[1] is the first input's", "it is the second input that W[1][2,1] is times"]
"""
    question = asked(tmp_path, steps)
    assert question.slip(question.read("2")).startswith("it is the second input")
    assert question.is_right(question.read("1"))
    for given in ("0", "3", "x", "1.0", ""):
        with pytest.raises(SettingsError, match="choose from 1 to 2"):
            question.read(given)


@pytest.mark.parametrize("given", ["", "a", "nan", "inf", "1/0", "0x1"])
def test_feature_18_what_is_no_number_is_said(tmp_path: Path, given: str) -> None:
    question = asked(tmp_path, derive("C"))
    with pytest.raises(SettingsError, match="no number: write one such as"):
        question.read(given)
    assert question.read(" 0,2984 ") == 0.2984
    assert question.read("−1") == -1.0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("sign = 'C'\nnumber = 'C'", "one of number, sign, moves"),
        ("question = 'What?'", "none is given"),
        ("choices = ['a', 'b']", "belong together"),
        ("number = 'C'\nright = 1", "belong together"),
        ("choices = ['a', 'b']\nright = 3\nquestion = 'x'", "none of the 2 choices"),
        ("choices = ['a', 'b']\nright = 1", "need a question"),
        ("choices = ['a', 'b']\nright = 1\nquestion = 'x'\nbecause = ['y']", "one for each"),
        ("number = 'cots'", "no number 'cots'"),
        ("largest = ['C', 'q[1][1]']", "q"),
        ("number = 'C'\nenough = 'any'", "enough"),
    ],
)
def test_feature_18_a_question_that_is_none_is_refused_with_its_place(
    tmp_path: Path, lines: str, words: str
) -> None:
    with pytest.raises(SettingsError, match=r"mine\.toml: steps\[1\]\.ask") as caught:
        asked(tmp_path, f'[[steps]]\nmove = "say"\n[steps.ask]\n{lines}\n')
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_feature_18_nothing_is_asked_where_the_file_says_so(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(f'{MINE}[[steps]]\nmove = "derive"\naddresses = ["C"]\nask = false\n', "utf-8")
    made: Any = Walk(read_lesson(file)).step(1)
    assert made.question is None


def test_feature_18_a_lesson_asks_in_its_own_names(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    head = MINE.replace("title =", 'notation = "mazur"\ntitle =', 1)
    file.write_text(
        f'{head}[[steps]]\nmove = "say"\n[steps.ask]\nsign = "dE_total/dw5"\nhint = "see w5"\n', "utf-8"
    )
    question = Walk(read_lesson(file)).step(1).question
    assert question is not None
    assert question.names == ("dC/dW[2][1,1]",)
    assert question.hint == "see `W[2][1,1]`"
