"""Features 12, 13, 19 and 21 in a browser: a whole what-if by keyboard, old and new in sight, undone to the same page."""

import pytest
from tests.studio.studio_browser import Person, five, penguins, served

from browsers import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture
def person(browser):
    with served(five) as (server, _):
        made = Person(browser, server)
        yield made
        made.close()


@pytest.fixture
def owner(browser, table):
    made = Person(browser, table[0])
    table[1].command(
        {"do": "take_over", "client": made.page.evaluate("sessionStorage.getItem('chainrule-studio')")}
    )
    made.press("r")
    yield made
    while table[1].frame()["branch"] is not None:
        table[1].command({"do": "undo"})
    made.close()


def tab_to(person, what, most=150):
    for _ in range(most):
        person.page.keyboard.press("Tab")
        if person.page.evaluate("(what) => document.activeElement.matches(what)", what):
            return
    raise AssertionError(f"no way to {what}")


def violations(page):
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20, "it did read the page"
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found["violations"]]


def changed(person, count):
    """Wait until the line of the branch tells so many changes."""
    person.until(f"document.querySelectorAll('cr-branch .edits li').length === {count}")
    person.settle()


def test_feature_12_a_whole_what_if_by_keyboard(person):
    keys = person.page.keyboard
    person.press("5", "ArrowRight", "ArrowRight")
    before, cost = person.table(), person.server.answers.frame()["cost"]
    # From the network's table to a weight, its inspector, and the field to set it by.
    tab_to(person, "cr-net .twin [data-address='W[1][1,2]']")
    keys.press("Enter")
    person.page.wait_for_selector("cr-inspector .change input")
    tab_to(person, ".change input[type=text]")
    keys.press("Control+a")
    keys.type("0.9")
    keys.press("Enter")
    changed(person, 1)
    after = person.table()
    assert (after["W[1][1,2]"], before["W[1][1,2]"] != 0.9) == (0.9, True)
    assert {name for name in after if name.startswith("W") and after[name] != before[name]} == {"W[1][1,2]"}
    frame = person.server.answers.frame()
    assert person.page.locator("cr-net .written .changed").text_content().endswith("→ 0.9")
    assert (
        person.page.locator("cr-net g.changed").count() == 3
    )  # one neuron of the hidden layer, both outputs
    assert "was" in person.page.locator("cr-readings").inner_text()
    assert frame["was"]["cost"] == cost != frame["cost"]
    # The slider of the same number; one drag of several steps is one change.
    tab_to(person, ".change input[type=range]")
    for _ in range(3):
        keys.press("ArrowRight")
        person.page.wait_for_timeout(150)
    person.settle()
    assert person.server.answers.frame()["branch"]["edits"][0]["new"] != "0.9"
    # What is missing undoes nothing in a field, and takes back what was changed elsewhere.
    tab_to(person, ".change input[type=checkbox]")
    keys.press(" ")
    changed(person, 2)
    assert "W[1][1,2]" in person.server.answers.frame()["frozen"]
    for _ in range(6):
        if person.server.answers.frame()["branch"] is None:
            break
        keys.press("Control+z")
        person.page.wait_for_timeout(250)
    person.page.wait_for_selector("cr-branch .notice", state="hidden")
    person.settle()
    assert person.where()[0] == 2
    assert person.table() == before


def test_feature_13_a_cell_is_changed_where_it_stands_by_keyboard(owner):
    keys = owner.page.keyboard
    owner.press("6", "ArrowRight")
    tab_to(owner, "[data-cell=island]")
    keys.press("Enter")
    keys.press("Control+a")
    keys.type("Atlantis")
    keys.press("Escape")
    assert owner.server.answers.frame()["branch"] is None
    keys.press("Enter")
    keys.press("Control+a")
    keys.type("Atlantis")
    keys.press("Enter")
    changed(owner, 1)
    owner.until("document.activeElement.dataset.cell === 'island'")
    assert owner.page.locator("[data-cell=island]").inner_text() == "Atlantis"
    keys.press("Enter")
    keys.press("Control+a")
    keys.press("Delete")
    keys.press("Enter")
    owner.until("document.querySelector('[data-cell=island]').textContent === '(missing)'")
    frame = owner.server.answers.frame()
    assert [one["new"] for one in frame["branch"]["edits"]] == ["missing"]
    shown = owner.page.locator("cr-readings .answer strong").inner_text()
    assert shown.startswith(str(frame["answer"]["value"]))


