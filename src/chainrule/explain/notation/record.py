"""A notation as a record, and the files that it is read from; docs/notation.md is for who writes one."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

from chainrule._doors import setting
from chainrule._plain import IF_SET, Plain
from chainrule.errors import ModelFileError, SettingsError
from chainrule.explain.notation.template import Template, filled
from chainrule.explain.trace.address import QUANTITIES
from chainrule.formula.written import plain

FOLDER = Path(__file__).parent / "data"
"""Where the notations that come with chainrule are."""

LARGEST_FILE = 100_000

_OF_NEURON = frozenset({"l", "l-1", "j", "n"})
FIELDS_OF: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "x": frozenset({"l", "i"}),
        "y": frozenset({"l", "j", "n"}),
        **dict.fromkeys(("z", "a", "h", "r", "delta", "f'", "b"), _OF_NEURON),
        "W": _OF_NEURON | {"i", "w"},
        **{name: frozenset() for name, each in QUANTITIES.items() if each.place == "scalar"},
    }
)
"""The quantities that a notation can name, and the fields that their templates can have."""

SYMBOLS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "x": frozenset({"i"}),
        "y": frozenset({"j"}),
        **dict.fromkeys(("z", "a", "delta", "b"), frozenset({"l", "j"})),
        "W": frozenset({"l", "l-1", "i", "j"}),
        "C": frozenset(),
        "f": frozenset({"l"}),
    }
)
"""The quantities of a derivation in symbols, for any layer and neuron, and the fields of their templates; f is the activation."""

LETTERS: Mapping[str, str] = MappingProxyType(
    {
        "layer": "l",
        "last": "L",
        "from": "i",
        "to": "j",
        "neuron": "j",
        "next": "k",
        "row": "r",
        "rows": "N",
        "size": "n",
    }
)
"""The letters of indices and counts in such a derivation, where a notation names none of its own."""

ARRAYS = ("x", "y", "z", "a", "h", "delta", "W", "b")
"""Those whose whole arrays it can name."""

Templates = Mapping[str, str]


@dataclass(frozen=True)
class Notation(Plain, place="notation"):
    """How somebody writes the numbers of a network, and which way round.

    ``source`` says where it is defined. ``first_layer`` is the input's number. With ``columns`` vectors are columns and a
    matrix has a row for each neuron that a weight goes to: every array is the transpose of ours. ``delta`` says whether a
    symbol stands for the derivative by a weighted sum, or the product of its factors; ``sum`` whether a weighted sum is
    written term by term or first as a dot product. ``names`` are templates by quantity, ``output`` those of the last layer
    where they differ, ``shared`` those of a bias that a layer shares, ``arrays`` those of whole arrays, ``understood``
    further spellings that are read. ``after`` marks what is there after an update. ``neurons`` are the letters of ``<n>``.
    ``symbols`` are templates of numbers at any layer and neuron, for derivations in symbols, where ``names`` have no place for
    an index; ``letters`` those of the indices and counts there.
    What has no template, or one that can't tell a network's numbers apart, is written as ours.
    """

    name: str
    summary: str
    source: str
    first_layer: Annotated[int, IF_SET] = 0
    columns: Annotated[bool, IF_SET] = False
    delta: Annotated[Literal["symbol", "factors"], IF_SET] = "symbol"
    sum: Annotated[Literal["terms", "dot"], IF_SET] = "terms"
    after: Annotated[str, IF_SET] = "new"
    names: Annotated[Templates, IF_SET] = field(default_factory=dict)
    output: Annotated[Templates, IF_SET] = field(default_factory=dict)
    shared: Annotated[Templates, IF_SET] = field(default_factory=dict)
    arrays: Annotated[Templates, IF_SET] = field(default_factory=dict)
    understood: Annotated[Mapping[str, tuple[str, ...]], IF_SET] = field(default_factory=dict)
    neurons: Annotated[Mapping[str, str], IF_SET] = field(default_factory=dict)
    symbols: Annotated[Templates, IF_SET] = field(default_factory=dict)
    letters: Annotated[Mapping[str, str], IF_SET] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the templates; raises SettingsError that names the key."""
        if self.first_layer not in (0, 1):
            raise SettingsError(f"first_layer: the input is layer 0 or 1, not {self.first_layer}")
        for table in ("names", "output", "shared", "arrays"):
            known = ARRAYS if table == "arrays" else ("b",) if table == "shared" else tuple(FIELDS_OF)
            for key, text in getattr(self, table).items():
                self._check(f"{table}.{key}", key, text, known, whole=table == "arrays")
        for key, texts in self.understood.items():
            for text in texts:
                self._check(f"understood.{key}", key, text, tuple(FIELDS_OF))
        for kind in self.neurons:
            if kind not in ("hidden", "output"):
                raise SettingsError(f"neurons.{kind}: there are hidden and output")
        letters = list(self.neurons.values())
        if any(not letter.isalpha() for letter in letters) or len(set(letters)) < len(letters):
            raise SettingsError("neurons: hidden and output are letters, and not the same")
        given = next((table for table in ("names", "symbols") if "delta" in getattr(self, table)), "")
        if self.delta == "factors" and given:
            raise SettingsError(
                f'{given}.delta: with delta = "factors" there is no symbol for it; leave out one of the two'
            )
        if not self.after or set(self.after) & set("{}^_ @[]"):
            raise SettingsError(f"after: {self.after!r} can't be raised; write a word or a sign such as +")

        self._check_unique()
        for key, text in self.symbols.items():
            self._check(f"symbols.{key}", key, text, SYMBOLS)
        self._check_letters()

    @property
    def activation(self) -> str:
        """The letter of the activation: f, if it names none."""
        slope = self.names.get("f'", "")
        return Template(slope).inner.removesuffix("'") or "f" if slope else "f"

    def letter(self, what: str) -> str:
        """Return the letter of an index or a count, one of `LETTERS`."""
        own = {**self.letters}
        own.setdefault("neuron", own.get("to", LETTERS["neuron"]))
        return own.get(what, LETTERS[what])

    def _check_letters(self) -> None:
        """Refuse letters of indices that are none, or that are two things at once."""
        for key, letter in self.letters.items():
            if key not in LETTERS:
                raise SettingsError(
                    f"letters.{key}: there is no such index; {_suggested(key, tuple(LETTERS))}"
                )
            if len(letter) != 1 or not (letter.isalpha() or (key == "size" and letter == "#")):
                raise SettingsError(
                    f"letters.{key}: {letter!r} is no letter; write one such as {LETTERS[key]}"
                )
        seen: dict[str, str] = {}
        for key in ("layer", "last", "from", "to", "next", "row", "rows"):
            # The neuron of the layer above may be called as an end of a weight is.
            other = seen.setdefault(self.letter(key), key)
            if other != key and not (key == "next" and other in ("from", "to")):
                raise SettingsError(
                    f"letters.{key}: {self.letter(key)} is also {other}; write another letter for one of them"
                )
        if self.letter("neuron") == self.letter("next"):
            raise SettingsError("letters.next: neuron and next are neurons of two layers; write two letters")
        if self.letter("neuron") in {self.letter(key) for key in ("layer", "last", "row", "rows")}:
            raise SettingsError(
                f"letters.neuron: {self.letter('neuron')} has another meaning; write another letter"
            )

    def _check_unique(self) -> None:
        """Refuse two quantities that are called the same in one layer."""
        sample = {"l": 2, "l-1": 1, "i": 4, "j": 4, "n": "n4", "w": 7}
        for role in (self.names, {**self.names, **self.output}, self.arrays):
            seen: dict[str, str] = {}
            for key, text in role.items():
                template = Template(text)
                if template.inner:
                    continue
                values = {**sample, **({"l": 1} if key == "x" else {"l": 3} if key == "y" else {})}
                name = plain(filled(template.shape(lambda _: True), values))
                if seen.setdefault(name, key) != key:
                    raise SettingsError(
                        f"names: {seen[name]} and {key} are both called {name}; write one otherwise"
                    )

    def _check(self, where: str, key: str, text: str, known: Collection[str], *, whole: bool = False) -> None:
        if key not in known:
            raise SettingsError(f"{where}: no such quantity has a name here; {_suggested(key, tuple(known))}")
        try:
            template = Template(text)
        except SettingsError as error:
            raise SettingsError(f"{where}: {error}") from error
        if template.inner and key != "f'":
            raise SettingsError(
                f"{where}: only a slope is written as a function of z; write letter and scripts"
            )
        fields = (
            known[key] if isinstance(known, Mapping) else FIELDS_OF[key] | ({"z"} if key == "f'" else set())
        )
        allowed = frozenset({"l", "l-1"}) if whole else fields
        for name in sorted(template.fields - allowed):
            has = ", ".join(f"<{each}>" for each in sorted(allowed)) or "none"
            raise SettingsError(f"{where}: {key} has no <{name}> here; its fields are {has}")
        if "n" in template.fields and len(self.neurons) < 2:
            raise SettingsError(
                f"{where}: <n> needs the letters of neurons: write [neurons] with hidden and output"
            )


