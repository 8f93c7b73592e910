"""Messages name a setting in the words of the door that their reader came through, whatever the mistake."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule
from chainrule import MLPClassifier, Settings, TableClassifier, TableRegressor
from chainrule._doors import COMMAND_LINE, FORM, PYTHON, setting, through
from chainrule.cli import main
from chainrule.errors import ChainruleError, SettingsError
from chainrule.fitting.studies.ablation import ablate
from chainrule.training.settings.fields import listed

CLASSES = {
    "x": [i * 0.37 % 5 for i in range(40)],
    "z": [i * 7 % 11 for i in range(40)],
    "y": ["a", "b"] * 20,
}
NUMBERS = {**CLASSES, "y": [i * 0.7 % 3 for i in range(40)]}
QUESTION = {
    "task",
    "inputs",
    "drop",
    "weights",
    "scaling",
    "target_scaling",
    "test_share",
    "missing",
    "kinds",
}
NAMES = (
    {one.name for one in listed(Settings)}
    | QUESTION
    | {"engine", "threads", "decimal", "encoding", "delimiter"}
)

REFUSED: list[tuple[dict[str, Any], dict[str, list[Any]]]] = [
    *(({one.name: -1}, CLASSES) for one in listed(Settings) if one.kind.name in ("number", "whole", "rows")),
    *(({one.name: "so"}, CLASSES) for one in listed(Settings) if one.kind.name == "choice"),
    ({"hidden": [0]}, CLASSES),
    ({"seed": 2**64}, CLASSES),
    ({"init": "he"}, CLASSES),
    ({"regularization_schedule": "never"}, CLASSES),
    ({"recipe": True, "optimizer": "lbfgs"}, CLASSES),
    ({"optimizer": "lbfgs", "dropout": 0.5}, CLASSES),
    ({"optimizer": "lbfgs", "clip_norm": 1.0}, CLASSES),
    ({"optimizer": "lbfgs", "learning_rate": 0.1}, CLASSES),
    ({"optimizer": "lbfgs", "rate_factors": {"b": 0.1}}, CLASSES),
    ({"optimizer": "lbfgs", "batch_size": 5}, CLASSES),
    ({"optimizer": "lbfgs", "warmup": 2.0}, CLASSES),
    ({"optimizer": "lbfgs", "stop_together": True}, CLASSES),
    ({"optimizer": "lbfgs", "sharing": "tabm", "hidden": [4]}, CLASSES),
    ({"optimizer": "perceptron", "hidden": [4]}, CLASSES),
    ({"optimizer": "perceptron", "scaling_layer": True}, CLASSES),
    ({"sharing": "tabm", "bagging": True}, CLASSES),
    ({"sharing": "tabm", "hidden": []}, CLASSES),
    ({"sharing": "tabm", "members": 1}, CLASSES),
    ({"sharing": "tabm", "init": "data"}, CLASSES),
    ({"sharing": "tabm", "stop_together": True}, CLASSES),
    ({"bagging": True, "refit": True}, CLASSES),
    ({"bagging": True, "validation_share": 0.2}, CLASSES),
    ({"bagging": True, "members": 1}, CLASSES),
    ({"bagging": True, "members": 50}, CLASSES),
    ({"fast": True, "hidden": [4]}, CLASSES),
    ({"fast": True, "recipe": False}, CLASSES),
    ({"hidden": [], "activation": "tanh"}, CLASSES),
    ({"hidden": [], "dropout": 0.5}, CLASSES),
    ({"hidden": [], "activation_mix": True}, CLASSES),
    ({"hidden": [4], "activation": ["relu", "sigmoid"], "output_activation": "tanh"}, CLASSES),
    ({"early_stopping": False, "patience": 3}, CLASSES),
    ({"early_stopping": False, "tolerance": 0.1}, CLASSES),
    ({"early_stopping": False, "watch": "error"}, CLASSES),
    ({"early_stopping": False, "stop_together": True}, CLASSES),
    ({"members": 1, "stop_together": True}, CLASSES),
    ({"hidden": [], "weight_decay": 0.0, "regularization_schedule": "flat_cosine"}, CLASSES),
    ({"numeric_embedding": "periodic"}, {"x": [0, 1] * 20, "y": CLASSES["y"]}),
    ({"category_embedding": "learned"}, CLASSES),
    ({"momentum": 0.9, "optimizer": "rmsprop"}, CLASSES),
    ({"rate_factors": {"alpha": 0.1}}, CLASSES),
    ({"loss": "poisson"}, CLASSES),
    ({"loss": "hinge"}, NUMBERS),
    ({"loss": "mean_squared_error", "calibrate": True}, CLASSES),
    ({"loss": "hinge", "label_smoothing": 0.1}, CLASSES),
    ({"loss": "binary_cross_entropy(label_smoothing=0.2)", "label_smoothing": 0.1}, CLASSES),
    ({"output_activation": "softmax", "loss": "binary_cross_entropy"}, CLASSES),
    ({"watch": "refinement"}, NUMBERS),
    ({"calibrate": True}, NUMBERS),
    ({"calibrate": True, "validation_share": 0.0, "bagging": False}, CLASSES),
    ({"clamp": True}, CLASSES),
    ({"refit": True, "validation_share": 0.0}, CLASSES),
    ({"loss": "poisson"}, {**NUMBERS, "y": [*NUMBERS["y"][:-1], -1.0]}),
    ({"task": "so"}, CLASSES),
    ({"test_share": 2.0}, CLASSES),
    ({"test_share": 0.2, "test_file": "table.csv"}, CLASSES),
    ({"inputs": ["y"]}, CLASSES),
    ({"weights": "y"}, CLASSES),
    ({"weights": "q"}, CLASSES),
    ({"scaling": "so"}, CLASSES),
    ({"target_scaling": "standard"}, CLASSES),
    ({"engine": "so"}, CLASSES),
    ({"engine": "reference", "threads": 2}, CLASSES),
    ({"threads": 0}, CLASSES),
    ({"delimiter": "so"}, CLASSES),
    ({"decimal": "so"}, CLASSES),
    ({"encoding": "so"}, CLASSES),
    ({"infinite": "so"}, CLASSES),
    ({"thousands": "so"}, CLASSES),
    ({"thousands": ",", "decimal": ","}, CLASSES),
    ({"dates": "so"}, CLASSES),
    ({"unpack_limit": "so"}, CLASSES),
    ({"infinite": "refuse"}, {"x": [*map(str, CLASSES["x"][:-1]), "inf"], "y": CLASSES["y"]}),
    ({}, {"x": CLASSES["x"], "y": [f"{i + 1},{100 + i}" for i in range(40)]}),
    ({}, {"x": [*map(str, CLASSES["x"][:-1]), "n. a."], "y": CLASSES["y"]}),
    ({}, {"x": [f"name {i}" for i in range(40)], "y": CLASSES["y"]}),
    ({}, {"x": CLASSES["x"], "y": [f"2024-01-{i % 28 + 1:02}" for i in range(40)]}),
    ({"learning_rate": 1e30, "optimizer": "sgd", "hidden": [4]}, NUMBERS),
    ({"activation": "log(z)", "hidden": [4]}, CLASSES),
]
"""Words, and the table they are refused for; some tables are refused by themselves, some trainings say something."""

IDS = [
    ",".join(f"{name}={value}" for name, value in words.items()) or str(i)
    for i, (words, _) in enumerate(REFUSED)
]
QUICK = {"engine": "reference", "epochs": 2}


def arguments(words: dict[str, Any]) -> Iterator[str]:
    """The words as the command line has them."""
    for name, value in words.items():
        option = COMMAND_LINE.setting(name)
        if isinstance(value, bool):
            yield COMMAND_LINE.setting(name, value)
        elif isinstance(value, dict):
            yield from (option, ",".join(f"{key}={item}" for key, item in value.items()))
        else:
            yield from (
                option,
                ",".join(map(str, value)) or "none" if isinstance(value, list) else str(value),
            )


def options(said: str) -> list[str]:
    # What goes on after a dash, such as a variable of CSS, is none.
    return re.findall(r"--[a-z]+(?:-[a-z]+)*(?![a-z-])", said)


def parameters(said: str) -> list[str]:
    """Settings in Python's words: ``name=``, and names with an underscore."""
    named = re.findall(r"\b([a-z][a-z0-9_]*)=", said)
    underscored = [name for name in re.findall(r"\b[a-z]+_[a-z_]+\b", said) if "_" in name]
    return [name for name in named if name in NAMES - {"label_smoothing"}] + [
        name for name in underscored if name in NAMES
    ]


