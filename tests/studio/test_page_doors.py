"""The studio in a browser, from outside: how it is opened, what other pages can do to it, what a hostile table can.

Skipped where there is no Chromium or no Playwright.
"""

import http.server
import threading
from pathlib import Path

import pytest
from tests.studio.studio_browser import PENGUINS, Person, five, served
from tests.studio.test_studio_command import running

import chainrule
from browsers import CHROMIUM
from chainrule.studio.training.opening import opened_table

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

HOSTILE = "<img src=x onerror=window.hurt=1>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "penguins.safetensors"
    chainrule.train(PENGUINS, "species", hidden=[6], members=2, epochs=4).model.save(path)
    return str(path)


@pytest.mark.parametrize(
    ("words", "title", "layers"),
    [
        ([], "Seven steps", 3),
        (["--lesson", "article-4"], "Any number of layers", 4),
        ([PENGUINS, "--target", "species"], "penguins.csv", 3),
        (["MODEL", PENGUINS], "penguins.safetensors", 3),
        ([PENGUINS, "--target", "body_mass_g", "--hidden", "5,4", "--activation", "tanh"], "penguins.csv", 4),
    ],
    ids=["nothing", "lesson", "table", "model", "settings"],
)
def test_every_way_in_opens_a_page_that_steps_and_explains(browser, model, words, title, layers):
    words = [model if word == "MODEL" else word for word in words]
    with running(*words) as (_, address):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        said, wanted = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: wanted.append(request.url))
        page.goto(address)
        page.wait_for_selector("svg.net")
        assert title in page.locator("header").inner_text()
        assert "#code" not in page.url
        heads = page.locator("svg.net").text_content()
        assert heads.count("layer") + heads.count("output") + heads.count("inputs") >= layers
        slider = page.locator(".slider")
        assert slider.get_attribute("aria-valuenow") == "0"
        if "--lesson" in words:
            page.get_by_role("button", name="Leave the lesson").click()
            page.locator("cr-lesson").wait_for(state="hidden")
        page.keyboard.press("ArrowRight")
        for _ in range(200):
            if slider.get_attribute("aria-valuenow") != "0":
                break
            page.wait_for_timeout(50)
        assert slider.get_attribute("aria-valuenow") != "0", "a step is a step"
        page.locator("svg.net circle.ring").last.click(force=True)
        page.wait_for_selector("cr-inspector math")
        context.close()
    own = address.partition("#")[0]
    assert [url for url in wanted if not url.startswith((own, "data:"))] == []
    assert [line for line in said if "ERR_" not in line] == []


ATTACK = (Path(__file__).parent / "elsewhere.html").read_text("utf-8")
"""What a page of another origin tries."""