@pytest.mark.parametrize(
    ("size", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
def test_feature_25_axe_finds_nothing_in_a_branch(browser, table, size, scheme):
    server, studio = table
    person = Person(browser, server, size, scheme)
    person.press("r")
    edits = [
        {"kind": "frozen", "address": "b[1][1]", "frozen": True},
        {"kind": "activation", "layer": 1, "name": "tanh"},
        {"kind": "cells", "row": 15, "cells": {"island": None}},
        {"kind": "number", "address": "W[1][1,2]", "value": 1.5},
    ]
    assert "problem" not in studio.command({"do": "edit", "edits": edits})
    changed(person, 4)
    person.page.locator("cr-branch [data-address]").first.click()
    person.page.wait_for_selector(".change input[type=range]")
    person.page.locator("[data-cell=sex]").click()
    assert violations(person.page) == []
    assert person.page.evaluate("document.documentElement.scrollWidth") <= person.page.viewport_size["width"]
    studio.command({"do": "undo"})
    person.close()


DEAD = [{"kind": "number", "address": f"b[1][{j}]", "value": -40} for j in (1, 2, 3, 4)]


def test_feature_19_and_21_the_doctor_s_way_out_and_the_comparison_by_keyboard(browser):
    with served(penguins) as (server, studio):
        person = Person(browser, server)
        person.press("6", "ArrowRight")
        client = person.page.evaluate("sessionStorage.getItem('chainrule-studio')")
        assert "problem" not in studio.command({"do": "edit", "edits": DEAD, "client": client})
        person.until("document.querySelector('#tab-layers').textContent === 'Doctor · 1'")
        keys = person.page.keyboard
        tab_to(person, ".tabs button")
        keys.press("End")
        keys.press("ArrowLeft")
        person.until("document.querySelector('cr-doctor .grave') !== null")
        assert person.page.locator("cr-doctor .places [data-address]").first.inner_text() == "a[1][1]"
        assert person.page.locator("svg.net .flag.dead").count() == 4
        tab_to(person, "cr-doctor .pair button")
        keys.press("Enter")  # leaky_relu
        person.until("document.querySelector('#tab-layers').textContent === 'Doctor'")
        assert studio.frame()["branch"]["edits"][-1]["new"] == "leaky_relu"
        # Beside it another one by the settings, to compare.
        tab_to(person, "#set-hidden", 250)
        keys.press("Control+a")
        keys.type("3")
        tab_to(person, "cr-settings .check-line input")
        keys.press(" ")
        tab_to(person, "cr-settings button[type=submit]")
        keys.press("Enter")
        person.until(
            "document.querySelector('svg.net') !== null && document.querySelectorAll('g[data-neuron]').length === 23"
        )
        assert [line["words"] for line in studio.frame()["runs"]][2] == "hidden 3"
        tab_to(person, ".tabs button")
        keys.press("End")
        person.page.wait_for_selector("cr-runs .runs-table")
        person.until("document.querySelector('cr-runs .runs-table').innerText.includes('run 3')")
        told = person.page.locator("cr-runs .runs-table").inner_text()
        assert "hidden" in told
        assert "changed by hand" in told
        tab_to(person, "cr-runs [data-key='go 2']")
        keys.press("Enter")
        person.until(
            "document.activeElement.dataset.key === 'go 2' && document.activeElement.ariaPressed === 'true'"
        )
        assert studio.frame()["run"] == 2
        person.settle()
        assert violations(person.page) == []
        person.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]
)
@pytest.mark.parametrize("tab", ["layers", "runs"])
def test_feature_25_axe_finds_nothing_in_the_doctor_and_the_comparison(browser, table, tab, size, scheme):
    server, studio = table
    person = Person(browser, server, size, scheme)
    person.press("r", "6", "ArrowRight")
    assert "problem" not in studio.command({"do": "edit", "edits": DEAD})
    person.page.locator(f"#tab-{tab}").click()
    person.page.wait_for_selector("cr-doctor .grave" if tab == "layers" else "cr-runs .runs-table")
    person.page.wait_for_timeout(400)
    assert violations(person.page) == []
    assert person.page.evaluate("document.documentElement.scrollWidth") <= person.page.viewport_size["width"]
    studio.command({"do": "undo"})
    person.close()
