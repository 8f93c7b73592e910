"""``chainrule lesson`` and ``chainrule sheet`` as a user meets them."""

import builtins
import json
import re
import sys
from pathlib import Path

import pytest

from chainrule.cli import main
from chainrule.lessons.lesson import FOLDER, lesson_names
from effort import one_in

MINE = """
title = "One sum"

[networks.main]
x = [[1, 2]]
y = [[1]]
layers = [{ neurons = 1, W = [[0.3], [0.1]], b = [0.5] }]

[[steps]]
move = "derive"
title = "The sum"
addresses = ["z[1][1]"]
[steps.expect]           # 0.3 + 0.2 + 0.5
"z[1][1]" = 1.0

[[steps]]
move = "update"
"""


def test_the_list_has_every_lesson(run):
    result = run("lesson")
    assert result.code == 0
    assert all(name in result.out for name in lesson_names())
    assert "chainrule lesson NAME" in result.out


def test_a_lesson_is_printed_whole_where_nobody_can_press_enter(run):
    result = run("lesson", "adam")
    assert result.code == 0
    assert result.err == ""
    assert "Step 6 of 6: On to the target" in result.out
    assert "W_new[1][1,1] = W[1][1,1]" in result.out
    assert result.out == run("lesson", "adam", "--all").out


