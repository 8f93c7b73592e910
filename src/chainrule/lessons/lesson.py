"""A lesson file: what can stand in it, and how it is read; docs/lessons.md is for who writes one."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chainrule.equations.dense import BIAS_MODES
from chainrule.errors import ChainruleError, FormulaError, SettingsError
from chainrule.explain.notation.record import notation
from chainrule.formula.stated import Stated, stated
from chainrule.lessons import fields as read
from chainrule.lessons.asking import NAMED, read_ask
from chainrule.lessons.fields import Field, Fields, Where, Written, read_fields, shown_value, suggest
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.numbers import check_name
from chainrule.lessons.printed import printed
from chainrule.tables.encoding.scalings import SCALINGS

FOLDER = Path(__file__).parent / "data"
"""Where the lessons that come with chainrule are."""

LARGEST_FILE = 1_000_000

PLACES = ("rest", "forward", "loss", "backward", "update")
"""Where in an update a page of the studio can stand: before it, or at the begin of a pass."""

LAYER: Fields = {
    "neurons": Field(read.toml_whole(1, 10_000), "how many", required=True),
    "activation": Field(read.toml_text, "a name, or a formula in z", "identity"),
    "bias": Field(
        read.toml_choice(BIAS_MODES), "one for each neuron, one shared by the layer, or none", "neuron"
    ),
    "W": Field(read.rows_of_numbers, "the weights, a row for each neuron of the layer before"),
    "b": Field(read.listing(read.toml_number), "the biases"),
    "init": Field(read.toml_text, "how weights are drawn where W is not given", "auto"),
    "dropout": Field(read.toml_share, "the share of outputs dropped in training", 0.0),
    "frozen": Field(read.listing(read.toml_text), "what training leaves alone: W, b, W[1,2], b[1]", ()),
}

TABLE: Fields = {
    "file": Field(read.toml_file, "a table, beside the lesson file", required=True),
    "target": Field(read.toml_text, "the column to predict; the last if not given"),
    "inputs": Field(
        read.listing(read.toml_text), "the columns to predict from; all that are fit if not given"
    ),
    "task": Field(read.toml_choice(("regression", "classification")), "found in the target if not given"),
    "scaling": Field(read.toml_choice(tuple(SCALINGS)), "of the inputs", "minmax"),
    "target_scaling": Field(
        read.toml_choice(("minmax", "standard", "none")), "of a target of numbers", "minmax"
    ),
    "test_share": Field(read.toml_share, "the share of rows kept for the test", 0.0),
}

NETWORK: Fields = {
    "like": Field(read.toml_text, "another network, whose keys hold where this one has none"),
    "layers": Field(read.listing(read.record(LAYER)), "the layers after the input", required=True),
    "loss": Field(read.toml_text, "a name, or a formula in a and y", "half_squared_error"),
    "over_outputs": Field(
        read.toml_choice(("mean", "sum")), "how the outputs' losses make a row's; as the loss has it"
    ),
    "reduction": Field(read.toml_choice(("mean", "sum")), "how the rows' losses make the cost", "mean"),
    "x": Field(read.rows_of_numbers, "the rows' inputs"),
    "y": Field(read.rows_of_numbers, "the rows' targets"),
    "table": Field(lambda *at: _table(*at), "where the rows come from, instead of x and y"),
    "input_names": Field(read.listing(read.toml_text), "what the inputs are called"),
    "test_rows": Field(read.listing(read.toml_whole(1)), "numbers of the rows kept for the test"),
    "optimizer": Field(read.toml_text, "a name, with parameters as in momentum(mu=0.5)", "sgd"),
    "learning_rate": Field(read.toml_positive, "the optimizer's own if not given"),
    "batch": Field(read.toml_whole(1), "rows of an update; all if not given"),
    "l1": Field(read.toml_number, "penalty on absolute weights", 0.0),
    "l2": Field(read.toml_number, "penalty on squared weights", 0.0),
    "weight_decay": Field(read.toml_number, "the optimizer's own if not given"),
    "clip_norm": Field(read.toml_positive, "the longest gradient"),
    "seed": Field(read.toml_whole(0), "of what is drawn", 0),
}

SHEET: Fields = {
    "network": Field(read.toml_text, "whose numbers are drawn anew; the first if not given"),
    "addresses": Field(
        read.listing(read.toml_text), "what is to be worked out; the lesson's derivations if not given"
    ),
    "rows": Field(read.listing(read.toml_whole(1)), "which rows; those whose turn it is if not given"),
    "hand": Field(read.toml_whole(1, 15), "as in the move derive", 3),
    "x": Field(read.listing(read.toml_number), "the numbers that inputs are drawn from"),
    "y": Field(read.listing(read.toml_number), "the numbers that targets are drawn from"),
    "W": Field(read.listing(read.toml_number), "the numbers that weights are drawn from"),
    "b": Field(read.listing(read.toml_number), "the numbers that biases are drawn from"),
    "keep": Field(
        read.listing(read.toml_choice(("x", "y", "W", "b"))),
        "which of them are the lesson's own on all sheets",
        (),
    ),
    "text": Field(read.toml_text, "what is said above the numbers"),
}

PROGRAM: Fields = {
    "file": Field(read.toml_file, "the program's text, beside the lesson file", required=True),
    "network": Field(read.toml_text, "whose numbers it begins with; the first if not given"),
    "epochs": Field(read.toml_whole(1), "how long it trains; as the network's first training if not given"),
    "show": Field(read.listing(read.toml_whole(0)), "which epochs it prints; as that training if not given"),
}

PAGE: Fields = {
    "place": Field(read.toml_choice(PLACES), "where in the update the page stands"),
    "row": Field(read.toml_whole(1), "the row that is looked at"),
    "light": Field(read.listing(read.toml_text), "the numbers that are lit; those of the step if not given"),
    "tab": Field(read.toml_text, "what is open below the network"),
}

UNTIL: Fields = {
    "updates": Field(read.toml_whole(1, 10_000), "so many updates are made on the page"),
    "place": Field(read.toml_choice(PLACES[1:]), "the page has come to that pass"),
    "changes": Field(read.toml_text, "this parameter has been changed by hand"),
    "words": Field(read.toml_text, "what is to be done; by its key if not given"),
}

COMMON: Fields = {
    "move": Field(read.toml_text, "what happens", required=True),
    "title": Field(read.toml_text, "the step's heading"),
    "text": Field(read.toml_text, "what is said before"),
    "network": Field(read.toml_text, "the network; the first if not given"),
    "rows": Field(
        read.listing(read.toml_whole(1)), "numbers of the rows; those whose turn it is if not given"
    ),
    "expect": Field(read.toml_table(printed), "names of numbers, and what they are expected to be", {}),
    "states": Field(read.listing(lambda *at: _stated(*at)), "the formulas that the text states here", ()),
    "announces": Field(read.toml_text, "what the text announces here and leaves out"),
    "pictures": Field(read.listing(read.toml_text), "titles of the steps that show it in pictures", ()),
    "ask": Field(read_ask, "what is to be predicted first, in the studio; false for nothing"),
    "page": Field(read.record(PAGE), "how the studio's page stands", {}),
    "until": Field(lambda *at: _until(*at), "what is to be done on the studio's page before it goes on"),
}

STATED: Fields = {
    "formula": Field(read.toml_text, "in the text's own letters", required=True),
    "words": Field(read.toml_text, "what it is", ""),
}

LESSON: Fields = {
    "title": Field(read.toml_text, "the heading", required=True),
    "summary": Field(read.toml_text, "one line for the list", ""),
    "source": Field(read.toml_text, "where the example is from", ""),
    "order": Field(read.toml_whole(0), "the place in the list", 1000),
    "digits": Field(read.toml_whole(1, 17), "of the numbers shown", 6),
    "notation": Field(lambda *at: _notation(*at), "whose names the numbers have", "ours"),
    "networks": Field(lambda *at: _networks(*at), "by name", required=True),
    "steps": Field(read.listing(lambda *at: _step(*at)), "one after the other", required=True),
    "sheet": Field(read.record(SHEET), "how exercises are drawn"),
    "program": Field(read.record(PROGRAM), "the lesson in plain Python"),
}


@dataclass(frozen=True)
class LessonStep:
    """One step of a lesson: its move, the values of its keys, its place in the file."""

    move: str
    values: Mapping[str, Any]
    where: Where


@dataclass(frozen=True)
class Lesson:
    """A lesson as its file says it; ``networks`` are plans, each the values of `NETWORK`'s keys."""

    name: str
    title: str
    summary: str
    source: str
    order: int
    digits: int
    notation: str
    networks: Mapping[str, Mapping[str, Any]]
    steps: tuple[LessonStep, ...]
    sheet: Mapping[str, Any] | None
    program: Mapping[str, Any] | None
    where: Where
    folder: Path
    told_in: str | None = None
    """The notation that it is told in, if not its own."""


