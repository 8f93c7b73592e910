"""The model file: arrays and a JSON description in one safetensors file, which can't run code.

A file is read as if an enemy had written it: each length, name, offset and number is checked before it is
used, and a SHA-256 tells a flipped bit from a good file. The layout is described in docs/model-file.md.

The safetensors library is not used here, though it can read these files: it writes metadata in an order that
changes from run to run, takes a repeated name without a word, and maps the file into memory, so that a file
cut short while it is read ends the process. It is the judge in the tests.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Mapping
from io import BufferedReader
from math import prod
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule._doors import setting
from chainrule._files import PathLike, write_atomically
from chainrule.errors import ChainruleError, ModelFileError, SettingsError
from chainrule.model._strict_json import Fault, parse_object, show

FORMAT = "chainrule model"
"""What the metadata key ``format`` says."""

VERSION = 2
"""The version written, and the newest that can be read; version 1 is laid out the same way."""

MAX_HEADER_BYTES = 100_000_000
"""The largest header, as in the safetensors format."""

MAX_FILE_BYTES = 2**32
"""The largest file that is read: 4 GiB, 500 million float64 parameters."""

MAX_DEPTH = 64
"""The deepest nesting of a description."""

MAX_AXES = 8
"""The most axes of an array."""

AnyArray: TypeAlias = NDArray[Any]
"""A NumPy array of any dtype."""

# NumPy's kind and size in bytes -> safetensors' name, which has bits. Other floats and objects have no place in a model.
_NUMBERS = ("f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")
_NAMES = {code: f"{code[0].upper()}{8 * int(code[1])}" for code in _NUMBERS} | {"b1": "BOOL"}
_DTYPES = {name: np.dtype("<" + code) for code, name in _NAMES.items()}

_METADATA_KEYS = frozenset({"format", "version", "description", "sha256"})
_CUT_SHORT = "it is cut short"

# First bytes of what people take for a model file; text is recognized by having no control characters.
_SIGNATURES = (
    (b"PK\x03\x04", "a zip archive (as .npz, .xlsx and PyTorch's .pt are)"),
    *((bytes([0x80, protocol]), "a Python pickle") for protocol in (2, 3, 4, 5)),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"PAR1", "a Parquet table"),
    (b"\x1f\x8b", "a gzip file"),
)


class _Record(NamedTuple):
    """One array of the header: where its bytes are, counted from the end of the header."""

    begin: int
    end: int
    name: str
    dtype: str
    shape: tuple[int, ...]


def write_model_file(
    path: PathLike,
    arrays: Mapping[str, AnyArray],
    description: Mapping[str, Any],
    *,
    overwrite: bool = False,
    read: Callable[[Mapping[str, Any], Mapping[str, AnyArray]], object] | None = None,
) -> None:
    """Write arrays and their description to one safetensors file, whole or not at all.

    `arrays` are float32, float64, integers or booleans of any shape, floats all finite. `description` is
    plain JSON data that reads back equal: dicts with text keys, lists (not tuples), text, finite numbers,
    booleans and None. The same input gives the same bytes.

    Raises OutputError if the file can't be written and ModelFileError if the content has no place in a model
    file, or if ``read``, which makes something of the description and the arrays, refuses them; in both cases
    nothing is left behind and an older file of that name is untouched.

    Example:
        >>> write_model_file("and.safetensors", {"W1": np.ones((2, 1))}, {"task": "binary"}, overwrite=True)
        >>> arrays, description = read_model_file("and.safetensors")
        >>> description["task"], arrays["W1"].shape
        ('binary', (2, 1))
    """
    with write_atomically(path, overwrite=overwrite) as file:
        try:
            text = _description_text(description)
            little = {name: _storable(name, array) for name, array in arrays.items()}
            header, order = _header_bytes(text, little)
            if read is not None:
                read(description, arrays)
        except (Fault, ChainruleError) as error:
            raise ModelFileError(f"can't write {os.fspath(path)}: {error}") from None
        file.write(len(header).to_bytes(8, "little"))
        file.write(header)
        for name in order:
            file.write(_bytes_of(little[name]))


def read_model_file(path: PathLike) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    """Read the arrays and the description that `write_model_file` wrote, bit for bit.

    The arrays are in the order of their names, writable and in the processor's byte order. The memory needed
    is that of the arrays plus, for the header, a few times its size.

    Raises ModelFileError, and nothing else, for whatever else lies at `path`: nothing at all, a folder, a
    device, another program's file, a damaged or cut one, or one written by a newer version.
    """
    shown = os.fspath(path)
    try:
        with _open_ordinary(path) as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except Fault as fault:
        raise ModelFileError(
            f"{shown} is damaged: {fault}; get a fresh copy of the file or train the model again"
        ) from None
    except ModelFileError as error:
        raise ModelFileError(f"{shown} {error}") from None
    except FileNotFoundError:
        raise ModelFileError(f"{shown} does not exist; check the name, or make it: chainrule train") from None
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise ModelFileError(f"{shown} can't be read: {reason}; check its permissions and its disk") from None
    except MemoryError:
        raise ModelFileError(f"{shown} needs more memory than there is; free some and try again") from None


def _description_text(description: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(description), allow_nan=False, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise Fault(f"the description is not plain JSON data: {error}") from None
    if parse_object(text, "the description", MAX_DEPTH) != dict(description):
        raise Fault("the description would not read back equal: use lists for tuples, and text for keys")
    return text


def check_writable(
    description: Mapping[str, Any], n_parameters: int, members: int = 1, itemsize: int = 4
) -> None:
    """Raise SettingsError, before any work, for a description or so many parameters that no model file can hold.

    ``itemsize`` is the bytes of a parameter.
    """
    try:
        parse_object(json.dumps(description), "the description", MAX_DEPTH)
    except Fault as fault:
        remedy = "leave out columns, or texts of many values"
        raise SettingsError(f"no model file could hold what would be trained: {fault}; {remedy}") from None
    most = MAX_FILE_BYTES // itemsize
    if members * n_parameters > most:
        fewer = f", or fewer {setting('members')}" if members > 1 else ""
        raise SettingsError(
            f"{members * n_parameters:,} parameters are more than the {most:,} that a model file holds: give "
            f"fewer neurons in {setting('hidden')}{fewer}"
        )


def _storable(name: str, array: AnyArray) -> AnyArray:
    """The array C-contiguous and little-endian, its content checked."""
    if not isinstance(name, str) or not isinstance(array, np.ndarray):
        raise Fault(f"{show(name)} is not the name, or {type(array).__name__} not the class, of an array")
    code = array.dtype.str[1:]
    if code not in _NAMES:
        raise Fault(
            f"array {show(name)} has dtype {array.dtype}; use float32, float64, an integer type or bool"
        )
    little = np.asarray(array, dtype="<" + code, order="C")
    _check_finite(name, little)
    return little


def _header_bytes(description: str, arrays: Mapping[str, AnyArray]) -> tuple[bytes, list[str]]:
    """The header, and the names in the order of their bytes."""
    # Wide items first, as the safetensors library does it: each array then begins at a multiple of its item.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    if "__metadata__" in arrays:
        raise Fault("no array can be named '__metadata__'")
    entries: dict[str, Any] = {
        "__metadata__": {
            "format": FORMAT,
            "version": str(VERSION),
            "description": description,
            "sha256": _digest(str(VERSION), description, arrays),
        }
    }
    end = 0
    for name in order:
        array = arrays[name]
        begin, end = end, end + array.nbytes
        dtype = _NAMES[array.dtype.str[1:]]
        entries[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, end]}
    header = json.dumps(entries, separators=(",", ":")).encode("ascii")
    header += b" " * (-len(header) % 8)
    size = 8 + len(header) + end
    if len(header) > MAX_HEADER_BYTES or size > MAX_FILE_BYTES:
        raise Fault(f"it would have {size:,} bytes ({len(header):,} of them header), more than can be read")
    # What can be written can be read: the same judge looks at both.
    _records(parse_object(header.decode("ascii"), "the header", 3), end)
    return header, order


def _open_ordinary(path: PathLike) -> BufferedReader:
    """Open an ordinary file; pipes and devices are not even opened, so that none can keep us waiting."""
    try:
        _check_ordinary(os.stat(path).st_mode)
    except ValueError:  # a NUL byte, or a character the file system can't encode
        raise ModelFileError("no file can have this name") from None
    # What has become a pipe since then is opened without waiting for its writer, and refused.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _check_ordinary(os.fstat(file.fileno()).st_mode)
    except ModelFileError:
        file.close()
        raise
    return file


def _check_ordinary(mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise ModelFileError("is a folder, not a model file; name the file in it")
    if not stat.S_ISREG(mode):
        raise ModelFileError("is a device or a pipe, not a model file; name a file on a disk")


def _read(file: BufferedReader, size: int) -> tuple[dict[str, AnyArray], dict[str, Any]]:
    header_size = _header_size(file.read(512), size)
    file.seek(8)
    header = file.read(header_size)
    if len(header) != header_size:
        raise Fault(_CUT_SHORT)
    try:
        text = header.decode("utf-8")
    except UnicodeDecodeError:
        raise Fault("its header is not text") from None
    entries = parse_object(text, "its header", 3)
    metadata = _metadata(entries)
    records = _records(entries, size - 8 - header_size)
    arrays = dict(sorted([(record.name, _read_array(file, record)) for record in records]))
    if _digest(metadata["version"], metadata["description"], arrays) != metadata["sha256"]:
        raise Fault("its content is not what its SHA-256 says")
    for name, array in arrays.items():
        _check_finite(name, array)
    native = {name: array.astype(array.dtype.newbyteorder("="), copy=False) for name, array in arrays.items()}
    return native, parse_object(metadata["description"], "its description", MAX_DEPTH)


def _header_size(head: bytes, size: int) -> int:
    """The length of the header, from the first bytes of the file: 8 bytes, little-endian, then ``{``."""
    if size == 0:
        raise ModelFileError("is empty; get a fresh copy of the file or train the model again")
    if size < 10 or head[8:9] != b"{":
        raise ModelFileError(f"is not a model file{_looks_like(head)}; name one that chainrule train wrote")
    header_size = int.from_bytes(head[:8], "little")
    if not 2 <= header_size <= MAX_HEADER_BYTES:
        raise Fault(f"its first bytes promise a header of {header_size:,} bytes (or it is no model file)")
    if 8 + header_size > size:
        raise Fault(_CUT_SHORT)
    if size > MAX_FILE_BYTES:
        raise ModelFileError(f"has {size:,} bytes; a model file has at most {MAX_FILE_BYTES:,}")
    return header_size


def _looks_like(head: bytes) -> str:
    for signature, what in _SIGNATURES:
        if head.startswith(signature):
            return f" but {what}"
    is_text = head and not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
    return " but text (a table?)" if is_text else ""


def _metadata(entries: dict[str, Any]) -> dict[str, str]:
    """The four texts of the metadata; another program's file and a newer version are told from damage."""
    metadata = entries.pop("__metadata__", None)
    if not isinstance(metadata, dict) or metadata.get("format") != FORMAT:
        raise ModelFileError(
            "is a safetensors file, but not a chainrule model; name one that chainrule train wrote"
        )
    version = metadata.get("version")
    if version not in ("1", str(VERSION)):
        if isinstance(version, str) and re.fullmatch("[1-9][0-9]{0,8}", version):
            raise ModelFileError(
                f"was written by a newer chainrule (version {version} of the model file; this one reads "
                f"{VERSION}); upgrade chainrule"
            )
        raise Fault(f"its version is {show(version)}")
    if metadata.keys() != _METADATA_KEYS:
        raise Fault("its metadata has other keys than a model's")
    for key, value in metadata.items():
        if not isinstance(value, str) or not value.isascii():
            raise Fault(f"its {key} is not text")
    return metadata


def _records(entries: dict[str, Any], data_size: int) -> list[_Record]:
    """The arrays in the order of their bytes, which fill `data_size` bytes without gap or overlap."""
    records = sorted(_record(name, entry) for name, entry in entries.items() if name != "__metadata__")
    position = 0
    for record in records:
        if record.begin != position:
            raise Fault(f"array {show(record.name)} begins at byte {record.begin} instead of {position}")
        position = record.end
    if position > data_size:
        raise Fault(_CUT_SHORT)
    if position < data_size:
        raise Fault(f"it has {data_size - position:,} bytes after its last array")
    return records


def _record(name: str, entry: Any) -> _Record:
    shown = f"array {show(name)}"
    if not name or not name.isprintable():
        raise Fault(f"{shown} has a name that is empty or can't be printed")
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise Fault(f"{shown} is not described by dtype, shape and data_offsets")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise Fault(f"{shown} has dtype {show(dtype)}")
    # An array without items can have other axes so long that NumPy has no such array.
    if not _are_sizes(shape) or len(shape) > MAX_AXES or prod(n or 1 for n in shape) > MAX_FILE_BYTES:
        raise Fault(f"{shown} has shape {show(shape)}")
    if not _are_sizes(offsets) or len(offsets) != 2:
        raise Fault(f"{shown} has offsets {show(offsets)}")
    begin, end = offsets
    if end - begin != prod(shape) * _DTYPES[dtype].itemsize:
        raise Fault(f"{shown} of shape {show(shape)} and dtype {dtype} has {end - begin} bytes")
    return _Record(begin, end, name, dtype, tuple(shape))


def _are_sizes(values: Any) -> bool:
    """Whether it is a list of counts of bytes or items: integers (True is none) that a file can have."""
    return isinstance(values, list) and all(type(n) is int and 0 <= n <= MAX_FILE_BYTES for n in values)


def _read_array(file: BufferedReader, record: _Record) -> AnyArray:
    flat = np.empty(record.end - record.begin, np.uint8)
    if file.readinto(flat.data) < flat.size:
        raise Fault(_CUT_SHORT)
    if record.dtype == "BOOL" and flat.size and flat.max() > 1:
        raise Fault(f"array {show(record.name)} holds a boolean that is neither 0 nor 1")
    return flat.view(_DTYPES[record.dtype]).reshape(record.shape)


def _check_finite(name: str, array: AnyArray) -> None:
    if array.dtype.kind != "f":
        return
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(i) for i in np.unravel_index(np.argmin(finite), array.shape))
        raise Fault(f"array {show(name)} holds {array[place]} at {list(place)}")


def _bytes_of(array: AnyArray) -> memoryview:
    """The bytes of a contiguous array without a copy."""
    return array.reshape(-1).view(np.uint8).data


def _digest(version: str, description: str, arrays: Mapping[str, AnyArray]) -> str:
    """SHA-256 over version, description and, by name, each array's name, dtype, shape and bytes.

    Each text is preceded by its length, so that no two contents give the same bytes to the hash.
    """
    sha = hashlib.sha256()

    def add(text: str) -> None:
        data = text.encode("utf-8", "surrogatepass")
        sha.update(len(data).to_bytes(8, "little") + data)

    add(f"{FORMAT} {version}")
    add(description)
    for name in sorted(arrays):
        array = arrays[name]
        add(name)
        add(f"{_NAMES[array.dtype.str[1:]]} {list(array.shape)}")
        sha.update(_bytes_of(array))
    return sha.hexdigest()
