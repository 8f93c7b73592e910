"""A setting is one thing: one field of `Settings`, from which options, checks, signatures, texts, tables, forms, cards are made.

``python tests/training/test_settings_are_one_thing.py --write`` writes the table of docs/training.md anew.
"""

import importlib
import json
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest
from tests.estimators.signatures import SRC, with_settings

import chainrule
from chainrule._doors import COMMAND_LINE, FORM, PYTHON, through
from chainrule.cli.parsing import Parser, setting_option
from chainrule.errors import ModelFileError, SettingsError
from chainrule.estimators.docs import settings_for
from chainrule.estimators.table.classifier import TableClassifier
from chainrule.estimators.table.regressor import TableRegressor
from chainrule.fitting.card import told
from chainrule.fitting.question import Question
from chainrule.model.card import read_card
from chainrule.training.settings import recipe
from chainrule.training.settings.fields import (
    REGISTRIES,
    choice,
    form,
    listed,
    number,
    numpydoc,
    option,
    settings_from_plain,
    settings_to_plain,
)
from chainrule.training.settings.record import InputGroup, Problem, Settings

PAGE = Path(__file__).parents[2] / "docs" / "training.md"
FIRST = "<!-- made from {} by tests/training/test_settings_are_one_thing.py --write -->\n"
LAST = "<!-- until here -->\n"


@dataclass(frozen=True)
class More(Settings):
    """The settings, and two that are planted."""

    jitter: float = option(
        0.5, number(0), "training", "X", "noise beside {dropout}; see {losses}", page="recipe.md"
    )
    mood: str | None = option(
        None, choice("calm", "wild"), "humor", "HOW", "of the network", unset="calm", task="classification"
    )


# ---- a planted setting is everywhere


def test_it_is_an_option_with_its_help_and_its_group():
    made = Parser("train", "TABLE", "", "")
    for one in listed(More):
        setting_option(made, one)
    text = made.format_help()
    assert "humor:\n  --mood HOW" in text
    assert "--jitter X                noise beside --dropout; see formulas losses" in text
    options = made.parse(["--jitter", "0.25", "--mood", "calm"])
    assert (options.jitter, options.mood) == (0.25, "calm")


def test_its_values_are_checked_in_the_words_of_the_door():
    assert More(jitter=1, mood="wild").mood == "wild"
    with pytest.raises(SettingsError, match=r"^jitter -1 must be a number, at least 0$"):
        More(jitter=-1)
    with through(COMMAND_LINE), pytest.raises(SettingsError, match=r"^--jitter -1 must be a number"):
        More(jitter=-1)
    with pytest.raises(SettingsError, match=r"^mood 'sad' is unknown: choose calm, wild$"):
        More(mood="sad")


def test_it_is_in_the_estimators_description():
    planted = listed(More)[-2:]
    assert numpydoc(planted).splitlines() == [
        "jitter : float, default=0.5",
        f"    Noise beside dropout; see `{REGISTRIES['losses']}`.",
        "mood : {'calm', 'wild'}, default=None",
        "    Of the network. None: calm.",
    ]


def test_it_is_in_the_table_of_the_page():
    assert table(More).splitlines()[-3:] == [
        f"| `jitter` | float | noise beside dropout; see `{REGISTRIES['losses']}` ([more](recipe.md)) | 0.5 |",
        "| **humor** | | | |",
        "| `mood` | {'calm', 'wild'} | of the network | calm |",
    ]


def test_it_is_in_a_form():
    jitter, mood = json.loads(json.dumps(form(More)))[-2:]
    assert jitter == {
        "name": "jitter",
        "label": "jitter",
        "words": "noise beside dropout; see the list of losses",
        "group": "training",
        "kind": "number",
        "range": {"least": 0},
        "choices": [],
        "required": False,
        "default": 0.5,
        "unset": "",
        "task": None,
    }
    assert (mood["choices"], mood["unset"], mood["task"]) == (["calm", "wild"], "calm", "classification")


