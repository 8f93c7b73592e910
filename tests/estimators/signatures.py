"""The settings in the signatures of `TableClassifier` and `TableRegressor`: source text, so that editors see it.

``python tests/estimators/signatures.py --write`` puts it there; `test_signatures.py` compares.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from chainrule.estimators.docs import settings_for
from chainrule.training.settings.fields import Setting

FOLDER = Path(__file__).parents[2] / "src" / "chainrule" / "estimators" / "table"
FILES = {FOLDER / "classifier.py": "classification", FOLDER / "regressor.py": "regression"}
FIRST, LAST = "        # made from Settings by tests/estimators/signatures.py\n", "        # until here\n"


def with_settings(source: str, settings: Iterable[Setting]) -> str:
    """The source of a class with the parameters of these settings between the two comments."""
    before, found, rest = source.partition(FIRST)
    _, ended, after = rest.partition(LAST)
    assert found
    assert ended
    return "".join((before, FIRST, *map(parameter, settings), LAST, after))


def parameter(one: Setting) -> str:
    """The line of a setting in a signature."""
    default = f'"{one.default}"' if isinstance(one.default, str) else repr(one.default)
    return f"        {one.name}: {one.annotation} = {default},\n"


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    for path, task in FILES.items():
        path.write_text(with_settings(path.read_text("utf-8"), settings_for(task)), "utf-8")
