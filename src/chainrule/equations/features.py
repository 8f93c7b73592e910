"""The feature stage: numbers that are learned from the inputs before layer 1, as layer 0 of the network.

It takes the inputs x (n, d) in groups of neighboring columns and gives a[0] (n, m), which enters layer 1. With
the parameters f, phi, V, c, E and s, all learned with the network::

    number i of column x      u[i,k] = cos(2π f[i,k] x + phi[i,k])      e = x, then sum over k of u[i,k] V[i,k,q] + c[i,q]
    category of columns x_r   e_q = sum over r of x_r E[r,q]
    plain columns x           e = x
    all                       a[0]_j = s_j e_j      (without the scaling layer a[0] = e)

Backward, from dC/da[0], with v[i,k] = -sin(2π f[i,k] x + phi[i,k])::

    dC/ds_j = sum over rows of dC/da[0]_j e_j     dC/de_j = dC/da[0]_j s_j     dC/du[i,k] = sum over q of dC/de_q V[i,k,q]
    dC/dphi[i,k] = sum over rows of dC/du[i,k] v[i,k]     dC/df[i,k] = sum over rows of dC/du[i,k] v[i,k] 2π x

Source: Holzmüller, Grinsztajn & Steinwart, "Better by default", NeurIPS 2024 (PBLD embeddings, scaling layer);
Gorishniy, Rubachev & Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS 2022.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate, pairwise
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import Array, IntArray, Namespace
from chainrule.equations.registry import rate_factors
from chainrule.errors import SettingsError

GroupKind = Literal["number", "category", "plain"]
NumericEmbedding = Literal["none", "periodic"]
CategoryEmbedding = Literal["none", "learned"]


class StageParameter(NamedTuple):
    """A parameter array of the stage: what one of its numbers is, and its indices in words with {} for each.

    ``rate`` is the learning rate's factor where nothing else is said: RealMLP's (E: of its code). ``decays``: it is a weight,
    which penalties and decay are about; phi and c are added, as biases are. (RealMLP's code decays all six: the factor 0 for
    biases in its paper's Table A.1 is that of the layers' alone.) ``initial(stage, draws, shape)`` gives its first numbers.
    """

    text: str
    indices: str
    rate: float
    decays: bool
    initial: Callable[[Features, np.random.Generator, tuple[int, ...]], Array]


def _uniform(stage: Features, draws: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return (2 * draws.random(shape) - 1) / math.sqrt(stage.waves)


# fmt: off
PARAMETERS: Mapping[str, StageParameter] = {
    "f": StageParameter("a frequency of a number's cosine", "number {}, cosine {}", 0.1, True,
                        lambda stage, draws, shape: stage.std * draws.standard_normal(shape)),
    "phi": StageParameter("a phase of a number's cosine", "number {}, cosine {}", 0.1, False,
                          lambda _, draws, shape: math.pi * (2 * draws.random(shape) - 1)),
    "V": StageParameter("a weight from a cosine to a number's embedding", "number {}, cosine {}, to its embedded number {}",
                        0.1, True, _uniform),
    "c": StageParameter("a bias of a number's embedding", "number {}, embedded number {}", 0.1, False, _uniform),
    "E": StageParameter("a number of a category's level", "category input {}, embedded number {}", 1.0, True,
                        lambda _, draws, shape: draws.standard_normal(shape)),
    "s": StageParameter("a scale of the stage's output", "output {}", 6.0, True, lambda _, __, shape: np.ones(shape)),
}
"""The parameters of the stage in the order of the flat layout."""
# fmt: on


class FeatureGroup(NamedTuple):
    """Neighboring columns of the inputs that are treated alike: a number, a category's one-hot columns, or plain ones."""

    kind: GroupKind
    size: int = 1


class StageRecord(NamedTuple):
    """What forward computed: ``u`` (…, G, n, K) of G numbers, or None without any; ``e`` and ``a`` (…, n, m).

    ``v`` is the slope of each cosine by its angle, -sin(2π f x + phi).
    """

    u: Array | None
    v: Array | None
    e: Array
    a: Array


