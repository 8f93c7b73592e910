"""Addresses: every number of a network has one, ``W[2][1,3]``, ``z[1][2]@row=4``, ``dC/dW[2][1,3]@step=7``.

Layers and neurons, rows, members and steps are counted from 1, as the articles count; layer 0 is the input.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from chainrule.equations.features import PARAMETERS as STAGE_PARAMETERS
from chainrule.equations.layers import parameters_of_kinds
from chainrule.equations.network import Network
from chainrule.equations.update import stages_of
from chainrule.errors import SettingsError
from chainrule.formula.names import Name, join_name, split_name

Place = Literal["scalar", "input", "output", "class", "neuron", "weight", "bias", "layer", "stage"]
"""How a quantity is counted: not at all; ``x[i]``; ``y[j]``; ``probability[c]``; ``z[l][j]``; ``W[l][i,j]``; ``b[l][j]``;
``scale[l]``; the feature stage's own ways, ``u[0][i,k]``."""


@dataclass(frozen=True)
class Quantity:
    """What an address can name: its place, whether each row has its own, and words with ``{}`` for its place."""

    name: str
    place: Place
    per_row: bool
    text: str
    noun: str = ""

    @property
    def words(self) -> str:
        """What it is in general: the weighted sum of a neuron."""
        return self.text.format(f"a {self.noun}" if self.noun else _GENERAL[self.place])


_GENERAL: Mapping[Place, str] = {
    "scalar": "",
    "input": "an input",
    "output": "an output",
    "class": "a class",
    "neuron": "a neuron",
    "stage": "the feature stage",
    "layer": "a layer",
}


def _quantities(*records: Quantity) -> Mapping[str, Quantity]:
    return MappingProxyType({record.name: record for record in records})


LAYER_PARAMETERS = parameters_of_kinds()
"""The parameters that a layer of some kind has, without the feature stage's."""

TERMS: Mapping[str, str] = {
    name: each.noun for name, each in LAYER_PARAMETERS.items() if each.enters is not None
}
"""Those that are terms of z, and what one is called; of the others only alpha is there, of the activation."""

FACTORS: Mapping[str, str] = {name: each.noun for name, each in LAYER_PARAMETERS.items() if each.enters}
"""Those of them that multiply what enters: a derivative passes through them on its way back."""


def _of_parameters(name: str, text: str, decaying: str = "") -> list[Quantity]:
    """Return a quantity for every layer's parameter; ``decaying`` is the text where decay is about it."""
    return [
        Quantity(
            name.format(each.name),
            "weight" if each.counts == "ij" else "bias",
            False,
            decaying if decaying and each.decays else text,
            each.noun,
        )
        for each in LAYER_PARAMETERS.values()
    ]


