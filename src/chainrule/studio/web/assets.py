"""The files of the page, read once before anything is served; the modules joined into one script."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable

from chainrule.plots.svg.sheet import SHEET
from chainrule.studio.web.link import linked

SCRIPT, STYLE, PAGE = "text/javascript", "text/css", "text/html"


MODEL = "lines/model.js"
"""The module in whose place a file has the model that it carries."""


def assets(model: str = "") -> dict[str, tuple[str, bytes]]:
    """Return the page's files by their address: each one's kind and bytes; ``model`` is the module of one that is carried."""
    page = files("chainrule.studio") / "page"
    carried = {MODEL: model} if model else {}
    texts = {
        "/": (PAGE, _read(page / "studio.html")),
        "/page/studio.css": (STYLE, _read(page / "studio.css")),
        "/page/math.css": (STYLE, _read(files("chainrule.explain.show") / "page" / "math.css")),
        "/page/plots.css": (STYLE, SHEET),
        "/page/main.js": (SCRIPT, linked({**modules(page), **carried}, "main.js", made=carried)),
    }
    return {address: (kind, text.encode()) for address, (kind, text) in texts.items()}


def modules(folder: Traversable, prefix: str = "") -> dict[str, str]:
    """Return the texts of the modules in a folder and those below it by their names."""
    found: dict[str, str] = {}
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            found |= modules(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".js"):
            found[prefix + entry.name] = _read(entry)
    return found


def _read(entry: Traversable) -> str:
    return entry.read_text("utf-8")