class StageGradients(NamedTuple):
    """What backward computed: dC/da, dC/de (…, n, m), dC/du (…, G, n, K) or None, gradients by name, and dC/dx."""

    da: Array
    de: Array
    du: Array | None
    parameters: dict[str, Array]
    x: Array


@dataclass(frozen=True)
class Features:
    """The stage before layer 1: its groups of input columns, and whether a scaling layer follows.

    ``waves`` K cosines and ``width`` embedded numbers for each number, ``level_width`` for each category's level;
    ``std`` is the standard deviation of the initial frequencies. ``rates`` are factors of the learning rate by
    parameter (`PARAMETERS` where one isn't named). Raises SettingsError for what isn't such a stage.

    >>> stage = Features([("number", 1), ("category", 12), ("plain", 2)], scale=True)
    >>> stage.n_inputs, stage.n_outputs, stage.shapes()["V"]
    (15, 14, (1, 16, 3))
    """

    decayed: ClassVar[frozenset[str]] = frozenset(name for name, own in PARAMETERS.items() if own.decays)

    groups: tuple[FeatureGroup, ...]
    scale: bool = False
    waves: int = 16
    width: int = 3
    std: float = 0.1
    level_width: int = 8
    rates: tuple[tuple[str, float], ...] = ()

    def __init__(
        self,
        groups: Sequence[FeatureGroup | tuple[GroupKind, int]],
        *,
        scale: bool = False,
        waves: int = 16,
        width: int = 3,
        std: float = 0.1,
        level_width: int = 8,
        rates: Mapping[str, float] | Sequence[tuple[str, float]] = (),
    ) -> None:
        made = tuple(_group(group) for group in groups)
        if not made:
            raise SettingsError("a feature stage has at least one group of input columns")
        if not isinstance(scale, bool):
            raise SettingsError(f"scale {scale!r} must be True or False")
        whole = {"waves": waves, "width": width, "level_width": level_width}
        for name, value in whole.items():
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise SettingsError(f"{name} {value!r} must be a whole number of at least 1")
        if not _is_number(std) or not 0 < std < math.inf:
            raise SettingsError(f"std {std!r} of the frequencies must be a number above 0")
        for name, given in {"groups": made, "scale": scale, "std": float(std), **whole}.items():
            object.__setattr__(self, name, given)
        factors = rate_factors(rates, self.shapes(), "the feature stage")
        object.__setattr__(self, "rates", tuple(factors.items()))

    @cached_property
    def column_map(self) -> ColumnMap:
        """Where every group's columns and outputs are."""
        kinds = [group.kind for group in self.groups]
        # The columns and the outputs of each group.
        into, out = ranges(group.size for group in self.groups), ranges(map(self.outputs_of, self.groups))
        groups = list(zip(kinds, into, out, strict=True))
        numbers = [columns.start for kind, columns, _ in groups if kind == "number"]
        copied = [i for kind, columns, _ in groups if kind != "category" for i in columns]
        copied_to = [j for kind, columns, to in groups if kind != "category" for j in to[: len(columns)]]
        embedded_to = [j for kind, _, to in groups if kind == "number" for j in to[1:]]
        levels = [(columns, to) for kind, columns, to in groups if kind == "category"]
        # Forward makes the copies first, then the embeddings, then the categories; backward likewise by column.
        made = [*copied_to, *embedded_to, *(j for _, to in levels for j in to)]
        came = [*copied, *numbers, *(i for columns, _ in levels for i in columns)]
        first: dict[int, int] = {}
        second: dict[int, int] = {}
        for place, i in enumerate(came):
            (second if i in first else first)[i] = place
        first_places = [place for _, place in sorted(first.items())]
        return ColumnMap(
            _array(numbers),
            _array(copied),
            _array(copied_to),
            _array(embedded_to),
            np.argsort(made),
            _array(first_places),
            _array([second.get(i, place) for i, place in enumerate(first_places)]),
            _slices([columns for columns, _ in levels]),
            _slices(ranges(len(columns) for columns, _ in levels)),
            _slices([to for _, to in levels]),
            np.array([1.0 if i in second else 0.0 for i in range(len(first))]),
        )

    @property
    def n_inputs(self) -> int:
        """The number d of input columns."""
        return sum(group.size for group in self.groups)

    @property
    def n_outputs(self) -> int:
        """The number m of numbers that enter layer 1."""
        return sum(self.outputs_of(group) for group in self.groups)

    @property
    def words(self) -> str:
        """What the stage makes of the inputs, in words."""
        told = []
        if numbers := self.columns_of("number"):
            told.append(
                f"{numbers} number{'s' * (numbers > 1)}, each also as {self.width} learned sums of {self.waves} cosines"
            )
        categories = [group.size for group in self.groups if group.kind == "category"]
        if categories:
            many = f"{len(categories)} categor{'ies' if len(categories) > 1 else 'y'}"
            told.append(f"{many} of {sum(categories)} inputs, each as {self.level_width} learned numbers")
        if plain := self.columns_of("plain"):
            told.append(f"{plain} plain input{'s' * (plain > 1)}")
        told += ["a learned factor on each"] if self.scale else []
        return f"{self.n_inputs} → {self.n_outputs}: {'; '.join(told)}"

    def outputs_of(self, group: FeatureGroup) -> int:
        """Return how many numbers a group of columns becomes."""
        return {"number": 1 + self.width, "category": self.level_width, "plain": group.size}[group.kind]

    def columns_of(self, kind: GroupKind) -> int:
        """Return how many columns belong to groups of a kind."""
        return sum(group.size for group in self.groups if group.kind == kind)

    def rate(self, name: str) -> float:
        """Return the factor of a parameter's learning rate."""
        return dict(self.rates).get(name, PARAMETERS[name].rate)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shape of each parameter array, by name, in the order of the flat layout."""
        numbers, levels = self.columns_of("number"), self.columns_of("category")
        shapes: dict[str, tuple[int, ...]] = {}
        if numbers:
            shapes |= dict.fromkeys(("f", "phi"), (numbers, self.waves))
            shapes |= {"V": (numbers, self.waves, self.width), "c": (numbers, self.width)}
        if levels:
            shapes["E"] = (levels, self.level_width)
        return shapes | ({"s": (self.n_outputs,)} if self.scale else {})

    def initial(self, name: str, draws: np.random.Generator) -> Array:
        """Return a parameter's initial numbers: f ~ N(0, std²), phi ~ U(-π, π), V, c ~ U(±1/√K), E ~ N(0, 1), s = 1."""
        return PARAMETERS[name].initial(self, draws, self.shapes()[name])

    def angles(self, p: Mapping[str, Array], x: Array, xp: Namespace) -> Array:
        """Return 2π f x + phi of every number's cosines, (…, G, n, K)."""
        column = xp.matrix_transpose(xp.take(x, xp.asarray(self.column_map.numbers), axis=-1))
        waves = xp.expand_dims(p["f"], axis=-2) * xp.expand_dims(column, axis=-1)
        return 2 * math.pi * waves + xp.expand_dims(p["phi"], axis=-2)

    def forward(self, p: Mapping[str, Array], x: Array, xp: Namespace) -> StageRecord:
        """Return u, e and a[0] for rows ``x`` (…, n, d); parameters (k, …) give (k, n, m)."""
        places, u, v = self.column_map, None, None
        # The leading axes of the first parameter.
        outer = next((p[name].shape[: p[name].ndim - len(own)] for name, own in self.shapes().items()), ())
        parts = [xp.take(x, xp.asarray(places.copied), axis=-1)] if len(places.copied) else []
        if "f" in p:
            angles = self.angles(p, x, xp)
            u, v = xp.cos(angles), -xp.sin(angles)
            embedded = xp.matmul(u, p["V"]) + xp.expand_dims(p["c"], axis=-2)
            # (…, G, n, width) side by side: (…, n, G · width).
            turned = xp.moveaxis(embedded, -3, -2)
            parts.append(xp.reshape(turned, (*turned.shape[:-2], turned.shape[-2] * turned.shape[-1])))
        if "E" in p:
            for columns, rows in zip(places.levels, places.level_rows, strict=True):
                parts.append(xp.matmul(x[..., columns], p["E"][..., rows, :]))
        wide = [
            xp.broadcast_to(part, (*outer, *part.shape[-2:])) if part.ndim < len(outer) + 2 else part
            for part in parts
        ]
        e = xp.take(xp.concat(wide, axis=-1), xp.asarray(places.order), axis=-1)
        return StageRecord(u, v, e, e * xp.expand_dims(p["s"], axis=-2) if "s" in p else e)

    def by_products(self, p: Mapping[str, Array], x: Array, xp: Namespace) -> Array:
        """Return a[0] as `forward` does, of one member, by products of whole matrices that are 0 between different numbers.

        That is more arithmetic and less to be moved, for where a product is one operation and its matrices are constants.
        """
        places = self.column_map
        parts = [xp.take(x, xp.asarray(places.copied), axis=-1)] if len(places.copied) else []
        if "f" in p:
            (count, waves), width, same = (
                p["f"].shape,
                p["c"].shape[-1],
                xp.asarray(np.eye(len(places.numbers))),
            )
            of_each = xp.expand_dims(same, axis=-1) * xp.expand_dims(2 * math.pi * p["f"], axis=0)
            numbers = xp.take(x, xp.asarray(places.numbers), axis=-1)
            angles = xp.matmul(numbers, xp.reshape(of_each, (count, count * waves)))
            u = xp.cos(angles + xp.reshape(p["phi"], (count * waves,)))
            of_waves = xp.expand_dims(p["V"], axis=-2) * xp.expand_dims(xp.expand_dims(same, axis=-1), axis=1)
            embedded = xp.matmul(u, xp.reshape(of_waves, (count * waves, count * width)))
            parts.append(embedded + xp.reshape(p["c"], (count * width,)))
        if "E" in p:
            for columns, rows in zip(places.levels, places.level_rows, strict=True):
                parts.append(xp.matmul(x[..., columns], p["E"][..., rows, :]))
        e = xp.take(xp.concat(parts, axis=-1), xp.asarray(places.order), axis=-1)
        return e * p["s"] if "s" in p else e

    def backward(
        self, p: Mapping[str, Array], x: Array, record: StageRecord, da: Array, xp: Namespace
    ) -> StageGradients:
        """Return the gradients by name, and dC/dx, from dC/da[0] (…, n, m)."""
        places = self.column_map
        grads: dict[str, Array] = {}
        de, du = da, None
        if "s" in p:
            grads["s"] = xp.sum(da * record.e, axis=-2)
            de = da * xp.expand_dims(p["s"], axis=-2)
        by_column = [xp.take(de, xp.asarray(places.copied_to), axis=-1)] if len(places.copied) else []
        if "f" in p:
            assert record.u is not None
            assert record.v is not None
            # What belongs to the numbers' embeddings, (…, G, n, width).
            taken = xp.take(de, xp.asarray(places.embedded_to), axis=-1)
            split = xp.reshape(taken, (*taken.shape[:-1], len(places.numbers), self.width))
            inner = xp.moveaxis(split, -2, -3)
            grads["V"] = xp.matmul(xp.matrix_transpose(record.u), inner)
            grads["c"] = xp.sum(inner, axis=-2)
            du = xp.matmul(inner, xp.matrix_transpose(p["V"]))
            by_angle = record.v * du
            column = xp.matrix_transpose(xp.take(x, xp.asarray(places.numbers), axis=-1))
            grads["phi"] = xp.sum(by_angle, axis=-2)
            grads["f"] = 2 * math.pi * xp.sum(by_angle * xp.expand_dims(column, axis=-1), axis=-2)
            through = 2 * math.pi * xp.sum(by_angle * xp.expand_dims(p["f"], axis=-2), axis=-1)
            by_column.append(xp.matrix_transpose(through))
        if "E" in p:
            rows_of_e = []
            for columns, rows, outputs in zip(places.levels, places.level_rows, places.level_to, strict=True):
                inner = de[..., outputs]
                rows_of_e.append(xp.matmul(xp.matrix_transpose(x[..., columns]), inner))
                by_column.append(xp.matmul(inner, xp.matrix_transpose(p["E"][..., rows, :])))
            grads["E"] = xp.concat(rows_of_e, axis=-2)
        together = xp.take(xp.concat(by_column, axis=-1), xp.asarray(places.back), axis=-1)
        if len(places.numbers):
            # A number is copied as well as embedded: what comes back both ways is added.
            extra = xp.take(xp.concat(by_column, axis=-1), xp.asarray(places.back_embedded), axis=-1)
            together = together + extra * xp.asarray(places.is_number)
        ordered = {name: grads[name] for name in self.shapes()}
        return StageGradients(da, de, du, ordered, together)

    def slopes(self, p: Mapping[str, Array], x: Array, record: StageRecord) -> dict[str, Array]:
        """Return the derivatives of every number's cosines by their phase, frequency and number, (…, n, G, K)."""
        if record.v is None:
            return {}
        by_angle = np.moveaxis(record.v, -3, -2)
        column = x[..., self.column_map.numbers][..., None]
        by = {"phi": by_angle, "f": by_angle * (2 * math.pi * column), "x": by_angle * (2 * math.pi * p["f"])}
        return {f"du/d{name}": array for name, array in by.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain data that `from_dict` reads back."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return plain | {"groups": [list(group) for group in self.groups], "rates": dict(self.rates)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Features:
        """Return the stage of `to_dict`'s plain data; raises SettingsError where it can't be one."""
        try:
            options = {key: value for key, value in data.items() if key != "groups"}
            return cls([(kind, size) for kind, size in data["groups"]], **options)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise SettingsError(f"this is not the description of a feature stage: {error}") from error


class ColumnMap(NamedTuple):
    """Which column goes where, as indices from 0.

    ``numbers`` (G,) and ``copied`` are columns, ``copied_to`` and ``embedded_to`` outputs; ``levels`` and ``level_to``
    the columns and outputs of each category, ``level_rows`` its rows of E. ``order`` brings the parts of forward
    into the order of the outputs, ``back`` those of backward into that of the columns, ``back_embedded`` a number's second
    part; ``is_number`` (d,) is 1 at numbers.
    """

    numbers: IntArray
    copied: IntArray
    copied_to: IntArray
    embedded_to: IntArray
    order: IntArray
    back: IntArray
    back_embedded: IntArray
    levels: tuple[slice, ...]
    level_rows: tuple[slice, ...]
    level_to: tuple[slice, ...]
    is_number: Array

    @property
    def copies(self) -> dict[int, int]:
        """The output that each copied column enters layer 1 by as it is, by column."""
        return dict(zip(self.copied.tolist(), self.copied_to.tolist(), strict=True))


def _array(places: list[int]) -> IntArray:
    return np.array(places, np.int64)


def _slices(parts: Iterable[range]) -> tuple[slice, ...]:
    return tuple(slice(part.start, part.stop) for part in parts)


def ranges(sizes: Iterable[int]) -> list[range]:
    """Return where things of these sizes are that lie one after the other."""
    return [range(*ends) for ends in pairwise(accumulate(sizes, initial=0))]


def _group(given: Any) -> FeatureGroup:
    try:
        kind, size = given
    except (TypeError, ValueError):
        kind, size = given, 1
    if kind not in get_args(GroupKind):
        raise SettingsError(f"group {given!r} is unknown: choose {', '.join(get_args(GroupKind))}")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1 or (kind == "number" and size != 1):
        wanted = "one column" if kind == "number" else "a whole number of columns, at least 1"
        raise SettingsError(f"a group of kind {kind} has {wanted}, not {size!r}")
    return FeatureGroup(kind, size)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
