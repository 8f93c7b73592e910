"""The command line as a user meets it: arguments in, exit code and text out, files before and after."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from chainrule.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples"

FAST = ["--engine", "reference", "--members", "1", "--hidden", "3", "--epochs", "2"]
"""A training of milliseconds, for tests that are about something else."""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str


Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, with penguins.csv and abc.csv."""
    monkeypatch.chdir(tmp_path)
    for name in ("penguins.csv", "abc.csv"):
        (tmp_path / name).write_bytes((EXAMPLES / name).read_bytes())
    return tmp_path


@pytest.fixture
def run(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `chainrule` with arguments, in this process."""
    monkeypatch.setenv("COLUMNS", "100")

    def run_main(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run_main


@pytest.fixture
def penguins(run: Run) -> str:
    """The name of a model of penguins.csv, trained in a moment."""
    result = run("train", "penguins.csv", "--target", "species", *FAST, "--quiet")
    assert result.code == 0, result.err
    return "penguins.safetensors"


def contents(folder: Path) -> dict[str, bytes]:
    """The name and content of every file below a folder, hidden ones too."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
