"""Array aliases and the small vocabulary of axes used everywhere.

Axes: ``n`` rows of a table or batch, ``d`` input neurons, ``n_in`` and ``n_out`` the neurons of the
layer before and of the layer itself, ``k`` member networks (always the leading axis where present).
"""

from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""An array of any array-API namespace; docstrings give its shape."""

Namespace: TypeAlias = Any
"""An array namespace ``xp``: NumPy, jax.numpy, array_api_strict, …"""

FloatArray: TypeAlias = NDArray[np.floating[Any]]
"""A NumPy array of float32 or float64."""

IntArray: TypeAlias = NDArray[np.integer[Any]]
"""A NumPy array of integers."""

BoolArray: TypeAlias = NDArray[np.bool_]
"""A NumPy array of booleans."""

Stopped = Literal[
    "epochs", "early stopping", "converged", "callback", "interrupted", "diverged", "time limit"
]
"""Why a training ended."""
