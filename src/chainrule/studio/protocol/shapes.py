"""The shapes of messages, written as TypeScript writes types, and what doesn't fit them said in one line.

There are ``number``, ``whole``, ``string``, ``boolean``, ``null``, ``unknown``, ``"a"`` for a text, ``T[]``, ``[A, B]``,
``A | B``, ``Record<string, T>``, and names of other shapes. ``whole`` is a number to TypeScript; ``Nested`` is a node of
`nested.nested`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

Fields = Mapping[str, str]
"""The fields of an object by name; one whose name ends in ``?`` may be missing."""

_TOKEN = re.compile(r'\s*(?:("[^"]*")|(\w+)|(\[\]|[][|<>,()]))')


class ShapeTree(NamedTuple):
    """A parsed type: its ``kind`` (a name, ``text``, ``list``, ``tuple``, ``union`` or ``record``), a ``name`` and its parts."""

    kind: str
    name: str = ""
    parts: tuple[ShapeTree, ...] = ()


@lru_cache(maxsize=512)
def shape_tree(text: str) -> ShapeTree:
    """Return a type's shape; raises ValueError for what is not in the language of the module."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"{text!r}: {text[at:]!r} is no type")
        tokens.append(match[0].strip())
        at = match.end()
    shape, rest = _union(tokens)
    if rest:
        raise ValueError(f"{text!r}: {rest[0]!r} is left over")
    return shape


def _union(tokens: list[str]) -> tuple[ShapeTree, list[str]]:
    parts = []
    while True:
        part, tokens = _several(tokens)
        parts.append(part)
        if tokens[:1] != ["|"]:
            break
        tokens = tokens[1:]
    return (parts[0] if len(parts) == 1 else ShapeTree("union", parts=tuple(parts))), tokens


def _several(tokens: list[str]) -> tuple[ShapeTree, list[str]]:
    if not tokens:
        raise ValueError("a type is missing")
    first, *rest = tokens
    if first == "(":
        shape, rest = _union(rest)
        rest = _after(")", rest)
    elif first == "[":
        parts = []
        while True:
            part, rest = _union(rest)
            parts.append(part)
            if rest[:1] != [","]:
                break
            rest = rest[1:]
        shape, rest = ShapeTree("tuple", parts=tuple(parts)), _after("]", rest)
    elif first == "Record":
        rest = _after(",", _after("string", _after("<", rest)))
        shape, rest = _union(rest)
        shape, rest = ShapeTree("record", parts=(shape,)), _after(">", rest)
    elif first.startswith('"'):
        shape = ShapeTree("text", first[1:-1])
    elif first.isidentifier():
        shape = ShapeTree("name", first)
    else:
        raise ValueError(f"{first!r} begins no type")
    while rest[:1] == ["[]"]:
        shape, rest = ShapeTree("list", parts=(shape,)), rest[1:]
    return shape, rest


def _after(sign: str, tokens: list[str]) -> list[str]:
    if tokens[:1] != [sign]:
        raise ValueError(f"{sign!r} is missing before {tokens[:1]}")
    return tokens[1:]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_PLAIN: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "number": (_is_number, "a number"),
    "whole": (lambda value: isinstance(value, int) and not isinstance(value, bool), "a whole number"),
    "string": (lambda value: isinstance(value, str), "a text"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "null": (lambda value: value is None, "null"),
    "unknown": (lambda value: True, "anything"),
    "Nested": (lambda value: _is_node(value), "a node"),
}
NESTED = "string | [string, Record<string, string>, ...any[]]"


def _is_node(value: object) -> bool:
    if isinstance(value, str):
        return True
    if not (
        isinstance(value, list)
        and len(value) >= 2
        and isinstance(value[0], str)
        and isinstance(value[1], dict)
    ):
        return False
    return all(isinstance(text, str) for text in value[1].values()) and all(map(_is_node, value[2:]))


def wrong(value: object, shape: ShapeTree, shapes: Mapping[str, Fields], where: str) -> str:
    """Return what is wrong with a value at a place, in one line; "" where it fits."""
    if shape.kind == "name" and shape.name not in _PLAIN:
        return wrong_fields(value, shapes[shape.name], shapes, where)
    if shape.kind == "list" and isinstance(value, list):
        found = (wrong(item, shape.parts[0], shapes, f"{where}[{k}]") for k, item in enumerate(value))
        return next(filter(None, found), "")
    if shape.kind == "tuple" and isinstance(value, list) and len(value) == len(shape.parts):
        pairs = enumerate(zip(value, shape.parts, strict=True))
        found = (wrong(item, part, shapes, f"{where}[{k}]") for k, (item, part) in pairs)
        return next(filter(None, found), "")
    if shape.kind == "record" and isinstance(value, dict):
        found = (wrong(item, shape.parts[0], shapes, f"{where}.{name}") for name, item in value.items())
        return next(filter(None, found), "")
    if shape.kind == "union":
        tried = [wrong(value, part, shapes, where) for part in shape.parts]
        # What went wrong inside the one part that such a value can be says more than all that it could be.
        inside = [words for words in tried if words and not words.startswith(f"{where}: ")]
        if not all(tried):
            return ""
        return inside[0] if len(inside) == 1 else _not(value, shape, where)
    if shape.kind == "name" and _PLAIN[shape.name][0](value):
        return ""
    if shape.kind == "text" and value == shape.name:
        return ""
    return _not(value, shape, where)


def wrong_fields(value: object, fields: Fields, shapes: Mapping[str, Fields], where: str) -> str:
    """Return what is wrong with an object at a place, in one line; "" where it has these fields and no others."""
    if not isinstance(value, dict):
        return f"{where}: an object was expected, not {_shown(value)}"
    needed = {name for name in fields if not name.endswith("?")}
    known = {name.removesuffix("?"): text for name, text in fields.items()}
    for name in value:
        if name not in known:
            return f"{where}: there is no {name!r}; known are {', '.join(known)}"
    for name in known:
        if name in needed and name not in value:
            return f"{where}: {name!r} is missing"
        if name in value and (
            words := wrong(value[name], shape_tree(known[name]), shapes, f"{where}.{name}")
        ):
            return words
    return ""


def _not(value: object, shape: ShapeTree, where: str) -> str:
    return f"{where}: {shape_words(shape)} was expected, not {_shown(value)}"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def shape_words(shape: ShapeTree) -> str:
    """Return a shape in words.

    >>> shape_words(shape_tree('"term" | "layer"')), shape_words(shape_tree("whole | null"))
    ("'term' or 'layer'", 'a whole number or null')
    """
    if shape.kind == "union":
        return " or ".join(shape_words(part) for part in shape.parts)
    if shape.kind in ("list", "tuple"):
        return "a list"
    if shape.kind == "record":
        return "an object"
    return repr(shape.name) if shape.kind == "text" else _PLAIN.get(shape.name, (None, "an object"))[1]


def typedef(name: str, words: str, fields: Fields) -> str:
    """Return an object's shape as a JSDoc type definition."""
    lines = [f"/**\n * {words}\n * @typedef {{object}} {name}"]
    for field, text in fields.items():
        optional = field.endswith("?")
        field = field.removesuffix("?")
        shown = re.sub(r"\bwhole\b", "number", text)
        lines.append(f" * @property {{{shown}}} {f'[{field}]' if optional else field}")
    return "\n".join([*lines, " */"])
