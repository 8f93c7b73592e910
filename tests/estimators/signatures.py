"""What is source text made from settings, so that editors and readers see it; `test_signatures.py` compares.

The settings in the signatures of `TableClassifier` and `TableRegressor`, the words of `Question` in that of `chainrule.train`,
and the fields of the training card. ``python tests/estimators/signatures.py --write`` puts them there.
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from chainrule.estimators.docs import settings_for
from chainrule.fitting.question import Question
from chainrule.training.settings.fields import Setting, listed
from chainrule.training.settings.recipe import OFF
from chainrule.training.settings.record import Settings

SRC = Path(__file__).parents[2] / "src" / "chainrule"
FIRST, LAST = "# made from {} by tests/estimators/signatures.py", "# until here"


TYPES = {
    "whole": "Count",
    "rows": "Count",
    "number": "float",
    "flag": "bool",
    "text": "str",
    "sizes": "tuple[Count, ...]",
    "columns": "tuple[str, ...]",
    "factors": "Mapping[str, float]",
}
"""By kind: what a value is in the card, as `_plain` writes and reads it."""


def written(value: object) -> str:
    """A value as the formatter has it."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


def parameter(one: Setting) -> str:
    """The line of a setting in a signature."""
    return "" if one.required else f"{one.name}: {one.annotation} = {written(one.default)},"


def card_field(one: Setting) -> str:
    """The line of a setting in the training card; what isn't set is what it is in a plain network."""
    if one.card == "elsewhere":
        return ""
    default = OFF.get(one.name, one.default)
    choices = ", ".join(map(written, one.kind.choices))
    kind = f"Literal[{choices}]" if choices else TYPES[one.kind.name]
    if kind == "Count" and one.kind.limits["least"] == 1:
        kind = "Positive"
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
