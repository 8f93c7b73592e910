"""Questions of a lesson: what is to be predicted before it is shown, and how an answer is read.

A step asks what its file says, or what its move makes worth predicting. What is right is worked out by the engine, never
written down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from chainrule._numbers import number_text
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address
from chainrule.lessons import fields as read
from chainrule.lessons.fields import Field, Fields, Where, read_fields
from chainrule.lessons.numbers import Numbers
from chainrule.lessons.setup import Setup
from chainrule.lessons.slips import Slip, slips_of

Kind = Literal["number", "sign", "moves", "largest", "least", "choices"]
Enough = Literal["right", "guess"]

KINDS: tuple[Kind, ...] = ("number", "sign", "moves", "largest", "least", "choices")
SEEN = ("nothing", "forward", "loss", "backward")
"""What may be looked at before the answer: nothing that is worked out, or so many passes of the update."""

DIGITS_ASKED = 3
MOST_OPTIONS = 8

ASK: Fields = {
    "question": Field(read.toml_text, "what is asked; by its kind if not given"),
    "number": Field(read.toml_text, "the number that is to be worked out"),
    "sign": Field(read.toml_text, "the number whose sign is asked for"),
    "moves": Field(read.listing(read.toml_text, least=2), "parameters: which does the next update move most"),
    "largest": Field(read.listing(read.toml_text, least=2), "numbers: which is the largest"),
    "least": Field(read.listing(read.toml_text, least=2), "numbers: which is the least"),
    "choices": Field(read.listing(read.toml_text, least=2), "answers, of which one is right"),
    "right": Field(read.toml_whole(1), "the number of the right choice, from 1"),
    "because": Field(read.listing(read.toml_text), "what is said to who chose it, one for each choice"),
    "digits": Field(read.toml_whole(1, 15), "how many digits have to be right", DIGITS_ASKED),
    "hint": Field(read.toml_text, "what helps on, where the slip isn't known"),
    "enough": Field(read.toml_choice(("right", "guess")), "what is needed to go on"),
    "seen": Field(read.toml_choice(SEEN), "what may be looked at before the answer"),
}

NAMED = ("number", "sign", "moves", "largest", "least")
"""The keys whose values are names of numbers."""

TOLD = ("question", "hint", "choices", "because")
"""The keys whose words may name numbers."""

AHEAD = ("train", "compare", "surface")
"""The moves that train: what they make can only be guessed."""

SIGNS = ("above 0", "below 0", "0")
SLOPES = ("it rises: the derivative is above 0", "it falls: the derivative is below 0", "neither: it is 0")


def read_ask(value: Any, where: Where) -> Mapping[str, Any] | bool:
    """Read what a step asks: a table, or false for nothing."""
    if value is False:
        return False
    found = read_fields(value, ASK, where)
    kinds = [kind for kind in KINDS if found[kind] is not None]
    if len(kinds) != 1:
        named = " and ".join(kinds) or "none is given"
        raise where.wrong(f"one of {', '.join(KINDS)} says what is asked; {named}")
    choices = found["choices"]
    if (found["right"] is not None) != (choices is not None):
        raise where.wrong("choices and right belong together: the answers, and the number of the right one")
    if choices is not None and found["right"] > len(choices):
        raise where.at("right").wrong(f"{found['right']} is none of the {len(choices)} choices")
    if choices is not None and found["question"] is None:
        raise where.wrong("choices need a question: write question = …")
    options = choices or found["moves"] or found["largest"] or found["least"] or ()
    if len(options) > MOST_OPTIONS:
        raise where.wrong(f"there are {len(options)} to choose from; {MOST_OPTIONS} are enough")
    because = found["because"]
    if because is not None and len(because) != len(options):
        raise where.at("because").wrong(
            f"there are {len(because)}, but {len(options)} to choose from: one for each"
        )
    return found


@dataclass(frozen=True)
class LessonQuestion:
    """What is asked, with what is right: ``values`` are those of the ``names`` it is about, ``right`` the option's place from 0.

    ``told`` are the options in words, () where a number is asked for; ``seen`` says what may be looked at before. ``address``
    is the first number that it is about, by which what gives it away is withheld.
    """

    kind: Kind
    words: str
    names: tuple[str, ...]
    values: tuple[float, ...]
    told: tuple[str, ...] = ()
    right: int | None = None
    digits: int = DIGITS_ASKED
    because: tuple[str, ...] = ()
    hint: str = ""
    enough: Enough = "right"
    seen: str | None = None
    slips: tuple[Slip, ...] = field(default=(), repr=False)

    @property
    def truth(self) -> float:
        """The number that is asked for."""
        return self.values[0]

    @property
    def room(self) -> float:
        """How far from the truth a right number may be: one unit of the last of the asked digits."""
        if self.truth == 0 or not math.isfinite(self.truth):
            return 1e-9
        return float(10.0 ** (math.floor(math.log10(abs(self.truth))) - self.digits + 1)) * (1 + 1e-9)

    def read(self, given: str) -> float | int:
        """Return an answer: a number, or an option's place from 0; raises SettingsError for what is none."""
        if self.told:
            if given.isascii() and given.isdigit() and 1 <= int(given) <= len(self.told):
                return int(given) - 1
            raise SettingsError(f"{given!r} is no answer: choose from 1 to {len(self.told)}")
        try:
            found = float(given.strip().replace(",", ".").replace("−", "-"))
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            raise SettingsError(f"{given!r} is no number: write one such as 0.25")
        return found

    def is_right(self, answer: float | int) -> bool:
        """Tell whether an answer is right: the option, or the number to its digits."""
        if not self.told:
            return abs(float(answer) - self.truth) <= self.room
        assert self.right is not None
        if answer == self.right:
            return True
        # What is as large as the right one is as right.
        return len(self.values) == len(self.told) and self._size(int(answer)) == self._size(self.right)

    def slip(self, answer: float | int) -> str:
        """Return what a wrong answer looks like: the known mistake that gives it, "" where none is known."""
        if self.told:
            return self.because[int(answer)] if self.because else ""
        near = [slip for slip in self.slips if abs(float(answer) - slip.value) <= self._room_at(slip.value)]
        found = min(near, key=lambda slip: abs(float(answer) - slip.value), default=None)
        return "" if found is None else found.words

    def _room_at(self, value: float) -> float:
        if value == 0:
            return 1e-9
        return float(10.0 ** (math.floor(math.log10(abs(value))) - self.digits + 1)) * (1 + 1e-9)

    def _size(self, place: int) -> float:
        value = self.values[place]
        return abs(value) if self.kind == "moves" else value


