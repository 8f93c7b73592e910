"""The pages on explanations and traces: their examples run, and every quantity is on them."""

import doctest
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from chainrule.explain.derive.derivation import Form
from chainrule.explain.notation.record import Notation, notation_names
from chainrule.explain.notation.template import FIELDS
from chainrule.explain.trace.address import QUANTITIES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["explain", "trace", "notation", "derive", "understanding"])
def test_the_examples_run(name):
    result = doctest.testfile(str(DOCS / f"{name}.md"), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0


def test_every_quantity_is_on_the_page_of_traces():
    page = (DOCS / "trace.md").read_text("utf-8")
    for name in QUANTITIES:
        if name not in ("b_decayed", "b_new", "alpha_decayed"):
            assert f"`{name}" in page, name


def test_every_form_is_on_the_page_of_explanations():
    page = (DOCS / "explain.md").read_text("utf-8")
    assert all(f"| `{form}` |" in page for form in get_args(Form))


def test_every_notation_and_key_is_on_the_page_of_notations():
    page = (DOCS / "notation.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in notation_names())
    keys = {each.name for each in fields(Notation)} - {"name"}
    assert all(f"`{key}`" in page or f"`[{key}]`" in page for key in keys)
    assert all(f"`<{field}>`" in page for field in FIELDS)
