"""Every command that the help, the README and the documentation show is run, and what it prints is something."""

import re
import shlex
import sys
from importlib import import_module
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from chainrule.cli import COMMANDS, OVERVIEW, main
from effort import one_in

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?:bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUICK = ["--epochs", "2"]
"""What is trained for its own sake is trained for a moment; the model of the other examples as a user would."""


def shown() -> list[tuple[str, str]]:
    """Every example, and where it stands: a line of the shell that has a command of ours."""
    texts = {"--help": OVERVIEW.partition("examples:")[2]}
    texts |= {
        name: module.EXAMPLES
        for name in COMMANDS
        if hasattr(module := import_module(f"chainrule.cli.commands.{name.replace('-', '_')}"), "EXAMPLES")
    }
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        texts[path.name] = "\n".join(BLOCK.findall(path.read_text("utf-8")))
    lines = [
        (where, re.sub(r"^\{indent\}|^\$ ", "", line.strip()))
        for where, text in texts.items()
        for line in text.replace("\\\n", " ").splitlines()
    ]
    return [(where, line) for where, line in lines if re.search(r"(^|\| |[A-Z]=\S+ )chainrule ", line)]


EXAMPLES = [(where, line) for where, line in shown() if "warm-up" not in line]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The folder of a user who has typed the README's first command."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "examples").mkdir()
    for path in (ROOT / "examples").glob("*.csv"):
        for place in (folder, folder / "examples"):
            (place / path.name).write_bytes(path.read_bytes())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert (
            main(["train", "penguins.csv", "--target", "species", "--quiet", "--history", "history.csv"]) == 0
        )
    lines = (folder / "penguins.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "new.csv").write_text("".join(lines[:6]), "utf-8")
    (folder / "xor.csv").write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    numbers = np.random.default_rng(0).normal(size=(300, 3))
    houses = pl.DataFrame({"rooms": numbers[:, 0], "year": numbers[:, 1], "price": numbers.sum(axis=1)})
    houses.write_parquet(folder / "houses.parquet")
    houses.with_columns(label=pl.col("price").round(1)).write_csv(folder / "big.csv")
    (folder / "mine.toml").write_text(
        (ROOT / "src/chainrule/lessons/data/adam.toml").read_text("utf-8"), "utf-8"
    )
    page = (ROOT / "docs/notation.md").read_text("utf-8").partition("## One's own")[2]
    (folder / "my-notation.toml").write_text(page.partition("```toml\n")[2].partition("```")[0], "utf-8")
    return folder


def test_there_are_examples_everywhere():
    places = {where for where, _ in EXAMPLES}
    assert set(COMMANDS) - {"warm-up"} <= places
    assert {"--help", "README.md", "cli.md", "pages.md", "check.md", "diagnose.md", "lessons.md"} <= places
    assert len(EXAMPLES) >= 50


ONCE = {line.replace("examples/", ""): line for _, line in EXAMPLES}
"""Each of them once, wherever it stands."""

STUDIES = {"--ablate", "--learning-curve", "--cross-validate"}
"""What trains again and again, and writes no model."""

MAKES = {
    found[1]: line for line in ONCE.values() if (found := re.search(r"(?:train|export) .*--out (\S+)", line))
}
"""The example that makes a model or a program, by its name."""


SEARCHES = [line for line in ONCE.values() if "search" in line]
"""What trains eight times, or reads what that made."""

LINES = [
    *one_in(5, [line for line in ONCE.values() if line not in SEARCHES]),
    *(pytest.param(line, marks=pytest.mark.slow) for line in SEARCHES),
]


@pytest.mark.parametrize("line", LINES)
def test_an_example_shows_something(line, trained, monkeypatch, capsys):
    monkeypatch.chdir(trained)
    monkeypatch.setenv("COLUMNS", "100")
    before, _, command = line.partition("chainrule ")
    command, _, read = command.partition("<")
    arguments = shlex.split(command, comments=True)
    if read or "zcat" in before:
        table = trained / (read.strip() or "big.csv")
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(table.read_bytes())))
    if arguments[-1] == "--help":
        with pytest.raises(SystemExit):
            main(arguments)
        assert "--target" in capsys.readouterr().out
        return
    if "--export" in arguments:
        Path(arguments[arguments.index("--export") + 1]).unlink(missing_ok=True)
    if arguments[0] == "studio":
        assert_opens([word for word in arguments if word != "8123" and word != "--port"], monkeypatch, capsys)
        return
    if "--out" in arguments and "train" not in arguments:
        Path(arguments[arguments.index("--out") + 1]).unlink(missing_ok=True)
    if arguments[0] == "train":
        studies = STUDIES & set(arguments)
        arguments += [
            *QUICK,
            *(["--fast", "--members", "2"] if "--ablate" in studies else [] if studies else ["--overwrite"]),
        ]
        if "--out" not in arguments and not studies:
            arguments += ["--out", "own.safetensors"]
    if arguments[1:] and arguments[1] in MAKES and not Path(arguments[1]).exists():
        made = shlex.split(MAKES[arguments[1]])[1:]
        assert main([*made, *(["--quiet"] if made[0] == "train" else [])]) == 0
    assert main(arguments) == 0, capsys.readouterr().err
    out = capsys.readouterr().out
    if "--out" in arguments and arguments[0] not in ("train", "prune"):
        out = Path(arguments[arguments.index("--out") + 1]).read_text("utf-8")
    assert len(out.splitlines()) > (1 if arguments[0] == "predict" else 5) or len(out) > 200, out
    assert_tells_something(arguments, out)


