"""``chainrule report``: its page, its formats, and what it says when it can't be made."""

import json

import pytest

from .conftest import Run


@pytest.mark.slow
def test_a_report_is_printed_or_written(run: Run, penguins, folder):
    printed = run("report", penguins, "penguins.csv")
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.startswith("species: a report on penguins.csv\nA network predicts species")
    assert "chainrule report penguins.safetensors penguins.csv" in printed.out
    written = run("report", penguins, "penguins.csv", "--seed", "3", "--out", "r.md")
    assert (written.out, written.err) == ("", "wrote r.md\n")
    text = (folder / "r.md").read_text("utf-8")
    assert text.startswith("---\nlibrary_name: chainrule\npipeline_tag: tabular-classification\n")
    assert "```shell\nchainrule report penguins.safetensors penguins.csv --seed 3 --out r.md\n```" in text
    assert "the CSV that chainrule train writes" in text


def test_a_history_gives_it_curves(run: Run, penguins, folder):
    assert run("train", "penguins.csv", "--target", "species", "--engine", "reference", "--members", "1", "--hidden", "2",
        "--epochs", "3", "--history", "h.csv", "--overwrite", "--quiet").code == 0  # fmt: skip
    data = json.loads(run("report", penguins, "penguins.csv", "--history", "h.csv", "--json").out)
    assert data["parts"]["curves"]["epoch"] == [1, 2, 3]
    assert data["command"].endswith("--history h.csv --json")
    refused = run("report", penguins, "penguins.csv", "--history", "penguins.csv")
    assert (refused.code, refused.out) == (2, "")
    assert "penguins.csv: there is no column 'epoch'" in refused.err
    lost = run(
        "report",
        penguins,
        "penguins.csv",
        "--history",
        "h.csv",
        "--out",
        "h.csv",
        "--format",
        "html",
        "--overwrite",
    )
    assert "h.csv is a file to be read, and would be lost" in lost.err
