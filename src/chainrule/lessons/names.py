"""The names in a lesson file: its own notation's, or ours, become addresses; what words call a number by is one, too.

A lesson is read in its own notation and told in that, or in the one that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.lessons.asking import NAMED, TOLD
from chainrule.lessons.fields import Where
from chainrule.lessons.lesson import Lesson, LessonStep
from chainrule.lessons.moves.all import MOVES
from chainrule.lessons.numbers import GENERAL
from chainrule.lessons.setup import Setup

NAMES = ("expect", "wrong", "addresses", "only", "columns", "parameter", "parameters", "number")
"""The keys whose values are names of numbers, lists of them, or tables by name."""

WORDS = ("title", "text", "right", "why")
"""The keys whose words may name numbers; what a text prints stays as it is printed."""

_AFTER = re.compile(r"(?:['’]s)?[.'\"’”]*$")
"""What may stand close behind a name: w5's."""

_TOKEN = re.compile(r"`([^`]+)`|(?<![\w\]])((?:\{[^{}]*\}|[^\s,;:!?(){}\[\]…·=+*−–`-])+)")


def in_addresses(lesson: Lesson, setups: Mapping[str, Setup]) -> Lesson:
    """Return a lesson whose numbers are named by addresses, in its words in backquotes: ```W[2][1,1]```.

    ``setups`` are its networks. Raises SettingsError, naming file and place, for a name that stands for no number.
    """
    own = notation(lesson.notation)
    stays = lesson.told_in in (None, lesson.notation)
    names = {name: Naming(own, setup.network) for name, setup in setups.items()}
    first = next(iter(names))
    steps = tuple(_step(lesson, step, names[_network(step.values, first)], stays) for step in lesson.steps)
    sheet = lesson.sheet
    if sheet is not None:
        naming, where = names[sheet["network"] or first], lesson.where.at("sheet")
        given = sheet["addresses"] and _renamed(lesson, "addresses", sheet["addresses"], naming, where, "")
        words = sheet["text"] and told_in_addresses(sheet["text"], naming, where.at("text"), stays)
        sheet = {**sheet, "addresses": given, "text": words}
    return replace(lesson, steps=steps, sheet=sheet)


def _network(values: Mapping[str, Any], first: str) -> str:
    name = values["network"] or (values.get("networks") or (first,))[0]
    return str(name)


def _step(lesson: Lesson, step: LessonStep, naming: Naming, stays: bool) -> LessonStep:
    values, numbers = dict(step.values), MOVES[step.move].numbers
    for key in NAMES:
        if values.get(key):
            values[key] = _renamed(lesson, key, values[key], naming, step.where, numbers)
    for key in WORDS:
        if values.get(key):
            values[key] = told_in_addresses(values[key], naming, step.where.at(key), stays)
    of_page: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
        ("ask", NAMED, TOLD), ("page", ("light",), ()), ("until", ("changes",), ("words",)),
    )  # fmt: skip
    for part, named, told in of_page:
        given, at = values.get(part), step.where.at(part)
        if not given:
            continue
        given = dict(given)
        for key in named:
            if given.get(key):
                given[key] = _renamed(lesson, f"{part}.{key}", given[key], naming, step.where, numbers)
        for key in told:
            if given.get(key):
                given[key] = _told(given[key], naming, at.at(key), stays)
        values[part] = given
    return replace(step, values=values)


def _told(words: Any, naming: Naming, where: Where, stays: bool) -> Any:
    """Return words, or each of a list of them, with addresses for the names in them."""
    if isinstance(words, str):
        return told_in_addresses(words, naming, where, stays)
    return tuple(told_in_addresses(each, naming, where, stays) for each in words)


def _renamed(lesson: Lesson, key: str, value: Any, naming: Naming, where: Where, numbers: str) -> Any:
    """Return the value of a key with addresses for names."""

    def one(name: str) -> str:
        network, _, rest = name.partition(".")
        if rest and network in lesson.networks:
            return f"{network}.{one(rest)}"
        if name in GENERAL or (numbers and re.fullmatch(numbers, name)):
            return name
        try:
            return str(naming.read(name))
        except ChainruleError as error:
            raise where.at(key).wrong(str(error)) from error

    if isinstance(value, str):
        return one(value)
    if not isinstance(value, Mapping):
        return tuple(map(one, value))
    made: dict[str, Any] = {}
    for name, said in value.items():
        if (place := one(name)) in made:
            raise where.at(key).wrong(f"{name} is {place}, which is named already; leave one of them out")
        made[place] = said
    return made


def told_in_addresses(words: str, naming: Naming, where: Where, stays: bool = True) -> str:
    """Return words with addresses in backquotes for the names of numbers among them.

    A name is found where it stands in backquotes, or is spelled as the notation writes it and is no mere word: w5, E_total. Where
    the words are told in another notation, so that they don't stay as they are, any spelling that is understood will do.
    """

    def one(found: re.Match[str]) -> str:
        quoted, token = found.groups()
        if quoted is not None:
            if " " in quoted:
                return found[0]
            try:
                return f"`{naming.read(quoted)}`"
            except ChainruleError as error:
                raise where.wrong(str(error)) from error
        bare = _AFTER.sub("", token)
        if not naming.notation.names or (bare.isascii() and bare.isalpha()):
            return token
        place = naming.find(bare, as_written=stays)
        return token if place is None else f"`{place}`{token[len(bare) :]}"

    return _TOKEN.sub(one, words)
