"""Joins our JavaScript modules into one script, each in a scope of its own: one request, and one file where there is no server.

A module imports with ``import { a, b as c } from "./x.js";`` and exports with ``export function``, ``class``, ``const`` before a
definition, and with nothing else: what can't be joined is refused by a line that names file and line.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Collection, Mapping

from chainrule.errors import SettingsError

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"(\.{1,2}/[\w./-]+\.js)";[ \t]*$', re.MULTILINE)
_EFFECT = re.compile(r'^import\s*"(\.{1,2}/[\w./-]+\.js)";[ \t]*$', re.MULTILINE)
_EXPORT = re.compile(r"^export\s+((?:async\s+)?function\*?|class|const)\s+([\w$]+)", re.MULTILINE)
_OTHER = re.compile(r"^\s*(?:import\b(?!\s*\()|export\b)|\bimport\s*\(|\bimport\.meta\b", re.MULTILINE)
_NAME = re.compile(r"([\w$]+)(?:\s+as\s+([\w$]+))?")


def linked(modules: Mapping[str, str], entry: str, made: Collection[str] = ()) -> str:
    """Return one module that does what ``entry`` does, from the modules' texts by name (``draw/lines.js``).

    Modules that are ``made`` have texts of others in them, such as the names of columns, and are not looked through for what
    can't be joined: their writer answers for that.
    Raises SettingsError for a form of import or export that isn't joined, a name that isn't exported, or a circle.
    """
    order: list[str] = []
    _visit(entry, modules, order, ())
    exports: dict[str, list[str]] = {}
    parts = []
    for name in order:
        parts.append(_scoped(name, modules[name], exports, checks=name not in made))
    return "\n".join(parts)


def integrity(text: str) -> str:
    """Return the hash of a script or style as a content security policy has it.

    >>> integrity("")
    'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _wanted(name: str, text: str) -> list[str]:
    """Return the modules that one imports, by their names."""
    found = [(match.start(), match[2]) for match in _IMPORT.finditer(text)]
    found += [(match.start(), match[1]) for match in _EFFECT.finditer(text)]
    return [_beside(name, path) for _, path in sorted(found)]


def _beside(name: str, path: str) -> str:
    """Return the name of what ``./x.js`` or ``../x.js`` is, seen from a module."""
    parts = name.split("/")[:-1]
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _visit(name: str, modules: Mapping[str, str], order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        circle = " → ".join([*above[above.index(name) :], name])
        raise SettingsError(
            f"{name}: modules import each other in a circle, {circle}; move what both need to a third"
        )
    if name in order:
        return
    if name not in modules:
        raise SettingsError(f"{above[-1] if above else 'the page'} imports {name}, which is not there")
    for other in _wanted(name, modules[name]):
        _visit(other, modules, order, (*above, name))
    order.append(name)


def _scoped(name: str, text: str, exports: dict[str, list[str]], *, checks: bool) -> str:
    """Return a module as a scope that gives what it exports, and keep the names of these."""
    own = [match[2] for match in _EXPORT.finditer(text)]

    def taken(match: re.Match[str]) -> str:
        origin = _beside(name, match[2])
        pairs = []
        for part in filter(None, (piece.strip() for piece in match[1].split(","))):
            names = _NAME.fullmatch(part)
            if names is None or names[1] not in exports[origin]:
                raise SettingsError(f"{_place(name, text, match.start())}: {origin} does not export {part}")
            pairs.append(names[1] if names[2] is None else f"{names[1]}: {names[2]}")
        return f"const {{ {', '.join(pairs)} }} = {_scope(origin)};" + "\n" * match[0].count("\n")

    body = _EXPORT.sub(r"\1 \2", _EFFECT.sub("", _IMPORT.sub(taken, text)))
    if checks and (other := _OTHER.search(_without_comments(body))):
        where = _place(name, text, text.find(other[0].strip()))
        raise SettingsError(
            f"{where}: {other[0].strip()!r} is a form of import or export that can't be joined"
        )
    exports[name] = own
    return f"// {name}\nconst {_scope(name)} = (() => {{\n{body}\nreturn {{ {', '.join(own)} }};\n}})();"


def _without_comments(text: str) -> str:
    """Return a module without its comments, in which ``import(…)`` names types."""
    return re.sub(r"/\*.*?\*/", "", re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE), flags=re.DOTALL)


def _scope(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name.removesuffix(".js"))


def _place(name: str, text: str, at: int) -> str:
    return f"{name}, line {text.count(chr(10), 0, max(at, 0)) + 1}"
