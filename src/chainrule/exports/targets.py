"""The languages that models are exported to, each with what writes it and what runs it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike, fspath
from pathlib import Path

from chainrule._doors import setting
from chainrule.equations.registry import check_choice
from chainrule.errors import SettingsError
from chainrule.exports.program import Program
from chainrule.exports.run.base import Runner
from chainrule.exports.run.made_rows import COUNT
from chainrule.exports.run.native import run_c
from chainrule.exports.run.onnx import run_onnx
from chainrule.exports.run.scripts import run_javascript, run_python
from chainrule.exports.run.sql import run_duckdb, run_postgres, run_sqlite
from chainrule.exports.run.wasm import run_wasm
from chainrule.exports.run.xlsx import run_xlsx
from chainrule.exports.written.c99 import write_c
from chainrule.exports.written.dialects import DIALECTS
from chainrule.exports.written.javascript import write_javascript
from chainrule.exports.written.onnx_model import write_onnx
from chainrule.exports.written.plain_python import write_python
from chainrule.exports.written.sql import write_sql
from chainrule.exports.written.wasm import write_wasm
from chainrule.exports.written.xlsx import texts_of, write_xlsx


@dataclass(frozen=True)
class TargetLanguage:
    """A language that models are exported to: how it is written and run, and in which precision it computes.

    ``exact`` runs one of single precision in double all the same; ``named``: what it defines begins with the file's name;
    ``rows`` are how many rows it is tried on, and ``said`` finds the first lines in its content.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[..., str | bytes]
    run: Runner
    double: bool = True
    exact: Runner | None = None
    named: bool = False
    rows: int = COUNT
    said: Callable[[bytes], bytes] = bytes

    def content(self, program: Program, certificate: Sequence[str] = (), name: str = "model") -> bytes:
        """Return what a file of it has, with the words of a certificate among its first lines."""
        made = self.write(program, certificate, *((name,) if self.named else ()))
        return made.encode("utf-8") if isinstance(made, str) else made


FEW = 500
"""The rows that a slow language is tried on, of which each has more odd cells then."""

FEWEST = 25
"""The rows that a workbook is tried on, of which each takes about a second."""

IN_DIALECTS: Mapping[str, TargetLanguage] = {
    "sqlite": TargetLanguage("sql", (".sql",), write_sql, run_sqlite, rows=FEW),
    "duckdb": TargetLanguage("sql", (".sql",), partial(write_sql, dialect="duckdb"), run_duckdb),
    "postgres": TargetLanguage(
        "sql", (".sql",), partial(write_sql, dialect="postgres"), run_postgres, rows=FEW
    ),
}
"""SQL by the dialect's name."""

LANGUAGES: Mapping[str, TargetLanguage] = {
    language.name: language
    for language in (
        TargetLanguage("python", (".py",), write_python, run_python),
        TargetLanguage("javascript", (".mjs", ".js"), write_javascript, run_javascript),
        TargetLanguage(
            "c", (".h",), write_c, run_c, double=False, exact=partial(run_c, double=True), named=True
        ),
        TargetLanguage("onnx", (".onnx",), write_onnx, run_onnx, double=False),
        IN_DIALECTS["sqlite"],
        TargetLanguage("wasm", (".wasm",), write_wasm, run_wasm, double=False),
        TargetLanguage("xlsx", (".xlsx",), write_xlsx, run_xlsx, rows=FEWEST, said=texts_of),
    )
}
"""The languages by name."""


def language_named(
    to: str | None, path: str | PathLike[str] | None, dialect: str | None = None
) -> TargetLanguage:
    """Return the language of a name, or of the ending of a file's name; raises SettingsError for none."""
    language = _named(to, path, f", or name it with {setting('to')}")
    if dialect is None:
        return language
    if language.name != "sql":
        raise SettingsError(f"{setting('dialect', dialect)} is about sql, not {language.name}: leave it out")
    check_choice(setting("dialect"), dialect, tuple(IN_DIALECTS))
    return IN_DIALECTS[dialect]


def language_of(path: str | PathLike[str]) -> TargetLanguage:
    """Return the language of an export's file, by its ending; raises SettingsError for none."""
    return _named(None, path, "")


def _named(to: str | None, path: str | PathLike[str] | None, or_name_it: str) -> TargetLanguage:
    if to is not None:
        alike = next((name for name, one in LANGUAGES.items() if f".{to.lower()}" in one.suffixes), to)
        if alike != to:
            raise SettingsError(f"{setting('to')} {to!r} is unknown: did you mean {alike}?")
        check_choice(setting("to"), to, tuple(LANGUAGES))
        return LANGUAGES[to]
    suffix = "" if path is None else Path(fspath(path)).suffix.lower()
    for language in LANGUAGES.values():
        if suffix in language.suffixes:
            return language
    known = ", ".join(f"{language.suffixes[0]} ({name})" for name, language in LANGUAGES.items())
    where = f"{fspath(path)}: the ending says no language" if path is not None else "no language is named"
    raise SettingsError(f"{where}: choose {known}{or_name_it}")


def written_as(language: TargetLanguage, content: bytes) -> TargetLanguage:
    """Return the language of a file's content, where its ending leaves the dialect open."""
    if language.name == "sql":
        for name, dialect in DIALECTS.items():
            if re.search(rb"^-- For " + dialect.target.name.encode() + rb"\.", content, re.MULTILINE):
                return IN_DIALECTS[name]
    return language
