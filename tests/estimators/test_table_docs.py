"""The page on scikit-learn: what it shows of raw tables runs, one example after the other."""

import doctest
import inspect
import re
from pathlib import Path

import pytest

from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
from chainrule.estimators.table import classifier as table_classifier
from chainrule.estimators.table import regressor as table_regressor

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sklearn.md").read_text("utf-8")
PART = re.search(r"^## Raw tables\n.*?(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PART[0] if PART else "", re.MULTILINE | re.DOTALL)


def test_there_are_examples():
    assert len(EXAMPLES) >= 3


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_runs(number, tmp_path, monkeypatch, capsys):
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "penguins.csv").write_bytes((ROOT / "examples" / "penguins.csv").read_bytes())
    monkeypatch.chdir(tmp_path)
    exec(compile(EXAMPLES[number], "docs/sklearn.md", "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


@pytest.mark.parametrize("module", [table_classifier, table_regressor])
def test_the_examples_of_the_docstrings_run(module):
    result = doctest.testmod(module)
    assert result.attempted >= 4
    assert result.failed == 0


@pytest.mark.parametrize("estimator", [TableClassifier, TableRegressor, MLPClassifier, MLPRegressor])
def test_every_parameter_is_described(estimator):
    described = {
        name for line in estimator.__doc__.splitlines() for name in line.partition(" : ")[0].split(", ")
    }
    assert set(estimator().get_params()) <= described


@pytest.mark.parametrize("estimator", [TableClassifier, TableRegressor, MLPClassifier, MLPRegressor])
def test_every_argument_of_a_method_is_described(estimator):
    ours = [name for one in estimator.__mro__ if "chainrule" in one.__module__ for name in vars(one)]
    methods = {name: getattr(estimator, name) for name in ours if name[0] != "_"}
    for name, method in methods.items():
        if callable(method) and not name.startswith("set_"):
            text = inspect.getdoc(method)
            head = [
                line.partition(" : ")[0] for line in text.splitlines() if " : " in line and line[0] != " "
            ]
            described = {word.lstrip("*") for words in head for word in words.split(", ")}
            assert set(inspect.signature(method).parameters) - {"self"} <= described, (name, text)
            assert not re.search(r"\{\w+\}", text), (name, text)
