"""Arrays of rows as the plots take them: of the same length, with something in them."""

from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.errors import SettingsError


def known_rows(**columns: Any) -> tuple[FloatArray, ...]:
    """Return arrays (n,) as floats without the rows in which one isn't finite; raises SettingsError if no row is left."""
    found = {name: np.asarray(values, np.float64).ravel() for name, values in columns.items()}
    first, *others = found
    for name in others:
        if len(found[name]) != len(found[first]):
            raise SettingsError(
                f"{name}: {len(found[first])} numbers were expected, as many as {first}, not {len(found[name])}"
            )
    known = np.all([np.isfinite(values) for values in found.values()], axis=0)
    if not known.any():
        raise SettingsError(f"{first}: there is no row with finite numbers to draw")
    return tuple(values[known] for values in found.values())
