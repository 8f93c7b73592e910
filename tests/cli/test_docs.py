"""What README and documentation show is run, and comes out."""

import re
import shlex
from pathlib import Path

import pytest

from chainrule.cli import main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(name: str, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall((ROOT / name).read_text("utf-8")) if kind == language]


@pytest.fixture
def beside_examples(tmp_path, monkeypatch):
    (tmp_path / "examples").mkdir()
    for path in (ROOT / "examples").iterdir():
        (tmp_path / "examples" / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "text"),
    [(name, text) for name in ("README.md", "docs/model.md") for text in blocks(name, "python")],
    ids=lambda value: value if value.endswith(".md") else "",
)
def test_python_examples_run(name, text, beside_examples, capsys):
    exec(compile(text, name, "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_the_commands_of_the_page_on_the_command_line_run(beside_examples, capsys):
    (text,) = blocks("docs/cli.md", "bash")
    lines = text.splitlines()
    assert len(lines) == 5
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "chainrule"
        assert main(arguments) == 0, capsys.readouterr().err


def test_the_two_commands_of_the_readme_are_what_they_are_to_be():
    first, second, *_ = blocks("README.md", "bash")
    make = "python3 -m venv .venv && .venv/bin/pip install"
    assert first == f"{make} . && .venv/bin/chainrule train examples/penguins.csv --target species\n"
    assert second == f"{make} '.[test]' && .venv/bin/pytest -n 2\n"


def test_links_between_the_pages_lead_somewhere():
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"
