"""Exports: what each language's program says of hostile rows of cells is what the model's own engine says."""

import pytest
from small_models import MODELS, certificate

from chainrule.exports.targets import LANGUAGES


@pytest.mark.slow
@pytest.mark.parametrize("to", LANGUAGES)
@pytest.mark.parametrize("which", MODELS)
def test_each_kind_of_model_in_each_language(which, to):
    made = certificate(MODELS[which](), to, 600)
    assert made.wrong == ()
    assert made.ties == 0