def test_it_is_in_the_card_where_it_is_set(tmp_path):
    (tmp_path / "planted_card.py").write_text(with_settings(SRC / "model/card.py", listed(More)))
    sys.path.insert(0, str(tmp_path))
    try:
        planted = importlib.import_module("planted_card").Card
    finally:
        sys.path.remove(str(tmp_path))
    plain = chainrule.train(
        {"x": [0, 1] * 20, "y": [0.0, 1.5] * 20}, "y", hidden=[2], epochs=1, engine="reference"
    )
    resolved, card = plain.prepared.resolved, dict(plain.model.card)
    for settings, told_of in (
        (More(), {}),
        (More(jitter=2, mood="wild"), {"jitter": 2.0, "mood": "wild"}),
    ):
        made = {**card, **told(replace(resolved, settings=settings), resolved.plan)}
        made = {name: value for name, value in made.items() if value is not None or name in card}
        assert planted.from_dict(made).to_dict() == {**card, **told_of}
    with pytest.raises(ModelFileError, match=r"^card.mood: 'sad' is not one of calm, wild$"):
        planted.from_dict({**card, "mood": "sad"})
    with pytest.raises(ModelFileError, match="'jitter' is not known here"):
        read_card({**card, "jitter": 2.0})


def test_it_is_plain_data_and_back():
    made = More(hidden=(8, 4), rate_factors={"b": 0.1}, jitter=2.0, batch_size="all")
    data = json.loads(json.dumps(settings_to_plain(made)))
    assert data == {"hidden": [8, 4], "rate_factors": {"b": 0.1}, "jitter": 2.0, "batch_size": "all"}
    assert settings_from_plain(More, data) == made


# ---- and all settings are


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ([], "settings are values by name"),
        ({"hiden": [3]}, "there is no setting 'hiden'"),
        ({"hidden": "8"}, "hidden '8' must be whole numbers"),
        ({"hidden": [{}]}, "hidden .* must be whole numbers"),
        ({"epochs": True}, "epochs True must be a whole number"),
        ({"epochs": None, "seed": None}, "seed None must be a whole number"),
        ({"learning_rate": float("nan")}, "learning_rate nan must be a number above 0"),
        ({"activation": 3}, "activation 3 must be text"),
        ({"activation": ["relu", 3]}, "activation .* must be text"),
        ({"loss": {}}, "loss {} must be text"),
        ({"bias": ["neuron"]}, "bias .* is unknown"),
        ({"watch": {}}, "watch {} is unknown"),
        ({"recipe": 1}, "recipe 1 must be True or False"),
    ],
)
def test_plain_data_of_a_stranger_is_refused(data: Any, says: str):
    with pytest.raises(SettingsError, match=says):
        settings_from_plain(Settings, data)


def test_every_field_is_a_setting_in_its_group():
    assert [one.name for one in listed(Settings)] == [field.name for field in fields(Settings)]
    groups = [one.group for one in listed(Settings)]
    assert list(dict.fromkeys(groups)) == ["network", "training", "regularization"]
    assert groups == sorted(groups, key=["network", "training", "regularization"].index)


def test_what_is_asked_of_a_table_is_said_by_fields_too():
    said = [one.name for one in listed(Question)]
    assert said == [
        *("target", "task", "inputs", "drop", "weights"),
        *(
            "test_share",
            "test_file",
            "teacher",
            "groups",
            "time",
            "split",
            "scaling",
            "target_scaling",
            "kinds",
        ),
    ]
    made = Parser("train", "TABLE", "", "")
    for one in listed(Question):
        setting_option(made, one)
    options = made.parse(["--target", "y", "--inputs", "a", "--inputs", "b,c", "--test-share", "0.5"])
    assert (options.target, options.inputs, options.test_share) == (["y"], ["a", "b,c"], 0.5)
    assert options.scaling is None
    first, *others = json.loads(json.dumps(form(Question)))
    assert (first["default"], first["required"]) == (None, True)
    assert not any(one["required"] for one in others)
    with pytest.raises(
        SettingsError, match=r"^scaling 'max' is unknown: choose robust, standard, minmax, none$"
    ):
        Question({}, "y", scaling="max")
    with pytest.raises(SettingsError, match=r"^drop 'x' must be a list of columns$"):
        Question({}, "y", drop="x")
    with (
        through(COMMAND_LINE),
        pytest.raises(SettingsError, match=r"^--test-share 1 must be at least 0 and less than 1$"),
    ):
        Question({}, "y", test_share=1)
    with pytest.raises(TypeError, match="target"):
        Question({})


