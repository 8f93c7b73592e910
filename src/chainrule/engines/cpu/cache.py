"""Where compiled code is kept between processes: Numba's cache, which goes on where a file of it is damaged."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from numba.core import caching

from chainrule._aside import tell

_numba: Any = caching
DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    _numba.pickle.UnpicklingError,
)
"""What reading a file of the cache can end with whose bytes are not those that were written."""

_told: set[str] = set()


class MendingCache(caching.FunctionCache):
    """A function's compiled code; where it is damaged it is compiled anew and, if the folder allows it, replaced."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code of a signature, or None where it is not there or can't be read."""
        above: Any = super()
        try:
            return above.load_overload(sig, target_context)
        except DAMAGE:
            with suppress(OSError):
                above.flush()
            if self.cache_path not in _told:
                _told.add(self.cache_path)
                tell(f"note: compiled code in {self.cache_path} is damaged, and is compiled anew")
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep the code of a signature where that can be done; else it lasts as long as the process."""
        above: Any = super()
        with suppress(*DAMAGE):
            above.save_overload(sig, data)


def kept(made: Any) -> Any:
    """Let what Numba is to compile be kept; raises RuntimeError where there is no folder that can be written."""
    cache: Any = MendingCache
    made._cache = cache(made.__wrapped__)
    return made
