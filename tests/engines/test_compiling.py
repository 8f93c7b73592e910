"""How loops are compiled and kept: damaged, closed and outdated files do no harm and are named; what is said meanwhile."""

import gc
import importlib.util
import io
import os
import signal
import sys

import numba
import pytest
from numba.core.codegen import JITCodeLibrary
from numba.core.registry import cpu_target

from chainrule import _waiting as waiting
from chainrule.engines.cpu.kernels import compiling

SOURCE = """
from chainrule.engines.cpu.kernels.compiling import compiled_loop, inner_loop

@inner_loop
def part(x):
    return 2 * x

@compiled_loop
def loop(x):
    return part(x) + 1
"""


@pytest.fixture
def kept(monkeypatch, tmp_path):
    """A folder for compiled code, which nobody has spoken of yet."""
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kept"))
    numba.config.reload_config()
    monkeypatch.setattr(compiling, "_SAID", set())
    monkeypatch.setattr(waiting, "_said", True)
    (tmp_path / "loops.py").write_text(SOURCE)
    yield tmp_path / "kept"
    monkeypatch.undo()
    numba.config.reload_config()


def fresh(kept):
    """The loop as a process that begins finds it: whether it is in the cache shows when it is called."""
    spec = importlib.util.spec_from_file_location("loops", kept.parent / "loops.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.loop


def compiles(kept):
    loop = fresh(kept)
    assert loop(20) == 41
    return not loop.stats.cache_hits


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "nothing in it": lambda content: b"",
    "cut": lambda content: content[: len(content) // 3],
    "its end missing": lambda content: content[:-1],
    "one bit": flip,
    "garbage": lambda content: bytes(range(256)) * 9,
    "no digest": lambda content: content[:-32],
}


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_named_and_made_anew(kept, ending, damage, capsys):
    assert compiles(kept)
    assert not compiles(kept)
    (path,) = kept.rglob(f"*.{ending}")
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert compiles(kept)
    said = f"note: compiled code was damaged in {path.parent}; it is compiled anew\n"
    assert capsys.readouterr().err == said
    assert not compiles(kept), "the file is whole again"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
def test_a_file_that_cannot_be_read_is_done_without(kept, ending, capsys):
    """Even the superuser can't read a folder as a file."""
    assert compiles(kept)
    (path,) = kept.rglob(f"*.{ending}")
    path.unlink()
    path.mkdir()
    assert compiles(kept)
    said = capsys.readouterr().err
    assert said.startswith(f"note: compiled code can't be read in {path.parent} (Is a directory); ")
    assert said.endswith("set NUMBA_CACHE_DIR to a folder that can be written\n")
    assert said.count("\n") == 1


def test_a_full_disk_is_named_once(kept, monkeypatch, capsys):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    loop = fresh(kept)
    monkeypatch.setattr("os.replace", full)
    assert (loop(1), loop(1.5)) == (3, 4.0)
    assert capsys.readouterr().err.count("can't be kept in ") == 1
    assert not list(kept.rglob("*.nb?")), "nothing half written is left"


def test_what_is_missing_is_no_damage(kept, capsys):
    assert compiles(kept)
    for path in kept.rglob("*.nbc"):
        path.unlink()
    assert compiles(kept)
    assert capsys.readouterr().err == ""


def test_a_change_of_any_file_that_is_compiled_together_counts(kept, monkeypatch):
    assert compiles(kept)
    monkeypatch.setattr(compiling, "fingerprint", lambda: "another")
    assert compiles(kept)
    assert not compiles(kept)


def test_the_search_for_cycles_waits_and_goes_on(kept):
    assert gc.isenabled()
    assert compiles(kept)
    assert gc.isenabled()
    gc.disable()
    try:
        fresh(kept)(0.5)
        assert not gc.isenabled()
    finally:
        gc.enable()


# ---- what is said meanwhile


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_which_piece_of_how_many(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    waiting.expect(["first", "second", "second"])
    for name in ("second", "first", "\x1b[2Jthird", "first"):
        with waiting.compiling(name, long=True):
            pass
    lines = [line.strip() for line in screen.getvalue().split("\r") if line.strip()]
    assert lines == [
        "compiling piece 2 of 2: second",
        "compiling piece 1 of 2: first",
        r"compiling piece 3 of 3: \x1b[2Jthird",
        "compiling piece 4 of 4: first",
    ]
    assert screen.getvalue().endswith(" \r"), "nothing of it stays"
    assert "\n" not in screen.getvalue()


def test_elsewhere_one_line_is_said_once_and_only_of_what_is_long(monkeypatch, capsys):
    monkeypatch.setattr(waiting, "_said", False)
    for name, long in (("piece", False), ("loop", True), ("another", True)):
        with waiting.compiling(name, long=long):
            pass
    assert capsys.readouterr().err == "compiling the engine for this processor; this happens once …\n"


def test_who_listens_hears_all_and_nothing_is_printed(capsys):
    heard = []
    waiting.expect(["loop"])
    with waiting.listening(heard.append), waiting.compiling("loop", long=True):
        pass
    assert heard == ["compiling piece 1 of 1: loop", ""]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("place", [0, 1], ids=["made", "looked for"])
@pytest.mark.parametrize("before", [False, True], ids=["new", "kept"])
def test_what_a_signal_raises_while_machine_code_is_handed_over_is_not_lost(kept, number, place, before):
    """LLVM calls back then, and what is raised in a callback ends there, with the code that it was to hand over."""
    if before:
        fresh(kept)(20)
    loop, came = fresh(kept), []
    hooks = [JITCodeLibrary._object_compiled_hook, JITCodeLibrary._object_getbuffer_hook]
    engine = cpu_target.target_context.codegen()._engine

    def disturbed(*given):
        if not came:
            came.append(number)
            os.kill(os.getpid(), number)
        return hooks[place](*given)

    def end(*_):
        raise SystemExit("ended")

    handler = signal.signal(number, end)
    try:
        engine.set_object_cache(*(disturbed if i == place else hook for i, hook in enumerate(hooks)))
        if place or not before:
            with pytest.raises(SystemExit, match="ended"):
                loop(20)
    finally:
        signal.signal(number, handler)
        engine.set_object_cache(*hooks)
    assert bool(came) == bool(place or not before)
    assert loop(20) == 41
    assert not compiles(kept)