def ask_of(step: Any, setup: Setup) -> Mapping[str, Any] | None:
    """Return what a step asks, as the values of `ASK`: of its file, else of its move; None where it asks nothing.

    Seen before the step is made, as some questions tell of what is then.
    """
    ask = step.values["ask"]
    if ask is False:
        return None
    if ask is None:
        ask = {**{key: one.default for key, one in ASK.items()}, **worth_asking(step, setup)}
        if all(ask[kind] is None for kind in KINDS):
            return None
    ahead = step.move in AHEAD
    # What training makes of a network lies behind the update that comes; the derivatives tell what an update moves.
    seen = ask["seen"] or ("loss" if ask["moves"] else "backward" if ahead else None)
    return {**ask, "seen": seen, "ahead": ahead}


def asked_kind(ask: Mapping[str, Any]) -> tuple[Kind, tuple[str, ...]]:
    """Return the kind of a question, and the names or the choices that it is about."""
    kind = next(kind for kind in KINDS if ask[kind] is not None)
    return kind, ask[kind] if isinstance(ask[kind], tuple) else (ask[kind],)


def question_of_step(step: Any, setup: Setup, numbers: Numbers, ask: Mapping[str, Any]) -> LessonQuestion:
    """Return the question of a step that is made, with what is right; ``numbers`` are those that it may expect."""
    kind, names = asked_kind(ask)
    enough = ask["enough"] or ("guess" if ask["ahead"] and kind != "choices" else "right")
    more: dict[str, Any] = {
        "digits": ask["digits"], "hint": ask["hint"] or "", "seen": ask["seen"], "because": ask["because"] or (),
        "enough": enough,
    }  # fmt: skip
    words = ask["question"] or WORDS[kind](names[0], ask["digits"])
    if kind == "choices":
        return LessonQuestion(
            kind, words, (), (), names, ask["right"] - 1, **{**more, "seen": ask["seen"] or "nothing"}
        )
    if kind == "moves":
        values = tuple(numbers[_after(name)] - numbers[name] for name in names)
    else:
        values = tuple(float(numbers[name]) for name in names)
    if kind == "number":
        slips = () if ask["ahead"] else slips_of(setup, step.values["rows"], names[0], values[0])
        return LessonQuestion(kind, words, names, values, slips=slips, **more)
    if kind == "sign":
        return LessonQuestion(kind, words, names, values, signs_told(names[0]), sign_place(values[0]), **more)
    sizes = [abs(value) if kind == "moves" else value for value in values]
    place = int(np.argmin(sizes) if kind == "least" else np.argmax(sizes))
    return LessonQuestion(kind, words, names, values, tuple(map(_told, names)), place, **more)


