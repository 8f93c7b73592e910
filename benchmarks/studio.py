"""How fast the studio is: from the command to a drawn page, from a step to its frame, drawing, training while watched, its end.

``python -m benchmarks.studio`` runs the command in processes of its own, speaks to it as a page does, and lets Debian's Chromium
draw. Each figure is held against what it is to stay below; processor seconds stand beside those of the clock, which a busy
machine makes large. ``--only NAME`` measures some of them, ``--quick`` shows that it runs.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, load, slug

RESULTS = Path(__file__).parent / "results"
PENGUINS = str(Path(__file__).parents[1] / "examples" / "penguins.csv")
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
)

TARGETS: dict[str, tuple[float, str]] = {
    "open": (2.0, "s from the command to a drawn page"),
    "step": (0.050, "s from a step to its frame, p95"),
    "draw": (0.008, "s of processor for script, style and layout a frame, 200 neurons"),
    "watched": (0.70, "of the speed unwatched, at 20 frames a second"),
    "back": (0.100, "s a step back, p95, penguins"),
    "back_large": (0.500, "s a step back, p95, 50,000 rows"),
    "large": (5.0, "s to open 50,000 rows of 30 columns"),
    "large_memory": (500.0, "MB with these"),
    "blocks": (1.0, "s to draw 784-256-128-10"),
    "plane": (10.0, "pictures of 100 x 100 a second while training plays"),
    "plane_following": (10.0, "pictures of 100 x 100 a second while it goes as fast as it can"),
    "mountain": (0.5, "s from a step to its mountain, p95"),
    "branch": (0.100, "s from a change to its frame, p95"),
    "branch_wide": (0.100, "s from a change to its frame, p95, 256 and 128 neurons, 8 members"),
    "ctrl_c": (1.0, "s from Ctrl-C to the end of the process, while it trains and a page is open"),
    "export": (3.0, "s to record the penguins' training in a file"),
    "export_bytes": (2e6, "bytes of that file"),
}
"""What is to be reached: at most so much, of those in `AT_LEAST` at least."""

AT_LEAST = frozenset(["watched", "plane", "plane_following"])


class Remote:
    """A studio in a process of its own, and a connection that asks it as a page does."""

    def __init__(self, *words: str) -> None:
        self.began = time.perf_counter()
        command = [sys.executable, "-m", "chainrule", "studio", *words, "--no-browser"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.address = "http" + line.partition("http")[2].strip()
        self.port = int(self.address.rpartition(":")[2].partition("/")[0])
        self.frames: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        self.status: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        self._commands = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        self._count = 0
        self.token = self.client = ""

    def enter(self, *, quiet: bool = False) -> None:
        """Exchange the address's code, and begin to listen."""
        data = self._post("/api/session", {"code": self.address.partition("code=")[2]})
        self.token, self.client = data["token"], data["client"]
        threading.Thread(target=self._listen, args=(quiet,), daemon=True).start()

    def command(self, do: str, **more: Any) -> dict[str, Any]:
        """Send a command and return the reply."""
        self._count += 1
        return self._post(
            "/api/command", {"protocol": 1, "client": self.client, "n": self._count, "do": do, **more}
        )

    def frame(self, seconds: float = 120.0) -> tuple[float, dict[str, Any]]:
        """Return when the next frame came, and what it tells."""
        return self.frames.get(timeout=seconds)

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        self._commands.request("POST", path, json.dumps(body), headers)
        found: dict[str, Any] = json.loads(self._commands.getresponse().read())
        return found

    def _listen(self, quiet: bool) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        path = f"/api/stream?client={self.client}" + ("&quiet=1" if quiet else "")
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer, name = connection.getresponse(), ""
        while line := answer.readline():
            if line.startswith(b"event: "):
                name = line[7:].decode().strip()
            elif line.startswith(b"data: ") and name in ("frame", "status"):
                found = json.loads(line[6:])
                (self.frames if name == "frame" else self.status).put((time.perf_counter(), found))

    def memory(self) -> float:
        """Return the most memory that the process had, in MB."""
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", text)
        return int(found[1]) / 1000 if found else float("nan")

    def processor(self) -> float:
        """Return the seconds of processor that the process has had."""
        parts = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def end(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate()


@contextmanager
def studio(*words: str, quiet: bool = False, entered: bool = True) -> Iterator[Remote]:
    """Run a studio until the end of the block."""
    made = Remote(*words)
    try:
        if entered:
            made.enter(quiet=quiet)
        yield made
    finally:
        made.end()


@contextmanager
def browser() -> Iterator[Any]:
    """Run Chromium until the end of the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        made = started.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield made
        made.close()


def drawn(page: Any, address: str) -> None:
    """Open the page and wait until its network is drawn."""
    page.goto(address)
    page.wait_for_selector("body:not(.waiting)")
    page.wait_for_selector("svg.net")


def p95(seconds: Sequence[float]) -> float:
    """Return what 95 of 100 stay below."""
    return float(np.percentile(seconds, 95))


def table(path: Path, rows: int, columns: int, classes: int = 2) -> str:
    """Write a table of numbers with a class that depends on some of them."""
    import polars as pl

    rng = np.random.default_rng(4)
    x = rng.normal(size=(rows, columns)).astype(np.float32)
    score = np.argmax(x[:, :classes] + 0.3 * rng.normal(size=(rows, classes)), axis=1)
    frame = pl.DataFrame({f"x{i}": x[:, i] for i in range(columns)} | {"y": [f"c{k}" for k in score]})
    frame.write_parquet(path)
    return str(path)


# ---- the measurements


def measure_open(folder: Path, rounds: int) -> dict[str, float]:
    """From the command to a drawn page, the least of the rounds after one that warms up."""
    found, processor = [], []
    with browser() as chromium:
        for _ in range(rounds + 1):
            page = chromium.new_page(viewport={"width": 1280, "height": 900})
            with studio(PENGUINS, "--target", "species", entered=False) as made:
                drawn(page, made.address)
                found.append(time.perf_counter() - made.began)
                processor.append(made.processor())
            page.close()
    return {"open": min(found[1:]), "open_processor": min(processor[1:])}


def _steps(made: Remote, by: int, count: int) -> list[float]:
    """Return the seconds from each of so many steps to its frame."""
    found = []
    while not made.frames.empty():
        made.frames.get()
    for _ in range(count):
        began = time.perf_counter()
        seq = made.command("step", grain="update", by=by)["seq"]
        while True:
            at, frame = made.frame()
            if frame["seq"] >= seq or not made.frames.qsize():
                break
        found.append(at - began)
    return found


def measure_step(folder: Path, rounds: int) -> dict[str, float]:
    """From a command to its frame, forward by every grain, and back by updates, on the penguins."""
    with studio(PENGUINS, "--target", "species") as made:
        made.frame()
        for grain in ("term", "neuron", "layer", "pass", "update", "epoch"):
            made.command("step", grain=grain, by=1)
        made.command("run_to", epoch=12)
        time.sleep(1.0)
        made.command("seek", t=5)
        time.sleep(0.5)
        count, began = 20 * rounds, made.processor()
        step = p95(_steps(made, 1, count))
        each = (made.processor() - began) / count
        return {"step": step, "step_processor": each, "back": p95(_steps(made, -1, min(count, 40)))}


def measure_large(folder: Path, rounds: int) -> dict[str, float]:
    """Opening 50,000 rows of 30 columns, the memory with them, and steps back among their updates."""
    path = table(folder / "large.parquet", 50_000 if rounds > 1 else 5_000, 30)
    with studio(path, "--target", "y") as made:
        made.frame()
        opened, processor = time.perf_counter() - made.began, made.processor()
        made.command("run_to", epoch=2)
        time.sleep(2.0 + rounds)
        made.command("seek", t=700)
        time.sleep(1.0)
        back = p95(_steps(made, -1, 10 * rounds))
        return {
            "large": opened,
            "large_processor": processor,
            "back_large": back,
            "large_memory": made.memory(),
        }


def measure_watched(folder: Path, rounds: int) -> dict[str, float]:
    """The speed of a training that a client watches, beside the same unwatched, in turn; the best of each."""
    path = table(folder / "watched.parquet", 20_000, 20)
    epochs = 12 * rounds
    words = (
        path,
        "--target",
        "y",
        "--hidden",
        "64,32",
        "--epochs",
        str(epochs),
        "--no-early-stopping",
        "--batch-size",
        "64",
    )

    def seconds(*, quiet: bool) -> tuple[float, int]:
        with studio(*words, quiet=quiet) as made:
            time.sleep(1.5)
            while not made.status.empty():
                made.status.get()
            began = time.perf_counter()
            made.command("train")
            while True:
                at, status = made.status.get(timeout=600)
                if status["phase"] == "ended" or "ended" in status["words"]:
                    return at - began, made.frames.qsize()

    each = [(seconds(quiet=True), seconds(quiet=False)) for _ in range(max(1, rounds // 2))]
    unwatched, watched = min(one[0][0] for one in each), min(one[1][0] for one in each)
    frames = max(one[1][1] / one[1][0] for one in each)
    return {
        "watched": unwatched / watched,
        "unwatched_seconds": unwatched,
        "watched_seconds": watched,
        "frames_a_second": frames,
    }


def measure_draw(folder: Path, rounds: int) -> dict[str, float]:
    """Script, style and layout a frame while updates play, on 200 neurons: the best of the rounds.

    The browser counts them, in seconds of its thread: those of the clock would have what else the machine does in them.
    """
    path = table(folder / "draw.parquet", 2_000, 38, 10)
    found = []
    with (
        studio(path, "--target", "y", "--hidden", "38,38,38,38", entered=False) as made,
        browser() as chromium,
    ):
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        drawn(page, made.address)
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})

        def counted() -> tuple[float, float]:
            metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
            spent = sum(metrics[name] for name in ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration"))
            return spent, float(
                page.evaluate("Number(document.querySelector('.slider').getAttribute('aria-valuenow'))")
            )

        neurons = page.evaluate(
            'document.querySelectorAll(\'svg.net [data-address^="a["], svg.net [data-address^="x["]\').length'
        )
        page.keyboard.press("Space")
        page.wait_for_timeout(1000)
        for _ in range(rounds + 1):
            before = counted()
            page.wait_for_timeout(2000)
            after = counted()
            if after[1] > before[1]:
                found.append((after[0] - before[0]) / (after[1] - before[1]))
    return {"draw": min(found), "draw_neurons": float(neurons)}


def measure_blocks(folder: Path, rounds: int) -> dict[str, float]:
    """From the address to the drawing of a network of 784, 256, 128 and 10 neurons, the best of the rounds."""
    path = table(folder / "blocks.parquet", 1_000, 784, 10)
    found = []
    with studio(path, "--target", "y", "--hidden", "256,128", entered=False) as made, browser() as chromium:
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        drawn(context.new_page(), made.address)
        for _ in range(rounds):
            page = context.new_page()
            began = time.perf_counter()
            drawn(page, made.address.partition("#")[0])
            found.append(time.perf_counter() - began)
            page.close()
    return {"blocks": min(found)}


def measure_plane(folder: Path, rounds: int) -> dict[str, float]:
    """Planes that the page draws a second while updates play, and the wait for a mountain after a step; on the penguins."""
    # Epochs enough that the training that is followed doesn't end meanwhile.
    words = (PENGUINS, "--target", "species", "--hidden", "8", "--epochs", "1000000", "--no-early-stopping")
    with studio(*words, entered=False) as made, browser() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        drawn(page, made.address)

        def pictures(part: str) -> int:
            return int(page.evaluate(f"Number(document.querySelector('{part}').dataset.pictures ?? 0)"))

        def a_second(speed: str) -> float:
            found = []
            page.locator(".pace select").select_option(speed)
            page.locator("button.main:has-text('Play')").click()
            page.wait_for_timeout(1500)
            for _ in range(rounds + 1):
                began, before = time.perf_counter(), pictures("cr-plane")
                page.wait_for_timeout(2000)
                found.append((pictures("cr-plane") - before) / (time.perf_counter() - began))
            page.locator("button.main:has-text('Pause')").click()
            return max(found)

        page.click("#tab-plane")
        page.wait_for_selector("cr-plane[data-pictures]")
        side = page.evaluate("document.querySelector('canvas.heat').width")
        playing = a_second("16")
        page.click("#tab-mountain")
        page.wait_for_selector("cr-hill[data-pictures]")
        page.evaluate("document.activeElement.blur()")
        waits = []
        for _ in range(10 * rounds):
            began, before = time.perf_counter(), pictures("cr-hill")
            page.keyboard.press("ArrowLeft")
            while pictures("cr-hill") == before and time.perf_counter() - began < 10:
                page.wait_for_timeout(5)
            waits.append(time.perf_counter() - began)
        page.click("#tab-plane")
        following = a_second("0")
    return {"plane": playing, "plane_side": float(side), "plane_following": following, "mountain": p95(waits)}


def measure_branch(folder: Path, rounds: int) -> dict[str, float]:
    """From a change by hand to its frame: a weight as it is dragged, and one after the other, each a change of its own.

    Of a small network, and of a wide one of several members, with the seconds of processor that each takes.
    """
    found: dict[str, float] = {}
    for name, words in (("branch", ()), ("branch_wide", ("--hidden", "256,128", "--members", "8"))):
        with studio(PENGUINS, "--target", "species", *words) as made:
            _steps(made, 1, 8)
            _changed(made, 0)
            began = made.processor()
            waits = [_changed(made, count) for count in range(1, 20 * rounds)]
            found |= {name: p95(waits), f"{name}_processor": (made.processor() - began) / len(waits)}
    return found


def _changed(made: Remote, count: int) -> float:
    """Return the seconds from a change of a weight to the frame that tells of it."""
    while not made.frames.empty():
        made.frames.get()
    address = f"W[1][{count % 5 + 1},{count % 8 + 1}]" if count % 2 else "W[1][1,1]"
    edit = {"kind": "number", "address": address, "value": 0.01 * (count + 1)}
    began = time.perf_counter()
    made.command("edit", edits=[edit], **({"again": True} if count and not count % 4 else {}))
    at, told = made.frame()
    while not (told.get("branch") or {}).get("edits"):
        at, told = made.frame()
    return at - began


def measure_end(folder: Path, rounds: int) -> dict[str, float]:
    """From Ctrl-C to the end of the process, in the midst of a training; the median of the rounds."""
    seconds = []
    for _ in range(rounds):
        with studio(PENGUINS, "--target", "species", "--epochs", "1000000", "--no-early-stopping") as made:
            made.command("train")
            time.sleep(1)
            began = time.perf_counter()
            made.process.send_signal(signal.SIGINT)
            made.process.wait(120)
            seconds.append(time.perf_counter() - began)
    return {"ctrl_c": float(np.median(seconds))}


RECORD = """
import sys, time
from chainrule.studio.taken.onefile import page_file, trained_through
from chainrule.studio.training.opening import opened_table
from chainrule.studio.studio import Studio
studio = Studio(opened_table(sys.argv[1], {"target": "species"}, {}))
trained_through(studio)
clock, processor = time.perf_counter(), time.process_time()
content = page_file(studio)
print(time.perf_counter() - clock, time.process_time() - processor, len(content))
studio.close()
"""


def measure_export(folder: Path, rounds: int) -> dict[str, float]:
    """Recording the penguins' training in a file, and all that the command does for it; the least of the rounds after a first."""
    out = str(folder / "penguins.html")
    words = [
        sys.executable,
        "-m",
        "chainrule",
        "studio",
        PENGUINS,
        "--target",
        "species",
        "--export",
        out,
        "--overwrite",
    ]
    made, whole = [], []
    for _ in range(rounds + 1):
        told = subprocess.run(
            [sys.executable, "-c", RECORD, PENGUINS], check=True, capture_output=True, text=True
        )
        made.append([float(one) for one in told.stdout.split()])
        began = time.perf_counter()
        subprocess.run(words, check=True, capture_output=True)
        whole.append(time.perf_counter() - began)
    clock, processor, size = (min(column) for column in zip(*made[1:], strict=True))
    return {
        "export": clock,
        "export_processor": processor,
        "export_command": min(whole[1:]),
        "export_bytes": size,
    }


MEASUREMENTS: dict[str, Callable[[Path, int], dict[str, float]]] = {
    "open": measure_open,
    "step": measure_step,
    "draw": measure_draw,
    "watched": measure_watched,
    "large": measure_large,
    "blocks": measure_blocks,
    "plane": measure_plane,
    "branch": measure_branch,
    "end": measure_end,
    "export": measure_export,
}


def reached(name: str, value: float) -> bool:
    """Tell whether a figure is what it is to be."""
    return value >= TARGETS[name][0] if name in AT_LEAST else value <= TARGETS[name][0]


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=list(MEASUREMENTS), help="measure this; can be repeated"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--quick", action="store_true", help="one round, of smaller tables: shows that it runs"
    )
    parser.add_argument("--out", type=Path, default=RESULTS / f"{slug()}-studio.json")
    options = parser.parse_args()
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, measure in MEASUREMENTS.items():
            if options.only and name not in options.only:
                continue
            for key, value in measure(Path(folder), 1 if options.quick else options.rounds).items():
                found[key] = value
                verdict = "" if key not in TARGETS else " ✓" if reached(key, value) else " ✗"
                aim = f" (aim {TARGETS[key][0]:g} {TARGETS[key][1]})" if key in TARGETS else ""
                print(f"{key}: {value:.4g}{aim}{verdict}", flush=True)
    result = {
        "machine": describe(),
        "load": load(),
        "targets": {name: aim[0] for name, aim in TARGETS.items()},
        "studio": found,
    }
    options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
