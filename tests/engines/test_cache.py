"""A damaged file of Numba's cache is compiled anew, and replaced."""

import importlib.util
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from numba import njit

from chainrule.engines.cpu import cache
from chainrule.engines.cpu.pieces import machine_code

SOURCE = "def double(x):\n    return 2 * x + {shift}\n"


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "nothing in it": lambda path: path.write_bytes(b""),
    "cut short": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "a byte left": lambda path: path.write_bytes(path.read_bytes()[:1]),
    "words": lambda path: path.write_bytes(b"this is no cache\n" * 30),
    "bytes of chance": lambda path: path.write_bytes(bytes((7 * i * i + i) % 256 for i in range(5000))),
    "another object": lambda path: path.write_bytes(pickle.dumps(["0.0"]) * 2),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a folder": _directory,
    "not there": lambda path: path.unlink(),
}


@pytest.mark.parametrize("ending", [".nbi", ".nbc"])
@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_cache_is_compiled_anew(how, ending, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cache, "_told", set())
    path = tmp_path / "module.py"
    path.write_text(SOURCE.format(shift=len(how)))

    def loaded():
        spec = importlib.util.spec_from_file_location("module", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return cache.kept(njit(module.double))

    first = loaded()
    assert first(3) == 6 + len(how)
    second = loaded()
    assert second(3) == 6 + len(how)
    assert sum(second.stats.cache_hits.values()) == 1
    assert capsys.readouterr().err == ""
    files = [
        file
        for file in Path(first.stats.cache_path).iterdir()
        if file.name.startswith("module.double") and file.suffix == ending
    ]
    assert files
    for file in files:
        DAMAGE[how](file)
    third = loaded()
    assert third(3) == 6 + len(how)
    assert sum(third.stats.cache_hits.values()) == 0
    told = capsys.readouterr().err
    # To Numba these are a file that is gone, and one of another version.
    if (how, ending) in (
        ("not there", ".nbi"),
        ("not there", ".nbc"),
        ("a folder", ".nbc"),
        ("another object", ".nbi"),
    ):
        assert told == ""
    else:
        assert told == f"note: compiled code in {first.stats.cache_path} is damaged, and is compiled anew\n"
    if how != "a folder":
        fourth = loaded()
        assert fourth(3) == 6 + len(how)
        assert sum(fourth.stats.cache_hits.values()) == 1, "it was replaced"
    for file in files:
        if file.is_dir():
            file.rmdir()


def test_a_piece_is_read_from_its_source_alone(tmp_path):
    source = "def equation(x):\n    return x\n"
    module = machine_code._stored(source, tmp_path)
    assert module.equation(2) == 2
    assert not list(tmp_path.rglob("*.pyc"))
