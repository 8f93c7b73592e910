"""Memory that is free, given back: after large arrays have come and gone, C's library keeps what lay between them."""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from typing import Any


def give_back() -> None:
    """Free what only holds itself, and give free memory back to the system where the C library can (glibc's ``malloc_trim``).

    It takes about a tenth of a second: worth it after some hundred megabytes.
    """
    gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
