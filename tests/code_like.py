"""What on a page reads like code where a reader of mathematics expects a formula."""

import re
from html.parser import HTMLParser

VOID = frozenset(("br", "wbr", "img", "input", "hr", "link", "meta", "col"))
QUIET = frozenset(("math", "style", "script", "pre", "code", "svg", "title"))
"""Where code, or a drawing, stands; MathML is what is asked for."""

SIGNS = re.compile(
    r"[A-Za-z0-9_\])]\*[A-Za-z0-9_\[(]"  # a*b
    r"|\^"
    r"|\b(?:exp|log|sqrt|tanh|sigmoid|where|max|min|sum)\("
    r"|\w+@\w+="
    r"|\b[A-Za-z']+\[\d"
    r"|\bd[A-Za-z]*/d[A-Za-z]"
    r"|∂"
    r"|\([A-Za-z]+ - [A-Za-z]+\)"
    r"|1/\("
    r"|\$"
    r"|\b[A-Za-z]+_\w+"
)


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.open: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get("class") or ""))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        # The table twin of a drawing has the names that the drawing has.
        if not any(tag in QUIET or kind == "plot-table" for tag, kind in self.open):
            self.texts.append(data)


def code_like(page: str, *names: str) -> list[str]:
    """Return the texts of a page that read like code; ``names`` are one's own columns and files, and settings to be typed."""
    parser = _Texts()
    parser.feed(page)
    known = re.compile("|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)")
    return [text.strip() for text in parser.texts if SIGNS.search(known.sub("", text))]