@pytest.fixture
def beside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(table: dict[str, list[Any]], path: Any) -> None:
    rows = [",".join(table), *(",".join(map(str, row)) for row in zip(*table.values(), strict=True))]
    path.write_text("\n".join(rows) + "\n")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("words", "table"), REFUSED, ids=IDS)
def test_both_doors_have_their_own_words(words, table, beside, capsys):
    write(table, beside / "table.csv")
    code = main(["train", "table.csv", "--target", "y", "--quiet", *arguments({**QUICK, **words})])
    on_the_command_line = capsys.readouterr().err
    assert code == 2 or words.get("learning_rate") == 1e30
    assert on_the_command_line.strip()
    assert not parameters(on_the_command_line), on_the_command_line
    # A value that its setting can't have is named by the option that gave it.
    if named := re.match(r"error: (\S+) \S+ (?:must be|is unknown|doesn't fit|is for)", on_the_command_line):
        assert named[1].startswith("--"), on_the_command_line
    try:
        trained = chainrule.train("table.csv", "y", **{**QUICK, **words})
    except ChainruleError as error:
        in_python = str(error)
    else:
        in_python = "\n".join(trained.notes)
        assert code == 0
    assert in_python
    assert not options(in_python), in_python


def test_a_setting_is_refused_by_its_name_at_each_door(beside, capsys):
    write(CLASSES, beside / "table.csv")
    words = {"early_stopping": False, "patience": 3}
    assert main(["train", "table.csv", "--target", "y", *arguments(words)]) == 2
    assert capsys.readouterr().err == (
        "error: --patience would have no effect: early stopping is off; leave it out, or add --early-stopping\n"
    )
    said = "patience would have no effect: early stopping is off; leave it out, or add early_stopping=True"
    with pytest.raises(ChainruleError, match=f"^{said}$"):
        chainrule.train(CLASSES, "y", **words)
    with pytest.raises(ChainruleError, match=f"^{said}$"):
        TableClassifier(**words).fit({"x": CLASSES["x"]}, CLASSES["y"])
    said = "patience would have no effect: early stopping is off; leave it out, or add early stopping True"
    with through(FORM), pytest.raises(ChainruleError, match=f"^{said}$"):
        chainrule.train(CLASSES, "y", **words)


