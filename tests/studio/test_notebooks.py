"""The studio in notebooks: JupyterLab and marimo in a browser without a network, and what a saved notebook shows."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

import chainrule

pytest.importorskip("anywidget", reason="the extra notebook is not installed")

SOURCE = str(Path(chainrule.__file__).parents[1])
ROWS = "{'x': [0, 1, 2, 3] * 10, 'y': ['no', 'yes', 'no', 'yes'] * 10}"
MADE = f"import chainrule\ntrained = chainrule.train({ROWS}, 'y', hidden=[3], members=1, epochs=4)"


def a_free_port():
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return made.getsockname()[1]


@contextmanager
def running(*words, cwd, address):
    """Run a server of notebooks until the end of the block; it has no proxy and no way out that it could be told of."""
    where = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    where |= {
        "PYTHONPATH": SOURCE,
        "JUPYTER_PLATFORM_DIRS": "1",
        "HOME": str(cwd),
        "MARIMO_SKIP_UPDATE_CHECK": "1",
    }
    log = cwd / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen([sys.executable, *words], cwd=cwd, env=where, stdout=out, stderr=out)
        try:
            for _ in range(600):
                try:
                    with urllib.request.urlopen(address, timeout=5):
                        break
                except OSError:
                    assert server.poll() is None, log.read_text("utf-8")
                    time.sleep(0.1)
            yield
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def at_home(url, port):
    return url.startswith(
        (f"http://127.0.0.1:{port}/", f"ws://127.0.0.1:{port}/", "data:", "blob:", "about:")
    )


@contextmanager
def a_page(browser, port):
    """Open a page whose requests elsewhere are refused, and none of which may be the studio's."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    elsewhere = []

    def handle(route):
        if at_home(route.request.url, port):
            route.continue_()
        else:
            elsewhere.append(route.request.url)
            route.abort()

    context.route("**/*", handle)
    page = context.new_page()
    yield page, elsewhere
    context.close()


def the_studio(page):
    """Return the studio's page in its frame, when the network is drawn."""
    frame = page.frame_locator('iframe[title="chainrule studio"]')
    frame.locator("svg.net").wait_for(timeout=120_000)
    return frame


def plays(frame):
    """Step on and back, and ask where a number comes from: each goes to the kernel and back."""
    clock = frame.locator("output.clock")
    frame.get_by_role("button", name="Step on").click()
    frame.locator(".slider[aria-valuenow='1']").wait_for(timeout=60_000)
    frame.locator("[data-address='a[1][1]']").first.click()
    frame.locator("cr-inspector .lines").first.wait_for(timeout=60_000)
    return clock.inner_text()


def notebook(path, *cells):
    made = [{"cell_type": "code", "id": f"c{k}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
            for k, text in enumerate(cells)]  # fmt: skip
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(
        json.dumps({"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), "utf-8"
    )
    return path


@pytest.mark.slow
def test_feature_24_a_studio_in_jupyterlab_and_its_picture_in_the_saved_notebook(tmp_path, browser):
    pytest.importorskip("jupyterlab", reason="JupyterLab is not installed")
    path = notebook(
        tmp_path / "a.ipynb",
        f"{MADE}\nshown = chainrule.show(trained)\nshown",
        "print('at', shown.studio.state.t)",
    )
    port = a_free_port()
    words = ["-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.ip=127.0.0.1",
             "--IdentityProvider.token=key", f"--ServerApp.root_dir={tmp_path}"]  # fmt: skip
    address = f"http://127.0.0.1:{port}/lab/tree/a.ipynb?token=key"
    with (
        running(*words, cwd=tmp_path, address=f"http://127.0.0.1:{port}/api?token=key"),
        a_page(browser, port) as (page, elsewhere),
    ):
        page.goto(address)
        page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=120_000)
        page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=120_000)
        page.locator(".jp-Notebook .jp-Cell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        frame = the_studio(page)
        assert "update 1" in plays(frame)
        assert page.locator(".chainrule-still").count() == 1
        assert not page.locator(".chainrule-still").is_visible(), "the live page has taken its place"
        page.locator(".jp-Notebook .jp-Cell .cm-content").nth(1).click()
        page.keyboard.press("Shift+Enter")
        page.get_by_text("at 1", exact=True).wait_for(timeout=60_000)
        page.keyboard.press("Control+s")
        for _ in range(100):
            saved = json.loads(path.read_text("utf-8"))["cells"][0]["outputs"]
            if saved:
                break
            page.wait_for_timeout(100)
        # A new home has no compiled engine: what is said of that is text beside what is shown.
        assert all(
            "compil" in "".join(output["text"]) for output in saved if output["output_type"] == "stream"
        )
        texts = ["".join(output.get("data", {}).get("text/html", "")) for output in saved]
        assert any("chainrule-still" in text and "<img" in text for text in texts)
        assert not any("<script" in text or "http://127" in text for text in texts)
        # Without a kernel there is the picture.
        page.request.delete(f"http://127.0.0.1:{port}/api/sessions?token=key")
        page.goto("about:blank")
        saved_as = json.loads(path.read_text("utf-8"))
        saved_as["metadata"]["kernelspec"] = {
            "name": "nobody",
            "display_name": "nobody",
            "language": "python",
        }
        (tmp_path / "b.ipynb").write_text(json.dumps(saved_as), "utf-8")
        page.goto(f"http://127.0.0.1:{port}/lab/workspaces/other/tree/b.ipynb?token=key")
        image = page.locator(".chainrule-still img").first
        image.wait_for(timeout=60_000)
        assert image.evaluate("one => one.complete && one.naturalWidth > 100")
    assert [url for url in elsewhere if "jupyter" not in url] == []


@pytest.mark.slow
def test_feature_24_a_studio_in_marimo(tmp_path, browser):
    pytest.importorskip("marimo", reason="marimo is not installed")
    body = "\n    ".join([*MADE.splitlines(), "shown = chainrule.show(trained)", "shown", "return"])
    text = f"import marimo\n\napp = marimo.App()\n\n\n@app.cell\ndef _():\n    {body}\n"
    (tmp_path / "a.py").write_text(text, "utf-8")
    port = a_free_port()
    words = [
        "-m",
        "marimo",
        "run",
        "a.py",
        "--headless",
        "--no-token",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    with (
        running(*words, cwd=tmp_path, address=f"http://127.0.0.1:{port}/"),
        a_page(browser, port) as (page, _),
    ):
        page.goto(f"http://127.0.0.1:{port}/")
        assert "update 1" in plays(the_studio(page))
