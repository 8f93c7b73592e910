"""A lesson as one HTML file that loads nothing; derivations as `explain.render_html` makes them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from chainrule._numbers import number_text
from chainrule._version import __version__
from chainrule.explain.derive.grid import Grid
from chainrule.explain.show.html import grid_data, page_data
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.showing import Showing, address_of
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.show.blocks import Block, Checked, Shown, Worked

FOLDERS = ("chainrule.lessons.show", "chainrule.explain.show")
"""Where the folders ``page`` with templates and styles are; a name is looked for in this order."""


def lesson_html(lesson: Lesson, steps: Iterable[Shown]) -> str:
    """Return a complete page with the given steps."""
    shown = [_step(step) for step in steps]
    failed = sum(not step["ok"] for step in shown)
    page: str = template("lesson.html").render(
        title=lesson.title, source=lesson.source, steps=shown, failed=failed, version=__version__
    )
    return page


def _step(step: Shown) -> dict[str, Any]:
    blocks = [_block(block, f"step-{step.number}-{place}") for place, block in enumerate(step.blocks, 1)]
    return {"number": step.number, "count": step.count, "title": step.title, "ok": step.ok, "blocks": blocks}


def _block(block: Block, name: str) -> dict[str, Any]:
    kind = type(block).__name__.lower()
    if isinstance(block, Worked):
        root = page_data(block.derivation, None, digits=block.digits)["root"]
        return {"kind": kind, "root": _renamed(root, name)}
    if isinstance(block, Checked):
        items = [
            {
                "name": item.name,
                "expected": item.expected,
                "found": number_text(item.found, 10 if item.ok else 17),
                "ok": item.ok,
            }
            for item in block.items
        ]
        return {"kind": kind, "items": items}
    if isinstance(block, Grid):
        return {"kind": kind, "grid": grid_data(block, shown_name)}
    return {"kind": kind, "block": block}


def _renamed(section: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a section whose ids are its own on a page with several derivations."""
    lines = [{**line, "id": ""} for line in section["lines"]]
    parts = [_renamed(part, name) for part in section["parts"]]
    return {**section, "id": f"{name}-{section['id']}", "lines": lines, "parts": parts}


def shown_name(text: str) -> str | Markup:
    """Return an address as the formulas write it; any other text as it is."""
    if address_of(text) is None or not ("[" in text or text in ("C", "C_new", "loss")):
        return text
    return MathWriter(Showing()).name(text, None)


def _file(name: str) -> str:
    for package in FOLDERS:
        path = files(package) / "page" / name
        if path.is_file():
            return path.read_text("utf-8")
    raise FileNotFoundError(name)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["name"] = shown_name
    made.globals["words"] = MathWriter(Showing()).words
    # Styles are our own files; escaped they would be none.
    made.globals["file"] = lambda name: Markup(_file(name))
    return made


def template(name: str) -> Any:
    """Return a template of this room or of the room explain."""
    return _environment().get_template(name)