def test_the_command_line_is_told_to_leave_its_own_option_out(beside, capsys):
    write(CLASSES, beside / "table.csv")
    words = ["--calibrate", "--loss", "mean_squared_error", "--output-activation", "identity"]
    assert main(["train", "table.csv", "--target", "y", *words]) == 2
    assert "leave --calibrate out, or choose cross-entropy" in capsys.readouterr().err


def test_estimators_keep_their_own_names():
    x = np.array([[0.0], [1.0]] * 10)
    with pytest.raises(ChainruleError, match=r"^random_state -1 must be a whole number, at least 0$"):
        TableRegressor(random_state=-1).fit(x, x[:, 0])
    with pytest.raises(ChainruleError, match=r"name some with kinds$"):
        TableRegressor().fit({"a": [f"so many words that it is text {i}" for i in range(20)]}, x[:, 0])


def test_an_ablation_names_what_it_was_called_with(beside, capsys):
    write(CLASSES, beside / "table.csv")
    assert main(["train", "table.csv", "--target", "y", "--ablate", "0"]) == 2
    assert "--ablate 0 must be a whole number of trainings each" in capsys.readouterr().err
    with pytest.raises(ChainruleError, match=r"^seeds 0 must be a whole number of trainings each"):
        ablate(CLASSES, "y", seeds=0)


def test_a_door_says_it_in_its_own_way():
    said = [
        (door.setting("batch_size"), door.setting("batch_size", 8)) for door in (COMMAND_LINE, PYTHON, FORM)
    ]
    assert said == [
        ("--batch-size", "--batch-size 8"),
        ("batch_size", "batch_size=8"),
        ("batch size", "batch size 8"),
    ]
    with through(COMMAND_LINE):
        assert (setting("missing", ["x"]), setting("missing", ["x y"])) == ("--missing x", "--missing 'x y'")
        assert setting("hidden", [8, 4]) == "--hidden 8,4"


def test_a_door_is_closed_again():
    def failing() -> None:
        with through(COMMAND_LINE, {"seed": "chance"}):
            assert setting("seed") == "--chance"
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert setting("seed") == "seed"


FOUND = (
    "activation",
    "output_activation",
    "init",
    "loss",
    "optimizer",
    "schedule",
    "regularization_schedule",
)


@pytest.mark.parametrize("name", FOUND)
def test_what_no_registry_has_is_told_with_its_setting(name):
    """The kinds of two settings, or more, can be the same, so that the kind alone would not say which is wrong."""
    for value in ("nonsens", "constant(valeu=1)", "adam(beta=1)"):
        for door, called in ((COMMAND_LINE, "--" + name.replace("_", "-")), (PYTHON, name)):
            with through(door), pytest.raises(SettingsError, match=f"^{called}: "):
                Settings(**{name: value})


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ({"solver": "adem"}, "solver"),
        ({"activation": "relx"}, "activation"),
        ({"output_activation": "logistik"}, "output_activation"),
        ({"loss": "log_los"}, "loss"),
        ({"learning_rate": "adaptiv"}, "learning_rate"),
    ],
)
def test_so_it_is_with_the_parameters_of_a_perceptron(words, called):
    with pytest.raises(SettingsError, match=f"^{called}: unknown"):
        MLPClassifier((2,), **words).fit([[0.0], [1.0]] * 4, [0, 1] * 4)


# ---- and no message is written in the words of one door


def options_written(source: str) -> list[str]:
    """The options in the strings of a module, docstrings left out."""
    nodes = list(ast.walk(ast.parse(source)))
    docs = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        n.value
        for n in nodes
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in docs
    ]
    return [option for text in texts for option in options(text)]


def test_only_the_command_line_writes_options():
    package = Path(chainrule.__file__).parent
    found = {
        str(path.relative_to(package)): options_written(path.read_text("utf-8"))
        for path in package.rglob("*.py")
        if path.relative_to(package).parts[0] != "cli"
    }
    assert {name: written for name, written in found.items() if written} == {}


def test_an_option_that_is_written_is_seen():
    assert options_written('"""Of --this."""\n\ndef f(x):\n    return f"lower --learning-rate {x}"') == [
        "--learning-rate"
    ]
