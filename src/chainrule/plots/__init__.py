"""Plots: plain data to records of marks, and these to SVG of our own or to Matplotlib; knows no network.

The names below load on first use, so that importing this package imports nothing heavy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.plots.bins import scatter
    from chainrule.plots.chart import Chart, Charts
    from chainrule.plots.kinds.boundary import boundary_chart
    from chainrule.plots.kinds.calibration import calibration_chart
    from chainrule.plots.kinds.classes import confusion_chart, precision_recall_chart, roc_chart
    from chainrule.plots.kinds.columns import columns_chart
    from chainrule.plots.kinds.curves import curves_chart
    from chainrule.plots.kinds.effects import dependence_chart, interactions_chart, waterfall_chart
    from chainrule.plots.kinds.function import function_chart
    from chainrule.plots.kinds.layers import flow_chart, histograms_chart
    from chainrule.plots.kinds.mountain import mountain_chart
    from chainrule.plots.kinds.regression import predicted_chart, residuals_chart
    from chainrule.plots.kinds.scores import ablation_chart, importance_chart, slices_chart
    from chainrule.plots.kinds.search import learning_chart, search_chart
    from chainrule.plots.kinds.step import step_chart
    from chainrule.plots.kinds.surface import surface_chart
    from chainrule.plots.mpl.axes import draw_all, draw_on
    from chainrule.plots.network.draw import network_chart
    from chainrule.plots.network.layers import DrawnLayer
    from chainrule.plots.signs.draw import sign_lines
    from chainrule.plots.svg.draw import to_svg
    from chainrule.plots.svg.page import figure
    from chainrule.plots.svg.sheet import SHEET, SHEET_HASH

_NAMES = {
    "bins": "scatter",
    "chart": "Chart Charts",
    "kinds.boundary": "boundary_chart",
    "kinds.calibration": "calibration_chart",
    "kinds.classes": "confusion_chart precision_recall_chart roc_chart",
    "kinds.columns": "columns_chart",
    "kinds.curves": "curves_chart",
    "kinds.effects": "dependence_chart interactions_chart waterfall_chart",
    "kinds.function": "function_chart",
    "kinds.layers": "flow_chart histograms_chart",
    "kinds.mountain": "mountain_chart",
    "kinds.regression": "predicted_chart residuals_chart",
    "kinds.scores": "ablation_chart importance_chart slices_chart",
    "kinds.search": "learning_chart search_chart",
    "kinds.step": "step_chart",
    "kinds.surface": "surface_chart",
    "mpl.axes": "draw_all draw_on",
    "network.draw": "network_chart",
    "network.layers": "DrawnLayer",
    "signs.draw": "sign_lines",
    "svg.draw": "to_svg",
    "svg.page": "figure",
    "svg.sheet": "SHEET SHEET_HASH",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "SHEET", "SHEET_HASH", "Chart", "Charts", "DrawnLayer", "ablation_chart", "boundary_chart", "calibration_chart",
    "columns_chart", "confusion_chart", "curves_chart", "dependence_chart", "draw_all", "draw_on", "figure", "flow_chart",
    "function_chart", "histograms_chart", "importance_chart", "interactions_chart", "learning_chart",
    "mountain_chart", "network_chart", "precision_recall_chart", "predicted_chart", "residuals_chart", "roc_chart",
    "scatter", "search_chart", "sign_lines", "slices_chart", "step_chart", "surface_chart", "to_svg", "waterfall_chart",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
