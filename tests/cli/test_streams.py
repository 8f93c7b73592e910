"""Doors that are shut, odd or hostile: closed streams, terminals of no width, signals, cells that a screen would obey."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.cli import COMMANDS, main
from effort import one_in

from .conftest import FAST, contents

PYTHON = [sys.executable, "-W", "error", "-m", "chainrule"]
MODEL, SEARCHED, TABLE = "penguins.safetensors", "searched.safetensors", "penguins.csv"
TRAIN = ["train", TABLE, "--target", "species", *FAST]
EVERY = {
    "train": [*TRAIN, "--overwrite"],
    "evaluate": ["evaluate", MODEL, TABLE],
    "predict": ["predict", MODEL, TABLE],
    "check": ["check", MODEL, TABLE, "--rows", "2", "--sample", "3"],
    "diagnose": ["diagnose", MODEL, TABLE],
    "explain": ["explain", MODEL, TABLE, "--row", "5"],
    "describe": ["describe", MODEL],
    "search": ["search", SEARCHED],
    "report": ["report", MODEL, TABLE],
    "lesson": ["lesson", "adam"],
    "sheet": ["sheet", "article-5", "--format", "html"],
    "formulas": ["formulas", "losses"],
    "derive": ["derive", "sin(x^2)", "--by", "x"],
    "importance": ["importance", MODEL, TABLE, "--repeats", "2"],
    "dependence": ["dependence", MODEL, TABLE, "--column", "year"],
    "whatif": ["whatif", MODEL, TABLE, "--row", "5", "--set", "year=2008"],
    "export": ["export", MODEL, "--to", "python"],
    "prune": ["prune", MODEL, TABLE, "--overwrite"],
    "--help": ["--help"],
    "--version": ["--version"],
}
"""A word of each command that prints; `warm-up` compiles for a minute, and prints last, and `studio` stays until it is ended."""

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")


COMMANDS_BY_TURNS = [
    name if name in ("predict", "lesson") else pytest.param(name, marks=pytest.mark.slow) for name in EVERY
]
"""All commands go through the same doors, so that each edit tries two of them."""


def test_no_command_is_left_out():
    assert set(COMMANDS) - {"warm-up", "studio"} <= set(EVERY)


@pytest.fixture
def trained(folder: Path, monkeypatch, request) -> Path:
    # Python's readline, which pytest imports, sets it for the processes that are started, though not here.
    monkeypatch.setenv("COLUMNS", "100")
    assert main([*TRAIN, "--quiet"]) == 0
    if "[search]" in request.node.name:
        assert main([*TRAIN, "--quiet", "--search", "2", "--out", SEARCHED]) == 0
    return folder


def shell(words: list[str], redirected: str, **options) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that closes or redirects a stream."""
    line = f'exec "$@" {redirected}'
    return subprocess.run(
        ["bash", "-c", line, "-", *PYTHON, *words], capture_output=True, text=True, timeout=120, **options
    )


@pytest.mark.parametrize("command", COMMANDS_BY_TURNS)
def test_closed_streams(command, trained, capsys):
    """What can't be printed is a failure in one line; what can't be told is not, nor what isn't read."""
    closed = "error: standard output is closed; let it go to a file or a pipe\n"
    done = shell(EVERY[command], ">&-")
    assert (done.returncode, done.stderr) == (2, closed)
    capsys.readouterr()
    assert main(EVERY[command]) == 0
    seconds = re.compile(r"\d+\.\d s\b")
    expected = seconds.sub("", capsys.readouterr().out)
    done = shell(EVERY[command], "<&- 2>&-")
    assert (done.returncode, done.stderr) == (0, "")
    assert seconds.sub("", done.stdout).splitlines() == expected.splitlines()


@pytest.mark.parametrize("redirected", one_in(3, ["2>&-", "<&-", "2>/dev/full"]))
def test_notes_that_cannot_be_told_are_no_failure(trained, redirected):
    """The training ends with a note, and the file is written all the same."""
    done = shell([*TRAIN, "--overwrite", "--quiet"], redirected)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    "command",
    [name if name == "warm-up" else pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS],
)
def test_help_that_cannot_be_printed_is_a_failure(command):
    """Help, too, which argparse prints: one line, and no exit code of Python's own."""
    for redirected, why in ((">&-", "standard output is closed"), (">/dev/full", "No space left on device")):
        done = shell([command, "--help"], redirected)
        assert done.returncode == 2
        assert re.fullmatch(f"error: .*{why}.*\n", done.stderr)
    done = shell([command, "--help"], "<&- 2>&-")
    assert (done.returncode, done.stdout.split()[:3]) == (0, ["usage:", "chainrule", command])


