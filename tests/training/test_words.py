"""Messages for Python users name parameters, not options."""

import pytest

from chainrule.errors import SettingsError
from chainrule.training.settings.words import in_python_words, python_words


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("set --clip-norm, or --l2 0.1", "set clip_norm, or l2 0.1"),
        ("learning-rate -1 must be a number above 0", "learning_rate -1 must be a number above 0"),
        (
            "name it as missing with --missing x; it is text",
            "name it as missing with missing=['x']; it is text",
        ),
        ("as missing with --missing 'x y'", "as missing with missing=['x y']"),
        ("as missing with --missing -inf", "as missing with missing=['-inf']"),
        ("leave it out, or add --recipe", "leave it out, or give recipe=True"),
        ("leave out --no-stop-together", "leave out stop_together=False"),
        ("name inputs with --inputs", "name inputs with kinds"),
        ("column 'a': '--epochs' is not a number", "column 'a': '--epochs' is not a number"),
        ("a log-loss -- of cross-entropy", "a log-loss -- of cross-entropy"),
    ],
)
def test_options_become_parameters(said, meant):
    assert python_words(said, {"inputs": "kinds"}) == meant


def test_an_error_keeps_its_class():
    with pytest.raises(SettingsError, match=r"^choose another batch_size$") as caught, in_python_words():
        raise SettingsError("choose another --batch-size")
    assert caught.value.args == ("choose another batch_size",)
    with pytest.raises(KeyError, match="--other"), in_python_words():
        raise KeyError("--other")
