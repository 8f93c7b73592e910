"""``chainrule studio``: a page on this machine that trains, plays, rewinds and explains."""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from chainrule._aside import tell
from chainrule._doors import COMMAND_LINE, through
from chainrule._numbers import printable
from chainrule.cli.parsing import (
    Parser,
    names_among,
    reading,
    reading_options,
    setting_option,
    settings_given,
    thread_option,
)
from chainrule.errors import SettingsError
from chainrule.training.settings.fields import listed

if TYPE_CHECKING:
    from chainrule.studio.training.course import Course
    from chainrule.studio.web.server import Server

EXAMPLES = """
chainrule studio
chainrule studio --lesson article-4
chainrule studio penguins.csv --target species
chainrule studio penguins.csv --target species --hidden 16,8 --activation tanh
chainrule studio penguins.safetensors penguins.csv
chainrule studio penguins.csv --no-browser --port 8123
chainrule studio penguins.csv --target species --export penguins.html
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "studio",
        "[TABLE | MODEL TABLE] [options]",
        "Open a page, on this machine alone, that trains a network on a table, plays it forward and back step by step, and "
        "explains every number. Without a table it opens on a lesson's network. It runs until Ctrl-C, or the page's End.",
        EXAMPLES,
    )
    from chainrule.fitting.question import Question
    from chainrule.training.settings.record import Settings

    files = "a table; or a model and the table that it was trained on; or nothing"
    made.option("what", "files", metavar="FILES", nargs="*", help=files)
    made.options(
        "what",
        {
            "--lesson NAME": "a lesson, step by step: a name of chainrule lesson's list, or a file of your own that ends in .toml"
        },
    )
    said = {
        "--no-browser": "print the address, and open nothing",
        "--port N": "the port on 127.0.0.1; one that is free if not given",
        "--export FILE": "open nothing: train to the end, and write one HTML file that plays it, anywhere and offline",
        "--overwrite": "replace a file that exists",
    }
    made.options("page", said)
    reading_options(made, trained=False)
    for one in (*listed(Question), *listed(Settings)):
        setting_option(made, one)
    thread_option(made, "training")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command, until it is ended."""
    if options.port is not None and not 0 < options.port < 2**16:
        raise SettingsError(f"--port {options.port} must be from 1 to 65535")
    if options.lesson is not None and options.files:
        raise SettingsError("a lesson has rows of its own: leave the files out, or --lesson")
    if options.export is not None:
        _export(options)
        return
    from chainrule.studio.taught.taught import TaughtStudio
    from chainrule.studio.training.opening import asked_of
    from chainrule.studio.web.assets import assets
    from chainrule.studio.web.server import Server
    from chainrule.studio.web.watching import FileWatch

    server = Server(
        lambda publish: TaughtStudio(course, publish, lesson=options.lesson), assets(), options.port
    )
    watch = None
    try:
        course = _course(options)
        server.serve()
        _open(server, course.title, browser=not options.no_browser)
        server.begin()
        watch = FileWatch(asked_of(course).files, server.hub.publish)
        server.wait()
    except KeyboardInterrupt:
        tell("")
    finally:
        if watch is not None:
            watch.stop()
        server.stop()
    tell("the studio has ended")


def _export(options: argparse.Namespace) -> None:
    """Train to the end, and write the file that plays it."""
    from chainrule._files import write_atomically
    from chainrule.cli.documents import check_out
    from chainrule.studio.studio import Studio
    from chainrule.studio.taken.onefile import page_file, trained_through

    with through(renamed={"out": "export"}):
        check_out(options.export, options.overwrite, options.files)
    studio = Studio(_course(options))
    try:
        trained_through(studio)
        content = page_file(studio)
    finally:
        studio.close()
    with write_atomically(options.export, overwrite=options.overwrite) as file:
        file.write(content)
    tell(f"wrote {printable(options.export)}")


def _course(options: argparse.Namespace) -> Course:
    """Return the training that the words are about."""
    from chainrule.fitting.question import Question
    from chainrule.model.source import Reading
    from chainrule.studio.training.opening import FIRST_LESSON, opened_lesson, opened_model, opened_table
    from chainrule.training.settings.record import Settings

    files, about = options.files, (*listed(Question), *listed(Settings))
    one = next((one for one in about if getattr(options, one.name) is not None), None)
    if one is not None and len(files) != 1:
        of_what = "a model's training is as it was" if files else "a lesson's network is as it says"
        raise SettingsError(
            f"{COMMAND_LINE.setting(one.name)} is about a table alone: {of_what}; leave it out"
        )
    if not files:
        return opened_lesson(options.lesson or FIRST_LESSON)
    if len(files) > 2:
        raise SettingsError(
            "give a table, or a model and its table: " + " ".join(files[:4]) + " are too many files"
        )
    if len(files) == 2:
        return opened_model(files[0], files[1], reading(options), options.threads)
    if files[0].endswith(".safetensors"):
        raise SettingsError(f"{files[0]} is a model: name its table, too: chainrule studio {files[0]} TABLE")
    read = reading(options)
    table = Reading().changed(**read).table(files[0])
    question = settings_given(options, Question)
    for name in ("target", "inputs", "drop"):
        if name in question:
            question[name] = names_among(question[name], table.columns)
    if "kinds" in question:
        question["kinds"] = dict(question["kinds"])
    return opened_table(files[0], question, settings_given(options, Settings), read, options.threads, table)


def _open(server: Server, title: str, *, browser: bool) -> None:
    """Say where the page is, and open it."""
    print(f"{printable(title)}: {server.address()}")
    more = ", Enter prints another address" if _talks() else ""
    print(
        f"The page is for this machine alone, the address works once. Ctrl-C ends the studio{more}.",
        flush=True,
    )
    if browser:
        threading.Thread(target=_browse, args=(server.address(shown=False),), daemon=True).start()
    if _talks():
        threading.Thread(target=_print_addresses, args=(server,), daemon=True).start()


def _talks() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def _browse(address: str) -> None:
    """Open a browser; one that would fill this terminal is none."""
    import webbrowser

    try:
        found = webbrowser.get()
        fills = type(found) is webbrowser.GenericBrowser and "BROWSER" not in os.environ
        opened = not fills and found.open(address)
    except webbrowser.Error:
        opened = False
    if not opened:
        tell(
            "no browser could be opened: open the address above in one, or forward the port to a machine that has one"
        )


def _print_addresses(server: Server) -> None:
    """Print another address whenever Enter is pressed; read past Python's buffer, which an ending would wait for."""
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1024):
            print(server.address(), flush=True)
