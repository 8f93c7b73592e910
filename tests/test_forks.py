"""What a forked process can do: nothing hangs there, and what polars' missing threads would be needed for says so."""

import os
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PARENT = """
    import os, signal, sys
    import numpy as np
    import chainrule

    def forked(work):
        sys.stdout.flush()
        child = os.fork()
        if not child:
            signal.alarm(30)
            try:
                print("gave", work())
            except chainrule.ChainruleError as error:
                print("refused", error)
            sys.stdout.flush()
            os._exit(0)
        print("ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

    x = np.random.default_rng(0).normal(size=(60, 2))
    columns = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "kind": ["up" if v > 0 else "down" for v in x[:, 0]]}
    small = {"hidden": [3], "epochs": 2, "members": 1}
"""

DOORS = """
    from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor
    import polars as pl
    frame = pl.DataFrame(columns)
    frame.write_csv("rows.csv")
    table = chainrule.read_table("rows.csv")
    model = chainrule.train(table, "kind", **small).model
    mlp = MLPClassifier((3,), max_iter=2, early_stopping=False, solver="sgd").fit(x, columns["kind"])
    wide = frame.drop("kind")
    doors = {
        "read_table": lambda: chainrule.read_table("rows.csv"),
        "train on a file": lambda: chainrule.train("rows.csv", "kind", **small),
        "train on a dict": lambda: chainrule.train(columns, "kind", **small),
        "train on a frame": lambda: chainrule.train(frame, "kind", **small),
        "train on a table": lambda: chainrule.train(table, "kind", **small),
        "predict a file": lambda: model.predict("rows.csv"),
        "predict a table": lambda: model.predict(table),
        "predict a dict": lambda: model.predict(columns),
        "a table's estimator": lambda: TableClassifier(**small).fit(wide, columns["kind"]),
        "a table's estimator, arrays": lambda: TableRegressor(**small).fit(x, x[:, 0]),
        "an array's estimator": lambda: MLPRegressor(hidden_layer_sizes=(3,), max_iter=2).fit(wide, x[:, 0]),
        "an array's estimator predicts": lambda: mlp.predict(wide),
    }
    for name, work in doors.items():
        print(name)
        forked(work)
"""

ARRAYS = """
    from chainrule import MLPClassifier
    import warnings
    warnings.simplefilter("ignore")
    mlp = MLPClassifier((3,), max_iter=2).fit(x, columns["kind"])
    forked(lambda: mlp.predict(x[:2]).shape)
    forked(lambda: MLPClassifier((3,), max_iter=2).fit(x, columns["kind"]).n_iter_)
    import polars as pl  # loaded, but its threads have not begun
    work = lambda: len(chainrule.train(columns, "kind", **small).model.predict(columns).labels)
    forked(work)
    forked(lambda: forked(work))
"""

