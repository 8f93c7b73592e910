"""A setting is one thing: a field of a dataclass that says what it is, and all that is made from such fields.

`option` makes a field, `listed` reads the fields of a class. From them come the checks of values (`check_fields`), the
command line's options (`cli.parsing`), the estimators' texts (`numpydoc`), the form of a page (`form`), what the training card
tells (`fitting.card`), and by scripts beside the tests signatures, the card's fields and the table of docs/training.md.
"""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from textwrap import wrap
from typing import Any, Literal, TypeVar

from chainrule._doors import FORM, PYTHON, Door, naming, setting
from chainrule.errors import SettingsError

T = TypeVar("T")

InCard = Literal["if set", "always", "or null", "elsewhere"]
"""When a training card tells a setting: where it differs from what it is by itself, always, null for none, or not itself."""

REGISTRIES: Mapping[str, str] = {
    "activations": "chainrule.equations.activations.ACTIVATIONS",
    "initializers": "chainrule.equations.initializers.INITIALIZERS",
    "losses": "chainrule.equations.losses.LOSSES",
    "optimizers": "chainrule.equations.optimizers.OPTIMIZERS",
    "scalings": "chainrule.tables.encoding.scalings.SCALINGS",
    "schedules": "chainrule.equations.schedules.SCHEDULES",
    "strengths": "chainrule.equations.schedules.STRENGTHS",
}
"""Where the names that ``chainrule formulas`` shows are in Python."""

REQUIRED: Any = dataclasses.MISSING
"""The default of what has to be given."""


@dataclass(frozen=True)
class Kind:
    """What the values of a setting are.

    ``name``: how they are asked for and read; ``type``: what Python calls them; ``wrong``: what to say of a value that
    can't be, "" of one that can; ``limits``: of numbers, ``least``, ``above`` or ``below``; ``choices``: all that there are.
    """

    name: str
    type: str
    wrong: Callable[[Any], str] = lambda value: ""
    limits: Mapping[str, float] = field(default_factory=dict)
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """A setting: its kind, the group it is shown in, the sign of its value in help, and what it is, in words.

    In ``words`` another setting's name in braces becomes what the door calls it, and that of a registry where its names are.
    ``more``: what help has no room for; ``unset``: what becomes of it where it isn't given; ``page``: where the
    documentation says more; ``task``: the one that it is for. ``card``: when the training card tells it, where the
    network, the scores or a fact of the card's own don't. The rest is the field's own.
    """

    kind: Kind
    group: str
    sign: str
    words: str
    more: str = ""
    unset: str = ""
    page: str = ""
    task: Literal["classification", "regression"] | None = None
    card: InCard = "if set"
    name: str = ""
    annotation: str = ""
    default: Any = None
    required: bool = False

    def said(self, door: Door, text: str | None = None) -> str:
        """Return the words, or another text about the setting, as a door says them."""
        return (self.words if text is None else text).format_map(_Names(door))

    def check(self, value: Any) -> None:
        """Raise SettingsError for a value that the setting can't have."""
        if value is None and self.default is None and not self.required:
            return
        with naming(self.name):
            wrong = self.kind.wrong(value)
        if wrong:
            shown = list(value) if isinstance(value, tuple) else value
            raise SettingsError(f"{setting(self.name)} {shown!r} {wrong}")


class _Names(dict[str, str]):
    """What stands for a name in braces."""

    def __init__(self, door: Door) -> None:
        self.door = door

    def __missing__(self, name: str) -> str:
        if name in REGISTRIES:
            return self.door.registry.format(name=name, home=REGISTRIES[name])
        return self.door.setting(name)


def option(
    default: T,
    kind: Kind,
    group: str,
    sign: str,
    words: str,
    *,
    more: str = "",
    unset: str = "",
    page: str = "",
    task: Literal["classification", "regression"] | None = None,
    card: InCard = "if set",
) -> T:
    """Return the field of a dataclass that is a setting (see `Setting`)."""
    about = Setting(kind, group, sign, words, more, unset, page, task, card)
    return field(default=default, metadata={"setting": about})


def listed(cls: type[Any]) -> tuple[Setting, ...]:
    """Return the settings of a dataclass, in the order of its fields."""
    key: Any = cls  # mypy takes a class for something that has no hash
    return _listed(key)


