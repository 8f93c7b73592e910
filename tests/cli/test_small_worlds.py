"""The worked examples of the articles, trained by `chainrule train` itself: their digits come out."""

import json
import re
import shlex
from pathlib import Path

import pytest
from tests.cli.conftest import EXAMPLES, Run

from chainrule.model.model import Model

PAGE = Path(__file__).parents[2] / "docs" / "articles.md"
ONE = ["--members", "1", "--engine", "reference", "--loss", "half_squared_error", "--optimizer", "sgd"]
SETTINGS = "".join(f"{v},{v},{v},{v}\n" for v in range(100, 0, -10))
ARTICLE_1 = [
    "--target", "Target", "--hidden", "4", "--activation", "sigmoid,sigmoid", "--bias", "none", "--init",
    "constant(value=0.1)", "--scaling", "minmax", "--learning-rate", "1", "--batch-size", "1", "--no-shuffle",
    "--no-early-stopping", *ONE,
]  # fmt: skip


@pytest.fixture
def table(folder: Path) -> Path:
    (folder / "article-1.csv").write_text("A,B,C,Target\n" + SETTINGS)
    return folder


def test_article_1_goes_through_its_rows_one_by_one(run: Run, table: Path) -> None:
    train = ["train", "article-1.csv", *ARTICLE_1, "--test-share", "0", "--epochs", "1", "--quiet"]
    assert run(*train).code == 0
    asked = ["explain", "article-1.safetensors", "article-1.csv", "--digits", "10", "--step"]
    first = run(*asked, "1", "--address", "dC/dW[2][1,1]").out
    assert "a[1][1]       0.5744425168" in first
    assert "= -0.06275977484" in first
    assert "= -0.002670789" in run(*asked, "1", "--address", "dC/dW[1][1,1]").out
    assert "W[2][1,1] = 0.1627597748" in run(*asked, "2", "--address", "W[2][1,1]").out
    # The second row of the table is the second step's: its settings are 90, scaled 80/90.
    assert "= 0.8888888889" in run(*asked, "2", "--address", "x[1]").out


def test_article_1_holds_out_a_fifth_of_its_rows(run: Run, table: Path) -> None:
    done = run("train", "article-1.csv", *ARTICLE_1, "--seed", "1", "--epochs", "20", "--json")
    found = json.loads(done.out)
    assert found["rows"] == {"training": 8, "validation": 0, "test": 2}
    assert "rmse" in found["scores"]


def test_weights_are_named_in_a_notation(run: Run, folder: Path) -> None:
    (folder / "one.csv").write_text("i1,i2,o1\n.05,.10,.01\n")
    (folder / "ours.csv").write_text(
        'address,value,frozen\n"W[1][2,1]",.2\n"W[2][1,1]",.4,yes\nb[1],.35,yes\n'
    )
    (folder / "mazur.csv").write_text("address,value,frozen\nw2,.2\nw5,.4,yes\nb1,.35,yes\n")
    words = ["--target", "o1", "--hidden", "2", "--bias", "layer", "--epochs", "2", *ONE]

    def flat(*named: str) -> list[list[float]]:
        done = run("train", "one.csv", *words, *named, "--out", "m.safetensors", "--overwrite")
        assert done.code == 0, done.err
        return Model.load(folder / "m.safetensors").groups[0].parameters.tolist()

    made = flat("--weights-from", "ours.csv")
    assert flat("--weights-from", "mazur.csv", "--as", "mazur") == made
    assert flat("--weights-from", "ours.csv", "--as", "mazur") == made
    (folder / "w.json").write_text('{"w^2_{12}": 0.2, "w^3_{11}": 0.4, "b[1]": 0.35}')
    frozen = ["--frozen", "w^3_{11},b[1]", "--initial", "w^2_{12}=0.2,w^3_{11}=0.4,b[1]=0.35"]
    assert flat(*frozen, "--as", "nielsen") == made
    for named, message in [
        (["--weights-from", "mazur.csv"], "mazur.csv: line 2: there is no parameter 'w2': write one of"),
        (["--initial", "w99=1", "--as", "mazur"], "--initial: 'w99' is no name in the notation mazur, and no address"),
        (["--initial", "net_h1=1", "--as", "mazur"], "--initial: there is no parameter 'z[1][1]'"),
        (["--initial", "w5=1,W[2]=2", "--as", "mazur"], "is set twice, by 'w5' and by 'W[2]'"),
        (["--as", "mazur"], "--as says whose names --initial, --frozen and --weights-from have: give one of them"),
        (["--initial", "w5=1", "--as", "mazr"], "--as: there is no notation 'mazr'; did you mean mazur?"),
    ]:  # fmt: skip
        refused = run("train", "one.csv", *words, *named, "--out", "no.safetensors")
        assert (refused.code, refused.err.count("\n")) == (2, 1)
        assert message in refused.err


