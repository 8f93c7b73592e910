"""The command line as a process of its own: Ctrl-C, terminals, pipes, full devices, time to the first word."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chainrule.cli import main
from chainrule.model.model import Model

from .conftest import FAST, contents

COMMAND = [sys.executable, "-W", "error", "-m", "chainrule"]
TARGET = ["--target", "species"]

pytestmark = pytest.mark.skipif(not hasattr(os, "openpty"), reason="there are no pseudo-terminals here")


def chainrule(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120, **options)


class Terminal:
    """A process whose standard error is a terminal, read as it comes."""

    def __init__(self, *arguments: str, columns: int = 80) -> None:
        reader, writer = pty.openpty()
        environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=writer, env=environment, text=True
        )
        os.close(writer)
        self.reader = reader
        self.seen = ""

    def read_until(self, pattern: str, seconds: float = 60) -> str:
        """Read the terminal until it shows the pattern."""
        end = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            assert time.monotonic() < end, f"{pattern!r} never came: {self.seen!r}"
            if select.select([self.reader], [], [], 1)[0]:
                self.seen += os.read(self.reader, 65536).decode("utf-8", "replace")
        return self.seen

    def finish(self) -> tuple[int, str]:
        out = self.process.communicate(timeout=60)[0]
        os.close(self.reader)
        return self.process.returncode, out


LONG = [
    *TARGET,
    "--engine",
    "reference",
    "--members",
    "2",
    "--hidden",
    "8",
    "--epochs",
    "100000",
    "--no-early-stopping",
]


def test_ctrl_c_keeps_the_best_network_so_far_and_scores_it(folder: Path):
    terminal = Terminal("train", "penguins.csv", *LONG, "--history", "h.csv", "--json")
    terminal.read_until(r"epoch [2-9]\d*/100000")
    terminal.process.send_signal(signal.SIGINT)
    code, out = terminal.finish()
    assert code == 0
    result = json.loads(out)
    epochs = result["training"]["epochs_run"]
    assert result["training"]["stopped"] == "interrupted"
    assert 2 <= epochs < 100000
    assert result["scores"]["accuracy"] > 0
    model = Model.load("penguins.safetensors")
    assert model.card["scores"] == result["scores"]
    assert len(Path("h.csv").read_text().splitlines()) == epochs + 1
    assert model.predict("penguins.csv").labels.shape == (344,)


@pytest.mark.slow
def test_the_bar_shows_epoch_losses_and_time_left_and_goes_away(folder: Path):
    words = [*TARGET, "--engine", "reference", "--members", "1", "--hidden", "8", "--epochs", "30"]
    terminal = Terminal("train", "penguins.csv", *words)
    seen = terminal.read_until(r"epoch 30/30")
    code, out = terminal.finish()
    assert code == 0
    assert re.search(r"epoch \d+/30 .*loss 0\.\d+, validation 0\.\d+ .*left", seen)
    # At 80 columns the bar is one line, with room for a ^C: all its frames return to the line's beginning.
    frames = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", frame) for frame in re.split(r"[\r\n]+", seen)]
    assert max(len(frame) for frame in frames) <= 78
    assert "/30" not in out


@pytest.mark.slow
def test_nothing_of_the_bar_reaches_a_pipe(folder: Path):
    result = chainrule("train", "penguins.csv", *TARGET, *FAST)
    assert result.returncode == 0
    assert result.stderr == ""
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout


def test_ctrl_c_before_there_is_a_network_writes_nothing(folder: Path, monkeypatch, capsys):
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    before = contents(folder)
    monkeypatch.setattr("chainrule.engines.reference.run.ReferenceRun.train_epoch", interrupted)
    assert main(["train", "penguins.csv", *TARGET, *FAST, "--quiet"]) == 130
    assert capsys.readouterr().err == "interrupted; no file was written\n"
    assert contents(folder) == before


def test_a_fresh_process_gives_the_same_bits(folder: Path):
    """Trained here, read and used there: model file and predictions are the same bytes."""
    words = [
        *TARGET,
        "--engine",
        "reference",
        "--members",
        "2",
        "--hidden",
        "5",
        "--epochs",
        "3",
        "--dropout",
        "0.2",
    ]
    assert main(["train", "penguins.csv", *words, "--quiet", "--out", "here.safetensors"]) == 0
    assert chainrule("train", "penguins.csv", *words, "--quiet", "--out", "there.safetensors").returncode == 0
    assert Path("here.safetensors").read_bytes() == Path("there.safetensors").read_bytes()
    here = Model.load("here.safetensors").predict("penguins.csv").probabilities
    assert here is not None
    code = """
