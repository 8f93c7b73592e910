"""A small lesson of one's own, and a way to change words in it."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from chainrule.lessons.lesson import Lesson, read_lesson
from chainrule.lessons.runner import walk_lesson
from chainrule.lessons.show.document import ShownStep

MINE = """
title = "A neuron says no"

[networks.main]
x = [[1, 2], [0, 1]]
y = [[0], [1]]
learning_rate = 0.5

[[networks.main.layers]]
neurons = 1
activation = "sigmoid"
W = [[0.3], [-0.4]]
b = [0.5]

[[steps]]
move = "derive"
title = "Forward"
text = "The weighted sum is 0."
addresses = ["a[1][1]", "loss"]
rows = [1]
[steps.expect]          # 0.3 - 0.8 + 0.5 = 0; sigmoid 1/2; (1/2 - 0)^2/2
"z[1][1]" = 0.0
"a[1][1]" = 0.50
"loss" = 0.125

[[steps]]
move = "train"
epochs = 5
[steps.expect]
cost = "< 0.12"
"""

Write = Callable[..., Lesson]


@cache
def walk_once(name: str) -> tuple[ShownStep, ...]:
    """The steps of a lesson that comes with chainrule, walked through once for all tests."""
    return tuple(walk_lesson(read_lesson(name)))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write MINE with words replaced, as pairs, and read it; the file is called mine.toml."""

    def write_and_read(*changes: tuple[str, str], text: str = MINE) -> Lesson:
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "mine.toml"
        path.write_text(text, "utf-8")
        return read_lesson(path)

    return write_and_read


@pytest.fixture(scope="session", name="walked")
def walked_fixture() -> Callable[[str], tuple[ShownStep, ...]]:
    """Return the steps of a lesson by its name."""
    return walk_once
