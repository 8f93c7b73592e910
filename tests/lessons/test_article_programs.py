"""The articles in plain Python: each program runs without any package, and its numbers are the engine's."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.lessons.conftest import MINE as LESSON

from chainrule.errors import SettingsError
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.printed import Printed
from chainrule.lessons.program import lesson_program
from chainrule.lessons.runner import setups_of
from chainrule.lessons.setup import Setup

ARTICLES = [f"article-{n}" for n in range(1, 6)]


def run(source: str) -> list[dict[str, float]]:
    """The numbers that a program prints, line by line and by the name before each; no package can be imported there."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-"], input=source, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    number = r"(in units|\w+) = (-?[\d.]+(?:e[-+]?\d+)?)"
    return [
        {name: float(value) for name, value in re.findall(number, line)} for line in done.stdout.splitlines()
    ]


def setup_of(name: str, **changes) -> Setup:
    lesson = read_lesson(name)
    network = lesson.program["network"]
    plan = {**lesson.networks[network], **changes}
    return setups_of(replace(lesson, networks={network: plan}))[network]


def same(found: dict[str, float], setup: Setup, **addresses: str) -> None:
    """Assert that numbers of a program are those at addresses of the network's next step, to 1e-12."""
    trace = setup.trace()
    for name, address in addresses.items():
        assert found[name] == pytest.approx(trace[address], rel=1e-12), name


@pytest.mark.parametrize("name", ARTICLES)
def test_a_program_has_30_to_60_lines_and_imports_nothing_but_math(name):
    source = lesson_program(read_lesson(name))
    assert 30 <= len(source.splitlines()) <= 60
    assert re.findall(r"^\s*(?:import|from) .*", source, re.MULTILINE) == ["import math"]
    assert "{{" not in source
    assert max(map(len, source.splitlines())) < (130 if name != "article-4" else 1000)


def test_every_other_lesson_says_that_it_has_none():
    for name in set(lesson_names()) - set(ARTICLES):
        with pytest.raises(
            SettingsError, match=r"the lesson has no program: article-1 to article-5 have one"
        ):
            lesson_program(read_lesson(name))


def test_article_1_without_a_rate_is_a_rate_of_1():
    first, terms, updated, last, *unseen = run(lesson_program(read_lesson("article-1")))
    setup = setup_of("article-1", learning_rate=1.0)
    trace = setup.trace([1])
    assert first == {
        name: pytest.approx(trace[address], rel=1e-12)
        for name, address in {
            "Y_in": "z[1][1]", "Y_out": "a[1][1]", "Z_in": "z[2][1]", "Output": "a[2][1]", "Error": "C",
        }.items()
    }  # fmt: skip
    assert Printed("", "-0.0627597748").holds(terms[["error terms", "W211"][1]])
    assert Printed("", "-0.0026707892").holds(terms["W111"])
    same({"w": updated["W211"], "v": updated["W111"]}, setup, w="W_new[2][1,1]", v="W_new[1][1,1]")
    setup.train(500)
    assert last["W211"] == pytest.approx(setup.parameters()["W[2][1,1]"], rel=1e-10)
    assert last["W111"] == pytest.approx(setup.parameters()["W[1][1,1]"], rel=1e-10)
    outputs = setup.outputs(setup.x[setup.test])[:, 0]
    np.testing.assert_allclose([each["Output"] for each in unseen], outputs, rtol=1e-10)
    units = setup.cells.target.inverse(outputs)
    np.testing.assert_allclose([each["in units"] for each in unseen], units, rtol=1e-10)


def test_article_2_and_its_new_weights():
    begun, slopes, new, *later = run(lesson_program(read_lesson("article-2")))
    setup = setup_of("article-2")
    same(begun, setup, output="a[2][1]", E="C")
    gradients = {"dE_dW1": "dC/dW[1][1,1]", "dE_dW2": "dC/dW[1][2,1]", "dE_dW3": "dC/dW[2][1,1]"}
    same(slopes, setup, Y="z[1][1]", A="a[1][1]", **gradients)
    same(new, setup, W1="W_new[1][1,1]", W2="W_new[1][2,1]", b="b_new[1][1]", W3="W_new[2][1,1]")
    for found, epochs in zip(later, (1, 9, 90, 900, 9000), strict=True):
        setup.train(epochs)
        assert found["E"] == pytest.approx(setup.trace()["C"], rel=1e-10)


