"""`chainrule warm-up`: what it compiles, what it says, and that the second time there is nothing to do."""

import os
import re
import subprocess
import sys
import textwrap

import pytest

from chainrule.engines.base import Job
from chainrule.engines.cpu import warm_up
from chainrule.engines.cpu.pieces import machine_code
from chainrule.equations.activations import ACTIVATIONS
from chainrule.equations.losses import LOSSES
from chainrule.equations.optimizers import OPTIMIZERS


def test_all_registries_in_both_dtypes_are_compiled():
    jobs = warm_up.jobs()
    names = {job.name for job in jobs}
    assert {"loops, float32", "loops, float64"} <= names
    for bits in ("float32", "float64"):
        assert {f"{name}, {bits}" for name in (*ACTIVATIONS, *LOSSES)} <= names
        stepping = {f"{name}, {bits}" for name, record in OPTIMIZERS.items() if record.lines}
        # Some optimizers are the same lines under another name, and compiled once.
        assert len(stepping & names) >= len({record.lines for record in OPTIMIZERS.values()}) - 1
    assert jobs[0].name == "loops, float32", "what takes longest comes first"


def test_what_is_said(run, monkeypatch):
    done = []
    monkeypatch.setattr(
        warm_up, "jobs", lambda: [Job("one", lambda: done.append(1)), Job("two", lambda: done.append(2))]
    )
    monkeypatch.setattr(warm_up, "compilations", lambda: 0)
    result = run("warm-up")
    assert (result.code, result.err) == (0, "")
    assert re.fullmatch(r"all 2 functions were there, in \d+\.\d s\nkept in \S+ and \S+\n", result.out)
    assert done == [1, 2]
    monkeypatch.setattr(warm_up, "compilations", lambda: 1)
    assert run("warm-up").out.startswith("compiled 2 functions, in ")


@pytest.mark.parametrize(
    "place",
    ["chainrule.engines.cpu.pieces.machine_code.cache_folder", "chainrule.engines.cpu.warm_up.kernel_folder"],
)
def test_where_nothing_can_be_kept_it_says_so_and_compiles_nothing(run, monkeypatch, place):
    monkeypatch.setattr(place, lambda: None)
    monkeypatch.setattr(warm_up, "jobs", lambda: pytest.fail("nothing is to be compiled"))
    result = run("warm-up")
    assert result.code == 2
    assert result.err == (
        "error: what is compiled can't be kept: no folder for it can be written; set NUMBA_CACHE_DIR to one that can\n"
    )


def test_it_takes_no_arguments(run):
    assert run("warm-up", "everything").code == 2


def test_compilations_are_counted(monkeypatch):
    class Made:
        def __init__(self, cache_hits):
            self.cache_hits = cache_hits

    monkeypatch.setattr(machine_code, "_KEPT", [Made(0), Made(1), Made(1)])
    assert machine_code.tally() == (1, 2)


@pytest.mark.slow
def test_the_second_time_nothing_is_compiled():
    """In the cache that there is: the first time compiles what no test has needed yet."""
    said = []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "chainrule", "warm-up"],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        said.append((done.stdout, done.stderr))
    assert re.match(rf"(compiled|all) {len(warm_up.jobs())} functions", said[0][0])
    assert said[1][0].startswith(f"all {len(warm_up.jobs())} functions were there, in ")
    assert said[1][1] == ""
    assert f"kept in {machine_code.cache_folder()} and {warm_up.kernel_folder()}" in said[1][0]


@pytest.mark.slow
def test_what_is_compiled_is_kept_where_numba_is_told_to(tmp_path):
    program = """
        from chainrule.cli import main
        from chainrule.engines.cpu import warm_up
        few = [job for job in warm_up.jobs() if job.name == "tanh, float32"]
        warm_up.jobs = lambda: few
        main(["warm-up"])
    """
    for begins in ("compiled 2 functions, ", "all 2 functions were there, "):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.stderr == ""
        assert done.stdout.startswith(begins)
        assert f"kept in {tmp_path / 'pieces'} and {tmp_path}" in done.stdout
    assert len(list((tmp_path / "pieces").glob("piece_*.py"))) == 2