MEANWHILE = """
    from chainrule import MLPRegressor
    import threading, time
    from chainrule.engines import engine_named
    from chainrule.equations.layout import Layout

    def fit():
        return MLPRegressor(hidden_layer_sizes=(3,), max_iter=2, early_stopping=False, solver="sgd").fit(x, x[:, 0]).n_iter_

    def train():
        return len(chainrule.train(columns, "kind", **small).history)

    def outputs():
        network = chainrule.Network([2, chainrule.Dense(3, "z/(1+z^2)"), chainrule.Dense(1)])
        return engine_named("cpu").predict(network, np.ones((1, Layout(network).size)), x).shape

    def answer(work):
        signal.alarm(250)
        try:
            return f"gave {work()}"
        except chainrule.ChainruleError as error:
            return f"refused {error}"

    other = threading.Thread(target=WORK)
    begun = time.monotonic()
    other.start()
    children = []
    for moment in MOMENTS:
        time.sleep(max(0, begun + moment - time.monotonic()))
        ours, theirs = os.pipe()
        child = os.fork()
        if not child:
            os.write(theirs, answer(outputs if WORK is outputs else fit).encode())
            os._exit(0)
        os.close(theirs)
        children.append((child, ours))
    other.join()
    for child, ours in children:
        print(os.read(ours, 1000).decode(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""

HELD = """
    import threading, time
    from chainrule import _forks
    from chainrule._forks import wait_for
    _forks._OURS |= {"long"}
    open("long.py", "w").write("import __main__; __main__.done.wait()")
    sys.path.insert(0, ".")
    lock = threading.RLock()
    wait_for(lock)

    def holds():
        with lock:
            begun.set()
            done.wait()

    def imports():
        begun.set()
        import long

    from chainrule.formula.evaluate import Formula

    class Slow(Formula):
        def __getattribute__(self, name):
            if name == "root" and threading.current_thread() is not threading.main_thread():
                begun.set()
                done.wait()
            return super().__getattribute__(name)

    read = chainrule.Dense(2, "z/(1+z^2)").activation.formula
    begun, done = threading.Event(), threading.Event()
    other = threading.Thread(target=lambda: Slow("z", read.root).symbols)
    other.start()
    begun.wait()
    forked(lambda: chainrule.Dense(2, "z/(3+z^2)").activation.formula.symbols)
    done.set()
    other.join()

    for work in (holds, imports):
        for longest, ends in ((0.1, 1000), (60, 0.3)):
            sys.modules.pop("long", None)
            begun, done = threading.Event(), threading.Event()
            other = threading.Thread(target=work)
            other.start()
            begun.wait()
            while work is imports and not _forks._is_imported_elsewhere():
                time.sleep(0.001)
            _forks._LONGEST = _forks._SHORT = longest
            end = threading.Timer(ends, done.set)
            end.start()
            forked(lambda: chainrule.Dense(2).n_out)
            done.set()
            end.cancel()
            other.join()
"""


def output(code: str, folder, **environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PARENT) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_every_door_to_a_table_says_why_and_what_to_do(tmp_path):
    lines = output(DOORS, tmp_path)
    doors, answers, ends = lines[::3], lines[1::3], lines[2::3]
    assert len(doors) == 12
    for door, answer, end in zip(doors, answers, ends, strict=True):
        assert answer.startswith("refused tables can't be read in this process: it was forked when polars"), (
            door
        )
        assert 'multiprocessing.get_context("spawn")' in answer
        assert end == "ended with 0"


def test_what_needs_no_table_works_and_so_does_all_where_polars_had_not_begun(tmp_path):
    assert output(ARRAYS, tmp_path) == [
        *("gave (2,)", "ended with 0"),
        *("gave 2", "ended with 0"),
        *("gave 60", "ended with 0"),
        *("gave 60", "ended with 0", "gave None", "ended with 0"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("work", "value"), [("fit", "gave 2"), ("train", "gave 2"), ("outputs", "gave (1, 60, 1)")]
)
def test_a_fork_while_another_thread_compiles_for_the_first_time_is_whole(tmp_path, work, value):
    """Or, in the few milliseconds that nothing guards, refuses; it never hangs, and nor does the thread."""
    code = MEANWHILE.replace("WORK", work).replace("MOMENTS", "(0.2, 0.9, 3, 3.1, 6)")
    lines = output(code, tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "kept"))
    assert len(lines) == 5
    assert all(line == f"{value} 0" or line.startswith("refused chainrule can't") for line in lines), lines
    assert f"{value} 0" in lines


def test_a_fork_waits_for_what_ends_and_what_never_does_is_refused_and_holds_nobody_up(tmp_path):
    first, end, *lines = output(HELD, tmp_path)
    assert (first, end) == ("gave ('z',)", "ended with 0"), (
        "a value that another thread works out holds nobody up"
    )
    for answer, *rest in (lines[:4], lines[4:]):
        assert answer.startswith("refused chainrule can't work in this process: it was forked while another")
        assert 'multiprocessing.get_context("spawn")' in answer
        assert rest == ["ended with 0", "gave 2", "ended with 0"]
