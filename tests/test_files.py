"""Files are written whole or not at all, and each failure is one clear line."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chainrule import _files
from chainrule._files import ensure_writable, write_atomically
from chainrule.errors import OutputError


def contents(folder: Path) -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


def one_line(error: pytest.ExceptionInfo[OutputError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


def test_the_content_appears_under_its_name_only_at_the_end(tmp_path):
    path = tmp_path / "a.bin"
    with write_atomically(path) as file:
        file.write(b"one")
        file.flush()
        assert not path.exists()
        (temporary,) = tmp_path.iterdir()
        assert temporary.parent == tmp_path  # a rename across disks would not be one step
    assert contents(tmp_path) == {"a.bin": b"one"}


def test_text_is_utf8_with_line_ends_as_given(tmp_path):
    with write_atomically(tmp_path / "a.csv", mode="w") as file:
        file.write("Größe\r\n1\n")
    assert contents(tmp_path) == {"a.csv": "Größe\r\n1\n".encode()}


def test_a_path_may_be_text_and_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with write_atomically("a.bin") as file:
        file.write(b"x")
    with write_atomically("a.bin", overwrite=True) as file:
        file.write(b"y")
    assert contents(tmp_path) == {"a.bin": b"y"}


@pytest.mark.parametrize("error", [ValueError("bad"), KeyboardInterrupt(), SystemExit(3), GeneratorExit()])
@pytest.mark.parametrize("old", [None, b"old"])
def test_an_interrupted_write_leaves_the_folder_as_it_was(tmp_path, error, old):
    path = tmp_path / "a.bin"
    if old is not None:
        path.write_bytes(old)
    before = contents(tmp_path)
    with pytest.raises(type(error)) as caught, write_atomically(path, overwrite=True) as file:  # noqa: PT012
        file.write(b"x" * 100_000)
        raise error
    assert caught.value is error
    assert contents(tmp_path) == before


def test_an_existing_file_is_refused_before_any_work(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    with pytest.raises(OutputError) as error, write_atomically(path):
        pytest.fail("the block was entered")
    assert one_line(error) == f"{path} exists; choose another name with path or add overwrite=True"
    with pytest.raises(OutputError, match="exists; choose"):
        ensure_writable(path)
    ensure_writable(path, overwrite=True)
    assert contents(tmp_path) == {"a.bin": b"old"}


@pytest.mark.parametrize("hard_links", [True, False])
def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path, monkeypatch, hard_links):
    if not hard_links:
        monkeypatch.setattr(os, "link", failing(errno.EPERM))
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError) as error, write_atomically(path) as file:  # noqa: PT012
        file.write(b"mine")
        path.write_bytes(b"theirs")
    assert "exists; choose another name" in one_line(error)
    assert contents(tmp_path) == {"a.bin": b"theirs"}


def test_without_hard_links_the_file_is_written_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    with write_atomically(tmp_path / "a.bin") as file:
        file.write(b"x")
    assert contents(tmp_path) == {"a.bin": b"x"}


def test_a_failed_rename_leaves_no_empty_file_where_there_are_no_hard_links(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", failing(errno.EOPNOTSUPP))
    monkeypatch.setattr(os, "replace", failing(errno.EIO))
    with pytest.raises(OutputError, match="Input/output error"), write_atomically(tmp_path / "a.bin") as file:
        file.write(b"x")
    assert contents(tmp_path) == {}


@pytest.mark.parametrize("overwrite", [False, True])
def test_of_many_writers_at_once_one_whole_file_remains(tmp_path, overwrite):
    path = tmp_path / "a.bin"
    barrier = threading.Barrier(8)
    refused = []

    def write(number: int) -> None:
        barrier.wait()
        try:
            with write_atomically(path, overwrite=overwrite) as file:
                for _ in range(20):
                    file.write(bytes([number]) * 10_000)
        except OutputError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (content,) = contents(tmp_path).values()
    assert len(content) == 200_000
    assert len(set(content)) == 1
    assert len(refused) == (0 if overwrite else 7)
    assert all("exists" in line for line in refused)


def test_permissions_are_those_of_the_umask(tmp_path):
    old = os.umask(0o027)
    try:
        with write_atomically(tmp_path / "a.bin") as file:
            file.write(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == 0o640


def test_a_replaced_file_keeps_its_permissions(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"secret")
    path.chmod(0o600)
    with write_atomically(path, overwrite=True) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_refused_without_overwrite_and_followed_with_it(tmp_path):
    real, link = tmp_path / "folder" / "real.bin", tmp_path / "link.bin"
    real.parent.mkdir()
    link.symlink_to("folder/real.bin")
    with pytest.raises(OutputError, match="exists"):  # the link points nowhere, yet it has the name
        ensure_writable(link)
    for content in (b"one", b"two"):
        with write_atomically(link, overwrite=True) as file:
            file.write(content)
        assert link.is_symlink()
        assert contents(real.parent) == {"real.bin": content}
    with pytest.raises(OutputError, match="exists"):
        ensure_writable(link)


def test_a_link_to_itself_is_an_error_in_one_line(tmp_path):
    link = tmp_path / "loop"
    link.symlink_to("loop")
    for overwrite in (False, True):
        with pytest.raises(OutputError) as error:
            ensure_writable(link, overwrite)
        assert str(link) in one_line(error)


def folder_missing(tmp_path):
    return tmp_path / "no" / "a.bin"


def folder_is_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    return tmp_path / "file" / "a.bin"


def a_folder(tmp_path):
    return tmp_path


def a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("place", "line"),
    [
        (folder_missing, "can't write {path}: there is no folder {path.parent}; create it or"),
        (folder_is_a_file, "can't write {path}: {path.parent} is not a folder; choose another"),
        (a_folder, "{path} is a folder; add the name of a file in it"),
        (a_pipe, "{path} is a device or a pipe, not a file; choose another name"),
        (lambda _: Path("/dev/null"), "{path} is a device or a pipe, not a file; choose another name"),
        (
            lambda tmp_path: tmp_path / ("x" * 300),
            "can't write {path}: the name is too long; choose a shorter",
        ),
        (lambda tmp_path: tmp_path / "a\0b", "can't be the name of a file"),
    ],
)
def test_a_place_that_can_hold_no_file(tmp_path, place, line, overwrite):
    path = place(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputError) as checked:
        ensure_writable(path, overwrite)
    with pytest.raises(OutputError) as written, write_atomically(path, overwrite=overwrite):
        pytest.fail("the block was entered")
    assert line.format(path=path) in one_line(checked)
    assert one_line(written) == one_line(checked)
    assert sorted(tmp_path.rglob("*")) == before


def failing(code: int):
    """A stand-in for a function of `os` that fails as the system does: naming the path, but no descriptor."""

    def fail(file, *args, **kwargs):
        raise OSError(code, os.strerror(code), None if isinstance(file, int) else os.fspath(file))

    return fail


def test_no_permission_in_the_folder(tmp_path, monkeypatch):
    # Permission bits don't bind root, so the answer of the system is played.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    with pytest.raises(OutputError) as error:
        ensure_writable(tmp_path / "a.bin")
    assert f"no permission to write in {tmp_path}; choose another folder" in one_line(error)


def test_a_folder_that_may_not_be_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "stat", failing(errno.EACCES))
    with pytest.raises(OutputError, match="no permission"):
        ensure_writable(tmp_path / "a.bin", overwrite=True)


def test_a_write_protected_file_is_not_overwritten(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    monkeypatch.setattr(os, "access", lambda asked, mode: Path(asked) != path)
    with pytest.raises(OutputError, match="write-protected; choose another name"):
        ensure_writable(path, overwrite=True)


def test_a_read_only_disk(tmp_path, monkeypatch):
    answer = os.statvfs(tmp_path)
    read_only = os.statvfs_result([*answer[:8], answer.f_flag | os.ST_RDONLY, *answer[9:]])
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    monkeypatch.setattr(os, "statvfs", lambda path: read_only)
    with pytest.raises(OutputError, match="its disk is read-only; choose another folder"):
        ensure_writable(tmp_path / "a.bin")


@pytest.mark.skipif(os.geteuid() == 0, reason="permission bits don't bind root")
def test_no_permission_for_real(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="no permission"):
        ensure_writable(tmp_path / "a.bin")
    tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "the disk quota is used up; free some space"),
        (errno.EFBIG, "it grows too large; raise the limit"),
        (errno.EROFS, "its disk is read-only"),
        (errno.EIO, "Input/output error; choose another place"),
    ],
)
@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_failure_in_any_step_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, step, code, words):
    path = tmp_path / "a.bin"
    if step == "open":
        monkeypatch.setattr(_files, "open", failing(code), raising=False)
    else:
        monkeypatch.setattr(os, step, failing(code))
    with pytest.raises(OutputError) as error, write_atomically(path, overwrite=True) as file:
        file.write(b"x")
    assert str(path) in one_line(error)
    assert words in one_line(error)
    assert contents(tmp_path) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
@pytest.mark.parametrize("size", [10, 1_000_000])  # less than a buffer: noticed at the end; more: at once
def test_a_full_disk(tmp_path, monkeypatch, size):
    monkeypatch.setattr(_files, "_create", lambda temporary, mode: open("/dev/full", "wb"))  # noqa: SIM115
    path = tmp_path / "a.bin"
    with pytest.raises(OutputError) as error, write_atomically(path) as file:
        file.write(b"x" * size)
    assert one_line(error).startswith(f"can't write {path}: the disk is full; free some space or")
    assert contents(tmp_path) == {}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_the_first_error_wins_over_a_full_disk_at_closing(tmp_path, monkeypatch):
    monkeypatch.setattr(_files, "_create", lambda temporary, mode: open("/dev/full", "wb"))  # noqa: SIM115
    with pytest.raises(KeyboardInterrupt), write_atomically(tmp_path / "a.bin") as file:  # noqa: PT012
        file.write(b"x")
        raise KeyboardInterrupt


def test_a_limit_on_the_size_of_files(tmp_path):
    # In a process of its own, which the system stops at 64 KiB a file.
    code = """if True:
        import resource, signal, sys
        from chainrule._files import write_atomically
        from chainrule.errors import OutputError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
        try:
            with write_atomically(sys.argv[1]) as file:
                file.write(b"x" * 1_000_000)
        except OutputError as error:
            print(error)
    """
    path = tmp_path / "a.bin"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"can't write {path}: it grows too large; raise the limit")
    assert contents(tmp_path) == {}


def test_a_killed_process_leaves_the_old_file(tmp_path):
    code = """if True:
        import os, signal, sys
        from chainrule._files import write_atomically
        with write_atomically(sys.argv[1], overwrite=True) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")
    done = subprocess.run([sys.executable, "-c", code, path])
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file", "another.csv"),
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        OSError("a library's own words"),
    ],
)
def test_errors_that_are_not_about_this_file_pass_unchanged(tmp_path, error):
    with pytest.raises(type(error)) as caught, write_atomically(tmp_path / "a.bin"):
        raise error
    assert caught.value is error
    assert contents(tmp_path) == {}
