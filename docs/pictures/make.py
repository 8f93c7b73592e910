"""Make the pictures of the README from the product: ``python docs/pictures/make.py``, with Playwright, Chromium and Pillow.

A network is trained on the penguins by the command line, its pages are written, and Chromium takes their upper parts in light
and in dark; the studio is walked into the middle of a forward pass. The same product and fonts make the same bytes.
`tests/test_pictures.py` holds the list to the README.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCHEMES = ("light", "dark")
LARGEST = 120_000
"""The most bytes of a picture."""
WIDTH, HEIGHT, SCALE = 760, 1312, 1.25
"""The window in pixels of CSS, and how many pixels of the picture one has: they are shown at about half the width."""
COLORS = 160


class Shot(NamedTuple):
    """A picture: its name, what it shows in words, and the command whose last word is the file of its page."""

    name: str
    words: str
    command: tuple[str, ...]
    width: int = WIDTH
    height: int = HEIGHT
    scale: float = SCALE


TRAIN = ("train", "penguins.csv", "--target", "species", "--small")
SHOTS = (
    Shot(
        "report",
        "A report: scores beside the baselines, what to distrust, where the network is wrong",
        (*TRAIN, "--report", "report.html"),
    ),
    Shot(
        "prediction",
        "An explained prediction: the answer, the columns that pushed it, the network with the row in it",
        ("explain", "penguins-small.safetensors", "penguins.csv", "--row", "17", "--out", "prediction.html"),
    ),
    Shot(
        "studio",
        "The studio in the middle of a forward pass: a row of the penguins, the network drawn whole, a sum term by term",
        ("studio", "penguins.csv", "--target", "species", "--no-browser"),
        1280,
        900,
        1,
    ),
)
"""The pictures, in the order in which they are made: a page may need the files of those before."""


def picture_names() -> list[str]:
    """Return the names of the files."""
    return [f"{shot.name}-{scheme}.png" for shot in SHOTS for scheme in SCHEMES]


def make(folder: Path) -> None:
    """Make all pictures in a folder; raises SystemExit for one that is too large."""
    from playwright.sync_api import sync_playwright

    found = map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))
    with tempfile.TemporaryDirectory() as work, sync_playwright() as running:
        shutil.copy(ROOT / "examples" / "penguins.csv", work)
        browser = running.chromium.launch(
            executable_path=next(filter(None, found), None), args=["--no-sandbox"]
        )
        for shot in SHOTS:
            served = shot.command[0] == "studio"
            if not served:
                run(shot.command, Path(work))
            for scheme in SCHEMES:
                how = {
                    "viewport": {"width": shot.width, "height": shot.height},
                    "device_scale_factor": shot.scale,
                }
                page = browser.new_page(**how, color_scheme=scheme, reduced_motion="reduce")
                if served:
                    made = smaller(of_studio(page, shot.command, Path(work)))
                else:
                    page.goto((Path(work) / shot.command[-1]).as_uri())
                    made = smaller(page.screenshot())
                page.close()
                if len(made) > LARGEST:
                    raise SystemExit(
                        f"{shot.name}-{scheme}.png has {len(made):,} bytes, more than {LARGEST:,}"
                    )
                (folder / f"{shot.name}-{scheme}.png").write_bytes(made)
        browser.close()


def environment() -> dict[str, str]:
    """Return the variables with which a command runs this tree's product."""
    places = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}


def run(command: tuple[str, ...], folder: Path) -> None:
    """Run a command of ours in a folder."""
    said = [sys.executable, "-m", "chainrule", *command]
    subprocess.run(said, cwd=folder, env=environment(), check=True, capture_output=True)


def of_studio(page: Any, command: tuple[str, ...], folder: Path) -> bytes:
    """Return a picture of the studio, ten epochs on and in the middle of a sum, as its keys lead there."""
    said = [sys.executable, "-m", "chainrule", *command]
    studio = subprocess.Popen(said, cwd=folder, env=environment(), stdout=subprocess.PIPE, text=True)
    assert studio.stdout is not None
    try:
        page.goto("http" + studio.stdout.readline().partition("http")[2].strip())
        page.wait_for_selector("svg.net")
        page.keyboard.press("6")
        for _ in range(10):
            page.keyboard.press("ArrowRight")
            page.wait_for_timeout(400)
        for grain, count in (("3", 2), ("1", 7)):
            page.keyboard.press(grain)
            for _ in range(count):
                page.keyboard.press("ArrowRight")
                page.wait_for_timeout(400)
        page.wait_for_timeout(1500)
        shot: bytes = page.screenshot()
        return shot
    finally:
        studio.terminate()
        studio.communicate()


def smaller(picture: bytes) -> bytes:
    """Return a PNG with few colors, which pages of text and lines have anyway."""
    from PIL import Image

    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    few = whole.quantize(COLORS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
