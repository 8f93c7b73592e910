"""The signatures of the estimators of raw tables say what `Settings` says: they are source text, made and compared."""

from dataclasses import dataclass

import pytest
from signatures import FILES, with_settings

from chainrule.estimators.docs import settings_for
from chainrule.training.settings.fields import listed, number, option
from chainrule.training.settings.record import Settings


@pytest.mark.parametrize(("path", "task"), FILES.items(), ids=lambda value: getattr(value, "stem", value))
def test_the_source_has_the_settings(path, task):
    source = path.read_text("utf-8")
    assert with_settings(source, settings_for(task)) == source, (
        "run python tests/estimators/signatures.py --write"
    )


def test_a_planted_setting_would_be_missed():
    @dataclass(frozen=True)
    class More(Settings):
        jitter: float = option(0.5, number(0), "training", "X", "noise")

    for path in FILES:
        source = path.read_text("utf-8")
        made = with_settings(source, listed(More))
        assert made != source
        assert "        jitter: float = 0.5,\n        # until here\n" in made
