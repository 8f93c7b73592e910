"""A derivation as each format shows the document about it."""

from collections.abc import Mapping
from typing import Any

from chainrule.explain.derive.lines import Derivation
from chainrule.explain.show import render
from chainrule.explain.show.explanation import explanation
from chainrule.explain.show.terminal import document_rows, plain_text
from chainrule.explain.show.text import UNICODE, Signs
from chainrule.explain.trace.trace import Trace


def as_text(derivation: Derivation, *, width: int = 100, signs: Signs = UNICODE, **how: Any) -> str:
    return plain_text(document_rows(explanation(derivation, **how), width, signs))


def as_latex(derivation: Derivation, **how: Any) -> str:
    return render(explanation(derivation, **how), "latex")


def as_html(derivation: Derivation, trace: Trace | None = None, **how: Any) -> str:
    return render(explanation(derivation, trace, **how), "html")


def as_json(derivation: Derivation, source: Mapping[str, Any] | None = None) -> str:
    return render(explanation(derivation, source=source), "json")