def test_article_3_and_its_three_factors():
    begun, slopes, *later = run(lesson_program(read_lesson("article-3")))
    setup = setup_of("article-3")
    same(begun, setup, C="C", w1="W[1][1,1]", w2="W[1][2,1]", b="b[1][1]")
    same(slopes, setup, dC_dw1="dC/dW[1][1,1]", dC_dw2="dC/dW[1][2,1]", dC_db="dC/db[1][1]")
    for found, epochs in zip(later, (1, 9, 90, 900), strict=False):
        setup.train(epochs)
        trace = setup.trace()
        for name, address in {"C": "C", "w1": "W[1][1,1]", "w2": "W[1][2,1]", "b": "b[1][1]"}.items():
            assert found[name] == pytest.approx(trace[address], rel=1e-10), (setup.epochs, name)
    assert setup.epochs == 1000


def test_article_4_for_any_number_of_layers():
    setup = setup_of("article-4")
    assert {layer.activation.name for layer in setup.network.layers} == {"sigmoid"}
    lines = run(lesson_program(read_lesson("article-4")))
    for found, epochs in zip(lines, (0, 1, 9, 90, 900, 4000), strict=True):
        if epochs:
            setup.train(epochs)
        assert found["C"] == pytest.approx(setup.cost(setup.training), rel=1e-8)
        assert found["b"] == pytest.approx(setup.parameters()["b[1][1]"], rel=1e-8, abs=1e-12)
    assert lines[-1]["right"] == 12


def test_article_5_to_its_digits_and_on_to_convergence():
    begun, chain, new, *later = run(lesson_program(read_lesson("article-5")))
    setup = setup_of("article-5")
    same(begun, setup, out_o1="a[2][1]", out_o2="a[2][2]", E_total="C")
    same(chain, setup, net_h1="z[1][1]", out_h1="a[1][1]", dE_dw5="dC/dW[2][1,1]", dE_dw1="dC/dW[1][1,1]")
    article = [
        "0.149780716",
        "0.19956143",
        "0.24975114",
        "0.29950229",
        "0.35891648",
        "0.408666186",
        "0.51130127",
        "0.561370121",
    ]
    assert [
        printed for n, printed in enumerate(article, 1) if not Printed("", printed).holds(new[f"w{n}"])
    ] == []
    for found, epochs in zip(later, (1, 9, 90, 900, 9000), strict=True):
        setup.train(epochs)
        assert found["E_total"] == pytest.approx(setup.trace()["C"], rel=1e-10)
    assert Printed("", "3.5102e-5").holds(later[-1]["E_total"])


def test_a_wrong_number_of_the_set_up_is_seen():
    lesson = read_lesson("article-5")
    plan = {**lesson.networks["frozen"], "learning_rate": 0.4}
    _, _, new, *_ = run(lesson_program(replace(lesson, networks={**lesson.networks, "frozen": plan})))
    assert not Printed("", "0.35891648").holds(new["w5"])


PROGRAM = '\n[program]\nfile = "mine.py.txt"\n'


def test_a_program_of_one_s_own(write, tmp_path):
    lesson = write(text=LESSON + PROGRAM)
    (tmp_path / "mine.py.txt").write_text(
        "w = {{ W[1] }}; x = {{rows x}}; y = {{ y[1] }}; n = {{ epochs }}\n"
    )
    assert lesson_program(lesson) == "w = [[0.3], [-0.4]]; x = [[1, 2], [0, 1]]; y = 0; n = 5\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ W[3] }}", r"mine.py.txt: \{\{ W\[3\] \}\}: .*layer 3"),
        ("{{ W[1][9,1] }}", r"W\[1\]\[9,1\]"),
        ("{{ column A }}", "come from no table"),
        ("{{ show }}", "no training of network 'main' says it; give show"),
        ("{{ __class__ }}", "__class__"),
        (None, "can't be read as text"),
        ("x" * 100_001, "longer than the 100,000 bytes"),
    ],
)
def test_what_a_program_s_text_can_t_name(text, message, write, tmp_path):
    lesson = write(text=LESSON + PROGRAM)
    if text is not None:
        (tmp_path / "mine.py.txt").write_text(text)
    with pytest.raises(SettingsError, match=message):
        lesson_program(lesson)
