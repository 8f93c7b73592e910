"""A new kind of layer is one file and its row in the registry: it trains, and is saved, explained and checked."""

import subprocess
import sys
from pathlib import Path

import pytest

from chainrule.equations.layers import KINDS, layer_from_dict
from chainrule.errors import SettingsError


@pytest.mark.slow
def test_a_planted_kind_works_everywhere(tmp_path):
    program = Path(__file__).parents[1] / "planted_layer.py"
    made = subprocess.run([sys.executable, program, tmp_path], capture_output=True, text=True, timeout=300)
    assert made.returncode == 0, made.stderr


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_parameter_of_a_kind_has_its_record(kind):
    layer = kind(3, "tanh", mix=True, linear_path=True)
    assert list(layer.shapes(3)) == [parameter.name for parameter in kind.parameters]
    assert layer.product.enters
    assert layer_from_dict(layer.to_dict()) == layer


def test_an_unknown_kind_is_told():
    with pytest.raises(SettingsError, match="unknown kind of layer 'conv'"):
        layer_from_dict({**next(iter(KINDS.values()))(1).to_dict(), "kind": "conv"})
