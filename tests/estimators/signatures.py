"""What is source text made from settings, so that editors and readers see it; `test_signatures.py` compares.

The settings in the signatures of `TableClassifier` and `TableRegressor`, the words of `Question` in that of `chainrule.train`,
and the fields of the training card. ``python tests/estimators/signatures.py --write`` puts them there.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from chainrule.estimators.docs import settings_for
from chainrule.fitting.question import Question
from chainrule.training.settings.fields import Kind, Setting, listed
from chainrule.training.settings.recipe import OFF
from chainrule.training.settings.record import Settings

SRC = Path(__file__).parents[2] / "src" / "chainrule"
FIRST, LAST = "# made from {} by tests/estimators/signatures.py", "# until here"


TYPES = {
    "rows": "Positive",
    "flag": "bool",
    "text": "str",
    "sizes": "tuple[Count, ...]",
    "columns": "tuple[str, ...]",
    "factors": "Mapping[str, float]",
}
"""By kind: what a value is in the card, as `_plain` writes and reads it."""

SPECS = {"optimizer": "Optimizer", "schedule": "Schedule", "regularization_schedule": "Strength"}
"""Those whose text finds a record, and of what kind."""


def written(value: object) -> str:
    """A value as the formatter has it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def parameter(one: Setting) -> str:
    """The line of a setting in a signature."""
    return "" if one.required else f"{one.name}: {one.annotation} = {written(one.default)},"


def ranged(kind: Kind) -> str:
    """The card's type of numbers with a kind's limits."""
    least, above, below = map(kind.limits.get, ("least", "above", "below"))
    if kind.name == "whole":
        return "Seed" if below == 2**64 else ("Positive" if least == 1 else "Count")
    return {(0, None, 1): "Share", (0, None, None): "NotNegative", (None, 0, None): "AboveZero"}[
        least, above, below
    ]


def card_field(one: Setting) -> str:
    """The line of a setting in the training card; what isn't set is what it is in a plain network."""
    if one.card == "elsewhere":
        return ""
    default = OFF.get(one.name, one.default)
    choices = ", ".join(map(written, one.kind.choices))
    kind = f"Literal[{choices}]" if choices else TYPES.get(one.kind.name) or ranged(one.kind)
    kind = f"{SPECS[one.name]}Text" if one.name in SPECS else kind
    if one.card == "or null" or (one.card == "if set" and default is None):
        kind += " | None"
    return (
        f"{one.name}: Annotated[{kind}, IF_SET] = {written(default)}"
        if one.card == "if set"
        else f"{one.name}: {kind}"
    )


MADE: dict[Path, tuple[type, Callable[[], Iterable[Setting]], Callable[[Setting], str]]] = {
    SRC / "estimators/table/classifier.py": (Settings, lambda: settings_for("classification"), parameter),
    SRC / "estimators/table/regressor.py": (Settings, lambda: settings_for("regression"), parameter),
    SRC / "model/card.py": (Settings, lambda: listed(Settings), card_field),
    SRC / "fitting/train.py": (Question, lambda: listed(Question), parameter),
}
"""By file: the class that its lines are made from, the settings of it, and the line of each."""


def with_settings(path: Path, settings: Iterable[Setting] | None = None) -> str:
    """The source of a file with the lines of its settings, or of others, between the two comments."""
    cls, own, line = MADE[path]
    before, found, rest = path.read_text("utf-8").partition(FIRST.format(cls.__name__) + "\n")
    _, ended, after = rest.partition(LAST + "\n")
    assert found
    assert ended
    indent = before.rpartition("\n")[2]
    lines = [made for one in (own() if settings is None else settings) if (made := line(one))]
    return "".join((before, found, *(f"{indent}{one}\n" for one in lines), indent, ended, after))


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for file in MADE:
        file.write_text(with_settings(file), "utf-8")
