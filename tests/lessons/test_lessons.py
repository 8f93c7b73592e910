"""The lessons that come with chainrule: all numbers come out, the articles' are all there, and planted errors are seen."""

import re
import tomllib
from dataclasses import replace
from itertools import islice

import pytest

from chainrule.errors import SettingsError
from chainrule.explain.show.document import Checked, Erratum, Worked
from chainrule.lessons.lesson import FOLDER, lesson_names, read_lesson
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.printed import Printed
from chainrule.lessons.runner import setups_of, walk_lesson

NAMES = lesson_names()


@pytest.mark.parametrize("name", NAMES)
def test_every_number_comes_out(name, walked):
    steps = walked(name)
    wrong = [
        (step.number, item.name, item.expected, item.found)
        for step in steps
        for block in step.blocks
        if isinstance(block, Checked)
        for item in block.items
        if not item.ok
    ]
    assert wrong == []
    assert all(step.ok for step in steps)
    assert sum(isinstance(block, Checked) for step in steps for block in step.blocks) >= 4
    assert any(isinstance(block, Worked) for step in steps for block in step.blocks)


# Every number the articles print (or, where they round, the exact one beside it), so that none gets lost.
ARTICLES = {
    "article-1": {
        "scaled[2]": ["0.888889"], "scaled[3]": ["0.777778"], "scaled[9]": ["0.111111"],
        "z[1][1]": ["0.3"], "a[1][1]": ["0.57", "0.5744425168"], "z[2][1]": ["0.228", "0.2297770067"],
        "a[2][1]": ["0.56", "0.5571928364"], "C": ["0.0968", "0.0980390921"], "f'[2][1]": ["0.246"],
        "f'[1][1]": ["0.245"], "dC/dW[2][1,1]": ["-0.0627597748"], "dC/dW[1][1,1]": ["-0.00265", "-0.0026707892"],
    },
    "article-5": {
        "a[2][1]": ["0.75136507", "0.0159136", "0.0121022"],
        "a[2][2]": ["0.772928465", "0.9840643", "0.9879284"],
        "C": ["0.298371109", "3.5102e-5", "4.3553e-6"], "C_new": ["0.2910277737", "0.2857508867"],
        "b_new[1][1]": ["0.3406371953"], "b_new[2][1]": ["0.5497998374"],
        "W_new[1][1,1]": ["0.149780716"], "W_new[1][2,1]": ["0.19956143"], "W_new[1][1,2]": ["0.24975114"],
        "W_new[1][2,2]": ["0.29950229"], "W_new[2][1,1]": ["0.35891648"], "W_new[2][2,1]": ["0.408666186"],
        "W_new[2][1,2]": ["0.51130127"], "W_new[2][2,2]": ["0.561370121"],
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "number", "printed"),
    [(name, number, each) for name, of in ARTICLES.items() for number, all_ in of.items() for each in all_],
)
def test_the_articles_numbers_are_expected(name, number, printed):
    expected = [step.values["expect"].get(number) for step in read_lesson(name).steps]
    assert any(found is not None and found.digits == printed for found in expected)


@pytest.mark.parametrize(
    ("name", "errata"),
    [("article-1", 4), ("article-2", 2), ("article-3", 5), ("article-4", 0), ("article-5", 2)],
)
def test_the_articles_errata_are_named(name, errata, walked):
    blocks = [block for step in walked(name) for block in step.blocks]
    assert sum(isinstance(block, Erratum) for block in blocks) == errata


def test_mazur_s_misprint_is_shown_not_to_come_out(walked):
    (claim,) = [
        item
        for step in walked("article-5")
        for block in step.blocks
        if isinstance(block, Checked)
        for item in block.items
        if item.expected == "not 0.291027924"
    ]
    assert claim.ok
    assert f"{claim.found:.10f}" == "0.2910277737"


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_expected_number_is_seen(name):
    """The first number of the lesson that is no bound, off by three units of its last digit."""
    lesson = read_lesson(name)
    place, key, right = next(
        (place, key, expected)
        for place, step in enumerate(lesson.steps)
        for key, expected in step.values["expect"].items()
        if not expected.relation
    )
    digits = right.digits.partition(".")[2]
    planted = Printed("", f"{right.value + 3 * 10.0 ** -len(digits):.{len(digits)}f}")
    step = lesson.steps[place]
    values = {**step.values, "expect": {**step.values["expect"], key: planted}}
    steps = (*lesson.steps[:place], replace(step, values=values), *lesson.steps[place + 1 :])
    shown = list(islice(walk_lesson(replace(lesson, steps=steps)), place + 1))
    assert [each.ok for each in shown] == [True] * place + [False]


