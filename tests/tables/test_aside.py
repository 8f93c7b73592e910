"""Tables that are written aside: the same cells, kinds and models as of tables in memory, and nothing left behind."""

import errno
import gc
import hashlib
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import chainrule.tables.files.aside as aside_file
from chainrule import train
from chainrule.errors import TableError
from chainrule.tables.files.aside import Aside, in_memory
from chainrule.tables.files.read import read_table
from chainrule.tables.schema import infer_schema
from chainrule.tables.table import Table

N = 700


@pytest.fixture
def aside(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(aside_file, "LARGE", 1)
    monkeypatch.setattr(aside_file, "TALL", 1)
    monkeypatch.setattr(aside_file, "_PIECE", 1)
    monkeypatch.setattr(aside_file, "_LEAST", 64)
    monkeypatch.setattr("chainrule.tables.files.delimited._BLOCK", 1000)
    monkeypatch.setattr("chainrule.tables.files.delimited._LEAST_ROWS", 16)
    return monkeypatch


def mixed() -> pl.DataFrame:
    """Columns whose parts differ: whole numbers first and then others, words at the end, gaps, infinite numbers."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(N).round(3)
    place = np.arange(N)
    return pl.DataFrame({
        "floats": x,
        "whole": rng.integers(-9, 9, N),
        "late": [str(i) if i < 500 else f"{i}.25" for i in place],
        "gaps": [None if i % 7 == 0 or i < 200 else f"{v:.2f}" for i, v in zip(place, x, strict=True)],
        "codes": [f"{i % 40:03}" for i in place],
        "word": ["7" if i < 690 else "rest" for i in place],
        "infinite": ["inf" if i == 333 else f"{v:.1f}" for i, v in zip(place, x, strict=True)],
        "empty": [None] * N,
        "text": [f'"{i % 9}", a\nb' if i % 5 else "Ω" * (i % 50) for i in place],
        "when": [f"20{10 + i % 9}-0{1 + i % 9}-1{i % 9}" for i in place],
        "y": np.where(x > rng.standard_normal(N), "on", "off"),
    })  # fmt: skip


def same(one: Table, other: Table) -> None:
    assert isinstance(one.frame, Aside)
    assert not isinstance(other.frame, Aside)
    assert (one.columns, one.n_rows, one.notes) == (other.columns, other.n_rows, other.notes)
    assert in_memory(one.frame).equals(in_memory(other.frame))
    assert dict(one.frame.schema) == dict(other.frame.schema)
    assert (one.raw is None) == (other.raw is None)
    if one.raw is not None and other.raw is not None:
        assert in_memory(one.raw).equals(in_memory(other.raw))
    rows = np.random.default_rng(1).permutation(one.n_rows)
    for some in (rows, np.sort(rows[:90]), np.array([5]), np.arange(60, 70), rows[:0]):
        assert in_memory(one.take(some).frame).equals(in_memory(other.take(some).frame))
        assert [one.picked(some).column(name).to_list() for name in one.columns] == [
            other.take(some).column(name).to_list() for name in one.columns
        ]
    part, whole = one.part(60, 20), other.take(np.arange(60, 80))
    assert in_memory(part.frame).equals(in_memory(whole.frame))
    assert [part.place(i) for i in (0, 19)] == [whole.place(i) for i in (0, 19)]
    for name in one.columns:
        assert one.text(name).equals(other.text(name))
        assert (one.cell(77, name), one.place(77)) == (other.cell(77, name), other.place(77))
    assert infer_schema(one, target="y") == infer_schema(other, target="y")


def written(folder: Path, kind: str, frame: pl.DataFrame) -> Path:
    path = folder / f"t.{kind}"
    getattr(frame, f"write_{kind}")(path)
    return path


def test_a_system_without_preadv_and_a_file_that_was_cut(aside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = written(tmp_path, "csv", mixed())
    large = read_table(path)
    aside.delattr("os.preadv", raising=False)
    assert isinstance(large.frame, Aside)
    assert large.column("floats").to_list() == mixed()["floats"].to_list()
    assert large.column("y").to_list() == mixed()["y"].to_list()
    large.frame.file._file.truncate(10)
    with pytest.raises(TableError, match=r"t\.csv: .* cut off; read the table again"):
        large.column("floats")


@pytest.mark.parametrize("kind", ["csv", "parquet", "ipc", "ndjson", "odd quotes", "parts", "typed parts"])
def test_a_table_aside_is_the_table(kind: str, aside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    frame = mixed()
    source: Any
    if kind == "odd quotes":
        source = tmp_path / "t.csv"
        source.write_text(
            frame.drop("text").with_columns(odd=pl.lit("a")).write_csv().replace(",a\n", ',a"b\n')
        )
    elif kind.endswith("parts"):
        form = "parquet" if kind == "typed parts" else "csv"
        for place, start in enumerate((0, 300, 450)):
            (tmp_path / f"k={place}").mkdir()
            written(tmp_path / f"k={place}", form, frame[start : (300, 450, N)[place]])
        source = str(tmp_path / "*" / "*")
    else:
        times = {"at": pl.datetime_range(pl.datetime(2020, 1, 1), pl.datetime(2020, 1, 1, 11, 39), "1m")}
        more = (
            {} if kind == "csv" else {"flag": pl.col("whole") > 0, "part": pl.col("floats").cast(pl.Float32)}
        )
        source = written(tmp_path, kind, frame.with_columns(**more, **(times if kind != "ndjson" else {})))
    large = read_table(source)
    aside.setattr(aside_file, "LARGE", 10**9)
    same(large, read_table(source))


def test_nothing_is_left_behind(aside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, folder = written(tmp_path, "csv", mixed()), tmp_path / "aside"
    folder.mkdir()
    aside.setenv("TMPDIR", str(folder))
    aside.setattr(tempfile, "tempdir", None)
    table = read_table(path)
    assert not any(folder.iterdir())
    assert isinstance(table.frame, Aside)
    file = table.frame.file._file
    some = table.narrowed(["y"]).picked(np.arange(5))
    del table
    gc.collect()
    assert some.column("y").len() == 5
    del some
    gc.collect()
    assert file.closed


class Full(io.BytesIO):
    def write(self, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_no_room_is_one_line_with_the_remedy(kind: str, aside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = written(tmp_path, kind, mixed())
    aside.setattr(tempfile, "TemporaryFile", lambda **how: Full())
    with pytest.raises(
        TableError, match=rf"^.*t\.{kind}: is large.*No space left on device.*TMPDIR"
    ) as caught:
        read_table(path)
    assert "\n" not in str(caught.value)

    def none(**how: Any) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found in ['/tmp']")

    aside.setattr(tempfile, "TemporaryFile", none)
    with pytest.raises(TableError, match="No usable temporary directory"):
        read_table(path)


def test_small_tables_stay_in_memory(tmp_path: Path) -> None:
    assert isinstance(read_table(written(tmp_path, "csv", mixed())).frame, pl.DataFrame)
    assert aside_file.is_large(200_000, 31)
    assert not aside_file.is_large(60, 100_000)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("blocks", [False, True])
def test_models_are_the_same(kind: str, blocks: bool, aside: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, test = written(tmp_path, kind, mixed()), tmp_path / f"test.{kind}"
    getattr(mixed().tail(150), f"write_{kind}")(test)
    if blocks:
        aside.setattr("chainrule.tables.encoding.encoded_rows.LARGE", 1)
        aside.setattr("chainrule.tables.encoding.encoded_rows.BLOCK", 300)
        aside.setattr("chainrule.tables.table.MANY", 1)
    for words in ({}, {"test_file": test}, {"bagging": True, "members": 3}):
        found = []
        for large in (1, 10**9):
            aside.setattr(aside_file, "LARGE", large)
            trained = train(path, "y", epochs=2, hidden=[4], **{"members": 1, **words})
            assert isinstance(trained.prepared.table.frame, Aside) == (large == 1)
            trained.model.save(tmp_path / "m.safetensors", overwrite=True)
            digest = hashlib.sha256((tmp_path / "m.safetensors").read_bytes()).hexdigest()
            found.append((digest, trained.evaluation.scores, dict(trained.baselines), trained.notes))
        assert found[0] == found[1]