def test_one_row_is_trained_on_and_said_to_be_one(run: Run, folder: Path) -> None:
    (folder / "one.csv").write_text("i1,i2,o1\n.05,.10,.01\n")
    (folder / "w.csv").write_text('address,value\n"W[1][1,1]",.15\nb[1],.35\nb[2],.6\n')
    words = ["--hidden", "2", "--activation", "sigmoid,sigmoid", "--bias", "layer", "--weights-from", "w.csv"]
    words += ONE
    done = run("train", "one.csv", "--target", "o1", *words, "--epochs", "3")
    assert done.code == 0, done.err
    assert "one.csv has 1 row and 3 columns" in done.out
    assert "note: the table has one row: nothing is held out" in done.out
    assert "3 parameters set by hand" in done.out
    assert "Score on the 1 row it was trained on" in " ".join(done.out.split())
    model = Model.load(folder / "one.safetensors")
    assert model.target.scaling == "none"
    assert model.card["rows"] == {"training": 1, "validation": 0, "test": 0}
    assert run("predict", "one.safetensors", "one.csv").code == 0
    assert run("check", "one.safetensors", "one.csv").code == 0


def error_of(model: Model) -> float:
    """The article's error of its one row: the sum of half the squares."""
    outputs = model.predict({"i1": [0.05], "i2": [0.10]}).labels[0]
    return float(((outputs - [0.01, 0.99]) ** 2).sum() / 2)


def test_several_targets_are_told_by_every_command(run: Run, folder: Path) -> None:
    rows = [f"{i % 7},{i % 5},{10 * (i % 7)},{0.5 * (i % 5)},{'yn'[i % 2]},{i % 3 // 2}" for i in range(40)]
    (folder / "t.csv").write_text("\n".join(["a,b,big,small,u,v", *rows]) + "\n")
    quick = ["--engine", "reference", "--members", "1", "--hidden", "3", "--epochs", "2", "--inputs", "a,b"]
    for names, columns in ((("big", "small"), "big,small"), (("u", "v"), "u,v,P(u = y),P(v = 1)")):
        targets = [word for name in names for word in ("--target", name)]
        done = run("train", "t.csv", *targets, *quick, "--json", "--overwrite")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        assert found["target"] == list(names)
        assert set(found["scores_by_target"]) == set(names)
        assert run("predict", "t.safetensors", "t.csv").out.splitlines()[0] == columns
        assert f"of {names[0]}, {names[1]}" in run("describe", "t.safetensors").out
        scored = run("evaluate", "t.safetensors", "t.csv")
        assert "means over the 2 targets" in scored.out
        assert json.loads(run("evaluate", "t.safetensors", "t.csv", "--json").out)["target"] == list(names)
        for command in ("check", "diagnose", "explain"):
            done = run(command, "t.safetensors", "t.csv")
            assert done.code == 0, done.err
        assert run("explain", "t.safetensors", "t.csv", "--attributions").code == 0
    # With a comma, too, as --inputs has it.
    assert run("train", "t.csv", "--target", "big,small", *quick, "--quiet", "--overwrite").code == 0


def test_a_name_with_a_comma_is_one_target(run: Run, folder: Path) -> None:
    (folder / "t.csv").write_text('a,"x,y"\n' + "".join(f"{i % 7},{i % 5}.5\n" for i in range(30)))
    done = run(
        "train",
        "t.csv",
        "--target",
        "x,y",
        "--hidden",
        "2",
        "--epochs",
        "1",
        "--engine",
        "reference",
        "--json",
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["target"] == "x,y"


# ---- the page


@pytest.fixture
def by_the_page(run: Run, folder: Path) -> dict[str, list[str]]:
    """What each command of docs/articles.md prints, by its words, in a folder beside the examples."""
    (folder / "examples").mkdir()
    for path in EXAMPLES.iterdir():
        (folder / "examples" / path.name).write_bytes(path.read_bytes())
    said: dict[str, list[str]] = {}
    for block in re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program == "chainrule"
            done = run(*words)
            assert done.code == 0, (line, done.err)
            said.setdefault(words[0], []).append(done.out)
    return said


@pytest.mark.slow
def test_the_commands_of_the_page_give_the_numbers_of_its_tables(
    by_the_page: dict[str, list[str]], folder: Path
) -> None:
    explained = "".join(by_the_page["explain"])
    for number in ("0.5744425168", "-0.06275977484", "-0.002670789", "0.1627597748"):
        assert number in explained
    first = explained[explained.index("article-5.safetensors") :]
    for number in ("0.75136507", "0.772928465", "0.298371109", "0.285750887"):
        assert number in first
    assert by_the_page["predict"][0].splitlines()[0] == "Target"
    text = PAGE.read_text("utf-8")
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+ \| [^|]+) \|$", text, re.MULTILINE))
    for place, ending in enumerate(("", "-held")):
        begun, ended = (Model.load(folder / f"article-5{ending}{mark}.safetensors") for mark in ("", "-end"))

        def told(name: str, place: int = place) -> list[float]:
            cells = rows[name].split(" | ")
            cell = cells[0] if cells[place] == "the same" else cells[place]
            return [float(number) for number in cell.split(", ")]

        one, two = begun.layers()
        w = [*one["W"].T.ravel(), *two["W"].T.ravel()]
        assert [
            *told("w1, w2"),
            *told("w3, w4"),
            *told("w5, w6 after one update"),
            *told("w7, w8"),
        ] == pytest.approx(w, abs=5e-9)
        assert told("b1, b2") == pytest.approx([one["b"][0], two["b"][0]], abs=6e-11)
        assert told("error after it") == pytest.approx([error_of(begun)], abs=6e-11)
        outputs = ended.predict({"i1": [0.05], "i2": [0.10]}).labels[0]
        assert told("outputs after 10,000") == pytest.approx(outputs, abs=6e-8)
        assert told("error after 10,000") == pytest.approx([error_of(ended)], rel=2e-5)
