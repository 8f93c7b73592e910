"""Memory that is free, given back: after large arrays have come and gone, C's library keeps what lay between them."""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache
from typing import Any

_MMAP_THRESHOLD, _OWN_PAGES = -3, 2**20
"""The option of glibc's ``mallopt``, and from how many bytes on what is asked for has pages of its own."""


def give_back(*, circles: bool = True) -> None:
    """Free what only holds itself, and give free memory back to the system where the C library can (glibc's ``malloc_trim``).

    It takes about a tenth of a second, most of it for ``circles`` of references: worth it after some hundred megabytes. From
    then on arrays of more than a megabyte get pages of their own, which are given back as soon as they are free.
    """
    if circles:
        gc.collect()
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any:
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    if library is None or not hasattr(library, "malloc_trim"):
        return None
    # Else glibc takes ever larger arrays, up to 32 MB, from where small ones are, between which their space is lost.
    library.mallopt(_MMAP_THRESHOLD, _OWN_PAGES)
    return library.malloc_trim