@pytest.mark.slow
def test_a_mistake_is_a_mistake_whatever_is_closed(trained):
    for redirected in ("2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"):
        done = shell(["describe", "none.safetensors"], redirected)
        assert (done.returncode, done.stdout) == (2, ""), redirected
    assert shell(["describe", MODEL], ">&- 2>&-").returncode == 2


@pytest.mark.slow
def test_what_is_written_needs_no_standard_output(trained):
    for words in (
        ["predict", MODEL, TABLE, "--out", "p.csv"],
        [*TRAIN, "--quiet", "--out", "again.safetensors"],
    ):
        done = shell(words, "<&- >&- 2>&-")
        assert done.returncode == 0
        assert Path(words[-1]).stat().st_size > 1000
    assert Path("again.safetensors").read_bytes() == Path(MODEL).read_bytes()


def test_a_table_that_cannot_come_through_standard_input(trained):
    for words in (["predict", MODEL, "-"], ["train", "-", "--target", "species", *FAST]):
        done = shell(words, "<&-")
        assert (done.returncode, done.stdout) == (2, "")
        assert re.fullmatch(
            r"error: standard input: can't be read \(.+\); name a file, or let .+\n", done.stderr
        )


@pytest.mark.parametrize("columns", ["0", "-7", "1", "7", "none", "", "9" * 15, "0x20", "80.5"])
def test_a_width_that_is_none(trained, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    for command in ("describe", "explain", "diagnose", "lesson", "formulas", "check"):
        assert main(EVERY[command]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert len(lines) > 5
        assert max(map(len, lines)) <= 500, command
    with pytest.raises(SystemExit) as done:
        main(["train", "--help"])
    assert done.value.code in (0, None)
    assert "--hidden" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS_BY_TURNS)
def test_a_reader_that_goes_away_ends_every_command_like_a_broken_pipe(command, trained):
    reader, writer = os.pipe()
    os.close(reader)
    process = subprocess.run([*PYTHON, *EVERY[command]], stdout=writer, stderr=subprocess.PIPE, timeout=120)
    os.close(writer)
    assert (process.returncode, process.stderr) == (141, b"")


STOPPED = """
import os, sys, time
from chainrule.cli import main
written, sync = 0, os.fsync
def fsync(number):
    global written
    written += 1
    if written == int(sys.argv[1]):
        print("writing", flush=True)
        time.sleep(30)
    sync(number)
os.fsync = fsync
sys.exit(main(sys.argv[2:]))
"""
"""A process that stops in the middle of a write, between its first byte and the file's name."""


def signalled(number: int, write: int, words: list[str]) -> str:
    """Send a signal to a command in its first write, or a later one, and return what it says on standard error."""
    command = [sys.executable, "-c", STOPPED, str(write), *words]
    # What runs the tests may ignore a signal, as nohup does; a process takes that over.
    begun = signal.signal(number, signal.SIG_DFL) if signal.getsignal(number) == signal.SIG_IGN else None
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if begun is not None:
        signal.signal(number, begun)
    assert process.stdout is not None
    assert "writing\n" in iter(process.stdout.readline, "")
    process.send_signal(number)
    err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    return err


@pytest.mark.parametrize("number", one_in(3, [signal.SIGTERM, signal.SIGHUP, signal.SIGINT]))
def test_a_signal_during_a_write_leaves_no_file(folder, number):
    before = contents(folder)
    for words in (
        [*TRAIN, "--quiet"],
        ["formulas", "--out", "f.html"],
        ["lesson", "adam", "--out", "l.json"],
    ):
        err = signalled(number, 1, words)
        assert err == ("interrupted; no file was written\n" if number == signal.SIGINT else "")
        assert contents(folder) == before


@pytest.mark.slow
@pytest.mark.parametrize("command", [name for name in EVERY if name not in ("train", "--help", "--version")])
def test_so_it_is_with_every_command_that_writes(command, trained):
    before = contents(trained)
    words = [word for word in EVERY[command] if word not in ("--format", "html")]
    signalled(signal.SIGTERM, 1, [*words, "--out", "made.csv" if command == "predict" else "made.html"])
    assert contents(trained) == before


@pytest.mark.slow
@pytest.mark.parametrize("write", [1, 2, 3])
def test_a_training_writes_all_its_files_or_none(folder, write):
    before = contents(folder)
    signalled(signal.SIGTERM, write, [*TRAIN, "--quiet", "--report", "r.html", "--history", "h.csv"])
    assert contents(folder) == before


def test_a_folder_that_is_gone(folder):
    (folder / "gone").mkdir()
    line = 'cd gone && rmdir ../gone && exec "$@"'
    words = ["train", str(folder / TABLE), "--target", "species", *FAST]
    done = subprocess.run(
        ["bash", "-c", line, "-", *PYTHON, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "error: the folder that this runs in is gone; change to one that is there\n"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "value"), [("NUMBA_DISABLE_JIT", "1"), ("NUMBA_NUM_THREADS", "0")])
def test_variables_that_keep_the_engine_from_being_compiled(trained, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    done = shell([*TRAIN, "--engine", "cpu", "--quiet", "--out", "m.safetensors"], "")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch("error: (?=.*NUMBA_).*unset.*\n", done.stderr)
    assert shell([*TRAIN, "--quiet", "--out", "m.safetensors"], "").returncode == 0


def test_a_signal_during_a_training_ends_it(folder):
    before = contents(folder)
    words = [
        "train",
        TABLE,
        "--target",
        "species",
        "--engine",
        "reference",
        "--epochs",
        "100000",
        "--members",
        "2",
    ]
    process = subprocess.Popen(
        [*PYTHON, *words, "--hidden", "8", "--no-early-stopping"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while not process.stdout.readline().startswith("training"):
        pass
    time.sleep(1)
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143
    assert contents(folder) == before


UNSEEN = "\u200b\u200d\u2060\ufeff\ufe0f\u3164\U000e0041\U000e0100"
"""Of no width: a space, joiners, a byte order mark, a selector, a filler, a tag, a selector of the last plane."""

HOSTILE = f"a\x1b[31mb\x9b2Jc\u202ed\u2066e{UNSEEN}"
"""ESC, the CSI of C1, an override of the direction and an isolate, in a class and in a cell, and what is not seen."""


@pytest.fixture
def hostile(folder: Path) -> str:
    rows = "\n".join(f"{i},{HOSTILE if i % 2 else 'plain'},{'x' if i % 3 else HOSTILE}" for i in range(40))
    Path("hostile.csv").write_text(f"number,word,{HOSTILE}\n{rows}\n", "utf-8")
    assert (
        main(["train", "hostile.csv", "--target", HOSTILE, *FAST, "--quiet", "--out", "h.safetensors"]) == 0
    )
    return "h.safetensors"


def raw(text: str) -> list[str]:
    return re.findall(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069{UNSEEN}]", text)


@pytest.mark.parametrize("name", ["text", "latex", "html", "json", "md"])
def test_no_format_has_controls(hostile, name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    table = "hostile.csv"
    for words in (
        ["describe", hostile],
        ["evaluate", hostile, table],
        ["explain", hostile, table, "--row", "2"],
        ["explain", hostile, table, "--row", "2", "--attributions"],
        ["diagnose", hostile, table],
        ["check", hostile, table, "--rows", "2", "--sample", "3"],
        ["report", hostile, table],
    ):
        assert main([*words, "--format", name]) == 0
        out = capsys.readouterr().out
        assert raw(out) == [], words
        if name == "json":
            json.loads(out)
    assert (
        main(["train", table, "--target", HOSTILE, *FAST, "--overwrite", "--report", "r.html", "--json"]) == 0
    )
    out = capsys.readouterr().out
    assert raw(out + Path("r.html").read_text("utf-8")) == []
    assert json.loads(out)["target"] == HOSTILE


def test_predictions_are_the_cells_themselves_but_on_a_terminal(hostile):
    words = [*PYTHON, "predict", hostile, "hostile.csv", "--with-inputs"]
    piped = subprocess.run(words, capture_output=True, text=True, timeout=60).stdout
    assert HOSTILE in piped
    reader, writer = pty.openpty()
    process = subprocess.Popen(words, stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    shown = b""
    while True:
        try:
            piece = os.read(reader, 65536)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(reader)
    assert process.wait(timeout=60) == 0
    text = shown.decode().replace("\r\n", "\n")
    assert raw(text) == []
    assert (
        r"a\u001b[31mb\u009b2Jc\u202ed\u2066e\u200b\u200d\u2060\ufeff\ufe0f\u3164\udb40\udc41\udb40\udd00"
        in text
    )
    assert len(text.splitlines()) == 41
