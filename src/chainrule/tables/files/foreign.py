"""What is no table that is read here: files of other programs, each known by its first bytes or its ending, and the way round."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from chainrule.errors import TableError
from chainrule.tables.files.unpack import PACKINGS


@dataclass(frozen=True)
class Foreign:
    """A format that isn't read: its name, what its files begin with at a place or end in, and what to do."""

    name: str
    remedy: str
    starts: tuple[bytes, ...] = ()
    endings: tuple[str, ...] = ()
    at: int = 0
    text: bool = False
    """Whether the ending alone says it: files of text begin with anything."""


def _pandas(reader: str) -> str:
    return f"read it with pandas.{reader} and give the frame, or write it as Parquet or CSV"


FORMATS = (
    Foreign("a Stata file", _pandas("read_stata"), (b"<stata_dta>",), (".dta",)),
    Foreign("a SAS file", _pandas("read_sas"), (b"\0" * 12 + b"\xc2\xea\x81\x60",), (".sas7bdat",)),
    Foreign("a SAS transport file", _pandas("read_sas"), (b"HEADER RECORD*******LIB",), (".xpt",)),
    Foreign("an SPSS file", _pandas("read_spss"), (b"$FL2", b"$FL3"), (".sav", ".zsav", ".por")),
    Foreign("an R file", "write it with write.csv in R", (b"RDX2\n", b"RDX3\n"), (".rds", ".rda", ".rdata")),
    Foreign("an HDF5 file", _pandas("read_hdf"), (b"\x89HDF\r\n\x1a\n",), (".h5", ".hdf5", ".hdf")),
    Foreign("a pickle, which could run code", "write it as Parquet or CSV", (), (".pkl", ".pickle")),
    Foreign("an ORC file", _pandas("read_orc"), (b"ORC",), (".orc",)),
    Foreign("an Avro file", "read it with polars.read_avro and give the frame", (b"Obj\x01",), (".avro",)),
    Foreign("a Feather file of version 1", _pandas("read_feather"), (b"FEA1",)),
    Foreign("a NumPy file", "load it with numpy.load and give a frame of its columns", (b"\x93NUMPY",), (".npy", ".npz")),
    Foreign("an SQLite database", "write a table of it: sqlite3 -header -csv FILE 'select * from NAME'", (b"SQLite format 3\0",)),
    Foreign("a DuckDB database", "write a table of it: copy NAME to 'NAME.parquet'", (b"DUCK",), (), 8),
    Foreign("a spreadsheet of the old kind", "save it as .xlsx or CSV", (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",), (".xls",)),
    Foreign("a PDF", "save its table as CSV", (b"%PDF",), (".pdf",)),
    Foreign("a web page", "download the table itself", (b"<!doctype html", b"<html"), (".html", ".htm")),
    Foreign("an XML file", _pandas("read_xml"), (b"<?xml",), (".xml",)),
    Foreign("a tar archive", "unpack it, and give a file or the folder", (b"ustar",), (".tar", ".tgz"), 257),
    Foreign("a 7z archive", "unpack it, and give a file or the folder", (b"7z\xbc\xaf\x27\x1c",), (".7z",)),
    Foreign("a RAR archive", "unpack it, and give a file or the folder", (b"Rar!\x1a",), (".rar",)),
    Foreign("compressed twice", "unpack it once", tuple(one.start for one in PACKINGS)),
    Foreign("an LZ4 file", "unpack it", (b"\x04\x22\x4d\x18",), (".lz4",)),
    Foreign("an LZMA file of the old kind", "unpack it", (b"\x5d\0\0",), (".lzma",)),
    Foreign("a file of compress", "unpack it", (b"\x1f\x9d",), (".z",)),
    Foreign("a Brotli file", "unpack it", (), (".br",)),
    Foreign("a Snappy file", "unpack it", (b"\xff\x06\0\0sNaPpY",), (".sz", ".snappy")),
    Foreign("an Access database", "export its table as CSV", (b"Standard Jet DB", b"Standard ACE DB"), (".mdb", ".accdb"), 4),
    Foreign("a dBase file", "save it as CSV", (), (".dbf",)),
    Foreign("a shapefile", "save its table as CSV", (b"\0\0\x27\x0a",), (".shp",)),
    Foreign("a file of fst or qs", "write it with write.csv in R", (), (".fst", ".qs", ".qs2")),
    Foreign("an SPSS file", _pandas("read_spss"), (b"ASCII SPSS PORT FILE",)),
    Foreign("a SAS catalog", "give the table itself", (), (".sas7bcat",)),
    Foreign("a MATLAB file", "load it with scipy.io.loadmat and give a frame", (b"MATLAB 5.0", b"MATLAB 7.3"), (".mat",)),
    Foreign("a model file of safetensors", "give the table, then the model", (), (".safetensors",)),
    Foreign("an ARFF file", "read it with scipy.io.arff.loadarff and give the frame, or leave @data and all above it out",
            (b"@relation",), (".arff",)),
    Foreign("a YAML file", "write it as JSON, a list of objects", (), (".yaml", ".yml"), text=True),
    Foreign("a TOML file", "write it as JSON, a list of objects", (), (".toml",), text=True),
    Foreign("a notebook", "write the frame to a file in it", (), (".ipynb",), text=True),
    Foreign("a program of SQL", "let the database write a CSV", (), (".sql",), text=True),
    Foreign("a picture", "give the table as text", (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8")),
)  # fmt: skip

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def refuse_url(source: str) -> None:
    """Raise TableError for an address of the net: what is read here is on this machine."""
    if _URL.match(source):
        raise TableError(
            f"{source}: is a URL, and nothing is fetched here; download it first, and give the file"
        )


def refuse_foreign(data: bytes, name: str) -> None:
    """Raise TableError for a file of another program, which its first bytes or its name show."""
    head, suffix = data[:512], Path(name).suffix.lower()
    for one in FORMATS:
        begins = any(head[one.at :].lower().startswith(start.lower()) for start in one.starts)
        if begins or (suffix in one.endings and (one.text or b"\0" in head)):
            raise TableError(f"{name}: is {one.name}, which isn't read here; {one.remedy}")


_LAKES = {
    "_delta_log": "a Delta Lake table, whose log says which files count; read it with polars.read_delta",
    "metadata/*.metadata.json": "an Iceberg table, whose metadata say which files count; read it with polars.scan_iceberg",
    ".hoodie": "a Hudi table, whose log says which files count; read it with Spark",
}


def refuse_lake(folder: Path) -> None:
    """Raise TableError for a folder of which not every file is a part of the table."""
    for pattern, what in _LAKES.items():
        if any(folder.glob(pattern)):
            raise TableError(f"{folder}: is {what}, and give the frame")
