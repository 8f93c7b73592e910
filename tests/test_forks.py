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
    from chainrule import MLPClassifier, MLPRegressor, TableClassifier, TableRegressor

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


def output(code: str, folder) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(PARENT) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


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
