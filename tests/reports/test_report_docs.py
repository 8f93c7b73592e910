"""The page on reports: its example runs, and it names every part."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "report.md"


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 6
    assert result.failed == 0
    assert (tmp_path / "report.html").stat().st_size < 400_000
