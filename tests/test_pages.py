"""The pages on equations, engines and training: their examples run, and they leave out no record."""

import doctest
from pathlib import Path

import pytest

from chainrule.engines import ENGINES
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.initializers import INITIALIZERS
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS
from chainrule.equations.schedules import SCHEDULES

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", ["equations", "engines", "training"])
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