def _told(name: str) -> str:
    """Return what a number is called among others: by its name, or that of the network whose cost it is."""
    if "[" in name or "." not in name:
        return f"`{name}`"
    network, _, number = name.partition(".")
    return network.replace("-", " ") if number == "cost" else f"{network.replace('-', ' ')}: {number}"


def signs_told(name: str) -> tuple[str, ...]:
    """Return the answers to what sign a number has."""
    return SLOPES if is_slope(name) else SIGNS


def sign_place(value: float) -> int:
    """Return the place of the right one among them."""
    return 2 if value == 0 else 0 if value > 0 else 1


def _after(name: str) -> str:
    """Return the address of a parameter after the update: W_new[1][1,1]."""
    letter, _, rest = name.partition("[")
    return f"{letter}_new[{rest}"


def is_slope(name: str) -> bool:
    """Tell whether a number is a derivative of the cost: by a parameter, a sum, an activation."""
    return name.startswith(("dC/d", "delta["))


def _sign_words(name: str, _: int) -> str:
    if not is_slope(name):
        return f"Is `{name}` above 0, below 0, or 0?"
    by = name.removeprefix("dC/d") if name.startswith("dC/d") else f"z{name.removeprefix('delta')}"
    return f"If `{by}` grows a little, what does the cost do?"


WORDS: Mapping[str, Any] = {
    "number": lambda name, digits: f"Work out `{name}`, to {digits} digits.",
    "sign": _sign_words,
    "moves": lambda name, digits: "Which of these does the update move most?",
    "largest": lambda name, digits: "Which of these is the largest?",
    "least": lambda name, digits: "Which of these is the least?",
}
"""What is asked where the file doesn't say it, by kind."""


def worth_asking(step: Any, setup: Setup) -> Mapping[str, Any]:
    """Return what a step's move makes worth predicting, as keys of `ASK`."""
    values, move = step.values, step.move
    if move == "derive":
        return _of_derivation(values["addresses"])
    if move == "update":
        found = [setup.layout.address(int(i)) for i in np.flatnonzero(setup.layout.free)]
        return {"moves": tuple(found)} if 2 <= len(found) <= MOST_OPTIONS else {}
    if move == "curve":
        return {"sign": f"dC/d{values['parameter']}"}
    if move == "train" and setup.y is not None:
        cost, epochs = setup.cost(setup.training), values["epochs"]
        if epochs is None or cost == 0:  # the cost of Rosenblatt's rule tells nothing
            return {}
        long = f"{epochs:,} epochs" if epochs > 1 else "the next epoch"
        words = f"The cost is {number_text(cost, 4)} now. What is it after {long}? A guess is enough."
        return {"number": "cost", "question": words, "digits": 2}
    if move == "compare":
        names = tuple(f"{name}.{values['number']}" for name in values["networks"])
        if values["number"] != "cost" or len(names) > MOST_OPTIONS:
            return {}
        words = f"Which of these has the least cost after {values['epochs']:,} epochs?"
        return {"least": names, "question": words}
    return {}


def _of_derivation(addresses: Sequence[str]) -> Mapping[str, Any]:
    """Return the question that fits what is derived: the sign of a derivative, else the number."""
    single = [name for name in addresses if not Address.parse(name).is_whole]
    if not single:
        return {}
    name = single[-1]
    return {"sign": name} if is_slope(name) else {"number": name}
