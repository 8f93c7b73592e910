"""scikit-learn estimators over all of it: drop-ins for its multi-layer perceptrons, and a pair for raw tables."""

from __future__ import annotations

from chainrule.estimators import displays
from chainrule.estimators.callbacks import MetricMonitor, SaveCheckpoint
from chainrule.estimators.mlp.classifier import MLPClassifier
from chainrule.estimators.mlp.regressor import MLPRegressor
from chainrule.estimators.table.classifier import TableClassifier
from chainrule.estimators.table.regressor import TableRegressor
from chainrule.training.callbacks import ProgressBar

__all__ = [
    "MLPClassifier",
    "MLPRegressor",
    "MetricMonitor",
    "ProgressBar",
    "SaveCheckpoint",
    "TableClassifier",
    "TableRegressor",
    "displays",
]
