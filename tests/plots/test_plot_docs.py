"""The page on plots: its examples run, and it names every kind."""

import doctest
import subprocess
import sys
from pathlib import Path

from chainrule import plots
from chainrule.plots import ticks, widths

PAGE = Path(__file__).parents[2] / "docs" / "plots.md"


def test_the_examples_run():
    result = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert result.attempted >= 10
    assert result.failed == 0


def test_the_examples_in_the_code_run():
    for module in (ticks, widths):
        result = doctest.testmod(module)
        assert result.attempted
        assert result.failed == 0


def test_every_kind_is_on_the_page():
    text = PAGE.read_text("utf-8")
    missing = [name for name in plots.__all__ if name.endswith("_chart") and f"`{name}`" not in text]
    assert missing == []


def test_drawing_loads_nothing_heavy():
    code = (
        "import sys\nfrom chainrule import plots\nplots.figure(plots.curves_chart({'loss': [1.0, 0.5]}))\n"
        "print(*{'sklearn', 'scipy', 'matplotlib', 'polars', 'numba'} & set(sys.modules))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == []
