"""What every command that says something can do with it: a format, a file, the format by the file's ending."""

import json
import sys
from types import ModuleType

import pytest

from chainrule.explain.show import RENDERERS, Format
from effort import one_in

from .conftest import FAST, Run

COMMANDS = {
    "describe": ["describe", "penguins.safetensors"],
    "evaluate": ["evaluate", "penguins.safetensors", "penguins.csv"],
    "check": ["check", "penguins.safetensors", "penguins.csv", "--rows", "3", "--sample", "5"],
    "diagnose": ["diagnose", "penguins.safetensors", "penguins.csv"],
    "explain": ["explain", "penguins.safetensors", "penguins.csv", "--row", "17"],
    "importance": ["importance", "penguins.safetensors", "penguins.csv", "--repeats", "1"],
    "dependence": ["dependence", "penguins.safetensors", "penguins.csv", "--column", "island"],
    "whatif": ["whatif", "penguins.safetensors", "penguins.csv", "--row", "17", "--set", "body_mass_g=5000"],
    "lesson": ["lesson", "adam"],
    "formulas": ["formulas", "losses"],
    "derive": ["derive", "backprop"],
}
STARTS = {"latex": "\\documentclass", "html": "<!DOCTYPE html>", "json": "{", "md": ("# ", "---\n")}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_every_format(command, run: Run, penguins, folder):
    asked = COMMANDS[command]
    text = run(*asked)
    for name, start in STARTS.items():
        printed = run(*asked, "--format", name)
        assert (printed.code, printed.err) == (text.code, text.err)
        assert printed.out.startswith(start)
        written = run(*asked, "--out", f"x{RENDERERS[name].ending}")
        assert (written.code, written.out) == (text.code, "")
        assert written.err == f"wrote x{RENDERERS[name].ending}\n"
        assert (folder / f"x{RENDERERS[name].ending}").read_text("utf-8") == printed.out
    assert run(*asked, "--out", "x.html").code == 2  # it is there


@pytest.mark.parametrize("command", COMMANDS)
def test_json_is_the_same_by_either_option(command, run: Run, penguins):
    asked = COMMANDS[command]
    assert run(*asked, "--json").out == run(*asked, "--format", "json").out
    contradiction = run(*asked, "--json", "--format", "html")
    assert contradiction.code == 2
    assert "--json and --format html contradict each other" in contradiction.err


@pytest.mark.parametrize("command", [*COMMANDS, "lessons"])
@pytest.mark.parametrize(
    ("words", "said"), one_in(3, [
        (["--format", "html", "--out", "x.json"], "--format html and --out x.json contradict each other: the ending says json"),
        (["--format", "text", "--out", "x.TEX"], "the ending says latex"),
        (["--json", "--out", "x.html"], "--json and --out x.html contradict each other: the ending says html"),
        (["--format", "json", "--out", "x.txt"], "the ending says text"),
    ]),
)  # fmt: skip
def test_an_ending_that_says_another_format_is_refused(run: Run, penguins, folder, command, words, said):
    result = run(*COMMANDS.get(command, ["lesson"]), *words)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert result.err.count("\n") == 1
    assert not list(folder.glob("x.*"))


def test_an_ending_that_says_nothing_needs_a_format(run: Run, penguins, folder):
    for name in RENDERERS:
        assert run("formulas", "--format", name, "--out", f"{name}.page").code == 0
        assert (folder / f"{name}.page").read_text("utf-8") == (run("formulas", "--format", name).out)


def test_the_list_of_lessons_is_a_document_as_well(run: Run, folder):
    listed = run("lesson")
    names = [one["name"] for one in json.loads(run("lesson", "--json").out)["lessons"]]
    assert "article-5" in names
    assert all(f"\n {name} " in listed.out for name in names)
    assert run("lesson", "--out", "l.txt").err == "wrote l.txt\n"
    assert (folder / "l.txt").read_text("utf-8") == listed.out
    for words in (["--steps", "2"], ["--all"]):
        refused = run("lesson", *words)
        assert (refused.code, refused.out) == (2, "")
        assert f"{words[0]} is about the steps of a lesson: name the lesson" in refused.err


def test_formulas_as_data_have_no_layout(run: Run):
    data = json.loads(run("formulas", "--json").out)
    names = [one["name"] for rows in data.values() for one in rows]
    assert all(name == name.strip() and name.replace("_", "").isalnum() for name in names)
    by_name = {one["name"]: one for rows in data.values() for one in rows}
    assert by_name["huber"]["parameters"] == {"delta": 1.0}
    assert by_name["adam"]["lines"][0].startswith("m = ")
    text = run("formulas").out
    assert text.startswith("Formulas\n")
    for one in by_name.values():
        assert one["name"] in text
    assert list(json.loads(run("formulas", "losses", "--json").out)) == ["losses"]


