"""Words of a page: names of numbers and formulas in them as mathematics, names that one types as such."""

from __future__ import annotations

import re
from functools import lru_cache

from markupsafe import Markup, escape

from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.showing import Showing, is_shown_as_name
from chainrule.formula.names import split_name, spoken
from chainrule.formula.words import stated_in


def shown_name(text: str, naming: Naming | None = None) -> str | Markup:
    """Return an address as the formulas write it; any other text as it is."""
    return MathWriter(Showing(naming=naming)).name(text) if is_shown_as_name(text) else text


def shown_formula(text: str, *, display: bool = False) -> str | Markup:
    """Return a text that is a formula as one, with ``display`` as large as on a line of its own; any other text as it is."""
    made = stated_in(text)
    return text if made is None else MathWriter(Showing()).stated(made, display=display)


_INDEXED = re.compile(r"([A-Za-z_ -]+)((?:\[[0-9,]+\])+)")


def number_name(name: str, naming: Naming | None) -> str | Markup:
    """Return the name of an expected number: an address as formulas write it, another in words, its indices below."""
    if is_shown_as_name(name):
        return shown_name(name, naming)
    network, dot, own = name.partition(".")
    if dot:
        return Markup("{}: {}").format(network, number_name(own, naming))
    if (parts := split_name(name)) is not None and parts.by:
        return MathWriter(Showing()).name(name)
    found = _INDEXED.fullmatch(name)
    if found is None:
        return spoken(name)
    index = ", ".join(re.findall("[0-9,]+", found[2]))
    return Markup("<math><msub><mtext>{}</mtext><mtext>{}</mtext></msub></math>").format(
        spoken(found[1]), index
    )


_TYPED = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b(?:\([^()]*\))?")


def typed(text: str) -> Markup:
    """Return a text in which names of settings stand as one types them: ``half_squared_error``."""
    pieces, end = [], 0
    for match in _TYPED.finditer(text):
        if match[0].partition("(")[0] in _typed_names():
            pieces += [escape(text[end : match.start()]), Markup("<code>{}</code>").format(match[0])]
            end = match.end()
    return Markup("").join([*pieces, escape(text[end:])])


@lru_cache
def _typed_names() -> frozenset[str]:
    """Return the names of formulas that one types, as far as they aren't words."""
    from chainrule.equations.activations import ACTIVATIONS
    from chainrule.equations.initializers import INITIALIZERS
    from chainrule.equations.losses import LOSSES
    from chainrule.equations.optimizers import OPTIMIZERS
    from chainrule.equations.schedules import SCHEDULES, STRENGTHS

    kinds = (ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, STRENGTHS)
    return frozenset(name for each in kinds for name in each if "_" in name)


_DERIVATIVE = re.compile(
    r"(The derivative of )(.+)( by )(\w+)(.*)|(write a for )(.+)|(\w+: )(\w+ = .+)"
    r"|(.+'s derivative is )(.+)( and .+'s is )(.+)(: the product is )(.+)(\.)"
)
"""The words of a title or a rule in which formulas stand: every second part; the last of the first has letters."""


def with_formula(words: str) -> str | Markup | None:
    """Return the title of a derivation by rules, or a rule, with the formula in it as one; None where there is none."""
    match = _DERIVATIVE.fullmatch(words)
    if match is None:
        return None
    parts = [part for part in match.groups() if part is not None]
    written = [
        spoken(part)
        if place % 2 == 0 or part in _typed_names()
        else shown_formula(_HAT.sub(r"hat(\1)", part))
        for place, part in enumerate(parts)
    ]
    if match[1] is not None:
        written[4] = Markup("").join(
            shown_formula(word) if "_" in word else word for word in _LETTERS.split(parts[4])
        )
    return Markup("").join(written)


_LETTERS = re.compile(r"(\w+)")


_HAT = re.compile(r"\b(\w)_hat\b")


_LAWS = re.compile(r", (?![^(]*\))")


def laws(law: str) -> Markup:
    """Return the laws of a rule, with commas between, as formulas."""
    return Markup(", ").join(map(shown_formula, _LAWS.split(law))) if law else Markup("")


def shown_words(text: str, naming: Naming | None = None, formulas: bool = False) -> Markup:
    """Return words with the addresses among them as the formulas write them; ``formulas`` as `Showing` has it."""
    return MathWriter(Showing(naming=naming, formulas=formulas)).words(text)
