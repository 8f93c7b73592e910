"""Initial weights: formulas of a random number, fan_in and fan_out.

In the formulas ``u`` is uniform in [0, 1), ``n`` standard normal (the caller draws them: nothing here is
random), ``fan_in`` and ``fan_out`` the numbers of neurons of the layer before and of the layer itself.
`INITIALIZERS` is the only list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from chainrule._types import Array, Namespace
from chainrule.equations.registry import FormulaEntry, named, records


@dataclass(frozen=True)
class Initializer(FormulaEntry):
    """One way to set initial weights: a formula of ``u`` or ``n``, or of neither."""

    symbols = frozenset({"u", "n", "fan_in", "fan_out"})

    @property
    def draws(self) -> str | None:
        """What the caller must draw: ``u``, ``n``, or None."""
        return next((name for name in ("u", "n") if name in self.formula.symbols), None)

    def __call__(self, random: Array, fan_in: int, fan_out: int, xp: Namespace) -> Array:
        """Return initial weights of the shape of ``random``, which holds draws of the kind `draws` says."""
        values = {"u": random, "n": random, "fan_in": float(fan_in), "fan_out": float(fan_out)}
        return self.formula.evaluate_like({**values, **self.parameters}, random, xp)


def initializer(spec: str | Initializer) -> Initializer:
    """Return the initializer of a name with or without parameters, such as ``constant(value=0.1)``.

    Raises SettingsError for an unknown name or parameter.
    """
    return named(spec, INITIALIZERS, "initializer")


# Sources: Glorot: Glorot & Bengio 2010, eq. 16; He: He et al. 2015, eq. 10; LeCun: LeCun et al. 1998, §4.6.
INITIALIZERS: Mapping[str, Initializer] = records(
    Initializer("zeros", "0"),
    Initializer("constant", "value", parameters={"value": 0.1}),
    Initializer("uniform", "low + (high-low)*u", parameters={"low": -0.5, "high": 0.5}),
    Initializer("normal", "mean + std*n", parameters={"mean": 0.0, "std": 0.1}),
    Initializer("glorot_uniform", "(2*u-1)*sqrt(6/(fan_in+fan_out))"),
    Initializer("glorot_normal", "n*sqrt(2/(fan_in+fan_out))"),
    Initializer("he_uniform", "(2*u-1)*sqrt(6/fan_in)"),
    Initializer("he_normal", "n*sqrt(2/fan_in)"),
    Initializer("lecun_uniform", "(2*u-1)*sqrt(3/fan_in)"),
    Initializer("lecun_normal", "n*sqrt(1/fan_in)"),
)
