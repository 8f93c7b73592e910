"""Make the pictures of the README: the studio on the penguins, in the middle of a forward pass, light and dark.

``python docs/pictures/make.py`` from the root of the repository; needs Chromium and Playwright, as the browser tests do.
"""

from __future__ import annotations

import os
import shutil
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from chainrule.studio.assets import assets
from chainrule.studio.opening import opened_table
from chainrule.studio.server import Server
from chainrule.studio.studio import Studio

HERE = Path(__file__).parent
PENGUINS = "examples/penguins.csv"
SIZE = {"width": 1280, "height": 900}
PLACE = {"pass": "forward", "layer": 1, "neuron": 3, "term": 14}


def picture(page: Page, server: Server, scheme: str) -> None:
    """Walk to a neuron's sum after ten epochs, and take the picture."""
    page.goto(server.address())
    page.wait_for_selector("svg.net")
    client = page.evaluate("sessionStorage.getItem('chainrule-studio-client') ?? ''")
    for number, asked in enumerate(
        ({"do": "run_to", "epoch": 10}, {"do": "row", "number": 17}, {"do": "seek", "t": 80, "place": PLACE})
    ):
        assert server.answers is not None
        server.answers.command(
            {**asked, "client": client or server.answers.frame()["driver"], "n": f"p{number}"}
        )
        page.wait_for_timeout(1500)
    shot = Image.open(BytesIO(page.screenshot()))
    shot.quantize(128, dither=Image.Dither.NONE).save(HERE / f"studio-{scheme}.png", optimize=True)


def main() -> None:
    """Make both."""
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")))
    )
    arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium, args=arguments)
        for scheme in ("light", "dark"):
            course = opened_table(PENGUINS, {"target": "species"}, {})
            server = Server(lambda publish, course=course: Studio(course, publish), assets())
            server.start()
            context = browser.new_context(viewport=SIZE, color_scheme=scheme, reduced_motion="reduce")
            picture(context.new_page(), server, scheme)
            context.close()
            server.stop()
        browser.close()


if __name__ == "__main__":
    main()
