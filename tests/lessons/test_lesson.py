"""A lesson file is read as written, and what is wrong in it is said in one line: file, place, value, remedy."""

import pytest

from chainrule.errors import SettingsError
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.runner import walk_lesson


def test_a_lesson_is_read(write):
    lesson = write()
    assert lesson.name == "mine"
    assert lesson.title == "A neuron says no"
    assert lesson.networks["main"]["layers"][0]["W"] == ((0.3,), (-0.4,))
    assert [step.move for step in lesson.steps] == ["derive", "train"]
    assert all(shown.ok for shown in walk_lesson(lesson))


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ('title = "A neuron says no"', "", ["mine.toml: the key 'title' is missing"]),
        ("learning_rate", "lerning_rate", ["networks.main: there is no key 'lerning_rate'; did you mean learning_rate?"]),
        ("learning_rate = 0.5", "learning_rate = -1", ["networks.main.learning_rate: -1 must be above 0"]),
        ("learning_rate = 0.5", 'learning_rate = "fast"', ["learning_rate: 'fast' is no finite number; write"]),
        ("learning_rate = 0.5", "learning_rate = inf", ["learning_rate: inf is no finite number"]),
        ("neurons = 1", "neurons = 1.5", ["networks.main.layers[1].neurons: 1.5 is no whole number"]),
        ("neurons = 1", "neurons = 0", ["neurons: 0 must be from 1 to 10000"]),
        ("neurons = 1", "neurons = true", ["neurons: True is no whole number"]),
        ("neurons = 1\n", "", ["networks.main.layers[1]: the key 'neurons' is missing"]),
        ("W = [[0.3], [-0.4]]", "W = [[0.3], [-0.4, 1]]", ["W[2]: the row has 2 numbers, but the first has 1"]),
        ("W = [[0.3], [-0.4]]", "W = 0.3", ["W: 0.3 is no list; write it in brackets"]),
        ('move = "train"', 'move = "tran"', ["steps[2].move: 'tran' is unknown; did you mean train?"]),
        ('move = "train"', "muve = 1", ["steps[2]: a step has a move; write"]),
        ("epochs = 5", "epoch = 5", ["steps[2]: there is no key 'epoch'; did you mean epochs?"]),
        ('addresses = ["a[1][1]", "loss"]', "", ["steps[1]: the key 'addresses' is missing"]),
        ('["a[1][1]", "loss"]', '["q[1][1]"]', ["steps[1].addresses: ", "no quantity 'q'"]),
        ('"loss" = 0.125', '"lss" = 0.125', ["steps[1].expect: there is no number 'lss'", "loss"]),
        ('cost = "< 0.12"', 'costs = "< 0.12"', ["steps[2].expect: there is no number 'costs'; did you mean cost"]),
        ('cost = "< 0.12"', 'cost = "small"', ["steps[2].expect.cost: 'small' is no expected number"]),
        ("rows = [1]", "rows = [0]", ["steps[1].rows[1]: 0 must be at least 1"]),
        ("rows = [1]", 'network = "other"', ["steps[1].network: there is no network 'other'; known are main"]),
        ("[networks.main]", "[networks.main]\nlike = 'x'", ["networks.main.like: there is no network 'x'"]),
        ("[networks.main]", "[networks.main]\nlike = 'main'", ["networks main are like each other in a circle"]),
        ("epochs = 5", "epochs = ", ["mine.toml: this is not TOML:", "line 28"]),
        ('text = "The weighted sum is 0."', "text = 3", ["steps[1].text: 3 is no text"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(write, old, new, parts):
    with pytest.raises(SettingsError) as error:
        write((old, new))
    message = str(error.value)
    assert message.split(": ")[0].endswith("mine.toml")
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("old", "new", "parts"),
    [
        ("W = [[0.3], [-0.4]]", "W = [[0.3, -0.4]]", ["networks.main: W[1] was given as (1, 2), but has the shape (2, 1)"]),
        ("y = [[0], [1]]", "y = [[0]]", ["networks.main: y has 1 rows of 1, but 2 rows of 1 are needed"]),
        ("y = [[0], [1]]", "y = [[0, 1], [1, 0]]", ["y has 2 rows of 2, but 2 rows of 1 are needed"]),
        ("x = [[1, 2], [0, 1]]", "", ["networks.main: there are no rows; give them as x and y"]),
        ('"sigmoid"', '"sigmoit"', ["networks.main: ", "sigmoid"]),
        ("learning_rate = 0.5", 'optimizer = "lbfgs"', ["lbfgs takes no steps that can be shown"]),
        ("learning_rate = 0.5", "test_rows = [1, 2]", ["test_rows [1, 2]: there are 2 rows, and some must be left"]),
        ("learning_rate = 0.5", "test_rows = [3]", ["test_rows [3]: there are 2 rows"]),
        ("b = [0.5]", "b = [0.5]\ninit = 'zeros'", ["W and init: give the weights, or how they are drawn"]),
        ("b = [0.5]", "b = [0.5]\nbias = 'none'", ["b is given, but bias"]),
        ("rows = [1]", "rows = [3]", ["steps[1] (derive): there is no row 3; there are 2"]),
        ("y = [[0], [1]]", "", ["steps[1] (derive): ", "target"]),
        ('"a[1][1]", "loss"', '"a[2][1]"', ["steps[1] (derive): a[2][1]: there is no layer 2"]),
        ("epochs = 5", "epochs = 5\nsteps = 5", ["steps[2] (train): give epochs, or steps"]),
        ('move = "train"\nepochs = 5', 'move = "scale"\ncolumn = "A"', ["(scale): the rows of network 'main' come from no"]),
        ("epochs = 5", "steps = 5\npatience = 2", ["steps[2] (train): patience and until_right are for epochs"]),
        ("epochs = 5", "epochs = 5\ntolerance = 0.1", ["steps[2] (train): tolerance says what patience waits for"]),
        ("epochs = 5", "epochs = 5\nshow = [3, 6]", ["steps[2] (train): show: 6 is none of this step's epochs, 1 to 5"]),
        ('cost = "< 0.12"', 'test_cost = "< 0.12"', ["steps[2] (train): there are no test rows"]),
        ('cost = "< 0.12"', "test_mistakes = 0", ["steps[2] (train): there are no test rows"]),
        ('move = "train"\nepochs = 5', 'move = "rows"\nwhich = "all"\nrows = [1]', ["rows and which both say"]),
        ('move = "train"\nepochs = 5', 'move = "rows"\nrows = [5]', ["steps[2] (rows): there is no row 5; there are 2"]),
        ('move = "train"\nepochs = 5', 'move = "split"', ["steps[2] (split): there are no test rows"]),
        ('move = "train"\nepochs = 5', 'move = "predict"', ["steps[2] (predict): give new rows as x"]),
        ('move = "train"\nepochs = 5', 'move = "predict"\nx = [[1]]', ["x has rows of 1, but there are 2 inputs"]),
        ('move = "train"\nepochs = 5', 'move = "calculus"', ["give one of activation, loss and formula"]),
        ('move = "train"\nepochs = 5', 'move = "calculus"\nformula = "z*q"\nat = [1]', ["q has no value; leave out at"]),
        ('move = "train"\nepochs = 5', 'move = "compare"\nnetworks = ["main", "b"]\nepochs = 2', ["there is no network 'b'"]),
    ],
)  # fmt: skip
def test_what_can_not_be_run_is_named(write, old, new, parts):
    lesson = write((old, new))
    with pytest.raises(SettingsError) as error:
        list(walk_lesson(lesson))
    assert str(error.value).startswith(lesson.where.file)
    for part in parts:
        assert part in str(error.value)


def test_a_training_that_diverges_is_named(write):
    lesson = write(('"sigmoid"', '"identity"'), ("learning_rate = 0.5", "learning_rate = 1e200"))
    with pytest.raises(SettingsError, match=r"steps\[2\] \(train\): training diverged in step \d"):
        list(walk_lesson(lesson))


def test_files_that_are_no_lessons(tmp_path):
    with pytest.raises(SettingsError, match=r"there is no lesson 'artcle-1'; did you mean article-1"):
        read_lesson("artcle-1")
    with pytest.raises(SettingsError, match="there is no such file"):
        read_lesson(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b'title = "na\xefve"')
    with pytest.raises(SettingsError, match="not text in UTF-8"):
        read_lesson(tmp_path / "latin.toml")
    (tmp_path / "deep.toml").write_text("x = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(SettingsError, match=r"too deep|not TOML"):
        read_lesson(tmp_path / "deep.toml")
    (tmp_path / "long.toml").write_text("#" * 1_000_001)
    with pytest.raises(SettingsError, match="a lesson has at most"):
        read_lesson(tmp_path / "long.toml")


def test_like_takes_what_is_not_given(write):
    lesson = write(
        (
            '[[steps]]\nmove = "train"',
            '[networks.fast]\nlike = "main"\nlearning_rate = 2\n\n[[steps]]\nmove = "train"',
        )
    )
    assert lesson.networks["fast"]["learning_rate"] == 2
    assert lesson.networks["fast"]["layers"] == lesson.networks["main"]["layers"]


def test_rows_of_one_kind_replace_the_other(write):
    table = '[networks.cells]\nlike = "main"\ntable = { file = "t.csv", target = "t" }\n\n[[steps]]\nmove = "train"'
    lesson = write(('[[steps]]\nmove = "train"', table))
    assert lesson.networks["cells"]["x"] is None
    assert lesson.networks["cells"]["table"]["file"] == "t.csv"
    with pytest.raises(SettingsError, match=r"networks\.cells: .*t\.csv"):
        list(walk_lesson(lesson))


def test_the_list_begins_with_the_articles():
    names = lesson_names()
    assert names[:5] == tuple(f"article-{i}" for i in range(1, 6))
    assert len(names) == 11
