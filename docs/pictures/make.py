"""Make the pictures of the README from the product: ``python docs/pictures/make.py``, with Playwright, Chromium and Pillow.

A network is trained on the penguins by the command line, its pages are written, and Chromium takes their upper parts in light
and in dark. The same product and fonts make the same bytes. `tests/test_pictures.py` holds the list to the README.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

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
    # The studio's page comes here.
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
            said = [sys.executable, "-m", "chainrule", *shot.command]
            places = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, places))}
            subprocess.run(said, cwd=work, env=environment, check=True, capture_output=True)
            for scheme in SCHEMES:
                how = {"viewport": {"width": WIDTH, "height": HEIGHT}, "device_scale_factor": SCALE}
                page = browser.new_page(**how, color_scheme=scheme)
                page.goto((Path(work) / shot.command[-1]).as_uri())
                made = smaller(page.screenshot())
                page.close()
                if len(made) > LARGEST:
                    raise SystemExit(
                        f"{shot.name}-{scheme}.png has {len(made):,} bytes, more than {LARGEST:,}"
                    )
                (folder / f"{shot.name}-{scheme}.png").write_bytes(made)
        browser.close()


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