QUANTITIES = _quantities(
    Quantity("x", "input", True, "the value of {}"),
    Quantity("y", "output", True, "the target of {}"),
    Quantity("y_smooth", "output", True, "the target of {} after label smoothing"),
    Quantity("z", "neuron", True, "the weighted sum of {}"),
    Quantity("a", "neuron", True, "the activation of {}"),
    Quantity("r", "neuron", True, "the dropout mask of {}: 0, or 1/(1-p)"),
    Quantity("h", "neuron", True, "what {} passes on: its activation times its dropout mask"),
    Quantity("f'", "neuron", True, "the slope of the activation of {}"),
    Quantity("delta", "neuron", True, "the derivative of the cost by the weighted sum of {}"),
    Quantity("dC/da", "neuron", True, "the derivative of the cost by the activation of {}"),
    Quantity("dC/dh", "neuron", True, "the derivative of the cost by what {} passes on"),
    Quantity("dC/dx", "input", True, "the derivative of the cost by {}"),
    *_of_parameters("{}", "{}"),
    Quantity("scale", "layer", False, "the factor 1/sqrt(n_in) of the weighted sums of {}"),
    *_of_parameters("dC/d{}", "the derivative of the cost by {}"),
    *_of_parameters(
        "{}_decayed", "{} before the update; no decay touches it", "{} after weight decay, before the update"
    ),
    *_of_parameters("{}_new", "{} after the update"),
    Quantity("u", "stage", True, "a cosine of a number: {}"),
    Quantity("e", "stage", True, "what is scaled, to enter layer 1: {}"),
    Quantity("dC/du", "stage", True, "the derivative of the cost by a cosine: {}"),
    Quantity("dC/de", "stage", True, "the derivative of the cost by what is scaled: {}"),
    *(
        Quantity(f"du/d{by}", "stage", True, f"the derivative of a cosine by {text}: {{}}")
        for by, text in (("f", "its frequency"), ("phi", "its phase"), ("x", "its number"))
    ),
    *(
        Quantity(form.format(name), "stage", False, words.format(own.text))
        for name, own in STAGE_PARAMETERS.items()
        for form, words in (
            ("{}", "{}: {{}}"),
            ("dC/d{}", "the derivative of the cost by {}: {{}}"),
            ("{}_decayed", "{} before the update, decayed where it decays: {{}}"),
            ("{}_new", "{} after the update: {{}}"),
        )
    ),
    Quantity("loss", "scalar", True, "the loss of the row"),
    Quantity("share", "scalar", True, "the row's share in the cost"),
    Quantity("C", "scalar", False, "the cost"),
    Quantity("loss_new", "scalar", True, "the loss of the row after the update"),
    Quantity("C_new", "scalar", False, "the cost of the same rows after the update"),
    Quantity("penalty", "scalar", False, "what the penalties l1 and l2 add to the cost"),
    Quantity("norm", "scalar", False, "the length of the gradient before clipping"),
    Quantity("eta", "scalar", False, "the learning rate of the step"),
    Quantity("strength", "scalar", False, "the factor of dropout and weight decay in the step"),
    Quantity("t", "scalar", False, "the number of the update"),
    Quantity("mean_a", "output", True, "the mean of the members' activations of {}"),
    Quantity("prediction", "scalar", True, "the prediction in the target's own units"),
    Quantity(
        "answer",
        "output",
        True,
        "the answer of {}: in its target's own units, or the probability of its second class",
    ),
    Quantity("probability", "class", True, "the probability of {}"),
)
"""All quantities but the optimizer's own, which are addressed by parameter: ``m/dW[2][1,3]``, ``g/db[1][2]``."""

PARAMETERS = (*LAYER_PARAMETERS, *STAGE_PARAMETERS)
"""The parameter arrays that a layer can have, the feature stage's among them."""

STAGE_INDICES: Mapping[str, str] = MappingProxyType(
    {
        **{name: own.indices for name, own in STAGE_PARAMETERS.items()},
        **dict.fromkeys(("u", "dC/du", "du/df", "du/dphi", "du/dx"), STAGE_PARAMETERS["f"].indices),
        **dict.fromkeys(("e", "dC/de"), STAGE_PARAMETERS["s"].indices),
    }
)
"""The indices of the feature stage's quantities, in words."""

ALIASES: Mapping[str, str] = MappingProxyType({"dC/dz": "delta", "w": "W", "dC/dw": "dC/dW"})
"""Other spellings that are understood."""

_SIGNS = str.maketrans({"∂": "d", "δ": "delta", "η": "eta", "′": "'", "’": "'", " ": None})
_EXAMPLES = "write an address such as z[2][1], W[2][1,3], dC/dW[2][1,3] or C@step=4"


