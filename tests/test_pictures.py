"""The pictures of the README: those that their script makes, there, small, one for light and one for dark."""

import importlib.util
import re
import struct
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "pictures"
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_pictures", FOLDER / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_shows_what_the_script_makes(script):
    shown = re.findall(r"docs/pictures/([\w-]+\.png)", README)
    assert sorted(shown) == sorted(script.picture_names())
    assert sorted(path.name for path in FOLDER.glob("*.png")) == sorted(script.picture_names())


def test_each_has_its_dark_side_and_its_words(script):
    for shot in script.SHOTS:
        source = f'<source media="(prefers-color-scheme: dark)" srcset="docs/pictures/{shot.name}-dark.png">'
        (found,) = re.findall(rf"<picture>{re.escape(source)}(<img [^>]*>)</picture>", README)
        assert f'src="docs/pictures/{shot.name}-light.png"' in found
        assert f'alt="{shot.words}"' in found


def test_they_stand_on_the_first_screen():
    assert README.index("<picture>") < README.index("```")


def test_they_are_small_and_of_the_size_that_the_script_takes(script):
    sizes = {shot.name: (shot.width * shot.scale, shot.height * shot.scale) for shot in script.SHOTS}
    for name in script.picture_names():
        data = (FOLDER / name).read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n", name
        assert len(data) <= script.LARGEST <= 120_000, name
        assert struct.unpack(">II", data[16:24]) == sizes[name.rpartition("-")[0]]


def test_the_commands_are_the_product_s_own(script):
    """Their options are there, and a command that was renamed fails here, not when somebody makes the pictures."""
    from chainrule.cli.commands import explain, studio, train

    parsers = {"train": train.parser(), "explain": explain.parser(), "studio": studio.parser()}
    for shot in script.SHOTS:
        name, *words = shot.command
        assert parsers[name].parse(words) is not None