def notation_names() -> tuple[str, ...]:
    """Return the names of the notations that come with chainrule, ours first."""
    found = sorted(path.stem for path in FOLDER.glob("*.toml"))
    return ("ours", *(name for name in found if name != "ours"))


def notation(name: str | os.PathLike[str] | Notation) -> Notation:
    """Return the notation of a name, or of a file that ends in ``.toml``.

    >>> notation("article-5").names["W"]
    'w<w>'

    Raises SettingsError naming file, key and remedy for a file that is no notation.
    """
    if isinstance(name, Notation):
        return name
    given = os.fspath(name)
    if given.endswith(".toml"):
        return _read(Path(given), ())
    if given not in notation_names():
        hint = _suggested(given, notation_names())
        own = "one of your own is a file that ends in .toml"
        joined = f"{hint} {own}" if hint.endswith("?") else f"{hint}; {own}"
        raise SettingsError(f"{setting('notation')}: there is no notation {given!r}; {joined}")
    return _shipped(given)


@lru_cache
def _shipped(name: str) -> Notation:
    return _read(FOLDER / f"{name}.toml", ())


def _read(path: Path, before: tuple[str, ...]) -> Notation:
    """Return the notation of a file; ``before`` are those that are like it."""
    data = _data(path, before)
    try:
        return Notation.from_dict({**data, "name": path.stem})
    except (ModelFileError, SettingsError) as error:
        raise SettingsError(f"{path.name}: {str(error).removeprefix('notation.')}") from error


def _data(path: Path, before: tuple[str, ...]) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SettingsError(f"{path.name}: a notation's file has at most {LARGEST_FILE:,} bytes")
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"{path}: there is no such file") from error
    except OSError as error:
        raise SettingsError(f"{path}: the file can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path.name}: this is not TOML: {error}") from error
    like = data.pop("like", None)
    if like is None:
        return data
    if like not in notation_names() or like in before or like == path.stem:
        raise SettingsError(
            f"{path.name}: like: there is no notation {str(like)!r}; {_suggested(str(like), notation_names())}"
        )
    merged = _data(FOLDER / f"{like}.toml", (*before, path.stem))
    for key, value in data.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = {**merged[key], **value} if both else value
    return merged


def _suggested(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word, known, n=2, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(known)}"
