"""scikit-learn's own tests of its multi-layer perceptrons, with nothing changed but the import.

The text is that of the installed scikit-learn, read when the tests are collected. What doesn't pass is in
`PRIVATE`, with the reason; docs/sklearn.md has the same table.
"""

import importlib.machinery
import importlib.util
import inspect
import re
from pathlib import Path

import pytest
import sklearn.neural_network

DOCS = Path(__file__).parents[2] / "docs" / "sklearn.md"
SOURCE = Path(sklearn.neural_network.__file__).parent / "tests" / "test_mlp.py"
THEIRS = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OURS = "from chainrule import MLPClassifier, MLPRegressor"

PRIVATE = {
    "test_gradient": "calls the private `_loss_grad_lbfgs`; `gradients` is public here, and tested against it",
    "test_learning_rate_warmstart": "reads the private `_optimizer`; the learning rate is `learning_rate_` here",
    "test_adaptive_learning_rate": "reads the private `_optimizer`; the learning rate is `learning_rate_` here",
    "test_n_iter_no_change": "reads the private `_no_improvement_count`",
    "test_n_iter_no_change_inf": "reads the private `_no_improvement_count`",
}


class Changed(importlib.machinery.SourceFileLoader):
    """Loads a module with the import of the estimators changed."""

    def get_data(self, path):
        data = super().get_data(path)
        return data.replace(THEIRS.encode(), OURS.encode()) if path == str(SOURCE) else data

    def path_stats(self, path):
        raise OSError  # so that the changed module is neither read from the cache of the real one nor written there


def load():
    loader = Changed("scikit_learn_test_mlp", str(SOURCE))
    spec = importlib.util.spec_from_file_location(loader.name, SOURCE, loader=loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


MODULE = load()
TESTS = {name: value for name, value in vars(MODULE).items() if name.startswith("test_")}
for _name, _test in TESTS.items():
    if _name in PRIVATE:
        _test = pytest.mark.xfail(reason=PRIVATE[_name], strict=True, raises=AttributeError)(_test)
    # Here a warning would be an error.
    globals()[_name] = pytest.mark.filterwarnings("ignore")(_test)


@pytest.fixture
def global_random_seed():
    return 42


def test_it_is_ours_that_is_tested():
    assert SOURCE.read_text("utf-8").count(THEIRS) == 1
    assert MODULE.MLPClassifier.__module__.startswith("chainrule.")
    assert len(TESTS) >= 39  # in 1.6, and more since
    assert set(PRIVATE) <= set(TESTS)


def test_what_is_left_out_reads_private_names():
    for name in PRIVATE:
        assert re.search(r"\b(mlp|clf)\._[a-z]", inspect.getsource(TESTS[name])), name


def test_the_page_has_the_same_table():
    text = DOCS.read_text("utf-8")
    for name, reason in PRIVATE.items():
        assert f"| `{name}` | {reason} |" in text
