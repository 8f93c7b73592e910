"""Files written whole or not at all.

Everything chainrule writes goes first to a temporary name in the same folder and takes its own name only
when the last byte is on the disk: a reader never sees half a file, and an interrupted run leaves nothing.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias

from chainrule._doors import setting
from chainrule.errors import OutputError

PathLike: TypeAlias = str | os.PathLike[str]
"""A path as users give it."""

_TROUBLE = {
    errno.EEXIST: "{path} exists; choose another name with {out} or add {overwrite}",
    errno.EISDIR: "{path} is a folder; add the name of a file in it",
    errno.ENOENT: "can't write {path}: there is no folder {folder}; create it or choose another with {out}",
    errno.ENOTDIR: "can't write {path}: {folder} is not a folder; choose another with {out}",
    errno.EACCES: "can't write {path}: no permission to write in {folder}; choose another folder with {out}",
    errno.EPERM: "can't write {path}: no permission to write in {folder}; choose another folder with {out}",
    errno.EROFS: "can't write {path}: its disk is read-only; choose another folder with {out}",
    errno.ENOSPC: "can't write {path}: the disk is full; free some space or choose another disk with {out}",
    errno.EDQUOT: "can't write {path}: the disk quota is used up; free some space or choose another disk",
    errno.EFBIG: "can't write {path}: it grows too large; raise the limit (ulimit -f) or choose another disk",
    errno.ENAMETOOLONG: "can't write {path}: the name is too long; choose a shorter one with {out}",
}

# What a file system without hard links answers to os.link (FAT: EPERM; network mounts and FUSE: the others).
_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


@contextmanager
def write_atomically(
    path: PathLike, *, overwrite: bool = False, mode: Literal["wb", "w"] = "wb"
) -> Iterator[IO[Any]]:
    """Open a file that gets the name `path` only if the block ends without an error.

    The content goes to a temporary name in the same folder, is flushed and synced to the disk, and then
    renamed in one step. After any error in the block, KeyboardInterrupt included, the folder is as it was.
    Mode ``"w"`` is text in UTF-8 with line ends written as given. A new file has the permissions of the
    umask; a replaced one keeps those it had, and a symbolic link goes on pointing to the file replaced.

    Raises OutputError, before the block is entered, for all that `ensure_writable` can see; after it, for a
    full disk and for a file of that name made by someone else meanwhile (unless `overwrite`).

    Example:
        >>> with write_atomically("notes.txt", overwrite=True, mode="w") as file:
        ...     _ = file.write("eta = 0.5")
    """
    target = _checked_target(path, overwrite)
    temporary = target.with_name(f".chainrule-{secrets.token_hex(8)}.tmp")
    file = None
    # A signal may come between any two lines, so what clears up is in force before there is a file.
    try:
        with _explained(path, target, temporary):
            file = _create(temporary, mode)
            yield file
            file.flush()
            os.fsync(file.fileno())
            file.close()
            _publish(temporary, target, overwrite)
    finally:
        # After an error the buffer may not be writable; the error that led here is the one to report.
        with suppress(OSError):
            if file is not None:
                file.close()
        with suppress(OSError):
            os.unlink(temporary)


def ensure_writable(path: PathLike, overwrite: bool = False, *, out: str = "out") -> None:
    """Check, writing nothing, that a file can be written at `path`: worth asking before a long training.

    ``out`` is the word of the setting that names it.

    Raises OutputError if the file exists (unless `overwrite`) or is write-protected, if `path` is a folder or
    a device, if its folder is missing, is no folder, is closed to this user or lies on a read-only disk.
    """
    _checked_target(path, overwrite, out)


def _checked_target(path: PathLike, overwrite: bool, out: str = "out") -> Path:
    """The path to write: `path` itself, or what it points to where it is a link that may be overwritten."""
    try:
        return _check(Path(path), overwrite, out)
    except OSError as error:
        raise OutputError(_line(path, error, out)) from error
    except ValueError as error:  # a NUL byte, or a character the file system can't encode
        raise OutputError(f"{os.fspath(path)!r} can't be the name of a file: {error}") from error


def _check(named: Path, overwrite: bool, out: str) -> Path:
    target = Path(os.path.realpath(named)) if overwrite else named
    if (found := _status(target)) is not None:
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, "")
        if not stat.S_ISREG(found.st_mode):
            raise OutputError(
                f"{named} is a device or a pipe, not a file; choose another name with {setting(out)}"
            )
        if overwrite and not os.access(target, os.W_OK):
            raise OutputError(f"{named} is write-protected; choose another name with {setting(out)}")
    # A link that points nowhere holds the name all the same.
    if not overwrite and os.path.lexists(named):
        raise FileExistsError(errno.EEXIST, "")
    folder = target.parent
    if not stat.S_ISDIR(os.stat(folder).st_mode):
        raise NotADirectoryError(errno.ENOTDIR, "")
    if not os.access(folder, os.W_OK | os.X_OK):
        # Where there is no statvfs it isn't known.
        is_read_only = hasattr(os, "statvfs") and os.statvfs(folder).f_flag & os.ST_RDONLY
        raise OSError(errno.EROFS if is_read_only else errno.EACCES, "")
    return target


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _create(temporary: Path, mode: Literal["wb", "w"]) -> IO[Any]:
    return open(temporary, "x", encoding="utf-8", newline="") if mode == "w" else open(temporary, "xb")


def _publish(temporary: Path, target: Path, overwrite: bool) -> None:
    """Give the finished file its name."""
    if overwrite:
        if (found := _status(target)) is not None:
            os.chmod(temporary, stat.S_IMODE(found.st_mode))
        os.replace(temporary, target)
        return
    try:
        os.link(temporary, target)  # unlike a rename, a link never takes a name that is in use
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        _claim_and_replace(temporary, target)


def _claim_and_replace(temporary: Path, target: Path) -> None:
    """As `os.link`, where there are no hard links: take the name with an empty file, then replace that."""
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    with ExitStack() as undo:
        undo.callback(os.unlink, target)
        os.replace(temporary, target)
        undo.pop_all()


@contextmanager
def _explained(path: PathLike, target: Path, temporary: Path) -> Iterator[None]:
    """Turn the system's errors in writing `path` into OutputError; let those of other files pass."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        # A failed write names no file; a failed open, link or rename names one of these.
        if error.errno is None or error.filename not in {None, os.fspath(target), os.fspath(temporary)}:
            raise
        raise OutputError(_line(path, error)) from error


def _line(path: PathLike, error: OSError, out: str = "out") -> str:
    """What went wrong with `path`, in one line, and what to do about it."""
    code = error.errno or 0
    general = f"can't write {{path}}: {os.strerror(code)}; choose another place with {{out}}"
    named = {"out": setting(out), "overwrite": setting("overwrite", True)}
    return _TROUBLE.get(code, general).format(path=os.fspath(path), folder=Path(path).parent, **named)
