"""The layers of a network as plain data, for its drawing: sizes, names, weights, biases, and what is known of each neuron."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from chainrule._plain import IF_SET, Count, Plain
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.plots.marks import Numbers, Texts

Flag: TypeAlias = Literal["", "dead", "saturated"]


@dataclass(frozen=True)
class DrawnLayer(Plain, place="layer"):
    """A layer: the inputs (the first), neurons, or a ``block`` in words, such as a feature stage.

    ``number`` is its own in addresses: 0 for the inputs. ``weights`` (n_in, n_out) come from the layer before,
    ``bias`` is (n_out,) or one number for all. ``values`` are those of a row, or deltas; ``kind`` is their letter.
    """

    number: Count
    size: Count
    title: str = ""
    names: Annotated[Texts, IF_SET] = ()
    weights: FloatArray | None = None
    bias: Annotated[Numbers, IF_SET] = ()
    values: Annotated[Numbers, IF_SET] = ()
    kind: Annotated[Literal["x", "a", "delta", "z"], IF_SET] = "a"
    flags: Annotated[tuple[Flag, ...], IF_SET] = ()
    frozen: Annotated[bool, IF_SET] = False
    shared: Annotated[bool, IF_SET] = False
    """Whether members have these weights in common."""
    block: Annotated[str, IF_SET] = ""
    path: Annotated[str, IF_SET] = ""
    """What a linear path from the inputs to this last layer is called, where it has one."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise SettingsError("size: a layer has at least one neuron")
        for name in ("names", "values", "flags"):
            if len(getattr(self, name)) not in (0, self.size):
                raise SettingsError(
                    f"{name}: {self.size} entries were expected, one for each neuron, not {len(getattr(self, name))}"
                )
        if len(self.bias) not in (0, 1, self.size):
            raise SettingsError(f"bias: 1 or {self.size} numbers were expected, not {len(self.bias)}")
        if self.weights is not None and (self.weights.ndim != 2 or self.weights.shape[1] != self.size):
            raise SettingsError(
                f"weights: the shape (n_in, {self.size}) was expected, not {self.weights.shape}"
            )

    def address(self, neuron: int) -> str:
        """Return the address of a neuron's value; neurons count from 0 here, from 1 there."""
        if self.number == 0:
            return f"x[{neuron + 1}]"
        return f"{self.kind if self.kind != 'x' else 'a'}[{self.number}][{neuron + 1}]"


def checked(layers: Sequence[DrawnLayer]) -> tuple[DrawnLayer, ...]:
    """Return the layers if each has weights for what comes before it; raises SettingsError otherwise."""
    if len(layers) < 2:
        raise SettingsError("layers: a network has inputs and at least one layer")
    for before, layer in itertools.pairwise(layers):
        if layer.weights is not None and layer.weights.shape[0] != before.size:
            raise SettingsError(
                f"weights: layer {layer.number} takes {layer.weights.shape[0]} numbers, and the one before it has {before.size}"
            )
    return tuple(layers)
