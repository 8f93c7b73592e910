"""Features 7 and 11 in a browser: every number of the page, in eight states, leads to lines that come out by mpmath."""

import pytest
from tests.studio.studio_browser import Person, penguins, plain, served
from tests.studio.test_page_access import STATES, large

from browsers import CHROMIUM
from chainrule.equations.dense import Dense as Layer
from chainrule.explain.derive.exact import mp, mpf, one_at_a_time, precise_value
from chainrule.studio.shown.numbers import derived, found_place

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
__all__ = ["large"]

OPEN = """(address) => [...document.querySelectorAll(':not(cr-inspector *)[data-address][data-value]')]
  .find((one) => one.dataset.address === address)
  ?.dispatchEvent(new MouseEvent('click', {bubbles: true})) ?? false"""


WHERE = """(address) => [...document.querySelectorAll('[data-address][data-value]')]
  .filter((one) => one.dataset.address === address)
  .map((one) => `${one.closest('cr-net, cr-stage, cr-hill, cr-panels')?.tagName} ${one.outerHTML.slice(0, 120)}`)"""


@pytest.fixture
def visit(browser):
    """Opens the page of a studio, and closes it also where the test fails."""
    people = []

    def opened(served_one):
        people.append(Person(browser, served_one[0]))
        return people[-1]

    yield opened
    for person in people:
        person.close()


def off(line) -> float:
    """How far a line's result is from what its operands give in its formula, in shares of the largest number in it."""
    with one_at_a_time:
        exact = precise_value(line.symbols, {name: mpf(value) for name, value in line.values.items()})
        size = max(abs(exact), sum(abs(value) for value in line.values.values()))
        return float(abs(mp.mpf(line.result) - exact) / size) if size else 0.0


def crawl(person: Person, studio, state: str) -> tuple[int, int]:
    """Ask for every number that says its address, and open some on the page; return how many those are, and their lines."""
    found = person.page.locator("body").evaluate(
        """(body) => [...body.querySelectorAll('[data-address][data-value]')]
          .map((one) => [one.dataset.address, one.dataset.value])"""
    )
    values = {address: float(text) for address, text in found if text not in ("null", "NaN", "")}
    lines = 0
    now = studio.state
    look = studio.made.lookout.look(now.t, now.member - 1, now.row)
    for address, value in values.items():
        answer = studio.number({"address": address})
        assert answer["ok"] in (True, None), (state, address)
        assert answer["nodes"], (state, address)
        where = person.page.evaluate(WHERE, address)
        assert answer["value"] == pytest.approx(value, rel=1e-12, abs=1e-300), (state, address, where)
        trace, place = found_place(look, address)
        for line in derived(look, trace, place).lines:
            if line.values and not any(name[0] == "[" for name in line.values):
                assert off(line) <= 1e-12, (state, address, line.address)
                lines += 1
    for address in list(values)[:: max(1, len(values) // 4)]:
        if not person.page.evaluate(OPEN, address):
            continue  # it stood in the answer that was open
        person.page.wait_for_selector("cr-inspector .line")
        person.until(f"document.querySelector('cr-inspector .where').textContent === {plain(address)!r}")
        person.page.keyboard.press("Escape")
    return len(values), lines


@pytest.mark.parametrize("state", [name for name in STATES if name != "playing"])
def test_feature_07_every_number_of_the_page_comes_out(visit, table, state):
    person = visit(table)
    person.press("r")
    STATES[state](person)
    person.table()
    numbers, lines = crawl(person, table[1], state)
    assert numbers > 180
    assert lines > 30


def test_feature_07_every_number_comes_out_where_it_was_playing(visit, table):
    person = visit(table)
    person.press("r")
    STATES["playing"](person)
    person.page.keyboard.press(" ")
    person.settle()
    person.table()
    numbers, lines = crawl(person, table[1], "playing")
    assert numbers > 180
    assert lines > 30


def test_feature_07_every_number_beside_blocks_comes_out(visit, large):
    person = visit(large)
    numbers, lines = crawl(person, large[1], "blocks")
    assert numbers >= 3
    assert lines >= 1


def test_feature_11_a_derivative_planted_wrong_is_seen_on_the_page(browser, monkeypatch):
    """The slope of layer 1 is wrong by a thousandth: the head counts it, its weights' lines have a cross, the others a tick."""
    slope = Layer.slope

    with served(lambda: penguins(hidden=(3, 3), activation="tanh")) as (server, studio):
        first = studio.made.course.network.layers[0]

        def wrong(self, p, z, xp):
            found = slope(self, p, z, xp)
            return found * 1.001 if self is first else found

        monkeypatch.setattr(Layer, "slope", wrong)
        studio.made.lookout._looks.clear()
        person = Person(browser, server)
        person.press("5", "ArrowRight", "2", "ArrowRight", "ArrowLeft")
        person.until("document.querySelector('.checks').textContent.includes('✗')")
        seen = {}
        for address in ("W[1][13,2]", "W[2][1,2]", "W[3][2,1]"):
            person.page.locator(f"svg.net .hits [data-address='{address}']").first.evaluate(
                "(one) => one.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
            )
            person.until(f"document.querySelector('cr-inspector .where').textContent === {address!r}")
            person.page.locator(f"cr-inspector [data-address^='dC/d{address}']").first.evaluate(
                "(one) => one.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
            )
            person.until(f"document.querySelector('cr-inspector .where').textContent === 'dC/d{address}'")
            person.until("document.querySelector('cr-inspector .agrees').textContent !== ''")
            seen[address] = person.page.locator("cr-inspector .agrees").inner_text()[0]
        person.close()
    assert list(seen.values()) == ["✗", "✓", "✓"]
