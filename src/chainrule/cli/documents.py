"""What a command has to say as a document: printed on the screen, or written in the format that is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule._doors import setting
from chainrule.cli.console import screen, warn
from chainrule.cli.parsing import Parser
from chainrule.errors import OutputError, SettingsError
from chainrule.explain.show import DRAWINGS, RENDERERS, format_named, render

if TYPE_CHECKING:
    from chainrule.explain.show.document import Document
    from chainrule.explain.show.text import Signs


READS = ("model", "table", "lesson", "name", "history")
"""The arguments that may be files a command reads."""


def picture_formats() -> tuple[str, ...]:
    """Return the formats of commands whose documents have a picture."""
    return (*RENDERERS, *DRAWINGS)


def has_pictures(name: str) -> bool:
    """Return whether pictures are seen in a format, so that what only they show is made for no other."""
    return name == "html" or name in DRAWINGS


def document_options(made: Parser, formats: Sequence[str] = ()) -> None:
    """Add the options of how a document is written."""
    said = {
        f"--format {{{','.join(formats or RENDERERS)}}}": "by the ending of --out if not given, else "
        f"{(*formats, 'text')[0]}",
        "--out FILE": "where to write; printed if not given",
        "--overwrite": "replace a file that exists",
    }
    if "json" in (formats or RENDERERS):
        said["--json"] = "the same as --format json: for programs"
    made.options("output", said)


def chosen_format(options: argparse.Namespace, formats: Sequence[str] = ()) -> str:
    """Return the format that is asked for, or that of the file's ending.

    Raises SettingsError for an ending that says none, or another, and OutputError where the file can't be written or is
    to be read.
    """
    asked, option = options.format, f"--format {options.format}"
    if getattr(options, "json", False):
        if asked not in (None, "json"):
            raise SettingsError(f"--json and {option} contradict each other; choose one")
        asked, option = "json", "--json"
    if options.out is not None:
        check_out(options.out, options.overwrite, [getattr(options, read, None) for read in READS])
        said = _said_by(options.out, {**RENDERERS, **DRAWINGS})
        if asked and said not in (None, asked):
            what = f"{option} and --out {options.out} contradict each other"
            raise SettingsError(f"{what}: the ending says {said}; choose one of them, or another ending")
    return asked or format_of(options.out, formats)


def python_only(options: argparse.Namespace, without: Sequence[str]) -> None:
    """Raise SettingsError for what has no effect beside --as-python, OutputError where it can't be written."""
    for name in (*without, "json", "format"):
        if getattr(options, name):
            raise SettingsError(
                f"--{name.replace('_', '-')} has no effect on a program in Python: leave it out, or --as-python"
            )
    if options.out is not None:
        check_out(options.out, options.overwrite, [getattr(options, read, None) for read in READS])


def _said_by(out: str, known: Iterable[str]) -> str | None:
    """Return which of the known formats a file's ending says, if any."""
    ending = Path(out).suffix.lower()
    return next((name for name in known if ending in (format_named(name).ending, f".{name}")), None)


def format_of(out: str | None, formats: Sequence[str] = (), option: str = "--out") -> str:
    """Return the format that a file's ending says; without a file the first of all."""
    known = tuple(formats or RENDERERS)
    if out is None:
        return known[0]
    named = _said_by(out, known)
    if named is not None:
        return named
    endings = ", ".join(format_named(name).ending for name in known)
    remedy = f", or choose --format {', '.join(known)}" if option == "--out" else ""
    raise SettingsError(f"{option} {out}: the ending says no format; use {endings}{remedy}")


def check_out(out: str, overwrite: bool, reads: Iterable[str | None]) -> None:
    """Raise OutputError for a file that can't be written, or would be lost."""
    from chainrule._files import ensure_writable

    ensure_writable(Path(out), overwrite)
    for read in filter(None, reads):
        if Path(out).resolve() == Path(read).resolve():
            raise OutputError(
                f"{out} is a file to be read, and would be lost; choose another {setting('out')}"
            )


def deliver(document: Document, name: str, options: argparse.Namespace, notes: Sequence[str] = ()) -> None:
    """Print a document, or write it to ``--out``; ``notes`` go to standard error where programs read."""
    if name == "json":
        warn(notes)
    if name == "text" and options.out is None:
        print_document(document)
    else:
        print_or_write(render(document, name), options)


def print_or_write(text: str, options: argparse.Namespace) -> None:
    """Print a text, or write it to ``--out`` and say so on standard error."""
    from chainrule._files import write_atomically

    if options.out is None:
        sys.stdout.write(text)
        return
    with write_atomically(Path(options.out), overwrite=options.overwrite, mode="w") as file:
        file.write(text)
    tell(f"wrote {options.out}")


def print_document(document: Document) -> None:
    """Print a document as wide as the terminal, in colors and with signs where it has them."""
    from chainrule.explain.show.terminal import document_rows, print_rows

    console = screen()
    print_rows(console, document_rows(document, console.width, signs()))


def signs() -> Signs:
    """Return the signs that standard output can show."""
    from chainrule.explain.show.text import ASCII, UNICODE

    try:
        (UNICODE.ok + UNICODE.bar + UNICODE.wrong).encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return ASCII
    return UNICODE
