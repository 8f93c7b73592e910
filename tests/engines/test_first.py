"""What is compiled before a training, by a process beside too: its code is found, and it never outlives who waits for it."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from chainrule.engines.cpu.kernels.compiling import is_for

START = """
    import os, sys
    import numpy as np
    from chainrule.engines.base import Data, StepSettings
    from chainrule.engines.cpu import first, warm_up
    from chainrule.engines.cpu.kernels import rows, tabm_steps, steps
    from chainrule.engines.cpu.pieces.machine_code import tally
    from chainrule.engines.cpu.engine import CpuEngine
    from chainrule.equations.dense import Dense
    from chainrule.equations.layout import Layout, TabMLayout
    from chainrule.equations.network import Network

    def start(threads=2, dtype=np.float32, sharing="none"):
        network = Network([3, Dense(4, "tanh"), Dense(2)])
        size = (TabMLayout(network, 2) if sharing == "tabm" else Layout(network)).size
        data = Data(np.ones((6, 3)), np.ones((6, 2)), np.arange(6), np.arange(0))
        settings = StepSettings(sharing=sharing)
        return CpuEngine(dtype, threads).start(network, np.full((1, size), 0.1), data, settings)
"""


def begun(code: str, folder, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(START) + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NUMBA_CACHE_DIR": str(folder), **environment},
    )


def gone(pid: int) -> bool:
    """Whether a process ends within half a minute."""
    for _ in range(300):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                if file.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except FileNotFoundError:
            return True
        time.sleep(0.1)
    return False


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")
needs_two = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")


def test_a_loop_of_one_dtype_is_not_taken_for_that_of_the_other():
    parts = "(array({0}, 2d, C), array(float64, 1d, C), int64)"
    for own, other in (("float32", "float64"), ("float64", "float32")):
        assert is_for(own, parts.format(own))
        assert not is_for(other, parts.format(own))


@pytest.mark.slow
@needs_two
def test_nothing_of_the_working_folder_is_run(tmp_path):
    """Neither by the process beside, nor is a path of another kind in the way."""
    (tmp_path / "json.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w').close()\n")
    code = """
        import pathlib
        sys.path = [*filter(None, sys.path), pathlib.Path("somewhere")]
        os.chdir(sys.argv[1])
        beside = []
        popen = first.subprocess.Popen
        first.subprocess.Popen = lambda *what, **how: beside.append(popen(*what, **how)) or beside[-1]
        start()
        print(len(beside))
    """
    words = [sys.executable, "-c", textwrap.dedent(START) + textwrap.dedent(code), str(tmp_path)]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    made = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert made.stdout == "1\n", made.stderr
    assert not (tmp_path / "was run").exists()


@pytest.mark.slow
@needs_two
@pytest.mark.parametrize(
    ("given", "loop"),
    [
        ("", "steps.train_steps"),
        ("dtype=np.float64", "steps.train_steps"),
        ("sharing='tabm'", "tabm_steps.train_tabm_steps"),
    ],
)
def test_both_processes_leave_nothing_to_compile(tmp_path, given, loop):
    code = f"""
        run = start({given})
        found = tally()
        run.train_epoch(0, np.full(run.steps_per_epoch, 0.1), range(len(run.parameters)))
        run.losses(np.arange(6))
        run.weighted_sums(np.arange(6))
        now, steps_of, rows_of = tally(), {loop}.stats, rows.run_rows.stats
        print(found.compiled, now.compiled, sum(steps_of.cache_misses.values()), sum(rows_of.cache_misses.values()))
        print(sum(rows_of.cache_hits.values()))
    """
    for compiled_here in ("1", "0"):
        out, err = begun(code, tmp_path).communicate(timeout=300)
        assert out.split() == ["0", "0", compiled_here, "0", "1"], err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "given"),
    [
        ("", "1"),
        ("sys.executable = ''", ""),
        ("sys.executable = '/usr/bin/blender'", ""),
    ],
)
def test_without_a_second_thread_or_a_python_there_is_none(tmp_path, before, given):
    code = f"""
        {before}
        first._shared_out = lambda *_: print("begun")
        start({given})
        print("ready")
    """
    out, err = begun(code, tmp_path).communicate(timeout=120)
    assert (out.split(), err) == (["ready"], "")


def test_loops_without_a_folder_are_told_of_and_compiled_here(tmp_path):
    code = """
        steps.train_steps._cache = None
        first._shared_out = lambda *_: print("begun")
        for _ in range(2):
            start()
    """
    out, err = begun(code, tmp_path).communicate(timeout=120)
    assert out == ""
    assert err.startswith("note: compiled code can't be kept in any folder; each process compiles it anew")
    assert err.count("\n") == 1


@pytest.mark.slow
@needs_two
@pytest.mark.parametrize(
    "broken", ["first._PROGRAM = 'raise SystemExit(3)'", "sys.executable = '/nowhere/python3'"]
)
def test_a_process_that_fails_leaves_the_work_to_this_one(tmp_path, broken):
    code = f"""
        {broken}
        warm_up.compile_steps = lambda *_: print("here")
        print(start().tables.rows, tally().compiled)
    """
    out, err = begun(code, tmp_path).communicate(timeout=120)
    assert (out.split()[-2:], err) == (["6", "4"], "")


@needs_proc
@needs_two
@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "raise KeyboardInterrupt"])
def test_the_process_ends_with_who_waits_for_it(tmp_path, end):
    code = f"""
        import subprocess
        made = subprocess.Popen
        class Popen(made):
            def __init__(self, *given, **words):
                super().__init__(*given, **words)
                print(self.pid, flush=True)
        subprocess.Popen = Popen
        def compile_steps(*_):
            {end}
        warm_up.compile_steps = compile_steps
        start()
    """
    out, _ = begun(code, tmp_path).communicate(timeout=120)
    assert gone(int(out))
