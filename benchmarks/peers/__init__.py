"""The libraries, one module each, imported when they are measured.

A module has what its library can do of: ``trainers(case, data)`` -> `Trainer`s, ``batch_predictors(sizes, parameters)`` and
``row_predictors(sizes, parameters)`` -> `Predictor`s; several where it has several fast forms, of which the best counts.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from benchmarks.timing import AbsentError

OURS = "chainrule"
MODULES = {
    OURS: "ours",
    "scikit-learn": "scikit",
    "PyTorch": "pytorch",
    "torch.compile": "pytorch_compiled",
    "JAX": "jax_scan",
    "Keras": "keras_on_jax",
    "ONNX Runtime": "onnx_runtime",
}


def forms(peer: str, kind: str, *arguments: Any) -> list[Any]:
    """Return the peer's forms of a kind (a function of its module); raises AbsentError where it has none or is not installed."""
    try:
        module = import_module(f"{__name__}.{MODULES[peer]}")
    except ImportError as error:
        raise AbsentError(f"not installed: {error}") from error
    make = getattr(module, kind, None)
    if make is None:
        raise AbsentError(f"has no {kind.replace('_', ' ')}")
    return list(make(*arguments))
