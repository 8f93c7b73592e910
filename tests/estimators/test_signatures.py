"""What is source text made from settings says what `Settings` and `Question` say: it is made by a script, and compared."""

from dataclasses import dataclass

import pytest
from signatures import MADE, SRC, with_settings

from chainrule.training.settings.fields import listed, number, option
from chainrule.training.settings.record import Settings


@pytest.mark.parametrize("path", MADE, ids=lambda path: "/".join(path.parts[-2:]))
def test_the_source_has_the_settings(path):
    assert with_settings(path) == path.read_text("utf-8"), "run python tests/estimators/signatures.py --write"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("estimators/table/classifier.py", "        jitter: float = 0.5,\n        # until here\n"),
        ("estimators/table/regressor.py", "        jitter: float = 0.5,\n        # until here\n"),
        ("model/card.py", "    jitter: Annotated[NotNegative, IF_SET] = 0.5\n    # until here\n"),
        ("fitting/train.py", "    jitter: float = 0.5,\n    # until here\n"),
    ],
)
def test_a_planted_setting_would_be_missed(path, line):
    @dataclass(frozen=True)
    class More(Settings):
        jitter: float = option(0.5, number(0), "training", "X", "noise")

    made = with_settings(SRC / path, listed(More))
    assert made != (SRC / path).read_text("utf-8")
    assert line in made
