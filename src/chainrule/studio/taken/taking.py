"""What can be taken away from the studio: the model's file, and the command and the lines of Python that make it again."""

from __future__ import annotations

import shlex
import tempfile
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chainrule._doors import COMMAND_LINE
from chainrule.errors import SettingsError
from chainrule.fitting.question import Question
from chainrule.model.group import Group
from chainrule.model.model import Model
from chainrule.studio.training.course import DTYPE, Course
from chainrule.studio.training.opening import AskedFor, asked_of
from chainrule.training.result import FitResult
from chainrule.training.settings.fields import Setting, listed
from chainrule.training.settings.record import Settings

MODEL_TYPE = "application/octet-stream"
TEXT_TYPE = "text/plain"


def taken(course: Course, result: FitResult | None, what: str) -> tuple[str, str, bytes]:
    """Return the name, the kind and the bytes of what is taken: ``model``, ``command`` or ``python``.

    ``result`` is the training that has ended, None where it hasn't. Raises SettingsError for what there isn't yet.
    """
    if what == "model":
        return f"{stem_of(course)}.safetensors", MODEL_TYPE, _model_bytes(course, result)
    if course.by_hand:
        instead = (
            "undo the changes first"
            if course.prepared is None and asked_of(course).model is None
            else ("take the model's file, or undo the changes first")
        )
        raise SettingsError(f"what was changed by hand is no word of a command: {instead}")
    text = command_of(course) if what == "command" else python_of(course)
    if text is None:
        raise SettingsError(
            "the words that made this model aren't known here: take them from a studio on its table's file"
        )
    return f"{stem_of(course)}.{'sh' if what == 'command' else 'py'}", TEXT_TYPE, f"{text}\n".encode()


def taken_reply(name: str, mime: str, content: bytes) -> dict[str, str]:
    """Return what is taken as it is sent: words to be read as text, all else as a file."""
    if mime == TEXT_TYPE:
        return {"name": name, "mime": mime, "text": content.decode()}
    return {"name": name, "mime": mime, "base64": b64encode(content).decode("ascii")}


def _model_bytes(course: Course, result: FitResult | None) -> bytes:
    model = asked_of(course).model
    if model is not None and not course.by_hand:
        return bytes_of(model)
    if course.prepared is None and model is None:
        raise SettingsError(
            "a lesson's network has no model file: take the file that plays it, or open a table"
        )
    if result is None:
        raise SettingsError("the model is there when the training has ended: press Train, and take it then")
    if model is not None:
        return bytes_of(replace(model, groups=(Group(course.network, result.parameters),), card={}))
    trained = course.scored(result)
    assert trained is not None
    # No card tells how a branch was made, so its file has none, and its training can't be said to be replayed.
    return bytes_of(replace(trained.model, card={}) if course.by_hand else trained.model)


def bytes_of(model: Model) -> bytes:
    """Return what a model's file holds."""
    with tempfile.TemporaryDirectory(prefix="chainrule-") as folder:
        path = Path(folder) / "model.safetensors"
        model.save(path)
        return path.read_bytes()


def stem_of(course: Course) -> str:
    """Return what files that are taken away are called, without their endings."""
    asked = asked_of(course)
    if asked.lesson is not None:
        return Path(asked.lesson.name).stem
    return "model" if asked.file == "-" else Path(asked.file).name.split(".")[0] or "model"


def command_of(course: Course) -> str | None:
    """Return the command that makes the same; None where it isn't known: of a model that was opened."""
    asked = asked_of(course)
    if asked.lesson is not None:
        return shlex.join(["chainrule", "lesson", asked.lesson.name])
    if asked.question is None or not asked.file:
        return None
    words = ["chainrule", "train", asked.file]
    for one, value in _given(asked):
        words += _option(one, value)
    for name, value in asked.read.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            words += [COMMAND_LINE.setting(name), str(item)] if item is not None else []
    words += [COMMAND_LINE.setting("dtype"), DTYPE]
    return shlex.join(words)


def live_command(course: Course) -> str | None:
    """Return the command that opens a studio on the same."""
    asked = asked_of(course)
    if asked.lesson is not None:
        return shlex.join(["chainrule", "studio", COMMAND_LINE.setting("lesson"), asked.lesson.name])
    if asked.question is None or not asked.file:
        return None
    words = shlex.split(command_of(course) or "")
    return shlex.join(["chainrule", "studio", *words[2:-2]])


def python_of(course: Course) -> str | None:
    """Return the lines of Python that make the same; None where they aren't known."""
    asked = asked_of(course)
    if asked.lesson is not None:
        from chainrule.lessons.program import lesson_program

        return lesson_program(asked.lesson).rstrip("\n")
    if asked.question is None or not asked.file:
        return None
    given = {one.name: list(value) if isinstance(value, tuple) else value for one, value in _given(asked)}
    target = given.pop("target")
    given |= {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asked.read.items()
        if value is not None
    }
    given["dtype"] = DTYPE
    lines = "".join(f"    {name}={value!r},\n" for name, value in given.items())
    start = f"trained = chainrule.train(\n    {asked.file!r},\n    {target!r},\n{lines})"
    return f"import chainrule\n\n{start}\ntrained.model.save({f'{stem_of(course)}.safetensors'!r})"


def _given(asked: AskedFor) -> Iterator[tuple[Setting, Any]]:
    """Yield what was said of the question and the settings, where it isn't what they are by themselves."""
    assert asked.question is not None
    for cls, holder in ((Question, asked.question), (Settings, asked.settings)):
        for one in listed(cls):
            value = getattr(holder, one.name)
            if one.name == "test_file":
                value = asked.test_file
            if value is None or (value == one.default and not one.required):
                continue
            yield one, tuple(value) if isinstance(value, list) else value


def _option(one: Setting, value: Any) -> list[str]:
    """Return a setting as words of the command line, which reads them back as the same value."""
    name = COMMAND_LINE.setting(one.name)
    if isinstance(value, bool):
        return [name if value else COMMAND_LINE.setting(f"no_{one.name}")]
    if one.kind.name == "columns":
        return [word for item in ((value,) if isinstance(value, str) else value) for word in (name, item)]
    if one.kind.name == "kinds":
        return [word for column, kind in value.items() for word in (name, f"{column}={kind}")]
    return [name, _written(one.kind.name, value)]


def _written(kind: str, value: Any) -> str:
    if kind == "sizes":
        return ",".join(map(str, value)) or "none"
    if isinstance(value, Mapping):
        return ",".join(f"{key}={number!r}" for key, number in value.items())
    return ",".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
