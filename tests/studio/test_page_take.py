"""Taken from the page: pictures that stand on their own, the file that plays, the tape; by keyboard, too."""

import re
import xml.etree.ElementTree as ET

import pytest
from tests.studio.studio_browser import Person, penguins
from tests.studio.studio_browser import served as serving

pytestmark = pytest.mark.slow

SVG = "{http://www.w3.org/2000/svg}"
PLAIN = {
    *(
        "svg",
        "g",
        "path",
        "rect",
        "circle",
        "ellipse",
        "line",
        "polyline",
        "polygon",
        "text",
        "tspan",
        "title",
        "desc",
    ),
    *("image", "defs", "clipPath", "linearGradient", "stop"),
}


@pytest.fixture(scope="module")
def small():
    with serving(lambda: penguins(hidden=[3], epochs=4)) as made:
        yield made


@pytest.fixture
def person(small, browser):
    made = Person(browser, small[0])
    yield made
    made.close()


def faults(text):
    """Return what keeps a picture from standing on its own."""
    root = ET.fromstring(text)
    found = [] if root.tag == f"{SVG}svg" and root.get("viewBox") else ["no picture"]
    for one in root.iter():
        name = one.tag.removeprefix(SVG)
        found += [] if name in PLAIN else [f"<{name}>"]
        for key, value in one.attrib.items():
            if (
                key.startswith("on")
                or key in ("class", "style")
                or "var(" in value
                or "currentcolor" in value.lower()
            ):
                found.append(f"{name} {key}={value}")
            if key.endswith("href") and not value.startswith(("data:image/png", "#")):
                found.append(f"leads to {value}")
    return found


def taken(page, name, kind):
    page.locator("cr-bar .menu summary").click()
    with page.expect_download() as waiting:
        page.get_by_title(f"{name} as {kind}").click()
    path = waiting.value.path()
    page.keyboard.press("Escape")
    return waiting.value.suggested_filename, path.read_bytes()


def test_feature_23_the_network_is_taken_as_svg_with_every_line_and_word(small, person, browser):
    name, content = taken(person.page, "The network", "SVG")
    text = content.decode()
    assert name == "the-network.svg"
    assert faults(text) == []
    told = small[1].hello()["network"]
    root = ET.fromstring(text)
    # Every weight is a line of its own in a path: what is drawn on a canvas is no image here.
    lines = sum(
        one.get("d").count("M") for one in root.iter(f"{SVG}path") if one.get("stroke") not in (None, "none")
    )
    assert lines >= told["edges"]["drawn"]
    assert not list(root.iter(f"{SVG}image"))
    words = "".join(root.itertext())
    for neuron in told["neurons"]:
        assert neuron["name"].split(":")[0][:6] in words
    # It is drawn alike where it stands alone, and prints.
    page = browser.new_page()
    page.set_content(text)
    assert page.locator("svg").first.bounding_box()["width"] > 300
    assert len(page.pdf()) > 5_000
    page.close()


def test_feature_23_any_picture_is_taken_as_png(person):
    page = person.page
    for tab in ("Curves", "Score"):
        page.get_by_role("tab", name=tab, exact=True).click()
        person.press("t")
        page.locator("cr-bar .phase", has_text="trained to its end").wait_for()
        page.locator("cr-panels svg:visible").first.wait_for()
        page.locator("cr-bar .menu summary").click()
        shots = page.locator(".shot")
        shots.nth(1).wait_for()
        with page.expect_download() as waiting:
            shots.nth(1).get_by_role("button", name="PNG").click()
        content = waiting.value.path().read_bytes()
        assert content.startswith(b"\x89PNG")
        width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
        assert width > 400
        assert height > 100
        page.keyboard.press("Escape")


def test_feature_22_the_file_is_taken_by_keyboard_alone(small, person):
    page = person.page
    page.locator("cr-bar .menu summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert "One file that plays" in page.evaluate("document.activeElement.textContent")
    with page.expect_download(timeout=120_000) as waiting:
        page.keyboard.press("Enter")
    assert waiting.value.suggested_filename == "penguins.html"
    text = waiting.value.path().read_text("utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert 'id="recording"' in text
    assert len(text) < 2_000_000
    page.get_by_text("penguins.html is in the downloads.").wait_for()


@pytest.mark.parametrize(
    "planted",
    ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect fill="var(--ink)"/></svg>',
     '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><g class="a"/></svg>',
     '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><script/></svg>',
     '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><image href="http://a.example/x.png"/></svg>',
     '<svg xmlns="http://www.w3.org/2000/svg"/>'],
)  # fmt: skip
def test_a_picture_that_needs_the_page_is_seen(planted):
    assert faults(planted)
    assert not faults(
        re.sub(r"<svg[^>]*>.*", '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>', planted)
    )
