"""Features 17 and 18 in a browser: a lesson by keyboard, nothing of an answer in the page before it; axe finds nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.studio.leaks import tells
from tests.studio.studio_browser import Person, five, served
from tests.studio.test_page_access import LOOKS, violations

from browsers import CHROMIUM
from chainrule.studio.taught.taught import TaughtStudio

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture
def taught() -> Iterator[tuple[Any, TaughtStudio]]:
    with served(five, "article-5") as (server, studio):
        assert isinstance(studio, TaughtStudio)
        yield server, studio


def step_of(person: Person) -> str:
    return str(person.page.locator(".lesson-contents summary").inner_text())


def goes_to(person: Person, number: int) -> None:
    person.until(f"document.querySelector('.lesson-contents summary').textContent === 'Step {number} of 23'")
    person.page.wait_for_timeout(150)


def held(person: Person, studio: TaughtStudio) -> str:
    """Return what of the answer is on the page."""
    assert studio.tutor is not None
    assert studio.tutor.question is not None
    inputs = person.page.evaluate(
        "[...document.querySelectorAll('input, select, output')].map((one) => one.value)"
    )
    kept = person.page.evaluate(
        "[JSON.stringify(localStorage), JSON.stringify(sessionStorage), location.hash]"
    )
    return tells([person.page.content(), inputs, kept], studio.tutor.question.values[0])


def test_feature_18_a_lesson_by_keyboard(browser: Any, taught: tuple[Any, TaughtStudio]) -> None:
    server, studio = taught
    person = Person(browser, server)
    page = person.page
    page.wait_for_selector("cr-lesson h2")
    assert step_of(person) == "Step 1 of 23"
    page.keyboard.press("n")
    goes_to(person, 2)
    assert held(person, studio) == ""
    assert page.locator(".lesson-lines").inner_text() == ""
    assert page.locator(".lesson-foot .primary").is_disabled()
    page.keyboard.press("n")  # it stands in the field for the number, and goes nowhere
    assert page.evaluate("document.activeElement.matches('.question input')")
    page.keyboard.press("Backspace")
    for given, said in (("0.5969", "Not yet"), ("0.6", "Not yet")):
        page.keyboard.press("Control+A")
        page.keyboard.type(given)
        page.keyboard.press("Enter")
        person.until(f"document.querySelector('.question input').value === '{given}'")
        person.until(f"document.querySelector('.said-to').textContent.includes('{said}')")
        page.wait_for_timeout(100)
        assert held(person, studio) == ""
    page.get_by_role("button", name="Show me").wait_for()
    page.keyboard.press("Control+A")
    page.keyboard.type("0.773")
    page.keyboard.press("Enter")
    page.wait_for_selector(".truth .label")
    assert "Right" in page.locator(".said-to").inner_text()
    assert held(person, studio), "now it is shown"
    assert page.locator(".gap-line").count() == 1
    # What is to be done on the page: the forward pass, neuron by neuron.
    assert "up to the loss" in page.locator(".doing").inner_text()
    assert page.locator(".lesson-foot .primary").is_disabled()
    page.keyboard.press("2")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(200)
    person.until("document.querySelector('.doing').textContent.startsWith('✓')")
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(".notice.bad:not([hidden])")
    assert "later" in page.locator(".notice.bad").inner_text()
    page.keyboard.press("n")
    goes_to(person, 3)
    assert page.evaluate("JSON.parse(JSON.stringify(localStorage))['chainrule-lesson-article-5']") == "2"
    # Another visit begins at the first step, and offers to go on.
    assert studio.tutor is not None
    studio.command({"do": "lesson", "name": "article-5"})
    page.reload()
    page.wait_for_selector("cr-lesson h2")
    page.get_by_role("button", name="Go on where you were: step 3").focus()
    page.keyboard.press("Enter")
    goes_to(person, 3)
    person.close()


def test_feature_17_asked_first_by_keyboard(browser: Any) -> None:
    with served(five) as (server, studio):
        assert isinstance(studio, TaughtStudio)
        person = Person(browser, server)
        page = person.page
        box = page.get_by_label("Ask me first at each update")
        assert not box.is_checked()
        assert page.locator(".question:visible").count() == 0
        box.focus()
        page.keyboard.press("Space")
        page.wait_for_timeout(300)
        page.keyboard.press("5")
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".question:visible")
        person.until("document.activeElement.matches('.question input')")
        question = studio.asker.question
        assert question is not None
        assert tells(page.content(), question.values[0]) == ""
        assert page.locator("[data-address^='dC/d'][data-value]:not([data-value='null'])").count() == 0
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        page.wait_for_selector(".truth .label")
        assert tells(page.content(), question.values[question.right or 0])
        assert page.locator(".gap-place :is(svg, table)").count() >= 1
        person.close()


def _asked(person: Person, studio: TaughtStudio) -> None:
    person.page.keyboard.press("n")
    goes_to(person, 2)


def _wrong(person: Person, studio: TaughtStudio) -> None:
    _asked(person, studio)
    person.page.keyboard.type("0.5")
    person.page.keyboard.press("Enter")
    person.page.wait_for_selector(".said-to .mark")


def _shown(person: Person, studio: TaughtStudio) -> None:
    _asked(person, studio)
    person.page.keyboard.type("0.7729")
    person.page.keyboard.press("Enter")
    person.page.wait_for_selector(".truth .label")


def _chosen(person: Person, studio: TaughtStudio) -> None:
    studio.command({"do": "lesson", "number": 14, "passed": 13})
    goes_to(person, 14)
    studio.command({"do": "answer", "given": "1"})
    studio.command({"do": "answer", "given": "7"})
    person.page.wait_for_selector(".gap-table")


def _contents(person: Person, studio: TaughtStudio) -> None:
    person.page.locator(".lesson-contents summary").click()


STATES = {
    "asked": _asked,
    "a wrong answer": _wrong,
    "shown": _shown,
    "which moves most": _chosen,
    "contents": _contents,
}


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_feature_18_axe_finds_nothing_in_lessons(
    browser: Any, taught: tuple[Any, TaughtStudio], state: str, size: str, scheme: str
) -> None:
    person = Person(browser, taught[0], size, scheme)
    person.page.wait_for_selector("cr-lesson h2")
    STATES[state](person, taught[1])
    person.page.wait_for_timeout(300)
    assert violations(person.page) == []
    assert person.page.evaluate("document.documentElement.scrollWidth") <= person.page.viewport_size["width"]
    person.close()


def test_feature_02_a_page_that_is_loaded_again_is_still_followed(browser: Any) -> None:
    with served(five) as (server, studio):
        person = Person(browser, server)
        person.press("5", "ArrowRight", "ArrowRight")
        person.page.reload()
        person.page.wait_for_selector("svg.net")
        person.page.keyboard.press("ArrowRight")
        person.until("document.querySelector('.slider').getAttribute('aria-valuenow') === '3'")
        assert studio.frame()["t"] == 3
        person.close()
