"""Neural networks for tables, fast, with every number in the open.

>>> import chainrule
>>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["no", "yes"] * 20}, "y", hidden=[4], epochs=50)
>>> trained.evaluation.scores["accuracy"]
1.0
>>> trained.model.predict({"x": [1, 0]}).labels.tolist()
['yes', 'no']
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from chainrule import _forks as _forks
from chainrule._version import __version__ as __version__
from chainrule.errors import ChainruleError as ChainruleError

if TYPE_CHECKING:
    from chainrule.equations.dense import Dense
    from chainrule.equations.network import Network
    from chainrule.estimators import displays
    from chainrule.estimators.mlp.classifier import MLPClassifier
    from chainrule.estimators.mlp.regressor import MLPRegressor
    from chainrule.estimators.table.classifier import TableClassifier
    from chainrule.estimators.table.regressor import TableRegressor
    from chainrule.explain.columns.dependence import dependence
    from chainrule.explain.columns.importance import importance
    from chainrule.explain.columns.whatif import whatif
    from chainrule.explain.derive.symbolic.backprop import derive_backprop
    from chainrule.explain.derive.symbolic.formula import derive_formula
    from chainrule.exports.export import export
    from chainrule.fitting.score import Trained
    from chainrule.fitting.studies.ablation import ablate
    from chainrule.fitting.studies.cross_validation import cross_validate
    from chainrule.fitting.studies.learning import learning_curve
    from chainrule.fitting.studies.pruning import prune
    from chainrule.fitting.studies.small import small_of
    from chainrule.fitting.train import train
    from chainrule.model.model import Model, load
    from chainrule.reports.report import Report, report
    from chainrule.studio.notebooks.notebook import show_model as show
    from chainrule.studio.notebooks.notebook import studio_of as Studio
    from chainrule.tables.files.read import read_table
    from chainrule.training.settings.record import Settings

_HOMES = {
    "Dense": "chainrule.equations.network",
    "MLPClassifier": "chainrule.estimators.mlp.classifier",
    "MLPRegressor": "chainrule.estimators.mlp.regressor",
    "Model": "chainrule.model.model",
    "Network": "chainrule.equations.network",
    "Report": "chainrule.reports.report",
    "Settings": "chainrule.training.settings.resolve",
    "Studio": "chainrule.studio.notebooks.notebook:studio_of",
    "TableClassifier": "chainrule.estimators.table.classifier",
    "TableRegressor": "chainrule.estimators.table.regressor",
    "Trained": "chainrule.fitting.train",
    "ablate": "chainrule.fitting.studies.ablation",
    "cross_validate": "chainrule.fitting.studies.cross_validation",
    "learning_curve": "chainrule.fitting.studies.learning",
    "dependence": "chainrule.explain.columns.dependence",
    "derive_backprop": "chainrule.explain.derive.symbolic.backprop",
    "derive_formula": "chainrule.explain.derive.symbolic.formula",
    "displays": "chainrule.estimators",
    "export": "chainrule.exports.export",
    "importance": "chainrule.explain.columns.importance",
    "load": "chainrule.model.model",
    "prune": "chainrule.fitting.studies.pruning",
    "read_table": "chainrule.tables.files.read",
    "report": "chainrule.reports.report",
    "show": "chainrule.studio.notebooks.notebook:show_model",
    "small_of": "chainrule.fitting.studies.small",
    "train": "chainrule.fitting.train",
    "whatif": "chainrule.explain.columns.whatif",
}

__all__ = [
    "ChainruleError", "Dense", "MLPClassifier", "MLPRegressor", "Model", "Network", "Report", "Settings", "Studio",
    "TableClassifier", "TableRegressor", "Trained", "ablate", "cross_validate", "dependence", "derive_backprop",
    "derive_formula", "displays", "export", "importance", "learning_curve", "load", "prune", "read_table", "report", "show",
    "small_of", "train", "whatif",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that importing chainrule costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    _forks.check_whole()
    _forks.watch_imports()
    home, _, own = _HOMES[name].partition(":")
    return getattr(import_module(home), own or name)


def __dir__() -> list[str]:
    """List the public names."""
    return [*__all__, "__version__"]