def lesson_names() -> tuple[str, ...]:
    """Return the names of the lessons that come with chainrule, in the order of their files' ``order``."""
    made = [read_lesson(path.stem) for path in FOLDER.glob("*.toml")]
    return tuple(lesson.name for lesson in sorted(made, key=lambda lesson: (lesson.order, lesson.name)))


def read_lesson(name: str | os.PathLike[str]) -> Lesson:
    """Return the lesson of a name, or of a file that ends in ``.toml``.

    >>> read_lesson("article-5").networks["frozen"]["learning_rate"]
    0.5

    Raises SettingsError naming file, place, value and remedy for a file that is no lesson.
    """
    given, folder = os.fspath(name), Path()
    if not given.endswith(".toml"):
        shipped = sorted(path.stem for path in FOLDER.glob("*.toml"))
        if given not in shipped:
            close = difflib.get_close_matches(given, shipped, n=2, cutoff=0.5)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are {', '.join(shipped)};"
            own = "a lesson of your own is a file that ends in .toml"
            raise SettingsError(f"there is no lesson {given!r}; {hint} {own}")
        given, folder = f"{given}.toml", FOLDER
    where, path = Where(given), folder / given
    values = read_fields(_parse(path, where), LESSON, where)
    lesson = Lesson(path.stem, **values, where=where, folder=path.parent)
    titles = {step.values["title"] for step in lesson.steps}
    for step in lesson.steps:
        _check_network(step.values["network"], lesson, step.where)
        if lesson.notation == "ours":
            _check_names(step)
        for title in step.values["pictures"]:
            if title not in titles:
                place = step.where.at("pictures")
                raise place.wrong(f"no step is titled {title!r}; {suggest(title, filter(None, titles))}")
    if lesson.program is not None:
        _check_network(lesson.program["network"], lesson, where.at("program"))
    if lesson.sheet is not None:
        _check_network(lesson.sheet["network"], lesson, where.at("sheet"))
    return lesson