import sys, chainrule
prediction = chainrule.load("here.safetensors").predict("penguins.csv")
sys.stdout.buffer.write(prediction.probabilities.tobytes())
"""
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=120, check=True).stdout
    assert here.tobytes() == there


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_device_gets_one_line(folder: Path):
    assert main(["train", "penguins.csv", *TARGET, *FAST, "--quiet"]) == 0
    for arguments in (["predict", "penguins.safetensors", "penguins.csv"], ["--help"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
            )
        assert (done.returncode, done.stderr) == (2, "error: standard output: No space left on device\n")


def test_a_reader_that_goes_away_is_no_mistake(folder: Path):
    assert main(["train", "penguins.csv", *TARGET, *FAST, "--quiet"]) == 0
    process = subprocess.Popen(
        [*COMMAND, "formulas"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    code = process.wait(timeout=60)
    assert process.stderr is not None
    with process.stderr:
        assert (code, process.stderr.read()) == (141, "")


def test_a_disk_that_fills_up_under_the_model(folder: Path):
    """A limit on the size of files, set in the shell, stands for a disk that is full: the write itself fails."""
    words = " ".join(["train", "penguins.csv", *TARGET, *FAST, "--hidden", "200", "--quiet"])
    before = contents(folder)
    done = subprocess.run(
        ["bash", "-c", f"ulimit -f 16; exec {' '.join(COMMAND)} {words}"],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: can't write penguins.safetensors: it grows too large; raise the limit (ulimit -f) or choose another disk\n"
    )
    assert contents(folder) == before


def test_help_comes_at_once(folder: Path):
    """Under 0.3 s of the processor: what else the machine is doing must not decide."""
    times = []
    for _ in range(3):
        begun = os.times()
        assert chainrule("--help").returncode == 0
        ended = os.times()
        times.append(
            ended.children_user + ended.children_system - begun.children_user - begun.children_system
        )
    assert min(times) < 0.3


def test_help_of_every_command_is_grouped_and_has_examples(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    groups = {"train": ["table", "tables", "network", "training", "regularization", "output"]}
    for command in ("train", "evaluate", "predict", "describe", "formulas", "warm-up"):
        with pytest.raises(SystemExit) as done:
            main([command, "--help"])
        assert done.value.code in (0, None)
        said = capsys.readouterr().out
        assert f"\nexamples:\n  chainrule {command}" in said
        for group in groups.get(command, []):
            assert f"\n{group}:\n" in said
        assert max(map(len, said.splitlines())) <= 81
    assert main(["--help"]) == 0
    said = capsys.readouterr().out
    assert all(
        f"\n  {command} " in said
        for command in ("train", "evaluate", "predict", "describe", "formulas", "warm-up")
    )


OPTIONS = """
    --task --inputs --drop --test-share --test-file --hidden --activation --loss --optimizer --learning-rate --schedule
    --momentum --batch-size --epochs --weight-decay --l1 --dropout --clip-norm --scaling --bias --init --early-stopping
    --no-early-stopping --patience --sharing --seed --out --overwrite --history --json --target --weights
"""


def test_every_option_a_user_expects_is_there(capsys):
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    said = capsys.readouterr().out
    assert [name for name in OPTIONS.split() if not re.search(rf"{name}\b", said)] == []


def test_version(capsys):
    import chainrule

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"chainrule {chainrule.__version__}\n"
