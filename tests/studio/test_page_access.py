"""The page is open to all: axe in eight states, the whole way by keyboard, nothing moves for those who asked for that."""

import pytest
from tests.studio.studio_browser import Person, five, penguins, served

from browsers import CHROMIUM
from chainrule.studio.training.opening import opened_table

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "pixels.csv"
    rows = [",".join(str((i * 7 + r * 13) % 29 / 29) for i in range(784)) + f",d{r % 10}" for r in range(80)]
    path.write_text(",".join(f"p{i}" for i in range(784)) + ",digit\n" + "\n".join(rows) + "\n", "utf-8")
    with served(
        lambda: opened_table(str(path), {"target": "digit"}, {"hidden": (256, 128), "epochs": 2})
    ) as made:
        yield made


def violations(page):
    found = axe.Axe().run(page).response
    assert len(found["passes"]) > 20, "it did read the page"
    return [(rule["id"], [node["html"][:160] for node in rule["nodes"]][:3]) for rule in found["violations"]]


def _inspector(person):
    person.page.locator("svg.net [data-neuron]").last.evaluate(
        "(one) => one.dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    person.page.wait_for_selector("cr-inspector .line")


def _trained(person):
    person.press("t")
    person.until("document.querySelector('.phase').dataset.phase === 'ended'", 60)
    person.page.get_by_role("tab", name="Score").click()
    person.page.wait_for_selector("cr-panels .picture svg")


def _playing(person):
    person.press("6")
    person.page.keyboard.press(" ")
    person.until("document.querySelector('button.main').textContent.trim() === 'Pause'")


def _plane(person):
    person.page.locator("#tab-plane").click()
    person.until("Number(document.querySelector('cr-plane').dataset.pictures) > 0")
    person.page.locator("cr-plane summary").click()


def _mountain(person):
    person.press("5", "ArrowRight", "ArrowRight")
    person.page.locator("#tab-mountain").click()
    person.until("Number(document.querySelector('cr-hill').dataset.pictures) > 0")
    person.page.locator("cr-hill summary").first.click()


def _descents(person):
    _mountain(person)
    person.page.locator("cr-hill [data-value=race]").click()
    person.page.wait_for_selector(".upon .start:not([hidden])")


STATES = {
    "before training": lambda person: None,
    "playing": _playing,
    "paused in a forward pass": lambda person: person.press(
        "3", "ArrowRight", "ArrowRight", "1", "ArrowLeft", "ArrowLeft"
    ),
    "paused in a backward pass": lambda person: person.press(
        "4", *["ArrowRight"] * 4, "2", "ArrowRight", "ArrowRight"
    ),
    "before and after of an update": lambda person: person.press(
        "4", *["ArrowRight"] * 6, "1", "ArrowLeft", "ArrowLeft"
    ),
    "inspector open": _inspector,
    "the plane open": _plane,
    "the mountain open": _mountain,
    "descents open": _descents,
    "curves and score open": _trained,
}
LOOKS = [("desktop", "light"), ("desktop", "dark"), ("phone", "light"), ("phone", "dark")]


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
@pytest.mark.parametrize("state", STATES)
def test_feature_25_axe_finds_nothing(browser, table, state, size, scheme):
    person = Person(browser, table[0], size, scheme)
    person.press("r")
    STATES[state](person)
    person.page.wait_for_timeout(300)
    assert violations(person.page) == []
    assert person.page.evaluate("document.documentElement.scrollWidth") <= person.page.viewport_size["width"]
    if state == "playing":
        person.page.keyboard.press(" ")
    person.close()


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_feature_25_axe_finds_nothing_in_blocks(browser, large, size, scheme):
    person = Person(browser, large[0], size, scheme)
    assert violations(person.page) == []
    person.close()


def test_feature_25_axe_sees_a_planted_fault(browser, table):
    person = Person(browser, table[0])
    person.page.evaluate(
        """document.documentElement.removeAttribute('lang');
        document.querySelector('cr-data h2').style.color = '#ccc';
        document.querySelector('button.main').replaceChildren();"""
    )
    found = {rule for rule, _ in violations(person.page)}
    assert {"html-has-lang", "color-contrast"} <= found
    person.close()


def test_feature_05_a_large_network_is_small_on_the_page(browser, large):
    person = Person(browser, large[0])
    assert person.page.evaluate("document.querySelectorAll('*').length") < 3000
    assert person.page.locator(".block-mark").count() == 3
    assert person.page.locator("svg.net .hits [data-address]").count() <= 1500
    person.page.wait_for_timeout(600)
    before = person.page.evaluate("globalThis.drawn")
    assert before > 0
    person.page.wait_for_timeout(500)
    assert person.page.evaluate("globalThis.drawn") == before, "nothing is drawn when nothing changes"
    person.page.locator(".block-mark").nth(1).focus()
    person.page.keyboard.press("Enter")
    person.page.keyboard.type("200")
    person.page.keyboard.press("Enter")
    person.page.wait_for_selector("cr-inspector .line")
    assert person.page.locator("cr-inspector .where").inner_text() == "a[1][200]"
    person.close()


def test_feature_25_the_whole_way_by_keyboard(browser):
    with served(penguins) as (server, studio):
        person = Person(browser, server)
        keys = person.page.keyboard

        def tab_to(what, most=120):
            for _ in range(most):
                keys.press("Tab")
                if person.page.evaluate("(what) => document.activeElement.matches(what)", what):
                    return
            raise AssertionError(f"no way to {what}")

        # a setting, and start again
        tab_to("#set-hidden")
        keys.type("4")
        tab_to("cr-settings button[type=submit]")
        keys.press("Enter")
        person.until(
            "document.querySelectorAll('svg.net [data-address^=\"a[1]\"][data-neuron]').length === 4"
        )
        # into the network: one stop, then arrows; Enter asks, Escape leaves it where one was
        tab_to("svg.net [data-neuron]")
        keys.press("ArrowRight")
        keys.press("ArrowDown")
        here = person.page.evaluate("document.activeElement.dataset.address")
        assert here.startswith("a[1]")
        keys.press("Enter")
        person.page.wait_for_selector("cr-inspector .line")
        assert person.page.locator("cr-inspector .where").inner_text() == here
        keys.press("Escape")
        assert person.page.evaluate("document.activeElement.dataset.address") == here
        person.until("document.querySelector('cr-inspector').hidden")
        # train, rewind on the line of time, explain
        person.press("t")
        person.until("document.querySelector('.phase').dataset.phase === 'ended'", 60)
        tab_to(".slider")
        keys.press("Home")
        person.until("document.querySelector('.slider').getAttribute('aria-valuenow') === '0'")
        keys.press("PageUp")
        person.until("document.querySelector('.slider').getAttribute('aria-valuenow') !== '0'")
        keys.press("End")
        person.until(
            f"document.querySelector('.slider').getAttribute('aria-valuenow') === '{studio.frame()['frontier']}'"
        )
        # the score, and the list of keys, which can be turned off
        tab_to("[role=tab]")
        keys.press("ArrowRight")
        person.page.wait_for_selector("cr-panels .picture svg")
        keys.press("?")
        person.page.wait_for_selector("dialog[open]")
        person.page.get_by_label("single keys do this").uncheck()
        keys.press("Escape")
        count = person.sent()
        keys.press("r")
        person.page.wait_for_timeout(200)
        assert person.sent() == count
        # and take the command along
        tab_to(".menu > summary")
        keys.press("Enter")
        tab_to(".menu .pop > button:nth-of-type(3)")
        keys.press("Enter")
        person.page.wait_for_selector(".taken pre")
        assert person.page.locator(".taken pre").inner_text().startswith("chainrule train")
        person.close()


def test_feature_25_reduced_motion_moves_nothing(browser):
    def moves(**how):
        with served(five) as (server, _):
            person = Person(browser, server, **how)
            person.page.evaluate(
                """globalThis.seen = new Set();
                const watch = new MutationObserver((all) => all.forEach((one) => {
                  if (one.target.style.transform) globalThis.seen.add(one.target.style.transform);
                }));
                watch.observe(document.querySelector('.ghosts'), {subtree: true, attributes: true});"""
            )
            person.press("1", *["ArrowRight"] * 4)
            person.page.wait_for_timeout(700)
            seen = person.page.evaluate("[globalThis.seen.size, globalThis.drawn]")
            person.close()
            return seen

    still, lively = moves(reduced_motion="reduce"), moves(reduced_motion="no-preference")
    assert still[0] <= 3, "each term that flowed is where it ends"
    assert lively[0] > still[0] + 2
    assert lively[1] > still[1] + 4


def test_feature_25_targets_are_large_enough(browser, table):
    for size in ("desktop", "phone"):
        person = Person(browser, table[0], size)
        small = person.page.evaluate(
            """[...document.querySelectorAll('button, select, input, summary, .slider')]
              .filter((one) => one.getClientRects().length && !one.closest('[hidden]'))
              .map((one) => [one.outerHTML.slice(0, 80), (one.closest('label') ?? one).getBoundingClientRect()])
              .filter(([, box]) => box.width && (box.width < 23.5 || box.height < 23.5))
              .map(([text, box]) => [text, box.width, box.height])"""
        )
        assert small == []
        person.close()


def test_a_second_tab_watches_until_it_takes_over(browser):
    with served(five) as (server, _):
        person = Person(browser, server)
        first = person.page
        second = person.tab()
        second.bring_to_front()
        second.wait_for_selector(".notice.watch:not([hidden])")
        assert second.locator("button.main").is_disabled()
        second.get_by_role("button", name="Take over").click()
        second.wait_for_selector(".notice.watch", state="hidden")
        assert second.locator("button.main").is_enabled()
        second.keyboard.press("5")
        second.keyboard.press("ArrowRight")
        for page in (second, first):
            page.bring_to_front()
            for _ in range(100):
                if page.locator(".slider").get_attribute("aria-valuenow") == "1":
                    break
                page.wait_for_timeout(30)
            assert page.locator(".slider").get_attribute("aria-valuenow") == "1"
        first.wait_for_selector(".notice.watch:not([hidden])")
        person.close()


def test_playing_waits_while_one_points(browser):
    with served(five) as (server, studio):
        person = Person(browser, server)
        person.press("2")
        person.page.keyboard.press(" ")
        person.until("!document.querySelector('cr-stage').classList.contains('at-rest')")
        person.page.locator("svg.net [data-neuron]").nth(2).hover()
        person.until("document.querySelector('button.main').textContent.trim() === 'Play'")
        assert person.page.locator(".held-words").is_visible()
        place = studio.frame()["place"]["index"]
        person.page.wait_for_timeout(700)
        assert studio.frame()["place"]["index"] == place
        person.page.mouse.move(400, 5)
        person.until("document.querySelector('button.main').textContent.trim() === 'Pause'")
        person.page.keyboard.press(" ")
        person.settle()
        person.close()


def test_the_end_is_told(browser):
    with served(five) as (server, _):
        person = Person(browser, server)
        person.page.get_by_role("button", name="End", exact=True).click()
        assert server.ended.wait(10)
        server.stop()
        person.page.wait_for_selector(".notice.bad:not([hidden])")
        assert "ended" in person.page.locator(".notice.bad").inner_text()
        person.context.close()


def test_a_page_without_a_key_says_what_to_do(browser):
    with served(five) as (server, _):
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.wait_for_selector(".notice.bad:not([hidden])")
        assert "start the studio again, which prints a new one" in page.locator(".notice.bad").inner_text()
        context.close()
