"""Displays: plots with the numbers behind them, made from an estimator or a model, in scikit-learn's manner.

The names below load on first use, so that importing this package imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.displays.display import Display
    from chainrule.estimators.displays.networks import (
        ActivationDisplay,
        ActivationsDisplay,
        AttributionsDisplay,
        BoundaryDisplay,
        DependenceDisplay,
        GradientFlowDisplay,
        ImportanceDisplay,
        NetworkDisplay,
        WeightsDisplay,
    )
    from chainrule.estimators.displays.predictions import (
        CalibrationDisplay,
        ConfusionDisplay,
        PrecisionRecallDisplay,
        PredictedDisplay,
        ResidualsDisplay,
        RocDisplay,
        SlicesDisplay,
    )
    from chainrule.estimators.displays.trainings import (
        AblationDisplay,
        CurvesDisplay,
        LearningDisplay,
        SearchDisplay,
    )

_NAMES = {
    "display": "Display",
    "networks": "ActivationDisplay ActivationsDisplay AttributionsDisplay BoundaryDisplay DependenceDisplay "
    "GradientFlowDisplay ImportanceDisplay NetworkDisplay WeightsDisplay",
    "predictions": "CalibrationDisplay ConfusionDisplay PrecisionRecallDisplay PredictedDisplay ResidualsDisplay "
    "RocDisplay SlicesDisplay",
    "trainings": "AblationDisplay CurvesDisplay LearningDisplay SearchDisplay",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "AblationDisplay", "ActivationDisplay", "ActivationsDisplay", "AttributionsDisplay", "BoundaryDisplay",
    "CalibrationDisplay", "ConfusionDisplay", "CurvesDisplay", "DependenceDisplay", "Display",
    "GradientFlowDisplay", "ImportanceDisplay", "LearningDisplay", "NetworkDisplay", "PrecisionRecallDisplay",
    "PredictedDisplay", "ResidualsDisplay", "RocDisplay", "SearchDisplay", "SlicesDisplay", "WeightsDisplay",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