@pytest.mark.parametrize(
    ("steps", "shown"), [("2", [1, 2]), ("3-4", [3, 4]), ("6", [1, 2, 3, 4, 5, 6]), ("5-6", [5, 6])]
)
def test_only_some_steps(run, steps, shown):
    result = run("lesson", "adam", "--steps", steps)
    assert result.code == 0
    assert [number for number in range(1, 7) if f"Step {number} of 6" in result.out] == shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["lesson", "adan"], "there is no lesson 'adan'; did you mean adam?"),
        (
            ["lesson", "adam", "--steps", "0"],
            "--steps '0' is neither a number of steps such as 3 nor a range",
        ),
        (["lesson", "adam", "--steps", "4-2"], "--steps 4-2: the range runs backwards; write 2-4"),
        (["lesson", "adam", "--steps", "9-10"], "--steps 9-10: the lesson has 6 steps"),
        (["lesson", "adam", "--format", "pdf"], "--format: invalid choice: 'pdf'"),
        (["lesson", "none.toml"], "none.toml: there is no such file"),
        (["sheet"], "LESSON is missing"),
        (["sheet", "adam", "--variants", "0"], "--variants 0: from 1 to 1000 sheets are printed"),
        (["sheet", "adam", "--blank", "some"], "--blank 'some' is neither forward, backward, results, all,"),
        (["sheet", "adam", "--seed", "-1"], "seed -1 must be at least 0"),
        (["sheet", "adam", "--seed", "x"], "'x' is not a whole number"),
        (["sheet", "adam", "--out", "penguins.csv"], "penguins.csv exists"),
        (["lesson", "adam", "--out", "no/adam.txt"], "there is no folder no"),
    ],
)
def test_mistakes_are_one_line(run, arguments, message):
    result = run(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert message in result.err
    assert result.err.count("\n") == 1


def test_a_lesson_of_one_s_own_and_its_wrong_number(run, folder):
    (folder / "mine.toml").write_text(MINE)
    assert run("lesson", "./mine.toml").code == 0
    (folder / "mine.toml").write_text(MINE.replace('"z[1][1]" = 1.0', '"z[1][1]" = 1.1'))
    result = run("lesson", "./mine.toml")
    assert result.code == 1
    assert "1.1  ✗  1" in result.out
    assert result.err == "error: ./mine.toml: a number did not come out as expected in step 1\n"
    (folder / "mine.toml").write_text(MINE.replace("neurons", "nurons"))
    result = run("lesson", "./mine.toml")
    assert result.code == 2
    assert "there is no key 'nurons'; did you mean neurons?" in result.err


def test_every_format(run, folder):
    (folder / "mine.toml").write_text(MINE)
    data = json.loads(run("lesson", "mine.toml", "--format", "json").out)
    assert data["ok"]
    assert [step["move"] for step in data["steps"]] == ["derive", "update"]
    assert data["steps"][0]["blocks"][0]["lines"][-1]["result"] == 1.0
    assert run("lesson", "mine.toml", "--format", "latex").out.startswith(r"\documentclass")
    assert run("lesson", "mine.toml", "--format", "html").out.startswith("<!DOCTYPE html>")
    for form in ("text", "latex", "html", "json"):
        result = run("lesson", "mine.toml", "--format", form, "--out", f"mine.{form}")
        assert (result.code, result.out, result.err) == (0, "", f"wrote mine.{form}\n")
        assert (folder / f"mine.{form}").stat().st_size > 100
    assert run("lesson", "mine.toml", "--out", "mine.text").code == 2
    assert run("lesson", "mine.toml", "--out", "mine.text", "--overwrite").code == 0


@pytest.fixture
def at_a_terminal(folder, monkeypatch):
    """Answer the question at each step; what was asked is returned."""
    asked: list[str] = []

    def answering(*answers: str) -> list[str]:
        left = list(answers)

        def answer(question: str) -> str:
            asked.append(question)
            if not left:
                raise EOFError
            return left.pop(0)

        monkeypatch.setattr(builtins, "input", answer)
        for stream in (sys.stdin, sys.stdout):
            monkeypatch.setattr(stream, "isatty", lambda: True)
        return asked

    return answering


@pytest.mark.parametrize(("answers", "steps"), [(["", "q"], 2), ([""] * 9, 6), ([], 1), (["Q"], 1)])
def test_enter_by_enter(at_a_terminal, capsys, answers, steps):
    asked = at_a_terminal(*answers)
    assert main(["lesson", "adam"]) == 0
    out = capsys.readouterr().out
    assert sum(f"Step {number} of 6" in out for number in range(1, 7)) == steps
    assert len(asked) == min(steps, 5)  # not after the last
    assert all("Enter" in question for question in asked)


@pytest.mark.parametrize(
    ("answers", "shown"),
    [
        (["", "b", "q"], [1, 2, 1]),
        (["b", "next", "back", "q"], [1, 1, 2, 1]),
        (["a", "again", "quit"], [1, 1, 1]),
        (["4", "b", "jump 2", "j5", "q"], [1, 4, 3, 2, 5]),
        (["0", "7", "x", "3", "q"], [1, 3]),
        (["6"], [1, 6]),
    ],
)
def test_back_again_and_jump(at_a_terminal, capsys, answers, shown):
    asked = at_a_terminal(*answers)
    assert main(["lesson", "adam"]) == 0
    out = capsys.readouterr().out
    assert [int(number) for number in re.findall(r"Step (\d) of 6", out)] == shown
    assert len(asked) == len(answers)
    assert out.count("is none of these; a step has a number from 1 to 6") == answers.count("x") * 3


def test_jumping_stays_within_the_steps_that_are_shown(at_a_terminal, capsys):
    at_a_terminal("5", "1", "3", "b", "b", "q")
    assert main(["lesson", "adam", "--steps", "2-4"]) == 0
    out = capsys.readouterr().out
    assert [int(number) for number in re.findall(r"Step (\d) of 6", out)] == [2, 3, 2, 2]


def test_a_training_is_gone_on_with_and_the_lesson_stays_as_it_is(at_a_terminal, capsys, folder):
    """Again goes on from epoch 5; the step after it still begins at 5, and an expected number still comes out."""
    more = '[[steps]]\nmove = "train"\nepochs = 5\n'
    tail = '[steps.expect]\nepochs = 10\n[[steps]]\nmove = "say"\ntitle = "Done"\n'
    (folder / "mine.toml").write_text(f"{MINE}{more}{more}{tail}")
    at_a_terminal("3", "a", "a", "", "q")
    assert main(["lesson", "mine.toml"]) == 0
    out = capsys.readouterr().out
    epochs = [int(line.split()[0]) for line in out.splitlines() if re.match(r" +\d+ {1,8}\S+$", line)]
    assert epochs == [0, 1, 2, 5, 5, 6, 7, 10, 10, 11, 12, 15, 5, 6, 7, 10]
    assert out.count("* the cost so far") == 2  # as often as it was made again
    assert "✓" in out
    assert "✗" not in out


def test_nothing_is_asked_after_the_last_step_that_is_shown(at_a_terminal):
    asked = at_a_terminal("", "", "", "")
    assert main(["lesson", "adam", "--steps", "2-3"]) == 0
    assert len(asked) == 1


def test_sheets_are_printed_or_written(run, folder):
    result = run("sheet", "adam", "--variants", "3", "--seed", "7")
    assert result.code == 0
    assert result.out.count('<section class="sheet"') == 6
    again = run("sheet", "adam", "--variants", "3", "--seed", "7", "--out", "a.html")
    assert again.err == "wrote a.html\n"
    assert (folder / "a.html").read_text("utf-8") == result.out
    assert run("sheet", "adam", "--only", "keys").out.count('<section class="sheet"') == 1
    latex = run("sheet", "adam", "--format", "latex", "--blank", "all", "--only", "sheets").out
    assert latex.count(r"\begin{align*}") == 0
    assert latex.count(r"\hrulefill") > 8


def test_lessons_come_with_the_package():
    assert sorted(path.name for path in FOLDER.iterdir() if path.suffix == ".csv") == ["experiments.csv"]
    example = Path(__file__).parents[2] / "examples" / "abc.csv"
    assert (FOLDER / "experiments.csv").read_bytes() == example.read_bytes()


@pytest.mark.parametrize("command", ["lesson", "sheet"])
def test_a_lesson_of_one_s_own_is_not_replaced_by_what_is_made_of_it(command, run, folder):
    mine = folder / "mine.toml"
    mine.write_text((FOLDER / "adam.toml").read_text("utf-8"), "utf-8")
    before = mine.read_bytes()
    result = run(command, "mine.toml", "--format", "html", "--out", "mine.toml", "--overwrite")
    assert result.code == 2
    assert "is a file to be read, and would be lost" in result.err
    assert mine.read_bytes() == before


def test_a_lesson_is_told_in_the_notation_that_is_asked_for(run):
    own = run("lesson", "article-5", "--all", "--steps", "10-10")
    assert own.code == 0, own.err
    assert "∂E_total/∂w5 = ∂E_total/∂out_o1*∂out_o1/∂net_o1*∂net_o1/∂w5" in own.out
    other = run("lesson", "article-5", "--all", "--steps", "10-10", "--as", "nielsen")
    assert "∂C/∂w^3_{11} = " in other.out
    assert "E_total" not in other.out
    ours = run("lesson", "article-5", "--all", "--steps", "10-10", "--as", "ours")
    assert "dC/dW[2][1,1] = " in ours.out


def test_a_notation_that_is_none_is_refused(run):
    told = run("lesson", "article-5", "--as", "nilsen")
    assert (told.code, told.out) == (2, "")
    assert "there is no notation 'nilsen'; did you mean nielsen?" in told.err
    told = run("lesson", "--as", "nielsen")
    assert "--as is about" in told.err


def test_a_lesson_as_a_program(run, folder):
    result = run("lesson", "article-5", "--as-python")
    assert (result.code, result.err) == (0, "")
    assert "w5, w6, w7, w8 = 0.4, 0.45, 0.5, 0.55" in result.out
    assert run("lesson", "article-5", "--as-python", "--out", "five.py").err == "wrote five.py\n"
    assert (folder / "five.py").read_text("utf-8") == result.out
    for more, message in [
        (["article-5", "--all"], "--all has no effect on a program in Python"),
        (["article-5", "--json"], "--json has no effect on a program in Python"),
        ([], "--as-python is of one lesson: name it"),
        (["adam"], "adam.toml: the lesson has no program: article-1 to article-5 have one"),
    ]:
        refused = run("lesson", *more, "--as-python")
        assert (refused.code, refused.out, refused.err.count("\n")) == (2, "", 1)
        assert message in refused.err


@pytest.mark.parametrize("name", one_in(2, [f"article-{n}" for n in range(1, 6)]))
def test_a_lesson_beside_the_text_s_own_formulas(run, name, folder):
    for form, sign in (
        ("text", "As printed"),
        ("html", 'class="theirs"'),
        ("latex", "marginpar"),
        ("json", "states"),
    ):
        result = run("lesson", name, "--side-by-side", "--steps", "2-6", "--format", form)
        assert (result.code, result.err) == (0, "")
        assert sign in result.out
    assert run("lesson", name, "--side-by-side", "--steps", "2-6", "--out", "beside.html").code == 0
    assert 'class="theirs"' in (folder / "beside.html").read_text("utf-8")


def test_there_is_nothing_to_set_beside_a_lesson_that_follows_no_text(run):
    result = run("lesson", "adam", "--side-by-side")
    assert (result.code, result.out) == (2, "")
    assert "adam.toml: the lesson has no formulas of a text" in result.err
    assert "--side-by-side is about the steps of a lesson" in run("lesson", "--side-by-side").err
    refused = run("lesson", "article-5", "--as-python", "--side-by-side")
    assert "--side-by-side has no effect on a program in Python" in refused.err
