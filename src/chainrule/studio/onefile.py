"""One HTML file that plays a recorded training without a server: the studio's own page, with its recording in it."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

from chainrule.errors import SettingsError
from chainrule.studio.assets import PAGE, assets
from chainrule.studio.link import integrity
from chainrule.studio.recorder import Recorder
from chainrule.studio.taking import stem_of
from chainrule.studio.tape_table import tape_csv

if TYPE_CHECKING:
    from chainrule.studio.studio import Studio

SHEETS = ("/page/math.css", "/page/plots.css", "/page/studio.css")
SCRIPT = "/page/main.js"


def page_file(studio: Studio) -> bytes:
    """Return the file: what a studio has made so far, as its page plays and explains it; the same bytes each time."""
    files = {name: content.decode() for name, (_, content) in assets().items()}
    style = "\n".join(files[name] for name in SHEETS)
    # What ends a script or begins a comment in HTML stands in none of our texts; in the recording it is written otherwise.
    script = files[SCRIPT]
    recording = json.dumps(Recorder(studio).recording(), separators=(",", ":")).replace("<", "\\u003c")
    policy = (
        f"default-src 'none'; script-src '{integrity(script)}'; style-src '{integrity(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    page = re.sub(r'<link rel="stylesheet"[^>]*>\n', "", files["/"])
    page = page.replace(
        '<meta charset="utf-8">',
        f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">',
    )
    data = f'<script type="application/json" id="recording">{recording}</script>'
    loaded = f'<script type="module" src="{SCRIPT}"></script>'
    head, _, rest = page.partition(loaded)
    # The module runs when all of the file is there.
    made = f'{head}<style>{style}</style>\n<script type="module">{script}</script>{rest}'
    return made.replace("</body>", f"{data}\n</body>").encode()


def taken_whole(studio: Studio, what: str) -> tuple[str, str, bytes]:
    """Return the name, kind and bytes of what is made of all that was trained: the ``page``, or the ``tape`` as a table."""
    stem = stem_of(studio.made.course)
    if what == "page":
        return f"{stem}.html", PAGE, page_file(studio)
    return f"{stem}.csv", "text/csv", tape_csv(studio.made, studio.state.member - 1)


def trained_through(studio: Studio) -> None:
    """Train a studio's course to its end, wait for that, and go back to the start; raises SettingsError for one that stops."""
    studio.command({"do": "train"})
    while studio.made.tape.last is None:
        time.sleep(0.005)
    worker = studio.made.worker
    if worker.problem and not studio.made.tape.frontier:
        raise SettingsError(worker.problem)
    studio.command({"do": "reset"})
