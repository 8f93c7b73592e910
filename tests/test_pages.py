"""The pages on equations, engines, training and the recipe: their examples run, and they leave out no record."""

import ast
import doctest
import re
from pathlib import Path

import pytest

from chainrule.engines import ENGINES
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.initializers import INITIALIZERS
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.schedules import SCHEDULES
from chainrule.training.settings.recipe import INGREDIENTS

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["equations", "engines", "training", "recipe"])
def test_the_examples_run(name):
    result = doctest.testfile(str(DOCS / f"{name}.md"), module_relative=False)
    assert result.attempted >= 5
    assert result.failed == 0


def test_every_record_is_on_the_page_of_equations():
    text = (DOCS / "equations.md").read_text("utf-8")
    for registry in (ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, INITIALIZERS):
        for name, record in registry.items():
            assert f"`{name}`" in text, name
            if registry in (ACTIVATIONS, SCHEDULES) and name != "selu":
                assert f"`{record.text}`" in text, name
            for _, formula in getattr(record, "lines", ()):
                assert formula in text, (name, formula)


def test_every_engine_is_on_the_page_of_engines():
    text = (DOCS / "engines.md").read_text("utf-8")
    assert all(f"`{name}`" in text for name in ENGINES)


def test_the_table_of_the_recipe_has_every_ingredient_in_order_and_what_takes_it_out():
    text = (DOCS / "recipe.md").read_text("utf-8")
    rows = re.findall(r"^\| \[([^]]+)\]\(#[^)]*\) \| [^|]* \| `([^`]*)` \|", text, re.MULTILINE)
    first = rows[: len(INGREDIENTS)]
    assert [name for name, _ in first] == [part.name for part in INGREDIENTS]
    for (name, call), part in zip(first, INGREDIENTS, strict=True):
        keyword = ast.parse(f"f({call})", mode="eval").body.keywords
        assert {word.arg: ast.literal_eval(word.value) for word in keyword} == dict(part.without), name


def test_the_links_within_the_page_of_the_recipe_lead_to_its_headings():
    text = (DOCS / "recipe.md").read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]*)\)", text)) <= anchors
