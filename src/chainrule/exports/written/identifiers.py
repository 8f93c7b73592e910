"""Names as a language allows them: columns as identifiers, refused where two would be the same."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable

from chainrule.errors import SettingsError

C_WORDS = frozenset((
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict", "return",
    "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
    "volatile", "while", "asm", "bool", "catch", "class", "delete", "explicit", "export", "false",
    "friend", "mutable", "namespace", "new", "operator", "private", "protected", "public", "template",
    "this", "throw", "true", "try", "typename", "using", "virtual", "and", "or", "not", "xor", "fn",
    "let", "match", "mod", "mut", "pub", "ref", "self", "trait", "type", "use", "where", "func", "go",
    "map", "package", "range", "select", "var", "chan", "defer", "interface", "import",
))  # fmt: skip
"""The words of C, C++, Rust and Go, which can't be fields."""


def identifier(name: str, words: Collection[str] = C_WORDS) -> str:
    """Return a name in lower-case ASCII letters, digits and underscores, which begins with a letter."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    made = re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "column"
    if made[0].isdigit():
        made = f"n{made}"
    return f"{made}_" if made in words else made


def identifiers(names: Iterable[str], language: str) -> dict[str, str]:
    """Return the identifier of each name; raises SettingsError where two names have the same."""
    made: dict[str, str] = {}
    for name in names:
        own = identifier(name)
        same = next((other for other, known in made.items() if known == own), None)
        if same is not None:
            raise SettingsError(
                f"columns {same!r} and {name!r} would both be {own} in {language}: rename one of them and train again, or "
                "export to javascript or python, where columns keep their names"
            )
        made[name] = own
    return made
