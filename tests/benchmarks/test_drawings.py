"""The benchmark of drawings: that it runs and what it writes; no time is judged here."""

import json

import pytest

from benchmarks import drawings


@pytest.mark.slow
def test_a_run_writes_times_and_sizes(tmp_path, capsys):
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed")
    drawings.main(["--repeats", "1", "--only", "curves", "--out", str(tmp_path)])
    (path,) = tmp_path.iterdir()
    (result,) = json.loads(path.read_text("utf-8"))["results"]
    assert result["bytes"]["chainrule"] == len(drawings.by_chainrule(drawings.curves()).encode())
    assert result["same_bytes"]["chainrule"]
    assert result["ratio"] > 0
    assert "curves" in capsys.readouterr().out


def test_the_works_are_what_they_say():
    assert len(drawings.curves().marks[0]) == 200
    assert "784-256-128-10" in drawings.network().description
    assert drawings.million().binned()
