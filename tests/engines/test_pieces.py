"""Where compiled pieces are kept, and that several processes, closed folders and damaged files do no harm."""

import math
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from floats import run_activation

import chainrule
from chainrule.engines.cpu.kernels import compiling
from chainrule.engines.cpu.kernels.compiling import fingerprint
from chainrule.engines.cpu.pieces import machine_code
from chainrule.engines.cpu.pieces.machine_code import cache_folder, compiled, output_source
from chainrule.equations.activations import activation
from chainrule.errors import OutputError

PACKAGE = Path(chainrule.__file__).parent
CACHES = ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA")


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Pieces that know of nothing compiled before, in a package folder and a home of their own; returns both."""
    package, home = tmp_path / "package", tmp_path / "home"
    for folder in (package, home):
        folder.mkdir()
    for name in CACHES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(machine_code, "__file__", str(package / "machine_code.py"))
    remembering = (machine_code._folder, machine_code._private_folder, machine_code._address)
    for function in remembering:
        function.cache_clear()
    yield package, home
    for function in remembering:
        function.cache_clear()


def close(folder: Path) -> None:
    """Make it impossible, even for the superuser, to make the folder."""
    folder.write_text("a file where a folder should be")


def run(text: str) -> float:
    """The formula at 1, through a compiled piece."""
    return float(run_activation(output_source(activation(text), np.float64), np.ones(1))[0][0])


# ---- which folder


def test_the_package_s_own_folder_comes_first(fresh):
    package, _ = fresh
    assert cache_folder() == package / "__pycache__" / "pieces"
    assert run("z + 0.125") == 1.125
    (kept,) = (package / "__pycache__" / "pieces").glob("piece_*.py")
    assert "def equation(z, a, scratch, rows, cols)" in kept.read_text()


@pytest.mark.parametrize("name", ["XDG_CACHE_HOME", "LOCALAPPDATA"])
def test_a_closed_package_falls_back_to_the_users_cache(fresh, name, monkeypatch, tmp_path):
    package, home = fresh
    close(package / "__pycache__")
    assert cache_folder() == home / ".cache" / "chainrule" / "pieces"
    monkeypatch.setenv(name, str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named" / "chainrule" / "pieces"
    assert run("z + 0.25") == 1.25
    assert len(list((tmp_path / "named").rglob("piece_*.py"))) == 1


def test_numba_cache_dir_overrules_all(fresh, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "chosen"))
    assert cache_folder() == tmp_path / "chosen" / "pieces"


def test_where_nothing_can_be_kept_it_runs_all_the_same(fresh, monkeypatch, tmp_path):
    package, home = fresh
    close(package / "__pycache__")
    close(home / ".cache")
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert cache_folder() is None
    assert run("z + 0.375") == 1.375
    (private,) = temporary.iterdir()
    assert private.stat().st_mode & 0o077 == 0, "nobody else may write what will be run"
    assert not list(private.rglob("*.nbi")), "Numba keeps nothing"


def test_where_not_even_that_is_possible_the_remedy_is_named(fresh, monkeypatch, tmp_path):
    package, home = fresh
    close(package / "__pycache__")
    close(home / ".cache")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with pytest.raises(OutputError, match="set NUMBA_CACHE_DIR or TMPDIR"):
        run("z + 0.5")


def test_a_user_without_a_home(fresh, monkeypatch):
    package, _ = fresh
    close(package / "__pycache__")

    def no_home():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    assert cache_folder() is None


# ---- what is kept


def test_the_second_time_nothing_is_compiled(fresh):
    machine_code._KEPT.clear()
    assert run("z + 0.625") == 1.625
    assert machine_code._KEPT[-1].cache_hits == 0
    assert run("z + 0.625") == 1.625
    assert len(machine_code._KEPT) == 1, "in one process not even looked for"
    machine_code._address.cache_clear()
    assert run("z + 0.625") == 1.625
    assert machine_code._KEPT[-1].cache_hits == 1


def test_each_formula_and_dtype_has_code_of_its_own(fresh):
    sources = {
        output_source(activation(text), np.float64) for text in ("z+1", "z+2", "1+z", "z+1.0000000000000002")
    }
    sources |= {output_source(activation("z+1"), np.float32)}
    assert len(sources) == 5
    assert (
        len({compiled(source, np.float32 if "float32(" in source else np.float64) for source in sources}) == 5
    )


def test_a_change_of_what_pieces_call_compiles_them_anew(fresh, monkeypatch):
    package, _ = fresh
    run("exp(z)")
    monkeypatch.setattr(machine_code, "fingerprint", lambda: "another")
    machine_code._address.cache_clear()
    run("exp(z)")
    assert len(list(package.rglob("piece_*.py"))) == 2
    assert machine_code._KEPT[-1].cache_hits == 0


def test_the_fingerprint_is_of_the_functions_called():
    assert len(fingerprint()) == 16
    assert fingerprint() == fingerprint.__wrapped__()


@pytest.mark.parametrize("damage", [b"", b"def equation(", b"\xff\xfe\x00", b"raise SystemExit('never run')"])
def test_a_damaged_source_is_written_anew(fresh, damage):
    package, _ = fresh
    assert run("z + 0.75") == 1.75
    (kept,) = package.rglob("piece_*.py")
    text = kept.read_bytes()
    kept.write_bytes(damage)
    machine_code._address.cache_clear()
    assert run("z + 0.75") == 1.75
    assert kept.read_bytes() == text
    assert not list(package.rglob("*.tmp"))


@pytest.mark.parametrize("ending", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", [b"", b"\x80\x04K", bytes(range(256)) * 20])
def test_a_damaged_code_is_named_and_compiled_anew(fresh, ending, damage, capsys, monkeypatch):
    package, _ = fresh
    monkeypatch.setattr(compiling, "_SAID", set())
    assert run("z + 0.8125") == 1.8125
    (kept,) = package.rglob(f"*.{ending}")
    kept.write_bytes(damage)
    for hits, said in (
        (0, f"note: compiled code was damaged in {kept.parent}; it is compiled anew\n"),
        (1, ""),
    ):
        machine_code._address.cache_clear()
        assert run("z + 0.8125") == 1.8125
        assert machine_code._KEPT[-1].cache_hits == hits
        assert capsys.readouterr().err == said


def test_a_folder_that_closes_later(fresh, monkeypatch):
    """The disk is full, or permission was taken away, after the folder was chosen."""

    def full(*arguments):
        raise OSError(28, "No space left on device")

    machine_code._folder()
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left"):
        run("z + 0.875")
    monkeypatch.undo()
    machine_code._address.cache_clear()
    assert run("z + 0.875") == 1.875


# ---- several processes


def python(code: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.slow
def test_processes_that_write_the_same_piece_at_once(tmp_path):
    code = f"""
        import sys, time
        sys.path.insert(0, {os.path.dirname(__file__)!r})
        import numpy as np
        from floats import run_activation
        from chainrule.engines.cpu.pieces import machine_code
        from chainrule.equations.activations import activation
        time.sleep(max(0, float(sys.stdin.readline()) - time.time()))
        for number in range(3):
            source = machine_code.output_source(activation(f"z*{{number + 2}} + exp(z)"), np.float32)
            print(run_activation(source, np.ones(4, np.float32))[0].tobytes().hex())
        print(machine_code._KEPT[-1].cache_hits, file=sys.stderr)
    """

    def start(at: float) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
        )
        process.stdin.write(f"{at}\n")
        process.stdin.flush()
        return process

    together = [start(time.time() + 2) for _ in range(3)]
    answers = [process.communicate(timeout=120) for process in together]
    assert all(process.returncode == 0 for process in together), answers
    assert len({out for out, _ in answers}) == 1
    assert len(list((tmp_path / "pieces").glob("piece_*.py"))) == 3
    assert not list((tmp_path / "pieces").glob("*.tmp"))
    late = start(0.0)
    out, hits = late.communicate(timeout=60)
    assert out == answers[0][0]
    assert hits.strip() == "1", "what three processes left is whole"


WORK = """
    import numpy as np
    from chainrule.engines.base import Data, StepSettings
    from chainrule.equations.layout import Layout
    from chainrule.engines.cpu.engine import CpuEngine
    from chainrule.engines.cpu.pieces.machine_code import cache_folder
    from chainrule.equations.dense import Dense
    from chainrule.equations.network import Network
    network = Network([3, Dense(4, "tanh"), Dense(2)])
    data = Data(np.ones((6, 3)), np.ones((6, 2)), np.arange(6), np.arange(0))
    run = CpuEngine(np.float32, 1).start(network, np.full((1, Layout(network).size), 0.1), data, StepSettings())
    {use}
    print(cache_folder(), {result})
