"""The controls: made from the settings' fields, read back as the settings have them, refused in their words."""

import pytest

from chainrule._doors import FORM, through
from chainrule.errors import ChainruleError, SettingsError
from chainrule.fitting.question import Question
from chainrule.studio.training.forms import FIRST, NOT_HERE, built, control_names, form_fields
from chainrule.studio.training.opening import asked_of, opened_lesson, opened_table
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Settings

PENGUINS = "examples/penguins.csv"


@pytest.fixture(scope="module")
def penguins():
    return opened_table(PENGUINS, {"target": ["species"]}, {})


def fields(course):
    return {field["name"]: field for group in form_fields(course) for field in group["fields"]}


def test_there_is_a_control_for_every_setting_but_those_that_say_why(penguins):
    every = [one.name for cls in (Question, Settings) for one in listed(cls)]
    assert sorted(control_names(form_fields(penguins))) == sorted(set(every) - set(NOT_HERE))
    assert set(FIRST) <= set(control_names(form_fields(penguins)))


def test_no_control_reads_a_file(penguins):
    for name in ("test_file", "weights_from"):
        with pytest.raises(SettingsError, match=f"there is no control '{name}'"):
            built(penguins, {"settings": {name: "/etc/passwd"}})


def test_it_starts_small(penguins):
    assert penguins.network.sizes == (17, 8, 3)
    assert penguins.members == 1
    found = fields(penguins)
    assert found["hidden"]["value"] == "8"
    assert found["target"]["value"] == "species"
    assert "island" in found["inputs"]["choices"]
    assert found["learning_rate"]["unset"] == "chosen: 0.001"
    assert "relu" in found["activation"]["choices"]
    assert not [name for name in found["optimizer"]["choices"] if name == "lbfgs"], "it has no single steps"


def test_what_a_control_says_is_what_is_trained(penguins):
    """Each value as it comes from the page, and as the setting has it."""
    changes = {
        "hidden": ("5, 3", (5, 3)),
        "activation": ("tanh, where(z > 0, z, 0.1 * z)", ("tanh", "where(z > 0, z, 0.1 * z)")),
        "learning_rate": ("0.25", 0.25),
        "batch_size": ("all", "all"),
        "epochs": (3.0, 3),
        "l2": (0.5, 0.5),
        "early_stopping": (False, False),
        "seed": (7, 7),
    }
    course = built(penguins, {"settings": {name: told for name, (told, _) in changes.items()}})
    settings = asked_of(course).settings
    assert {name: getattr(settings, name) for name in changes} == {
        name: value for name, (_, value) in changes.items()
    }
    assert course.network.sizes == (17, 5, 3, 3)
    shown = fields(course)
    again = built(course, {"settings": {name: shown[name]["value"] for name in changes}})
    assert asked_of(again).settings == settings, "what is shown is read back as it was"
    nothing = built(
        course, {"settings": {"learning_rate": None, "batch_size": "", "hidden": None, "activation": " "}}
    )
    assert asked_of(nothing).settings.learning_rate is None
    assert asked_of(nothing).settings.batch_size is None
    assert asked_of(nothing).settings.hidden == (8,)


def test_another_target_is_asked_for_anew(penguins):
    course = built(penguins, {"settings": {"task": "classification"}})
    course = built(course, {"target": "body_mass_g", "inputs": ["bill_length_mm", "sex"]})
    question = asked_of(course).question
    assert (question.target, question.inputs, question.task) == (
        "body_mass_g",
        ("bill_length_mm", "sex"),
        None,
    )
    assert built(course, {"inputs": None}).network.n_inputs > course.network.n_inputs


def test_the_full_recipe_is_one_press_and_so_is_the_way_back(penguins):
    full = built(penguins, {"recipe": "full"})
    assert full.members == 5
    assert asked_of(full).settings == Settings()
    assert built(full, {"recipe": "small"}).network.sizes == (17, 8, 3)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"settings": {"hidden": "5,x"}}, "hidden [5, 'x'] must be whole numbers of neurons, such as 64,32"),
        ({"settings": {"learning_rate": -1}}, "learning rate -1 must be a number above 0"),
        ({"settings": {"activation": "rel"}}, "activation: unknown activation 'rel': did you mean relu"),
        ({"settings": {"optimizer": "lbfgs"}}, "lbfgs sees the whole table"),
        ({"settings": {"nix": 1}}, "there is no control 'nix'; the controls are target"),
        ({"settings": {"epochs": 1.5}}, "epochs 1.5 must be a whole number, at least 1"),
        ({"target": "nix"}, f"{PENGUINS}: the target 'nix' is not there"),
        ({"inputs": ["nix"]}, f"{PENGUINS}: "),
        ({"inputs": []}, "inputs"),
        ({"settings": {"members": {"a": 1}}}, "members {'a': 1} must be a whole number"),
    ],
)
def test_what_can_not_be_is_said_in_a_line(penguins, asked, problem):
    with through(FORM), pytest.raises(ChainruleError) as failed:
        built(penguins, asked)
    assert problem in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_lessons_network_can_be_chosen_and_its_rate_changed():
    course = opened_lesson()
    assert course.network.sizes == (2, 2, 2)
    found = fields(course)
    assert found["network"]["choices"][:2] == ["frozen", "shared"]
    assert found["learning_rate"]["unset"] == "the lesson's: 0.5"
    slow = built(course, {"settings": {"learning_rate": 0.01}})
    assert slow.plan.learning_rate == 0.01
    other = built(slow, {"settings": {"network": "neurons"}})
    assert asked_of(other).network == "neurons"
    assert other.plan.learning_rate == 0.5
    for settings, problem in [({"network": "nix"}, "has frozen, shared"), ({"hidden": "3"}, "there is no control"),
                              ({"learning_rate": 0}, "must be a number above 0")]:  # fmt: skip
        with pytest.raises(SettingsError, match=problem):
            built(course, {"settings": settings})


def test_the_last_column_is_the_target_where_none_is_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("size,color\n" + "".join(f"{i},{'red' if i % 2 else 'blue'}\n" for i in range(40)))
    course = opened_table(str(path), {}, {})
    assert asked_of(course).question.target == "color"
    assert "the last column: choose another" in course.notes[0]
