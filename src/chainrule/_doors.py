"""How a message names a setting: in the words of the door that its reader came through.

A mistake is seen far from the door, so a message asks which one is open: `setting` answers with an option of the
command line, a parameter of Python, or the label of a form. Where no door was opened it is Python's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.errors import SettingsError

_PLAIN = re.compile(r"[\w.,+-]+")


@dataclass(frozen=True)
class Door:
    """How a door calls a setting, and a setting with a value.

    ``registry``: where it says the names of a registry are, by the registry's name and its place in Python. ``renamed``: what
    this door calls otherwise than the list of settings does.
    """

    called: Callable[[str], str]
    valued: Callable[[str, Any], str]
    registry: str
    renamed: Mapping[str, str] = field(default_factory=dict)

    def setting(self, name: str, *value: Any) -> str:
        """Return what a setting is called here, with a value if one is given."""
        name = self.renamed.get(name, name)
        return self.valued(name, *value) if value else self.called(name)


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _option_with(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return _option(name if value else f"no_{name}")
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{_option(name)} {text if _PLAIN.fullmatch(text) else repr(text)}"


COMMAND_LINE = Door(
    _option,
    _option_with,
    "formulas {name}",
    {"seeds": "ablate", "folds": "cross_validate", "draws": "learning_curve", "notation": "as"},
)
PYTHON = Door(
    str, lambda name, value: f"{name}={value!r}", "`{home}`", {"out": "path", "step": "trace_steps(…)"}
)
FORM = Door(_spaced, lambda name, value: f"{_spaced(name)} {value}", "the list of {name}")

_DOOR = ContextVar("door", default=PYTHON)


def setting(name: str, *value: Any) -> str:
    """Return what a setting is called at the open door, with a value if one is given.

    >>> setting("patience"), setting("members", 2), setting("missing", ["n. a."])
    ('patience', 'members=2', "missing=['n. a.']")
    >>> with through(COMMAND_LINE):
    ...     setting("batch_size"), setting("members", 2), setting("early_stopping", True), setting("recipe", False)
    ('--batch-size', '--members 2', '--early-stopping', '--no-recipe')
    """
    return _DOOR.get().setting(name, *value)


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Let what is wrong with a setting's value begin with what the setting is called at the open door."""
    try:
        yield
    except SettingsError as error:
        raise SettingsError(f"{setting(name)}: {error}") from error


@contextmanager
def through(door: Door | None = None, renamed: Mapping[str, str] | None = None) -> Iterator[None]:
    """Let what is said inside be in a door's words (None: the open one's), which calls some settings otherwise."""
    door = door or _DOOR.get()
    token = _DOOR.set(replace(door, renamed={**door.renamed, **(renamed or {})}))
    try:
        yield
    finally:
        _DOOR.reset(token)
