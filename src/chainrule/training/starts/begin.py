"""What of a training's start is fitted to its rows: scales, embeddings of rare levels, frequencies, the linear path, splits."""

from __future__ import annotations

from chainrule._types import FloatArray
from chainrule.engines.base import Data
from chainrule.equations.network import Network
from chainrule.training.initial import set_values
from chainrule.training.starts.linear_path import on_linear_path
from chainrule.training.starts.rare_levels import on_rare_levels
from chainrule.training.starts.screened import on_scales
from chainrule.training.starts.splits import on_splits
from chainrule.training.starts.waves import on_waves


def by_rows(
    network: Network,
    start: FloatArray,
    data: Data,
    sharing: str = "none",
    *,
    stage: bool,
    splits: float,
    seed: int,
) -> FloatArray:
    """Return the parameters with which a training begins, (k, p) or (1, q), each member's by its own training rows.

    ``stage``: the feature stage's, too, beside those of a linear path. ``splits`` is the share of layer 1's neurons that begin
    where trees, drawn by ``seed``, divide the rows. What is set by hand stays so.
    """
    drawn = start
    for fitted in (on_scales, on_rare_levels, on_waves) if stage else ():
        start = fitted(network, start, data, sharing)
    if start is not drawn:
        set_values(network, start)
    start = on_linear_path(network, start, data, sharing, stage=stage)
    return on_splits(network, start, data, sharing, splits, seed)