def _parse(path: Path, where: Where) -> dict[str, Any]:
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise where.wrong(f"the file has {size:,} bytes; a lesson has at most {LARGEST_FILE:,}")
        return tomllib.loads(path.read_text("utf-8"), parse_float=Written)
    except FileNotFoundError as error:
        raise where.wrong("there is no such file") from error
    except OSError as error:
        raise where.wrong(f"the file can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise where.wrong("the file is not text in UTF-8; save it so") from error
    except (tomllib.TOMLDecodeError, ValueError) as error:
        raise where.wrong(f"this is not TOML: {error}") from error
    except RecursionError as error:
        raise where.wrong("this is not a lesson: lists or tables lie too deep in each other") from error


def _table(value: Any, where: Where) -> dict[str, Any]:
    """Read where rows come from: a file's name alone says it, too."""
    return read_fields({"file": value} if isinstance(value, str) else value, TABLE, where)


def _notation(value: Any, where: Where) -> str:
    text = read.toml_text(value, where)
    try:
        notation(text)
    except SettingsError as error:
        raise where.wrong(str(error)) from error
    return text


def _until(value: Any, where: Where) -> dict[str, Any]:
    found = read_fields(value, UNTIL, where)
    if sum(found[key] is not None for key in ("updates", "place", "changes")) != 1:
        raise where.wrong("one of updates, place and changes says what is to be done")
    return found


def _stated(value: Any, where: Where) -> Stated:
    given = {"formula": value} if isinstance(value, str) else value
    found = read_fields(given, STATED, where)
    try:
        return stated(found["formula"], found["words"])
    except FormulaError as error:
        raise where.wrong(str(error)) from error


def _networks(value: Any, where: Where) -> dict[str, dict[str, Any]]:
    plans = read.toml_table(lambda plan, _: plan)(value, where)
    if not plans:
        raise where.wrong("there is no network; write one as [networks.main]")
    made = {}
    for name in plans:
        if not re.fullmatch(r"[A-Za-z][\w-]*", name):
            raise where.wrong(f"{name!r} can't be the name of a network; use letters, digits and -")
        made[name] = read_fields(_merged(plans, name, where), NETWORK, where.at(name))
    return made


def _merged(plans: Mapping[str, Any], name: str, where: Where) -> Any:
    """Return a network's keys with those of the networks it is like."""
    merged: dict[str, Any] = {}
    seen: list[str] = []
    while name not in seen:
        plan = plans[name]
        if not isinstance(plan, dict):
            return plan
        # Rows given in one way replace rows given in the other.
        if {"x", "y"} & plan.keys():
            plan = {"table": None, **plan}
        elif "table" in plan:
            plan = {"x": None, "y": None, **plan}
        merged = {**{k: v for k, v in plan.items() if k not in merged}, **merged}
        seen.append(name)
        before = plan.get("like")
        if before is None:
            return {key: value for key, value in merged.items() if value is not None}
        if before not in plans:
            wrong = f"there is no network {shown_value(before)}; {suggest(str(before), plans)}"
            raise where.at(f"{name}.like").wrong(wrong)
        name = before
    raise where.at(f"{name}.like").wrong(f"the networks {', '.join(seen)} are like each other in a circle")


def _step(value: Any, where: Where) -> LessonStep:
    if not isinstance(value, dict) or "move" not in value:
        raise where.wrong(f'a step has a move; write move = "say", or one of {", ".join(MOVES)}')
    name = read.toml_choice(tuple(MOVES))(value["move"], where.at("move"))
    move = MOVES[name]
    values = read_fields(value, {**COMMON, **move.fields}, where)
    return LessonStep(name, values, where)


def _check_names(step: LessonStep) -> None:
    """Refuse what can't be the name of a number; one in another notation than ours is read where the network is known."""
    move, values = MOVES[step.move], step.values
    keys: list[tuple[str, Any]] = [
        (key, values.get(key)) for key in ("expect", "wrong", "addresses", "only", "columns")
    ]
    keys += [(f"ask.{key}", values["ask"][key]) for key in NAMED if values["ask"]]
    keys += [("page.light", values["page"].get("light"))]
    for key, names in keys:
        for number_name in (names,) if isinstance(names, str) else names or ():
            try:
                if not (move.numbers and re.fullmatch(move.numbers, number_name)):
                    check_name(number_name)
            except ChainruleError as error:
                raise step.where.at(key).wrong(str(error)) from error


def _check_network(name: str | None, lesson: Lesson, where: Where) -> None:
    if name is not None and name not in lesson.networks:
        raise where.at("network").wrong(f"there is no network {name!r}; {suggest(name, lesson.networks)}")
