"""One HTML file that plays a recorded training without a server: the studio's own page, with its recording in it."""

from __future__ import annotations

import gc
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import SettingsError
from chainrule.studio.taken.recordable import Recordable
from chainrule.studio.taken.recorder import Recorder
from chainrule.studio.taken.taking import stem_of
from chainrule.studio.taken.tape_table import tape_csv
from chainrule.studio.web.assets import PAGE, assets
from chainrule.studio.web.link import integrity

MOST_BYTES = 1_450_000
"""The most bytes of a recording and the model beside it, which leaves room for the page below 2 MB."""

SHARES = (1, 2, 4, 8)
"""The parts of what could be recorded that are tried, until one is small enough."""

SHEETS = ("/page/math.css", "/page/plots.css", "/page/studio.css")
SCRIPT = "/page/main.js"


def page_file(studio: Recordable) -> bytes:
    """Return the file: what a studio has made so far, as its page plays and explains it; the same bytes each time."""
    for share in SHARES:
        with without_collecting():
            recorder = Recorder(studio, share)
            recording = json.dumps(recorder.recording(), separators=(",", ":"))
            model = recorder.carried.module
        if len(recording) + len(model.encode()) <= MOST_BYTES:
            break
    # What ends a script in HTML is written otherwise in the recording, and stands in none of our own texts.
    recording = recording.replace("<", "\\u003c")
    return page_text(f'<script type="application/json" id="recording">{recording}</script>', model).encode()


@contextmanager
def without_collecting() -> Iterator[None]:
    """Leave garbage lying in the block: millions of small lists are made in it, which would be looked through again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def page_text(data: str, model: str = "") -> str:
    """Return the page with its styles and its script in it, and with an element of data that says what answers it.

    ``model`` is the module of a model that it carries.
    """
    files = {name: content.decode() for name, (_, content) in assets(model).items()}
    style, script = "\n".join(files[name] for name in SHEETS), files[SCRIPT]
    policy = (
        f"default-src 'none'; script-src '{integrity(script)}'; style-src '{integrity(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    told = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    page = re.sub(r'<link rel="stylesheet"[^>]*>\n', "", files["/"]).replace('<meta charset="utf-8">', told)
    head, _, rest = page.partition(f'<script type="module" src="{SCRIPT}"></script>')
    # A module runs when all of the page is there.
    made = f'{head}<style>{style}</style>\n<script type="module">{script}</script>{rest}'
    return made.replace("</body>", f"{data}\n</body>")


def taken_whole(studio: Recordable, what: str) -> tuple[str, str, bytes]:
    """Return the name, kind and bytes of what is made of all that was trained: the ``page``, or the ``tape`` as a table."""
    stem = stem_of(studio.made.course)
    if what == "page":
        return f"{stem}.html", PAGE, page_file(studio)
    return f"{stem}.csv", "text/csv", tape_csv(studio.made, studio.state.member - 1)


def trained_through(studio: Recordable) -> None:
    """Train a studio's course to its end, wait for that, and go back to the start; raises SettingsError for one that stops."""
    studio.command({"do": "train"})
    while studio.made.tape.last is None:
        time.sleep(0.005)
    worker = studio.made.worker
    if worker.problem and not studio.made.tape.frontier:
        raise SettingsError(worker.problem)
    studio.command({"do": "reset"})