@lru_cache(maxsize=32)
def _listed(cls: Any) -> tuple[Setting, ...]:
    found = []
    for f in dataclasses.fields(cls):
        if about := f.metadata.get("setting"):
            required = f.default is REQUIRED
            default = None if required else f.default
            more = {"name": f.name, "annotation": _typed(f.type), "default": default, "required": required}
            found.append(dataclasses.replace(about, **more))
    return tuple(found)


def check_fields(settings: Any) -> None:
    """Raise SettingsError for a value that its setting can't have, whatever the problem."""
    for one in listed(type(settings)):
        one.check(getattr(settings, one.name))


# ---- kinds


def flag() -> Kind:
    """Return the kind of True and False."""
    return Kind("flag", "bool", lambda value: "" if isinstance(value, bool) else "must be True or False")


def whole(least: int, below: int = 2**31) -> Kind:
    """Return the kind of whole numbers from ``least``, and below a power of two."""

    def wrong(value: Any) -> str:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            return f"must be a whole number, at least {least}"
        return "" if value < below else f"must be less than 2^{below.bit_length() - 1}"

    return Kind("whole", "int", wrong, {"least": least, "below": below})


def number(least: float) -> Kind:
    """Return the kind of numbers from ``least``."""
    return _number(lambda v: v >= least, f"must be a number, at least {least:g}", least=least)


def positive() -> Kind:
    """Return the kind of numbers above 0."""
    return _number(lambda v: v > 0, "must be a number above 0", above=0)


def share() -> Kind:
    """Return the kind of numbers from 0 to less than 1."""
    return _number(lambda v: 0 <= v < 1, "must be at least 0 and less than 1", least=0, below=1)


def _number(fits: Callable[[float], bool], wrong: str, **limits: float) -> Kind:
    def said(value: Any) -> str:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # Python's whole numbers have no end; what float() can't hold is no number of a setting.
        return "" if is_number and abs(value) <= sys.float_info.max and fits(value) else wrong

    return Kind("number", "float", said, limits)


def choice(*names: str) -> Kind:
    """Return the kind of a few names."""
    wrong, shown = f"is unknown: choose {', '.join(names)}", ", ".join(map(repr, names))
    return Kind("choice", f"{{{shown}}}", lambda value: "" if value in names else wrong, choices=names)


def free_text(known: Callable[[str], object] | None = None, *besides: str, several: bool = False) -> Kind:
    """Return the kind of names and formulas; ``known`` raises SettingsError for one that is none of ``besides``.

    ``several``: one, or a list of them.
    """

    def wrong(value: Any) -> str:
        if not (isinstance(value, str) or (several and _are_texts(value))):
            return "must be text" + (", or a list of texts" if several else "")
        if known is not None:
            for text in [value] if isinstance(value, str) else value:
                if text not in besides:
                    known(text)
        return ""

    return Kind("texts" if several else "text", "str or sequence of str" if several else "str", wrong)


def source() -> Kind:
    """Return the kind of tables: a path, or in Python a frame, of which its reader says what is wrong."""
    return Kind("text", "str or frame")


def _are_texts(value: Any) -> bool:
    is_list = isinstance(value, Collection) and not isinstance(value, str | bytes | Mapping)
    return is_list and all(isinstance(item, str) for item in value)


def sizes() -> Kind:
    """Return the kind of the neurons of layers."""

    def wrong(value: Any) -> str:
        is_list = isinstance(value, Sequence) and not isinstance(value, str)
        if is_list and all(isinstance(n, int) and not isinstance(n, bool) and n >= 1 for n in value):
            return ""
        return "must be whole numbers of neurons, such as 64,32"

    return Kind("sizes", "sequence of int", wrong)


def columns() -> Kind:
    """Return the kind of names of columns."""
    wrong = "must be a list of columns"
    return Kind("columns", "sequence of str", lambda value: "" if _are_texts(value) else wrong)


def kinds_by_column() -> Kind:
    """Return the kind of kinds by the name of a column, which a schema knows."""

    def wrong(values: Any) -> str:
        if isinstance(values, Mapping) and all(
            isinstance(word, str) for pair in values.items() for word in pair
        ):
            return ""
        return "must be kinds by column, such as {'zip': 'text'}"

    return Kind("kinds", "dict", wrong)


def one_or_more_columns() -> Kind:
    """Return the kind of the name of a column, or a list of them."""

    def wrong(value: Any) -> str:
        if isinstance(value, str) or (_are_texts(value) and len(value)):
            return ""
        return "must be a column, or a list of columns"

    return Kind("columns", "str or sequence of str", wrong)


