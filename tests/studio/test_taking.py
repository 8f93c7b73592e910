"""What is taken away: the model's file, and the command and the lines of Python that make the same bytes."""

import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

import chainrule
from chainrule.cli.commands.train import parser
from chainrule.cli.parsing import settings_given
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.model.model import Model
from chainrule.studio.taken.taking import bytes_of, command_of, live_command, python_of, taken
from chainrule.studio.training.forms import built
from chainrule.studio.training.opening import asked_of, opened_lesson, opened_model, opened_table
from chainrule.training.settings.record import Settings

SOURCE = Path(chainrule.__file__).parents[1]


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def twelve_columns(path: Path, rows: int = 80) -> Path:
    """A table with text, dates, gaps, an index, a constant, a decimal comma's worth of trouble, and words seen once."""
    rng = random.Random(3)
    lines = ["id;when;town;note;size;weight;rate;flag;grade;same;rare;price"]
    for i in range(rows):
        town = rng.choice(["Ulm", "Bonn", "Köln", ""])
        size, weight = rng.gauss(10, 3), rng.gauss(0, 1)
        cells = [
            i, f"2024-{i % 12 + 1:02}-{i % 28 + 1:02}" if i % 9 else "", town, f"note {i} of many words", f"{size:.3f}",
            f"{weight:.4f}" if i % 7 else "NA", f"{rng.random():.3f}", rng.choice(["yes", "no"]), rng.choice("ABC"), 1,
            f"w{i}" if i % 11 == 0 else "often", f"{3 * size - weight + len(town):.2f}",
        ]  # fmt: skip
        lines.append(";".join(map(str, cells)))
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run(*words: str, cwd: Path) -> None:
    where = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run([sys.executable, *words], cwd=cwd, env=where, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "settings", "changes"),
    [
        ({"target": ["price"]}, {"epochs": 5}, {}),
        ({"target": ["grade"], "drop": ["id"]}, {"hidden": (5, 3), "optimizer": "momentum(mu=0.5)", "epochs": 4},
         {"settings": {"activation": "tanh, where(z > 0, z, 0.1 * z)", "batch_size": "all", "early_stopping": False}}),
        ({"target": ["flag"], "inputs": ["size", "weight", "town"]}, {"epochs": 6, "initial": {"W[1][1,2]": 0.1}, "seed": 9},
         {"settings": {"l2": 0.01, "dropout": 0.1, "learning_rate": 0.02}}),
        ({"target": ["price"]}, {"fast": True, "members": 2, "epochs": 3}, {}),
    ],
)  # fmt: skip
def test_feature_01_and_23_the_same_bytes_at_every_door(tmp_path, monkeypatch, question, settings, changes):
    twelve_columns(tmp_path / "rows.csv")
    monkeypatch.chdir(tmp_path)
    course = built(opened_table("rows.csv", question, settings), changes)
    result = course.train(lambda state: None)
    name, kind, content = taken(course, result, "model")
    assert (name, kind) == ("rows.safetensors", "application/octet-stream")
    command = taken(course, result, "command")[2].decode()
    assert command.startswith("chainrule train rows.csv --target ")
    run(
        "-c",
        f"import shlex, sys; from chainrule.cli import main; sys.exit(main(shlex.split({command!r})[1:] + ['-q']))",
        cwd=tmp_path,
    )
    assert digest((tmp_path / "rows.safetensors").read_bytes()) == digest(content)
    (tmp_path / "rows.safetensors").unlink()
    run("-c", taken(course, result, "python")[2].decode(), cwd=tmp_path)
    assert digest((tmp_path / "rows.safetensors").read_bytes()) == digest(content)
    assert Model.load("rows.safetensors").card["bits"]["machine"]["dtype"] == "float64"


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ({"target": ["price"]}, {}),
        (
            {"target": ["grade"], "inputs": ["size", "town"], "test_share": 0.3, "scaling": "minmax"},
            {"hidden": ()},
        ),
        (
            {"target": ["flag"], "weights": "rate"},
            {"activation": ("tanh", "relu"), "hidden": (3,), "frozen": ["W[1]"]},
        ),
        (
            {"target": ["price"]},
            {"rate_factors": {"b": 0.1}, "batch_size": "all", "shuffle": False, "activation": "-z"},
        ),
    ],
)
def test_the_command_is_read_back_as_what_was_asked(tmp_path, monkeypatch, question, settings):
    import shlex

    twelve_columns(tmp_path / "a b.csv")
    monkeypatch.chdir(tmp_path)
    course = opened_table("a b.csv", question, settings)
    asked = asked_of(course)
    words = shlex.split(command_of(course))
    assert words[:3] == ["chainrule", "train", "a b.csv"]
    options = parser().parse(words[2:])
    assert options.dtype == "float64"
    assert Settings(**settings_given(options, Settings)) == asked.settings
    given = settings_given(options, Question)
    for name, value in given.items():
        own = getattr(asked.question, name)
        assert (list(own) if isinstance(value, list) and not isinstance(own, str) else own) in (
            value,
            value[0] if isinstance(value, list) else value,
        )


@pytest.mark.parametrize(
    ("question", "settings"),
    [
        ({"target": ["price"], "scaling": "minmax"}, {"hidden": (3, 2), "activation": ("tanh", "relu"), "seed": 4}),
        ({"target": ["grade"], "inputs": ["size", "town"]}, {"batch_size": "all", "shuffle": False}),
    ],
)  # fmt: skip
def test_feature_22_the_command_in_a_file_opens_a_studio_on_the_same(
    tmp_path, monkeypatch, question, settings
):
    import shlex

    from chainrule.cli.commands import studio

    twelve_columns(tmp_path / "a b.csv")
    monkeypatch.chdir(tmp_path)
    course = opened_table("a b.csv", question, settings)
    words = shlex.split(live_command(course))
    assert words[:2] == ["chainrule", "studio"]
    again = studio._course(studio.parser().parse(words[2:]))
    assert asked_of(again).settings == asked_of(course).settings
    assert command_of(again) == command_of(course)
    assert again.start.tobytes() == course.start.tobytes()
    assert again.data.x.tobytes() == course.data.x.tobytes()


def test_feature_22_a_lesson_is_opened_by_its_command():
    assert live_command(opened_lesson("article-4")) == "chainrule studio --lesson article-4"


def test_what_is_not_there_yet_is_said():
    course = opened_table("examples/penguins.csv", {"target": ["species"]}, {})
    with pytest.raises(SettingsError, match="the model is there when the training has ended"):
        taken(course, None, "model")


def test_a_lesson_is_taken_as_its_command_and_its_program():
    course = opened_lesson()
    assert command_of(course) == "chainrule lesson article-5"
    assert python_of(course).startswith("#")
    compile(python_of(course), "lesson", "exec")
    with pytest.raises(SettingsError, match="a lesson's network has no model file"):
        taken(course, None, "model")


def test_a_model_is_taken_as_it_was(tmp_path):
    path = tmp_path / "m.safetensors"
    chainrule.train("examples/penguins.csv", "species", hidden=[4], members=2, epochs=3).model.save(path)
    course = opened_model(str(path), "examples/penguins.csv")
    assert taken(course, None, "model")[2] == path.read_bytes() == bytes_of(Model.load(path))
    assert command_of(course) is None
    with pytest.raises(SettingsError, match="the words that made this model aren't known here"):
        taken(course, None, "command")