def test_mistakes_are_seen_before_the_work(run: Run, penguins):
    for out, message in (
        (
            "x.pdf",
            "--out x.pdf: the ending says no format; use .txt, .tex, .html, .json, .md",
        ),
        ("no/x.html", "there is no folder no"),
        ("penguins.csv", "exists"),
    ):
        for command in ("describe", "check"):
            result = run(*COMMANDS[command], "--out", out)
            assert (result.code, result.out) == (2, "")
            assert message in result.err
    lost = run("describe", penguins, "--out", penguins, "--format", "html", "--overwrite")
    assert "would be lost" in lost.err


def test_a_failed_check_is_on_the_page_and_in_the_exit_code(run: Run, penguins, monkeypatch):
    from chainrule.explain.check import certificate as check

    right = check.network_gradient
    monkeypatch.setattr(
        check,
        "network_gradient",
        lambda *given: {
            number: {name: -array for name, array in layer.items()} for number, layer in right(*given).items()
        },
    )
    result = run(*COMMANDS["check"], "--format", "html")
    assert result.code == 1
    assert "✗ failed: central differences" in result.out
    assert "looks like: wrong sign" in result.out


def test_a_new_format_is_offered_by_every_command(run: Run, penguins, folder, monkeypatch):
    module = ModuleType("chainrule.explain.show.org")
    module.render = lambda document: f"# {document.title}\n"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(RENDERERS, "org", Format("org", ".org"))
    assert run("describe", penguins, "--format", "org").out == "# penguins.safetensors\n"
    assert run("lesson", "adam", "--out", "adam.org").code == 0
    assert (folder / "adam.org").read_text("utf-8").startswith("# ")


@pytest.mark.slow
def test_train_writes_its_report(run: Run, folder):
    asked = ["train", "penguins.csv", "--target", "species", *FAST, "--overwrite"]
    for name, start in [("html", STARTS["html"]), ("json", STARTS["json"])]:
        result = run(*asked, "--report", f"r{RENDERERS[name].ending}", "--history", "h.csv")
        assert result.code == 0
        assert f"wrote penguins.safetensors, h.csv and r{RENDERERS[name].ending}; next:" in result.out
        assert (folder / f"r{RENDERERS[name].ending}").read_text("utf-8").startswith(start)
    page = (folder / "r.html").read_text("utf-8")
    for words in (
        "penguins.csv has 344 rows",
        "majority class",
        "On 69 rows that it never saw",
        "relu",
        "softmax",
    ):
        assert words in page, words
    assert json.loads((folder / "r.json").read_text("utf-8"))["rows"]["test"] == 69


@pytest.mark.slow
def test_an_ablation_has_its_report(run: Run, folder):
    asked = [
        "train",
        "penguins.csv",
        "--target",
        "species",
        "--engine",
        "reference",
        "--fast",
        "--epochs",
        "2",
    ]
    for name, start in STARTS.items():
        report = f"a{RENDERERS[name].ending}"
        result = run(*asked, "--members", "2", "--ablate", "1", "--quiet", "--report", report)
        assert result.code == 0, result.err
        assert result.err == f"wrote {report}\n"
        assert (folder / report).read_text("utf-8").startswith(start)
    assert not (folder / "penguins.safetensors").exists()
    assert json.loads((folder / "a.json").read_text("utf-8"))["target"] == "species"
    assert "What each ingredient adds" in (folder / "a.html").read_text("utf-8")
    assert "exists" in run(*asked, "--ablate", "1", "--report", "a.html").err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--report", "r.pdf"], "--report r.pdf: the ending says no format"),
        (["--report", "no/r.html"], "there is no folder no"),
        (["--report", "r.html", "--history", "r.html"], "--history and --report are the same file"),
        (["--report", "no/r.html", "--ablate"], "there is no folder no"),
        (["--report", "penguins.csv", "--overwrite", "--ablate"], "the ending says no format"),
    ],
)
def test_a_report_that_cannot_be_written_is_refused_before_the_training(run: Run, folder, words, message):
    result = run("train", "penguins.csv", "--target", "species", *FAST, *words)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert not (folder / "penguins.safetensors").exists()


@pytest.mark.parametrize("command", ["describe", "diagnose", "explain"])
def test_commands_with_a_picture_write_it_alone(command, run: Run, penguins, folder):
    assert run(*COMMANDS[command], "--out", "x.svg").err == "wrote x.svg\n"
    drawn = (folder / "x.svg").read_text("utf-8")
    assert drawn.startswith("<svg ")
    assert run(*COMMANDS[command], "--format", "svg").out == drawn
    page = run(*COMMANDS[command], "--format", "html").out
    assert page.count('<svg xmlns="http://www.w3.org/2000/svg" class="plot"') >= 4
    if command != "explain":
        assert 'data-address="W[1][' in drawn
    assert "svg" in run("evaluate", penguins, "penguins.csv", "--format", "svg").err
