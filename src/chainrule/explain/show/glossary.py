"""The terms that pages explain, from `glossary.toml`, and their first uses in the sections of a page."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from chainrule.explain.show.showing import Showing
from chainrule.formula.words import stated_in


@dataclass(frozen=True)
class Term:
    """A term in one or two sentences, where a formula may stand between dollar signs.

    ``forms`` are other forms of it as texts have it, ``elsewhere`` what other books and programs call it; ``formula`` stands
    by itself.
    """

    name: str
    words: str
    forms: tuple[str, ...] = ()
    formula: str = ""
    elsewhere: str = ""

    @property
    def id(self) -> str:
        """The name of its place on a page."""
        return f"term-{re.sub('[^a-z0-9]+', '-', self.name.lower())}"

    @property
    def plain(self) -> str:
        """Its words without the signs around formulas."""
        return Showing(formulas=True).words(self.words)


@lru_cache
def glossary() -> Mapping[str, Term]:
    """Return all terms by name, in alphabetical order; a form or a formula that is none is an error of the file."""
    data = tomllib.loads((files("chainrule.explain.show") / "glossary.toml").read_text("utf-8"))
    made = {name: _term(name, data[name]) for name in sorted(data, key=str.lower)}
    assert all(term.formula == "" or stated_in(term.formula) is not None for term in made.values())
    return made


def _term(name: str, row: Mapping[str, Any]) -> Term:
    return Term(
        name, row["words"], tuple(row.get("forms", ())), row.get("formula", ""), row.get("elsewhere", "")
    )


@dataclass(frozen=True)
class Explained:
    """A page's content in which terms link to what they mean, and these terms."""

    html: Markup
    terms: tuple[Term, ...]


_TAG = re.compile(r"(<[^>]*>)")
_NAME = re.compile(r"</?([a-z0-9]+)")
_VOID = frozenset(("br", "wbr", "img", "input", "hr", "link", "meta", "col"))
_TOLD = frozenset(("p", "li", "dd", "td"))
"""Where terms are explained: running words."""

FACTS = "facts"
"""Stands for a table of facts in words, in which terms are explained as in running words."""

_QUIET = frozenset(
    (
        "math",
        "svg",
        "a",
        "pre",
        "code",
        "button",
        "summary",
        "table",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "nav",
    )
)
"""What they are not explained in."""


def explained(html: str) -> Explained:
    """Return the content of a page in which the first use of each term in each section is a link to what it means."""
    by_form = _by_form()
    pieces: list[str] = []
    open_tags: list[str] = []
    seen: set[str] = set()
    used: dict[str, Term] = {}

    def link(match: re.Match[str]) -> str:
        term = by_form[match[0].lower()]
        if term.name in seen:
            return match[0]
        seen.add(term.name)
        place = "" if term.name in used else f' id="use-{term.id}"'
        used[term.name] = term
        words = Markup.escape(term.plain)
        return f'<a class="term"{place} href="#{term.id}" data-words="{words}">{match[0]}</a>'

    for piece in _TAG.split(html):
        if piece.startswith("<"):
            _follow(piece, open_tags)
            if piece.startswith(("<section", '<details class="section')):
                seen = set()
        elif _is_told(open_tags):
            piece = _forms().sub(link, piece)
        pieces.append(piece)
    return Explained(Markup("".join(pieces)), tuple(used[name] for name in glossary() if name in used))


def _follow(tag: str, open_tags: list[str]) -> None:
    """Keep the names of the tags that are open."""
    match = _NAME.match(tag)
    if match is not None and tag.startswith('<table class="told"'):
        open_tags.append(FACTS)
        return
    if match is not None and match[1] == "table" and open_tags[-1:] == [FACTS]:
        open_tags.pop()
        return
    if match is None or match[1] in _VOID or tag.endswith("/>"):
        return
    if not tag.startswith("</"):
        open_tags.append(match[1])
    elif open_tags and open_tags[-1] == match[1]:
        open_tags.pop()


def _is_told(open_tags: list[str]) -> bool:
    return any(tag in _TOLD for tag in open_tags) and not any(tag in _QUIET for tag in open_tags)


@lru_cache
def _by_form() -> Mapping[str, Term]:
    """Return the terms by each of their forms, in small letters."""
    return {form.lower(): term for term in glossary().values() for form in (term.name, *term.forms)}


@lru_cache
def _forms() -> re.Pattern[str]:
    """Return the pattern of all forms, the longest first."""
    forms = "|".join(re.escape(form) for form in sorted(_by_form(), key=len, reverse=True))
    return re.compile(rf"(?<![\w'-])(?:{forms})(?![\w-])", re.IGNORECASE)