def assert_opens(arguments: list[str], monkeypatch, capsys) -> None:
    """The studio opens on what the words say, and is ended at once; its browser stays shut."""
    from chainrule.studio.web.server import Server

    monkeypatch.setattr(Server, "wait", lambda self: self.answers.frame())
    assert main([*arguments, *([] if "--no-browser" in arguments else ["--no-browser"])]) == 0, (
        capsys.readouterr().err
    )
    if "--export" in arguments:
        page = Path(arguments[arguments.index("--export") + 1]).read_text("utf-8")
        assert len(page) > 500_000
        assert "Content-Security-Policy" in page
        return
    assert re.search(r": http://127\.0\.0\.1:\d+/#code=\S+$", capsys.readouterr().out, re.MULTILINE)


def assert_tells_something(arguments: list[str], out: str) -> None:
    """Most of the numbers that an explanation comes to are not 0, nor are the paths; others have numbers at all."""
    drawn = {"--curve", "--as-python"} & set(arguments)
    if arguments[0] == "explain" and not drawn and "html" not in " ".join(arguments):
        results = [float(text) for text in re.findall(r"= (-?\d[\d.e-]*)(?:  ✓)?$", out, re.MULTILINE)]
        assert results, out
        assert np.count_nonzero(results) >= 0.5 * len(results), out
        if "--address" in arguments:
            assert results[-1] != 0, out
        if "--paths" in arguments:
            paths = re.findall(r"P_\d+ +=.*\n.*\n +=.* (-?[\d.e-]+)$", out, re.MULTILINE)
            assert len(paths) >= 3, out
            assert all(float(path) != 0 for path in paths), out
    elif "--curve" in arguments:
        slope = re.search(r"the slope of the tangent +(\S+)$", out, re.MULTILINE)
        assert slope, out
        assert float(slope[1]) != 0, out
    elif arguments[0] not in ("lesson", "formulas"):
        assert re.search(r"[1-9]", re.sub(r"\S+\.csv", "", out[:20_000])), out


def test_the_test_sees_what_is_empty():
    zeros = "path 1\n  P_1 = a\n      = b\n      = 0\n\nthe sum\n  dC/dW[1][2,3] = P_1\n  = 0  ✓\n"
    with pytest.raises(AssertionError):
        assert_tells_something(["explain", "m", "t", "--address", "dC/dW[1][2,3]", "--paths"], zeros)
    with pytest.raises(AssertionError):
        assert_tells_something(["evaluate", "m", "t"], "nothing at all, of t1.csv")
