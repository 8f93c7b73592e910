"""The file that plays a training, opened as whoever gets it by mail opens it: from the disk, without a network."""

import pytest
from tests.studio.studio_browser import five, penguins

from chainrule.studio.studio import Studio
from chainrule.studio.taken.onefile import page_file, trained_through

pytestmark = pytest.mark.slow


def written(folder, course):
    made = Studio(course)
    trained_through(made)
    try:
        path = folder / "page.html"
        path.write_bytes(page_file(made))
        return path, made
    finally:
        made.close()


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("file"), penguins(hidden=[4], epochs=6))


class Reader:
    """Someone who opened the file: no network, and what the browser asks for and complains of is written down."""

    def __init__(self, browser, path, width=1280, height=800, **more):
        self.context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **more)
        self.page = self.context.new_page()
        self.said, self.wanted = [], []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.wanted.append(request.url))
        self.own = path.as_uri()
        self.page.goto(self.own)
        self.page.wait_for_selector("svg.net")
        self.page.wait_for_selector("body:not(.waiting)")

    def close(self):
        self.context.close()
        assert self.said == []
        assert [url for url in self.wanted if not url.startswith((self.own, "data:"))] == []

    def clock(self):
        return int(self.page.locator(".slider").get_attribute("aria-valuenow"))

    def waits(self, update):
        self.page.locator(f".slider[aria-valuenow='{update}']").wait_for()

    def value(self, address):
        return float(
            self.page.locator(f"[data-address='{address}'][data-value]").first.get_attribute("data-value")
        )


def test_feature_22_it_steps_plays_rewinds_and_explains_offline(file, browser):
    path, studio = file
    reader = Reader(browser, path)
    page = reader.page
    try:
        assert reader.clock() == 0
        page.get_by_role("button", name="Step on").click()
        reader.waits(1)
        page.keyboard.press("ArrowRight")
        reader.waits(2)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        reader.waits(0)
        # Into the update, neuron by neuron, and back.
        page.keyboard.press("2")
        for _ in range(12):
            page.keyboard.press("ArrowRight")
        title = page.locator("cr-stage h2").first
        title.wait_for()
        seen = title.inner_text()
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(300)
        assert title.inner_text() != seen
        page.keyboard.press("ArrowLeft")
        page.wait_for_timeout(300)
        assert title.inner_text() == seen
        # What a number comes from, with the numbers of the library.
        page.keyboard.press("r")
        reader.waits(0)
        page.locator("[data-address='a[1][2]']").first.click()
        page.locator("cr-inspector .lines").wait_for()
        look = studio.made.lookout.look(0, 0, int(page.locator("cr-row input").first.input_value()))
        shown = float(page.locator("cr-inspector output.exact").get_attribute("data-value"))
        assert shown == look.step.record.layers[0].a[look.index, 1]
        page.keyboard.press("Escape")
        # It plays to the end by itself.
        page.keyboard.press("t")
        reader.waits(studio.made.tape.frontier)
        page.get_by_text("trained to its end").wait_for()
        page.get_by_role("tab", name="Score").click()
        page.locator(".pictures svg").first.wait_for()
    finally:
        reader.close()


def test_feature_22_what_it_cannot_do_says_how_to_do_it(file, browser):
    path, _ = file
    reader = Reader(browser, path)
    page = reader.page
    try:
        about = page.locator("cr-about")
        assert "chainrule studio" in about.locator(".command").inner_text()
        # A number at an update whose inside isn't there.
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        reader.waits(3)
        page.locator("[data-address='a[1][2]']").first.click()
        page.get_by_text("Where it comes from is in this file for row").wait_for()
        # A row that isn't there.
        page.keyboard.press("Escape")
        rows = page.locator("cr-row input").first
        rows.fill("2")
        rows.press("Enter")
        page.locator("cr-notices").get_by_text("isn't in this file, which has rows").wait_for()
        # Nothing offers what only a studio can.
        assert not page.get_by_role("button", name="Start again with these").is_visible()
        assert not page.get_by_role("button", name="End", exact=True).is_visible()
        # What one tries all the same is answered by how to do it: the truth is no cell that the network sees.
        page.locator("cr-row button[data-cell='species']").click()
        page.keyboard.type("1")
        page.keyboard.press("Enter")
        page.locator("cr-notices").get_by_text("are the cells of its row. Live: chainrule studio").wait_for()
    finally:
        reader.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_feature_22_it_fits_320_pixels(file, browser, scheme):
    reader = Reader(browser, file[0], 320, 700, color_scheme=scheme)
    page = reader.page
    try:
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        page.get_by_role("button", name="Step on").click()
        reader.waits(1)
        page.locator("cr-bar .menu summary").click()
        box = page.locator("cr-bar .pop").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        page.keyboard.press("Escape")
        page.locator("cr-about").scroll_into_view_if_needed()
        assert page.locator("cr-about .command").is_visible()
    finally:
        reader.close()


def test_feature_22_a_lesson_keeps_its_notation(tmp_path, browser):
    path, _ = written(tmp_path, five())
    assert path.stat().st_size < 2_000_000
    reader = Reader(browser, path)
    try:
        assert reader.page.locator("svg.net").get_by_text("i1", exact=True).first.is_visible()
        reader.page.keyboard.press("1")
        for _ in range(5):
            reader.page.keyboard.press("ArrowRight")
        reader.page.locator("cr-stage .term").first.wait_for()
    finally:
        reader.close()


def test_feature_22_a_planted_request_is_seen(tmp_path, browser):
    """The check of this file finds what it is for: a picture from elsewhere, and a style that the policy refuses."""
    path, _ = written(tmp_path, five())
    text = path.read_text("utf-8").replace(
        "<main>", '<img src="http://127.0.0.1:9/x.png" alt=""><p style="color:red">a</p><main>', 1
    )
    path.write_text(text, "utf-8")
    reader = Reader(browser, path)
    with pytest.raises(AssertionError):
        reader.close()
