"""The page and the docstrings of the perceptrons: their examples run, and every parameter is on the page."""

import doctest
import re
from pathlib import Path

import pytest
from sklearn.neural_network import MLPClassifier as Theirs

from chainrule import MLPClassifier
from chainrule.estimators.mlp import classifier as mlp_classifier
from chainrule.estimators.mlp import regressor as mlp_regressor

PAGE = Path(__file__).parents[2] / "docs" / "sklearn.md"


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_pages_examples_run():
    result = doctest.testfile(str(PAGE), module_relative=False)
    assert result.attempted >= 40
    assert result.failed == 0


@pytest.mark.parametrize("module", [mlp_classifier, mlp_regressor])
def test_the_docstrings_examples_run(module):
    result = doctest.testmod(module)
    assert result.attempted >= 4
    assert result.failed == 0


def test_the_page_has_all_that_scikit_learn_has_not():
    text = PAGE.read_text("utf-8").partition("## Raw tables")[0]
    for name in set(MLPClassifier().get_params()) - set(Theirs().get_params()):
        assert re.search(rf"\b{name}\b", text), name
