"""What the bits of a training depend on besides data, settings and seed: how chainrule adds up, and the machine."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from importlib.metadata import version

from chainrule._blas import blas_of

ARITHMETIC = 2
"""The version of the rules by which numbers are added up and rows are dealt out: with another one come other bits.

1: the blocks of a batch were added in order. 2: by a tree of 16 leaves; large tables are dealt out in blocks.
"""


@lru_cache(maxsize=4)
def machine(*packages: str) -> Mapping[str, str]:
    """Return the processor, the C library, the packages' versions, and the BLAS that the last of them brings.

    The processor is the one that Numba compiles for, which its variables may say.
    """
    from llvmlite import binding

    name = os.environ.get("NUMBA_CPU_NAME") or binding.get_host_cpu_name()
    features = os.environ.get("NUMBA_CPU_FEATURES", "")
    if not features:
        # LLVM doesn't know every processor's.
        with suppress(RuntimeError):
            features = binding.get_host_cpu_features().flatten()
    return {
        "processor": f"{name} {hashlib.sha256(features.encode()).hexdigest()[:8]}",
        "c_library": " ".join(platform.libc_ver()).strip() or platform.system(),
        **{name: version(name) for name in packages},
        "blas": blas_of(packages[-1]),
    }
