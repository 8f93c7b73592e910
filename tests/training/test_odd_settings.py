"""A value of the wrong kind is refused in one line, by the name that its setting has at the door, whatever the setting."""

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.training.test_settings_are_one_thing import CLASSES

import chainrule
from chainrule._doors import COMMAND_LINE, through
from chainrule.errors import ChainruleError, SettingsError
from chainrule.fitting.question import READING, Question, asked
from chainrule.training.settings.fields import listed
from chainrule.training.settings.record import Settings
from chainrule.training.settings.resolve import resolve

TABLE = {"x": [1.5, 2, 3, 4.0] * 10, "c": ["u", "v"] * 20, "y": ["a", "b"] * 20}
KINDS = {one.name: one.kind.name for cls in (Settings, Question) for one in listed(cls)}
scalars = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=2)),
    *(st.just(10**400), st.just(np.int64(3)), st.just(np.float64(0.5)), st.builds(object)),
)
values = st.one_of(
    scalars,
    st.lists(scalars, max_size=3),
    st.dictionaries(scalars, scalars, max_size=2),
    st.just(np.array([1.0])),
    st.just(np.array(["x"])),
    st.just(len),
)


@pytest.mark.parametrize("name", [*KINDS, *READING, "engine", "threads"])
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=values)
def test_whatever_is_given_is_taken_or_refused(name: str, value: Any):
    words: dict[str, Any] = {name: value}
    with suppress(ChainruleError):
        if name in ("engine", "threads"):
            chainrule.engines.engine_named(
                **{"name": "cpu", **({"name": value} if name == "engine" else words)}
            )
            return
        target = words.pop("target", "y")
        question, made = asked(TABLE, target, words)
        if words.get("test_file") is None:
            resolve(made, CLASSES)
        question.opened()


@pytest.mark.parametrize(
    "name", [name for name, kind in KINDS.items() if kind in ("text", "texts", "columns")]
)
@pytest.mark.parametrize("value", [7, 0.5, [8], [None, "x"], {"x": "x"}, b"x", object], ids=repr)
def test_what_is_no_text_is_refused_by_its_name(name, value):
    if name in ("test_file", "teacher"):
        pytest.skip("a table in Python")
    for door, called in ((None, name), (COMMAND_LINE, f"--{name.replace('_', '-')}")):
        with (
            through(door),
            pytest.raises(
                SettingsError, match=rf"^{called} .* must be (text|(a column, or )?a list of columns)"
            ),
        ):
            asked(
                TABLE,
                **{
                    "target": "y",
                    "words": {},
                    **({"target": value} if name == "target" else {"words": {name: value}}),
                },
            )