def test_the_page_has_the_table():
    assert written(PAGE.read_text("utf-8")) == PAGE.read_text("utf-8")


@pytest.mark.parametrize(
    ("cls", "task"), [(TableClassifier, "classification"), (TableRegressor, "regression")]
)
def test_estimators_have_the_settings_for_their_task(cls: Any, task: str):
    own = {one.name: one.default for one in settings_for(task)}
    assert own == {name: value for name, value in cls().get_params().items() if name in own}
    assert set(own) == {one.name for one in listed(Settings) if one.task in (None, task)} - {"seed"}
    assert all(f"{name} : " in cls.__doc__ for name in own)


def test_a_form_has_a_label_for_all_and_names_no_option():
    for one in form(Settings):
        said = f"{one['label']} {one['words']} {one['unset']}"
        assert "--" not in said
        assert "formulas" not in said
        assert "_" not in one["label"]
    with through(FORM), pytest.raises(SettingsError, match=r"^learning rate -1 must be"):
        Settings(learning_rate=-1)
    with through(COMMAND_LINE), pytest.raises(SettingsError, match=r"^--learning-rate -1 must be"):
        Settings(learning_rate=-1)


NUMBERS = Problem("regression", 1000, 4, groups=(InputGroup("number"),))
CLASSES = Problem("classification", 1000, 4, 3, (InputGroup("number"),))


@pytest.mark.parametrize(
    ("name", "words", "problem", "value"),
    [
        ("hidden", {}, CLASSES, [128, 64]),
        ("hidden", {"fast": True}, CLASSES, [64, 64]),
        ("activation", {}, NUMBERS, "leaky_relu"),
        ("members", {}, CLASSES, 5),
        ("members", {"fast": True}, CLASSES, 2),
        ("members", {"recipe": False}, CLASSES, 1),
        ("members", {"recipe": False, "bagging": True}, CLASSES, 8),
        ("label_smoothing", {}, CLASSES, 0.05),
        ("learning_rate", {}, CLASSES, 0.004),
        ("schedule", {}, NUMBERS, "coslog4"),
        ("epochs", {"recipe": False}, CLASSES, 200),
        ("patience", {"recipe": False}, CLASSES, 20),
        ("validation_share", {"bagging": False}, CLASSES, 0.2),
        ("validation_share", {"recipe": False}, CLASSES, 0.15),
        ("weight_decay", {}, NUMBERS, 0.01),
        ("weight_decay", {}, CLASSES, 0.05),
        ("dropout", {}, CLASSES, 0.15),
        ("watch", {}, CLASSES, "refinement"),
    ],
)
def test_what_is_said_of_a_setting_that_is_not_given_is_what_the_recipe_does(name, words, problem, value):
    chosen = getattr(recipe.fill(Settings(**words), problem), name)
    assert (list(chosen) if isinstance(value, list) else chosen) == value
    (one,) = (one for one in listed(Settings) if one.name == name)
    assert all(str(part) in one.unset for part in (value if isinstance(value, list) else [value]))


def table(cls: type[Any]) -> str:
    """The settings of a class as a table in Markdown."""
    lines = ["| setting | value | | if not given |", "|---|---|---|---|"]
    group = ""
    for one in listed(cls):
        if one.group != group:
            group = one.group
            lines.append(f"| **{group}** | | | |")
        words = one.said(PYTHON, "; ".join(filter(None, (one.words, one.more))))
        more = f" ([more]({one.page}))" if one.page else ""
        given = one.said(PYTHON, one.unset) or ("" if one.default is None else f"{one.default}")
        lines.append(
            " | ".join((f"| `{one.name}`", one.kind.type, words.replace("|", "\\|") + more, f"{given} |"))
        )
    return "\n".join(lines) + "\n"


def written(page: str) -> str:
    """The page with the tables as they are made now."""
    for cls in (Question, Settings):
        first = FIRST.format(cls.__name__)
        before, found, rest = page.partition(first)
        assert found
        page = before + first + table(cls) + LAST + rest.partition(LAST)[2]
    return page


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")


def test_a_whole_number_without_end_is_refused_like_any_other():
    with pytest.raises(SettingsError, match="dropout 1000"):
        Settings(dropout=10**400)
    with pytest.raises(SettingsError, match="dropout"):
        settings_from_plain(Settings, {"dropout": 10**400})