@dataclass(frozen=True)
class Address:
    """The place of one number; ``layer`` and ``index`` from 1, None or () where the quantity has none.

    An address with a layer and no index, ``dC/dW[2]``, is the whole array of that layer. ``step``, ``row`` and
    ``member`` are None where only one is meant.

    >>> address = Address.parse("dC/dz[2][1] @row=4")
    >>> str(address), address.layer, address.index, address.row
    ('delta[2][1]@row=4', 2, (1,), 4)
    """

    name: str
    layer: int | None = None
    index: tuple[int, ...] = ()
    step: int | None = None
    row: int | None = None
    member: int | None = None

    def __str__(self) -> str:
        base, _, by = self.name.partition("/d")
        layer = () if self.layer is None else ((self.layer,),)
        index = (self.index,) if self.index else ()
        given = (("step", self.step), ("row", self.row), ("member", self.member))
        qualifiers = tuple((key, value) for key, value in given if value is not None)
        return join_name(Name(base, by, (*layer, *index), qualifiers))

    @classmethod
    def parse(cls, text: str | Address) -> Address:
        """Return the address of a text; raises SettingsError that says what can be written."""
        return text if isinstance(text, Address) else _parse(text)

    @property
    def quantity(self) -> Quantity:
        """What the address names; for ``m/dW`` and its like a record made from the parameter it is about."""
        return quantity(self.name)

    @property
    def by(self) -> Address:
        """The parameter or neuron that a derivative or an optimizer's number is about: W[2][1,3] of dC/dW[2][1,3]."""
        _, _, by = self.name.partition("/d")
        return replace(self, name=by) if by else self

    @property
    def parameter(self) -> str:
        """The parameter array that it is, or is about: W of W[1][2,3], of W_new[1][2,3] and of m/dW[1][2,3]; "" if none."""
        name = self.name.partition("/d")[2] or self.name.partition("_")[0]
        return name if name in PARAMETERS and not self.name.startswith("du/") else ""

    @property
    def number(self) -> int:
        """The number of its layer, which the quantity has; 0 is the feature stage."""
        assert self.layer is not None
        return self.layer

    @property
    def is_whole(self) -> bool:
        """Whether it stands for all of a layer or of the inputs rather than a single number."""
        return self.quantity.place not in ("scalar", "layer") and not self.index

    def at(self, *, step: int | None = None, row: int | None = None, member: int | None = None) -> Address:
        """Return the address with these qualifiers where it has none of its own."""
        return replace(
            self,
            step=self.step if self.step is not None else step,
            row=self.row if self.row is not None else row,
            member=self.member if self.member is not None else member,
        )

    def words_in(self, network: Network) -> str:
        """Say what it is: the weighted sum of neuron 1 of layer 2."""
        kind = self.quantity
        if kind.place == "layer":
            return kind.text.format(f"layer {self.layer}")
        if not self.index:
            return kind.words if self.layer is None else f"{kind.words}, all of layer {self.layer}"
        *first, last = self.index
        neuron = f"neuron {last} of layer {self.layer}"
        before = f"neuron {first[0]} of layer {self.number - 1}" if first else ""
        if self.parameter == "S":
            before = f"input {first[0]}"
        elif self.layer == 1 and first:
            before = f"output {first[0]} of the feature stage" if network.features else f"input {first[0]}"
        places: Mapping[Place, str] = {
            "weight": f"the {kind.noun} from {before} to {neuron}",
            "bias": f"the {kind.noun} of {neuron}",
            "neuron": neuron if self.layer else f"output {last} of the feature stage",
            "stage": self._stage_indices.format(*self.index),
        }
        return kind.text.format(places.get(kind.place, f"{kind.place} {last}"))

    @property
    def _stage_indices(self) -> str:
        """What the indices of one of the feature stage's quantities are in words, with {} for each."""
        return STAGE_INDICES.get(self.parameter or self.name, "")

    @property
    def size(self) -> int:
        """How many indices a number of its kind has, besides the layer."""
        sizes = {"scalar": 0, "layer": 0, "weight": 2, "stage": self._stage_indices.count("{}")}
        return sizes.get(self.quantity.place, 1)

    @property
    def plain(self) -> Address:
        """The address without its qualifiers."""
        return replace(self, step=None, row=None, member=None)


def quantity(name: str) -> Quantity:
    """Return what a name stands for; raises SettingsError for one that stands for nothing."""
    if name in QUANTITIES:
        return QUANTITIES[name]
    what, _, by = name.partition("/d")
    if by in PARAMETERS and not _DERIVED.match(what):
        told = [*(stage.what for stage in stages_of(what)), f"the optimizer's {what} for {{}}"]
        return replace(QUANTITIES[by], name=name, text=told[0])
    own, _, result = name.partition("_")
    if own in PARAMETERS and (changes := stages_of(result)):
        return replace(QUANTITIES[own], name=name, text=changes[0].what)
    raise SettingsError(f"address: there is no quantity {name!r}; {_hint(name)}")


def _hint(text: str) -> str:
    """Say which address may be meant by a text that is none, whose name or brackets are not quite right."""
    match = _ROUGHLY.fullmatch(text)
    if match is None:
        return _EXAMPLES
    name, inside, qualifiers = match.groups("")
    inside = _WHOLE.sub("", inside)
    # z11 is z[1][1].
    numbers = list(map(int, inside if inside.isdecimal() else re.findall("[0-9]{1,18}", inside)))
    tail = "".join(f"@{key.lower()}={value}" for key, value in _QUALIFIER.findall(qualifiers))
    what, partial, _ = name.partition("/d")
    known = [
        *QUANTITIES,
        *ALIASES,
        *(f"{what}/d{each}" for each in PARAMETERS if partial and not _DERIVED.match(what)),
    ]
    same = [each for each in known if each == name] or [
        each for each in known if each.lower() == name.lower()
    ]
    close = same or difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    whole = len(numbers) == 1 and "[" in inside
    meant = dict.fromkeys(_filled(each, numbers, whole=whole) + tail for each in close)
    return f"did you mean {' or '.join(meant)}?" if meant else _EXAMPLES


