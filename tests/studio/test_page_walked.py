"""The page as one walks through it: a walk goes on, a key does what it says, and nothing that stands is lost by Enter."""

import pytest
from tests.studio.studio_browser import penguins, served, someone

from browsers import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture
def person(browser):
    with served(penguins) as (server, _), someone(browser, server) as made:
        yield made


def shown(person):
    return person.server.answers.frame()


def test_a_walk_goes_on_after_steps_of_an_update(person):
    walk = person.page.get_by_role("button", name="Walk through this update")
    walk.click()
    person.until("!document.querySelector('cr-stage .crumbs').hidden")
    person.press("5", "ArrowRight")
    person.until("document.querySelector('cr-stage .crumbs').hidden")
    t = shown(person)["t"]
    walk.click()
    person.until("!document.querySelector('cr-stage .crumbs').hidden")
    person.press("ArrowRight")
    person.settle()
    assert (shown(person)["t"], shown(person)["grain"]) == (t, "neuron")
    person.page.locator("cr-stage .passes button", has_text="backward").click()
    person.until("document.querySelector('.passes [aria-current]').textContent === 'backward'")
    assert shown(person)["place"]["pass"] == "backward"


def test_space_pauses_while_the_button_that_plays_backward_has_the_focus(person):
    person.press("5", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight")
    person.page.evaluate("document.querySelector('.more-keys').setAttribute('open', '')")
    person.page.get_by_label("Speed").select_option("0.5")
    person.page.get_by_role("button", name="Play backward").click()
    person.until("document.querySelector('.keys .main').dataset.shows === 'Pause'")
    person.page.get_by_role("button", name="Play backward").focus()
    person.page.keyboard.press("Space")
    person.until("document.querySelector('.keys .main').dataset.shows === 'Play'")
    assert not shown(person)["playing"]


def test_settings_and_enter_keep_the_run_that_has_gone_on(person):
    person.press("5", "ArrowRight")
    rate = person.page.locator("#set-learning_rate")
    rate.fill("0.02")
    rate.press("Enter")
    person.until(
        "document.querySelector('cr-bar h1') && document.getElementById('set-learning_rate').value === '0.02'"
    )
    for _ in range(200):  # until the new run is there
        if "runs" in shown(person):
            break
        person.page.wait_for_timeout(100)
    person.settle()
    assert [run["number"] for run in shown(person)["runs"]] == [1, 2]


def test_settings_shown_are_those_of_the_branch_that_is_shown(person):
    person.press("5", "ArrowRight")
    said = person.server.answers.command(
        {"do": "edit", "edits": [{"kind": "setting", "name": "learning_rate", "value": 0.3}]}
    )
    assert said["ok"]
    person.until("document.getElementById('set-learning_rate').value === '0.3'")
    person.server.answers.command({"do": "undo"})
    person.until("document.getElementById('set-learning_rate').value !== '0.3'")