def rows() -> Kind:
    """Return the kind of a number of rows, or all."""
    count = whole(1)
    return Kind("rows", "int or 'all'", lambda v: "" if v == "all" else count.wrong(v), count.limits)


def address_list() -> Kind:
    """Return the kind of addresses of parameters."""
    wrong = "must be a list of addresses, such as W[1] or b[2][1]"
    return Kind("addresses", "sequence of str", lambda value: "" if _are_texts(value) else wrong)


def numbers_by_address() -> Kind:
    """Return the kind of numbers by the address of a parameter."""
    value = _number(lambda v: True, "must be a number")

    def wrong(values: Any) -> str:
        if isinstance(values, Mapping) and all(isinstance(name, str) for name in values):
            return "must be finite numbers by address" if any(map(value.wrong, values.values())) else ""
        return "must be numbers by address, such as {'W[1][1,2]': 0.1}"

    return Kind("numbers", "dict", wrong)


def factors() -> Kind:
    """Return the kind of numbers by name."""
    factor = positive()

    def wrong(value: Any) -> str:
        if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
            return "must be factors above 0" if any(map(factor.wrong, value.values())) else ""
        return "must be factors by name, such as {'b': 0.1}"

    return Kind("factors", "dict", wrong)


def weights_of_classes() -> Kind:
    """Return the kind of ``balanced``, or weights of at least 0 by class."""

    def wrong(value: Any) -> str:
        if isinstance(value, str):
            return "" if value == "balanced" else "is unknown: write balanced, or a weight for each class"
        if not isinstance(value, Mapping):
            return "must be balanced, or a weight for each class"
        fits = all(
            isinstance(one, Real) and not isinstance(one, bool) and 0 <= float(one) < math.inf
            for one in value.values()
        )
        return "" if fits else "must have weights of at least 0"

    return Kind("weights", "'balanced' or dict", wrong)


def threshold_rule(*rules: str) -> Kind:
    """Return the kind of a probability between 0 and 1, or a rule that finds one."""

    def wrong(value: Any) -> str:
        if isinstance(value, str):
            return "" if value in rules else f"is unknown: choose {', '.join(rules)}, or a probability"
        fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1
        return "" if fits else "must be a probability between 0 and 1"

    return Kind("threshold", "float or {" + ", ".join(map(repr, rules)) + "}", wrong)


# ---- what is made of them


def numpydoc(settings: Sequence[Setting]) -> str:
    """Return the parameters' description in numpydoc's form."""
    return "\n".join(line for one in settings for line in _described(one))


def _described(one: Setting) -> Iterator[str]:
    yield f"{one.name} : {one.kind.type}, default={one.default!r}"
    words = one.said(PYTHON, "; ".join(filter(None, (one.words, one.more))))
    if words.partition(":")[0] not in one.kind.choices:
        words = words[0].upper() + words[1:]
    if one.unset and one.unset not in words:
        words += f". None: {one.said(PYTHON, one.unset)}"
    yield from wrap(f"{words}.", 120, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def form(cls: type[Any]) -> list[dict[str, Any]]:
    """Return what a page needs to ask for the settings of a class, as plain data."""
    return [
        {
            "name": one.name, "label": FORM.setting(one.name), "words": one.said(FORM), "group": one.group,
            "kind": one.kind.name, "range": dict(one.kind.limits), "choices": list(one.kind.choices),
            "required": one.required, "default": one.default, "unset": one.said(FORM, one.unset), "task": one.task,
        }
        for one in listed(cls)
    ]  # fmt: skip


def settings_to_plain(settings: Any) -> dict[str, Any]:
    """Return the settings that aren't at their defaults as plain data, for JSON."""
    found = {}
    for one in listed(type(settings)):
        if (value := getattr(settings, one.name)) != one.default:
            found[one.name] = list(value) if isinstance(value, tuple) else value
    return found


def settings_from_plain(cls: type[T], data: object) -> T:
    """Return the settings that `settings_to_plain` wrote; raises SettingsError for anything that isn't those of the class."""
    known = [one.name for one in listed(cls)]
    if not isinstance(data, dict):
        raise SettingsError(f"settings are values by name, not {data!r}")
    for name in data:
        if name not in known:
            raise SettingsError(f"there is no setting {name!r}")
    return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})


def _typed(annotation: Any) -> str:
    """Return a field's type as its source text, which is what it is where annotations are not evaluated."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    return text.replace("'", '"')