def test_feature_25_another_page_gets_nothing(browser):
    """A page of another origin on this machine tries all that a page can, while a studio runs that another tab has opened."""
    with served(five) as (server, studio):
        person = Person(browser, server)
        before = studio.frame()["seq"]
        page_text = ATTACK.replace("PORT", str(server.port)).encode()

        class Elsewhere(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(page_text)

            def log_message(self, *_):
                pass

        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
        threading.Thread(target=other.serve_forever, daemon=True).start()
        context = person.context  # the same browser, so that whatever it keeps of ours could be used
        evil = context.new_page()
        evil.goto(f"http://127.0.0.1:{other.server_port}/")
        evil.wait_for_function("document.title === 'done'")
        found = evil.evaluate("JSON.parse(document.body.dataset.found)")
        assert set(found.values()) == {"no"}, found
        assert len(found) >= 11
        framed = next((frame for frame in evil.frames if frame != evil.main_frame), None)
        assert framed is None or "chainrule" not in framed.content()
        evil.close()
        other.shutdown()
        other.server_close()
        assert studio.frame()["seq"] == before, "nothing has happened to the studio"
        person.page.keyboard.press("ArrowRight")
        person.settle()
        assert studio.frame()["t"] == 1, "and its own page still steers"
        person.context.close()


def test_feature_25_a_column_named_script_does_nothing(browser, tmp_path):
    path = tmp_path / "hostile.csv"
    column = "<script>window.hurt=1</script>"
    rows = "".join(
        f'{i},"{HOSTILE if i % 2 else "<b>bold</b>"}",{"<i>yes</i>" if i % 3 else "no"}\n' for i in range(60)
    )
    path.write_text(f'"{column}",words,answer\n{rows}', "utf-8")

    def hostile():
        return opened_table(str(path), {"target": "answer"}, {"epochs": 5})

    with served(hostile) as (server, _):
        person = Person(browser, server)
        page = person.page
        for _ in range(3):
            person.press("ArrowRight")
        text = page.inner_text("body")
        assert column in text
        assert HOSTILE in page.content().replace("&lt;", "<").replace("&gt;", ">")
        page.locator("svg.net circle.ring").last.click(force=True)
        page.wait_for_selector("cr-inspector math")
        assert page.evaluate("window.hurt") is None
        assert page.locator("img[src=x]").count() == 0
        assert page.locator("body script").count() == 0
        person.close()


def test_feature_25_the_page_runs_no_text(browser):
    """The policy holds: what turns text into code or markup is refused by the browser itself."""
    with served(five) as (server, _):
        person = Person(browser, server)
        tries = {
            "eval": "(() => { try { return String((0, eval)('1+1')); } catch { return 'no'; } })()",
            "function": "(() => { try { return String(new Function('return 1')()); } catch { return 'no'; } })()",
            "markup": "(() => { try { document.body.innerHTML = '<p>'; return 'set'; } catch { return 'no'; } })()",
            "style": "(() => { const p = document.createElement('p'); p.setAttribute('style', 'color: rgb(1, 2, 3)'); "
            "document.body.append(p); const c = getComputedStyle(p).color; p.remove(); "
            "return c === 'rgb(1, 2, 3)' ? 'set' : 'no'; })()",
        }
        session = person.context.new_cdp_session(person.page)
        asked = {"allowUnsafeEvalBlockedByCSP": False, "returnByValue": True}

        def said(text):
            return session.send("Runtime.evaluate", {"expression": text, **asked})["result"]["value"]

        found = {name: said(text) for name, text in tries.items()}
        assert set(found.values()) == {"no"}, found
        person.context.close()


def test_a_table_that_changes_on_the_disk_is_said_on_the_page(browser, tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text("a,b\n" + "".join(f"{i},{i % 2}\n" for i in range(40)))
    with running(str(path), "--target", "b") as (_, address):
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("svg.net")
        path.write_text("a,b\n1,1\n")
        page.get_by_text("has changed on the disk").first.wait_for(timeout=20_000)
        page.keyboard.press("ArrowRight")
        for _ in range(200):
            if page.locator(".slider").get_attribute("aria-valuenow") == "1":
                break
            page.wait_for_timeout(50)
        assert page.locator(".slider").get_attribute("aria-valuenow") == "1", "nothing is lost"
        context.close()


def test_all_tabs_closed_and_the_page_comes_back_as_it_was(browser):
    with served(five) as (server, studio):
        person = Person(browser, server)
        person.press("ArrowRight", "ArrowRight")
        person.page.close()
        page = person.context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")  # without a code: this browser has the key
        page.wait_for_selector("svg.net")
        for _ in range(200):
            if page.locator(".slider").get_attribute("aria-valuenow") == "2":
                break
            page.wait_for_timeout(30)
        assert page.locator(".slider").get_attribute("aria-valuenow") == "2"
        page.keyboard.press("ArrowRight")
        for _ in range(200):
            if studio.frame()["t"] == 3:
                break
            page.wait_for_timeout(30)
        assert studio.frame()["t"] == 3, "whoever comes when nobody steers does"
        person.context.close()