"""
PREDICTING = {"use": "outputs = run.outputs(np.arange(6))", "result": "outputs[0, 0, 0]"}
TRAINED = {"use": "run.train_epoch(0, np.array([0.1]), [0])", "result": "run.parameters[0, 0]"}
SAID = "compiling the engine for this processor; this happens once …\n"


@pytest.mark.slow
def test_a_package_that_can_t_be_written_keeps_its_code_in_the_users_cache(tmp_path):
    """A copy of the package whose cache folders can't be made: compiled once, in the user's folder, and said once."""
    for source in PACKAGE.rglob("*.py"):
        if "__pycache__" not in source.parts:
            target = tmp_path / "site" / "chainrule" / source.relative_to(PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    engines = tmp_path / "site" / "chainrule" / "engines"
    for folder in (engines, *(path for path in engines.rglob("*") if path.is_dir())):
        close(folder / "__pycache__")
    cache = tmp_path / "cache"
    environment = {
        "PYTHONPATH": str(tmp_path / "site"),
        "XDG_CACHE_HOME": str(cache),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment |= {"NUMBA_CACHE_DIR": "", "HOME": os.devnull, "LOCALAPPDATA": ""}
    for said in (SAID, ""):
        out, err = python(WORK.format(**PREDICTING), **environment).communicate(timeout=120)
        assert err == said
        folder, output = out.split()
        assert folder == str(cache / "chainrule" / "pieces")
        assert float(output) == pytest.approx(4 * 0.1 * math.tanh(3 * 0.1 + 0.1) + 0.1, rel=1e-6)
    out, err = python(
        WORK.format(**PREDICTING), **{**environment, "XDG_CACHE_HOME": os.devnull, "TMPDIR": str(tmp_path)}
    ).communicate(timeout=120)
    remedy = "each process compiles it anew: set NUMBA_CACHE_DIR to a folder that can be written"
    assert err == f"note: compiled code can't be kept in any folder; {remedy}\n{SAID}"
    assert out.startswith("None ")
    assert not list(tmp_path.glob("chainrule-*")), "the private folder goes with its process"


@pytest.mark.slow
def test_a_training_compiles_once_and_says_so(tmp_path):
    """What it says it has done: with no word the second time, nothing was compiled. `benchmarks.speed` has the seconds."""
    for said in (SAID, ""):
        out, err = python(WORK.format(**TRAINED), NUMBA_CACHE_DIR=str(tmp_path)).communicate(timeout=120)
        assert err == said
        folder, weight = out.split()
        assert folder == str(tmp_path / "pieces")
        assert float(weight) == pytest.approx(0.2, abs=1e-4)


def test_a_piece_is_read_from_its_source_alone(tmp_path):
    source = "def equation(x):\n    return x\n"
    module = machine_code._stored(source, tmp_path)
    assert module.equation(2) == 2
    assert not list(tmp_path.rglob("*.pyc"))