_DERIVED = re.compile("du$|d[A-Z]")
"""What is derived in a partial derivative, and so nothing that an optimizer keeps: dC, dL."""
_ROUGHLY = re.compile(r"([A-Za-z_/]+'?)([0-9\[\](){},.;:-]*)(@.*)?", re.DOTALL)
"""A name, something like indices, and something like qualifiers."""
_WHOLE = re.compile(r"\.0+(?=[\]),}]|$)")
"""What makes a decimal of a whole number: 1.0."""
_QUALIFIER = re.compile(r"(step|row|member)=?([1-9][0-9]{0,17})", re.IGNORECASE)


def _filled(name: str, numbers: list[int], *, whole: bool) -> str:
    """Return a quantity's address with these numbers as layer and indices, as far as they fit, else as it is written.

    ``whole``: one number is the layer, of which all is meant.
    """
    place = Address(ALIASES.get(name, name))
    size, layer = place.size, None
    if place.quantity.place in _IN_LAYERS:
        first = 0 if place.quantity.place == "stage" else 1
        if len(numbers) == size and not whole:
            numbers = [first, *numbers]
        layer, numbers = max(first, *numbers[:1], 0) * (first or 0), numbers[1:]
        size = 0 if whole else size
    made = replace(place, layer=layer, index=tuple(max(1, number) for number in numbers))
    text = str(made) if len(numbers) == size else _example(place)
    return name + text.removeprefix(place.name) if name.startswith("dC/d") else text


@lru_cache(maxsize=4096)
def _parse(text: str) -> Address:
    parts = split_name(text.translate(_SIGNS))
    if parts is None:
        raise SettingsError(f"{text!r} is not an address; {_hint(text.translate(_SIGNS))}")
    name = f"{parts.base}/d{parts.by}" if parts.by else parts.base
    name = ALIASES.get(name, name)
    brackets = parts.brackets
    if name in ("h", "dC/dh") and brackets[:1] == ((0,),):
        # Nothing is dropped there; a trace takes a[0] as x where no feature stage comes between.
        name = "dC/da" if "/" in name else "a"
    try:
        kind = quantity(name)
    except SettingsError as error:
        hint = _hint(text.translate(_SIGNS))
        raise SettingsError(f"address {text!r}: there is no quantity {name!r}; {hint}") from error
    given = dict(parts.qualifiers)
    if len(given) < len(parts.qualifiers) or not given.keys() <= {"step", "row", "member"}:
        raise SettingsError(f"address {text!r}: after @ come step=, row= and member=, each once")
    if any(value < 1 for value in given.values()):
        raise SettingsError(f"address {text!r}: steps, rows and members are counted from 1")
    layer: int | None = None
    example, hint = _example(Address(name)), _hint(text.translate(_SIGNS))
    meant = "" if hint == f"did you mean {example}?" else f"; {hint}"
    if kind.place in _IN_LAYERS:
        if not brackets or len(brackets[0]) != 1:
            raise SettingsError(f"address {text!r}: {kind.words} needs its layer, as in {example}{meant}")
        layer, brackets = brackets[0][0], brackets[1:]
        at_stage = kind.place == "stage"
        if at_stage and layer > 0:
            raise SettingsError(f"address {text!r}: the feature stage is layer 0, as in {example}{meant}")
        if layer < 1 and not (at_stage or name in ("a", "dC/da")):
            raise SettingsError(
                f"address {text!r}: layers are counted from 1; layer 0 is the input x; {hint}"
            )
    index = brackets[0] if brackets else ()
    if len(brackets) > 1 or (index and len(index) != Address(name).size):
        raise SettingsError(f"address {text!r}: {kind.words} is written as {example}{meant}")
    if any(number < 1 for number in index):
        raise SettingsError(f"address {text!r}: neurons are counted from 1; {hint}")
    return Address(name, layer, index, **given)


_IN_LAYERS = ("neuron", "weight", "bias", "layer", "stage")


def _example(place: Address) -> str:
    """Return how such an address is written."""
    indices = {
        "stage": f"[0][{','.join('123'[: place.size])}]",
        "scalar": "",
        "input": "[3]",
        **dict.fromkeys(("output", "class"), "[1]"),
        "weight": "[2][1,3]",
        "layer": "[2]",
    }
    return place.name + indices.get(place.quantity.place, "[2][1]")
