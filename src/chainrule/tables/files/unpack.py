"""Compressed files: gzip, bzip2, xz and Zstandard, unpacked up to a limit, so that a small file can't fill the memory."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from chainrule._doors import setting
from chainrule.errors import SettingsError, TableError

UNPACK_LIMIT = 2**30
"""The bytes that a compressed file may have, unpacked, where nothing else is asked for."""

_CHUNK = 2**22
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


@dataclass(frozen=True)
class Packing:
    """A way to compress: its name, the first bytes of its files, their endings, and what opens one."""

    name: str
    start: bytes
    endings: tuple[str, ...]
    opened: Callable[[bytes], Any]


def _zstandard(data: bytes) -> Any:
    """Open Zstandard data with what there is: Python's own module (from 3.14 on), zstandard, or pyarrow."""
    with suppress(ImportError):
        return import_module("compression.zstd").ZstdFile(io.BytesIO(data))
    with suppress(ImportError):
        return import_module("zstandard").ZstdDecompressor().stream_reader(data, read_across_frames=True)
    arrow = import_module("pyarrow")
    return arrow.CompressedInputStream(arrow.BufferReader(data), "zstd")


PACKINGS = (
    Packing("gzip", b"\x1f\x8b", (".gz", ".gzip"), lambda data: gzip.GzipFile(fileobj=io.BytesIO(data))),
    Packing("bzip2", b"BZh", (".bz2",), lambda data: bz2.BZ2File(io.BytesIO(data))),
    Packing("xz", b"\xfd7zXZ\0", (".xz",), lambda data: lzma.LZMAFile(io.BytesIO(data))),  # noqa: SIM115
    Packing("Zstandard", b"\x28\xb5\x2f\xfd", (".zst", ".zstd"), _zstandard),
)

PACKED = tuple(ending for one in PACKINGS for ending in one.endings)
"""The endings of compressed files."""


def unpacked(data: bytes, name: str, limit: int) -> bytes:
    """Return what compressed data holds, other data as it is; raises TableError where it is damaged, or has over ``limit``."""
    found = next((one for one in PACKINGS if data.startswith(one.start)), None)
    if found is None:
        for one in PACKINGS:
            if name.lower().endswith(one.endings):
                ending = "." + name.rsplit(".", 1)[-1]
                raise TableError(
                    f"{name}: is not {one.name} data, though its name ends in {ending}; rename it if it is plain text"
                )
        return data
    parts, size = [], 0
    try:
        with found.opened(data) as stream:
            while part := stream.read(_CHUNK):
                parts.append(bytes(part))
                size += len(part)
                if size > limit:
                    break
    except ModuleNotFoundError as error:
        remedy = "install zstandard, or unpack it with: zstd -d"
        raise TableError(f"{name}: is {found.name} data, for which a package is missing; {remedy}") from error
    except (EOFError, OSError, ValueError, RuntimeError, zlib.error, lzma.LZMAError) as error:
        remedy = "fetch or compress the file again"
        raise TableError(
            f"{name}: the {found.name} data is damaged or cut short ({error}); {remedy}"
        ) from error
    if size > limit:
        raise TableError(
            f"{name}: its {len(data):,} bytes unpack to more than {limit:,}, which is the limit; if the file is to be trusted, "
            f"and there is memory for a few times as much, raise it with {setting('unpack_limit', '8G')}"
        )
    return b"".join(parts)


def size_of(text: str | int) -> int:
    """Return a number of bytes: ``8G`` are 8 times 2^30; raises SettingsError for what is none."""
    found = re.fullmatch(r"([0-9]+)\s*([KMGT]?)(?:i?B)?", str(text).strip(), re.ASCII | re.IGNORECASE)
    if found is None or isinstance(text, bool) or not int(found[1]):
        raise SettingsError(
            f"{setting('unpack_limit')} {text!r} must be a number of bytes, such as 500M or 8G"
        )
    return int(found[1]) * _UNITS[found[2].upper()]
