"""Large tables: encoded when they are asked for, to the same bits, and in memory that is a few times the encoded table."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule.tables.encoding.encoded_rows as encoded_rows_file
from chainrule import train
from chainrule.tables.encoding.encode import fit_encoder
from chainrule.tables.encoding.encoded_rows import EncodedRows, blocks_of, encoded_rows
from chainrule.tables.files.aside import LARGE
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import from_frame
from chainrule.training.scores.baselines import number_answers

QUICK: dict[str, Any] = {"epochs": 2, "hidden": [4], "members": 1}


def mixed(n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((n, 2)).round(3)
    return pl.DataFrame({
        "a": x[:, 0], "b": [f"{v:.1f} kg" for v in x[:, 1]], "c": [["u", "v", None][i] for i in rng.integers(0, 3, n)],
        "d": [f"{1 + i % 28:02}.{1 + i % 12:02}.20{10 + i % 9} 0{i % 10}:15" for i in range(n)],
        "y": np.where(x[:, 0] * x[:, 1] > 0, "on", "off"), "z": x[:, 0] - 0.5 * x[:, 1],
    })  # fmt: skip


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoded_rows_file, "LARGE", 1)
    monkeypatch.setattr(encoded_rows_file, "BLOCK", 200)


def test_encoded_rows_are_an_array(small_blocks: None) -> None:
    frame = mixed()
    table = from_frame(frame)
    encoder = fit_encoder(table, infer_schema(table, target="y"))
    whole = encoder.transform(table)
    order = np.random.default_rng(1).permutation(table.n_rows)
    rows = encoded_rows(encoder, [(table, order[:300]), (table, order[300:])])
    expected = whole[order]
    assert isinstance(rows, EncodedRows)
    assert rows.shape == expected.shape
    assert np.asarray(rows).tobytes() == expected.tobytes()
    assert np.asarray(rows, np.float32).tobytes() == expected.astype(np.float32).tobytes()
    assert np.concatenate(list(blocks_of(rows))).tobytes() == expected.tobytes()
    for which in (
        slice(0, 0),
        slice(7, 350),
        slice(None, None, 3),
        slice(290, 310),
        np.array([5, 299, 300, 5]),
        expected[:, 0] > 0,
    ):
        assert np.asarray(rows[which]).tobytes() == expected[which].tobytes()
    with pytest.raises(ValueError, match="is a copy"):
        np.array(rows, copy=False)


def test_rows_picked_are_the_rows_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mixed().write_csv(tmp_path / "t.csv")
    for table in (from_frame(mixed()), read_table(tmp_path / "t.csv")):
        rows = np.random.default_rng(3).permutation(table.n_rows)[:90]
        monkeypatch.setattr("chainrule.tables.table.MANY", 1)
        lazy, taken = table.picked(rows), table.take(rows)
        assert "frame" not in vars(lazy)
        assert (lazy.n_rows, lazy.columns, lazy.place(7)) == (90, table.columns, taken.place(7))
        for name in table.columns:
            assert lazy.text(name).equals(taken.text(name))
            assert lazy.column(name).equals(taken.column(name))
            assert lazy.cell(5, name) == taken.cell(5, name)
        for made in (lambda one: one.take([3, 8]), lambda one: one.picked([3, 8]).narrowed(["c", "a"])):
            assert made(lazy).frame.equals(made(taken).frame)
        assert "frame" not in vars(lazy)
        assert replace(lazy, name="other").frame.equals(taken.frame)


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        {"target": "y", "drop": ["z"]},
        {"target": "z", "drop": ["y"], "dtype": "float64"},
        {"target": "z", "drop": ["y"], "weights": "w"},
        {"target": "y", "drop": ["z"], "refit": True},
        {"target": "y", "drop": ["z"], "bagging": True, "members": 3},
        {"target": "z", "drop": ["y"], "optimizer": "lbfgs"},
        {"target": "y", "drop": ["z"], "class_weight": "balanced", "test_file": "itself"},
    ],
    ids=lambda words: ", ".join(f"{name}={value}" for name, value in words.items()),
)
def test_a_training_in_blocks_has_the_same_bits(
    words: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    frame = mixed().with_columns(w=1.5 + pl.int_range(400) % 3) if "weights" in words else mixed()
    if "test_file" in words:
        frame.write_parquet(tmp_path / "t.parquet")
        words = {**words, "test_file": tmp_path / "t.parquet"}
    files, told = [], []
    for large in (encoded_rows_file.LARGE, 1):
        monkeypatch.setattr(encoded_rows_file, "LARGE", large)
        monkeypatch.setattr(encoded_rows_file, "BLOCK", 300)
        trained = train(frame, **{**QUICK, **words})
        assert trained.prepared.arrays.are_large == (large == 1)
        trained.model.save(tmp_path / "m.safetensors", overwrite=True)
        files.append((tmp_path / "m.safetensors").read_bytes())
        told.append({name: dict(scores) for name, scores in trained.baselines.items()})
    assert files[0] == files[1]
    for name, scores in told[0].items():
        assert told[1][name] == pytest.approx(scores, rel=1e-9)


def test_a_category_of_rare_levels_that_does_not_help_is_left_out_in_blocks_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rng = np.random.default_rng(3)
    frame = mixed().with_columns(name=pl.Series([f"n{k}" for k in rng.integers(0, 190, 400)]))
    files = []
    for large in (encoded_rows_file.LARGE, 1):
        monkeypatch.setattr(encoded_rows_file, "LARGE", large)
        trained = train(frame, target="z", drop=["y"], epochs=2, members=2, test_share=0, seed=1)
        assert trained.prepared.arrays.are_large == (large == 1)
        assert not trained.model.layers(0)[-1]["E"].any()
        trained.model.save(tmp_path / "m.safetensors", overwrite=True)
        files.append((tmp_path / "m.safetensors").read_bytes())
    assert files[0] == files[1]


@pytest.mark.parametrize("weighted", [False, True])
def test_the_line_of_blocks_is_the_line(weighted: bool, small_blocks: None) -> None:
    frame = mixed()
    table = from_frame(frame)
    # An input for each level is more than a basis, so the smallest solution is wanted.
    encoder = fit_encoder(table, infer_schema(table, target="z", drop=["y"]))
    rows = encoded_rows(encoder, [(table, np.arange(400))])
    y = frame["z"].to_numpy() + np.sin(np.arange(400.0))
    weights = np.random.default_rng(2).uniform(0, 3, 400) if weighted else None
    new = np.asarray(rows)[:50]
    found = number_answers(rows, y, new, weights)["linear regression"]["numbers"]
    assert found == pytest.approx(
        number_answers(np.asarray(rows), y, new, weights)["linear regression"]["numbers"], rel=1e-9
    )


PEAK = """
import json, re, sys
from chainrule import train
from chainrule.tables.files import aside
aside.LARGE = int(sys.argv[2])
trained = train(sys.argv[1], "y", epochs=1)
peak = re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())
print(json.dumps({"peak": int(peak[1]) * 1024, "inputs": trained.model.encoder.n_inputs}))
"""


def peak_of(path: Path, large: int = LARGE) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(path), str(large)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ},
    )
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux says what memory a process had")
@pytest.mark.skipif(
    os.environ.get("HYPOTHESIS_PROFILE") != "nightly", reason="takes minutes: the nightly run's"
)
@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize("n", [200_000, 1_000_000])
def test_memory_is_a_few_times_the_encoded_table(n: int, kind: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 30)).round(4)
    frame = pl.DataFrame(x).with_columns(y=np.where(x[:, 0] * x[:, 1] + x[:, 2] > 0, "on", "off"))
    for name, some in (("small", frame.head(300)), ("large", frame)):
        getattr(some, f"write_{kind}")(tmp_path / f"{name}.{kind}")
    del frame, x
    small, large = (peak_of(tmp_path / f"{name}.{kind}") for name in ("small", "large"))
    # Beside what the packages and the compiled code take, with which a table of 300 rows has about 0.27 GB.
    assert small["peak"] <= 0.3e9
    most = 3 * (4 * n * large["inputs"]) + (0.3e9 if n == 1_000_000 else 0.33e9)
    assert large["peak"] <= most
    if n == 1_000_000:  # the measure sees a table that isn't written aside
        assert peak_of(tmp_path / f"large.{kind}", large=10**12)["peak"] > most