@pytest.mark.parametrize(
    ("name", "old", "new", "step"),
    [
        ("article-1", "init = \"constant(value=0.1)\"", "init = \"constant(value=0.11)\"", 4),
        ("article-5", "W = [[0.15, 0.25], [0.20, 0.30]]", "W = [[0.15, 0.20], [0.25, 0.30]]", 2),  # transposed
        ("article-5", 'x = [[0.05, 0.10]]', 'x = [[0.05, 0.11]]', 1),
        ("article-5", "learning_rate = 0.5", "learning_rate = 0.4", 7),
        ("adam", "optimizer = \"adam\"", "optimizer = \"adam(beta1=0.8)\"", 1),
        ("momentum", "momentum(mu=0.9)", "momentum(mu=0.8)", 4),
        ("and-or-xor", "y = [[0], [0], [0], [1]]", "y = [[0], [1], [0], [1]]", 3),
        ("vanishing-gradients", "b = [-0.5] },\n]\n\n[networks.sat", "b = [-0.4] },\n]\n\n[networks.sat", 2),
    ],
)  # fmt: skip
def test_a_wrong_network_is_seen(name, old, new, step, tmp_path):
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    assert old in text
    (tmp_path / "planted.toml").write_text(text.replace(old, new, 1), "utf-8")
    (tmp_path / "experiments.csv").write_bytes((FOLDER / "experiments.csv").read_bytes())
    shown = list(islice(walk_lesson(read_lesson(tmp_path / "planted.toml")), step))
    assert [each.ok for each in shown] == [True] * (step - 1) + [False]


def test_an_erratum_that_is_none_is_seen():
    lesson = read_lesson("article-5")
    (place,) = [place for place, step in enumerate(lesson.steps) if step.values.get("wrong")]
    step = lesson.steps[place]
    planted = replace(step, values={**step.values, "wrong": {"C_new": Printed("", "0.29103")}})
    (shown,) = walk_lesson(replace(lesson, steps=(planted,)))
    assert not shown.ok


def test_xor_says_so(walked):
    words = " ".join(
        block.text for step in walked("and-or-xor") for block in step.blocks if hasattr(block, "text")
    )
    assert "No line parts the two classes, so no single neuron can learn them" in words
    assert "All 4 rows are right after epoch 5" in words
    assert "After 1000 epochs 2 of 4 rows are still wrong." in words


def test_every_move_is_used_in_a_lesson():
    used = {step.move for name in NAMES for step in read_lesson(name).steps}
    assert used | {"say"} == set(MOVES)


def test_numbers_are_written_with_a_reason():
    """A number that isn't an article's has its working in a comment: beside it, above, or at the network."""
    for name in NAMES:
        text = (FOLDER / f"{name}.toml").read_text("utf-8")
        assert tomllib.loads(text)["steps"]
        if not name.startswith("article-"):
            assert len(re.findall(r"#", text)) >= 4, name


def test_the_test_rows_stay_unseen():
    setup = setups_of(read_lesson("article-1"))["article"]
    assert (setup.training + 1).tolist() == [1, 3, 4, 5, 6, 8, 9, 10]
    before = setup.x[setup.test].copy()
    setup.train(2)
    assert (setup.x[setup.test] == before).all()
    assert setup.state.t == 16


def test_a_number_that_is_not_there_is_named():
    lesson = read_lesson("adam")
    step = lesson.steps[0]
    planted = replace(step, values={**step.values, "expect": {"W_new[3][1,1]": Printed("", "1")}})
    with pytest.raises(SettingsError, match=r"adam.toml: steps\[1\] \(derive\): .*there is no layer 3"):
        list(walk_lesson(replace(lesson, steps=(planted,))))
