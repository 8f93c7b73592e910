"""The page in a browser, feature by feature: what a person does, and that each number shown is the library's."""

import itertools
import json
import math

import pytest
from tests.studio.studio_browser import Person, five, penguins, plain, served, someone, traces

from browsers import CHROMIUM

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def lesson():
    with served(five) as made:
        yield made


@pytest.fixture(scope="module")
def truth():
    return traces(40)


@pytest.fixture
def person(browser, lesson):
    with someone(browser, lesson[0]) as made:
        yield made


@pytest.fixture
def owner(browser, table):
    with someone(browser, table[0]) as made:
        yield made


def test_feature_02_steps_back_and_the_same_start(person):
    first = person.table()
    person.press("5", *["ArrowRight"] * 3)
    assert person.where()[0] == 3
    later = person.table()
    assert later != first
    person.press("ArrowLeft", "ArrowLeft")
    assert person.where()[0] == 1
    person.press("2", "ArrowRight", "ArrowRight", "ArrowLeft")
    assert person.where()[1] != ""
    person.press("r")
    assert person.where() == (0, "")
    assert person.table() == first
    person.press("5", *["ArrowRight"] * 3)
    assert person.table() == later


def test_feature_02_the_address_shows_the_same_again(person):
    person.press("5", "ArrowRight", "ArrowRight", "2", "ArrowRight", "ArrowRight")
    person.page.get_by_role("button", name="gradient", exact=True).first.click()
    person.page.locator("g[role=gridcell]").nth(3).click()
    person.page.wait_for_selector("cr-inspector .line")
    person.page.wait_for_timeout(200)
    before = (
        person.where(),
        person.page.locator("cr-inspector h2").inner_text(),
        person.page.url.partition("#")[2],
    )
    assert {"t=2", "color=gradient"} <= set(before[2].split("&"))
    assert "pin=" in before[2]
    person.page.reload()
    person.page.wait_for_selector("cr-inspector .line")
    person.settle()
    person.page.wait_for_timeout(200)
    assert before == (
        person.where(),
        person.page.locator("cr-inspector h2").inner_text(),
        person.page.url.partition("#")[2],
    )
    assert (
        person.page.get_by_role("button", name="gradient", exact=True).first.get_attribute("aria-pressed")
        == "true"
    )
    # An address that was copied leads there from elsewhere, too.
    person.press("r")
    person.page.goto("about:blank")
    person.page.goto(f"http://127.0.0.1:{person.server.port}/#{before[2]}")
    person.page.wait_for_selector("cr-inspector .line")
    person.until("document.querySelector('.slider').getAttribute('aria-valuenow') === '2'")
    person.settle()
    assert person.where() == before[0]


def test_feature_02_plays_pauses_and_runs_to_a_place(person):
    person.press("5")
    person.page.keyboard.press(" ")
    person.until("Number(document.querySelector('.slider').getAttribute('aria-valuenow')) >= 2")
    assert person.page.locator("button.main").inner_text().strip() == "Pause"
    person.page.keyboard.press(" ")
    person.until("document.querySelector('button.main').textContent.trim() === 'Play'")
    box = person.page.get_by_role("textbox", name="Number to run to")
    person.page.get_by_label("What the number counts").select_option("t")
    box.fill("17")
    box.press("Enter")
    person.until("document.querySelector('.slider').getAttribute('aria-valuenow') === '17'")
    box.fill("seven")
    box.press("Enter")
    assert box.get_attribute("aria-invalid") == "true"


def test_feature_03_rewinding_shows_the_same_bits(person):
    def go(t):
        person.page.get_by_label("What the number counts").select_option("t")
        box = person.page.get_by_role("textbox", name="Number to run to")
        box.fill(str(t))
        box.press("Enter")
        person.until(f"document.querySelector('.slider').getAttribute('aria-valuenow') === '{t}'")
        person.settle()
        return person.page.evaluate(
            "[...document.querySelectorAll('.twin [data-value]')].map((one) => one.dataset.value).join()"
        )

    person.table()
    there = go(200)
    assert go(3) != there
    assert go(200) == there


def test_feature_04_every_parameter_has_its_mark(person, lesson, truth):
    drawn = person.page.evaluate(
        "[...document.querySelectorAll('svg.net .hits [data-address]')].map((one) => one.dataset.address)"
    )
    weights = {f"W[{layer}][{i},{j}]" for layer, i, j in itertools.product((1, 2), repeat=3)}
    assert weights <= set(drawn)
    assert {"b[1][1]", "b[2][1]"} <= set(drawn)
    shown = person.table()
    assert weights <= set(shown)
    assert all(truth[0][address] == value for address, value in shown.items())
    written = person.page.evaluate(
        "[...document.querySelectorAll('svg.net .written text')].map((one) => [one.dataset.address, one.textContent])"
    )
    assert {address for address, _ in written} >= weights
    assert all(
        math.isclose(float(text.replace("−", "-")), truth[0][address], rel_tol=6e-4)
        for address, text in written
    )


def test_feature_04_inputs_have_their_columns_names_and_outputs_their_classes(owner):
    names = owner.page.evaluate(
        "[...document.querySelectorAll('svg.net .name')].map((one) => one.textContent)"
    )
    assert {"bill_depth_mm", "island: Dream", "Adelie", "Chinstrap", "Gentoo"} <= set(names)


def test_feature_06_live_numbers_under_the_pointer(person, truth):
    person.press("5")
    place = person.page.locator("svg.net .hits [data-address='W[2][1,1]']").first
    box = place.bounding_box()
    person.page.mouse.move(
        box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.5 if box["height"] > 4 else box["y"]
    )
    person.page.wait_for_selector(".readout:not([hidden])")
    for t in range(10):
        shown = person.values(".readout")
        assert shown["W[2][1,1]"] == truth[t]["W[2][1,1]"]
        assert math.isclose(shown["dC/dW[2][1,1]"], truth[t]["dC/dW[2][1,1]"], rel_tol=1e-12)
        text = person.page.locator(".readout output").first.inner_text().replace("−", "-")
        assert float(text) == truth[t]["W[2][1,1]"], "all digits are shown"
        person.press("ArrowRight")


def test_feature_06_a_pinned_number_follows_too(person, truth):
    person.press("5")
    person.page.locator("svg.net .written [data-address='W[1][2,1]']").click()
    for t in range(4):
        person.until(
            f"document.querySelector('cr-inspector .exact').dataset.value === '{truth[t]['W[1][2,1]']!r}'"
        )
        person.press("ArrowRight")


@pytest.mark.parametrize(
    "keys",
    [
        "",
        "2 ArrowRight ArrowRight",
        "4 ArrowRight ArrowRight ArrowRight",
        "4 ArrowRight ArrowRight ArrowRight ArrowRight 2 ArrowRight ArrowRight",
    ],
)
def test_feature_07_every_number_opens_its_line(person, truth, keys):
    person.press(*keys.split())
    person.table()
    asked = sorted(
        set(
            person.page.evaluate(
                """[...document.querySelectorAll('main [data-address]:not(svg *)')]
                  .filter((one) => one.getClientRects().length).map((one) => one.dataset.address)"""
            )
        )
    )
    assert len(asked) > 8
    for address in asked:
        element = person.page.locator(f"main [data-address={json.dumps(address)}]:not(svg *):visible").first
        element.evaluate("(one) => one.dispatchEvent(new MouseEvent('click', {bubbles: true}))")
        person.until(
            f"document.querySelector('cr-inspector .where').textContent.startsWith({json.dumps(plain(address))})"
        )
        person.until("document.querySelector('cr-inspector').getAttribute('aria-busy') === 'false'")
        said = person.page.locator("cr-inspector .agrees")
        assert "wrong" not in (said.get_attribute("class") or ""), (address, said.inner_text())
        assert person.page.locator("cr-inspector .answer-lines").inner_text().strip() != "", address
        value = float(person.page.locator("cr-inspector .exact").get_attribute("data-value"))
        now = truth[person.where()[0]]
        known = now[plain(address)] if now.has(plain(address)) else None
        if known is not None:
            assert math.isclose(value, known, rel_tol=1e-12, abs_tol=1e-300), address


def read_stage(person):
    """Return the stage's text, without what is still on its way."""
    return person.page.locator("cr-stage .stage-body").evaluate(
        "(body) => [...body.querySelectorAll('h2, .said, .terms, .total, .stage-lines')].map((one) => one.textContent).join('|')"
    )


def terms_of(person):
    """Return the numbers of the terms that are shown: the factors, the product, whether it is done; and the sum so far."""
    read = """() => [[...document.querySelectorAll('cr-stage .sum:not([hidden]) .term:not(.rest)')].map((row) => ({
        factors: [...row.querySelectorAll('.factors [data-value]')].map((one) => Number(one.dataset.value)),
        product: Number(row.querySelector('.product').dataset.part), done: row.classList.contains('done')})),
      Object.entries(document.querySelector('cr-stage .sum:not([hidden]) .total:not([hidden]) .product')?.dataset ?? {})
        .find(([name]) => name === 'part' || name === 'value')?.[1] ?? null]"""
    return person.page.evaluate(read)


def test_feature_08_the_forward_pass_adds_up_at_every_stop_and_goes_back_the_same_way(person, truth):
    person.press("1")
    seen, sums = [], []
    for _ in range(21):
        person.press("ArrowRight")
        seen.append(read_stage(person))
        terms, so_far = terms_of(person)
        for term in terms:
            assert math.isclose(math.prod(term["factors"]), term["product"], rel_tol=1e-15)
        if terms:
            assert math.isclose(
                math.fsum(term["product"] for term in terms if term["done"]), float(so_far), rel_tol=1e-12
            )
            sums.append(sum(term["done"] for term in terms))
    assert max(sums) == 3
    lit = person.page.evaluate(
        "[...document.querySelectorAll('svg.net g[role=gridcell].lit')].map((one) => one.dataset.address)"
    )
    assert lit
    for text in reversed(seen[:-1]):
        person.press("ArrowLeft")
        assert read_stage(person) == text
    assert truth[0]["z[1][1]"] == pytest.approx(0.3775)


def test_feature_08_stages_come_in_the_order_of_what_they_need(person, lesson):
    studio = lesson[1]
    person.press("2")
    known = {"x[1]", "x[2]"}
    for _ in range(8):
        person.press("ArrowRight")
        stage = studio.frame()["stage"]
        about = stage["lit"][0]
        shown = person.table()
        needed = {name for name in stage["lit"][1:] if name.startswith(("a[", "x["))} - {about}
        if studio.frame()["place"]["pass"] == "forward" and "softmax" not in stage["title"]:
            assert needed <= known | {about}
            known.add(about)
        assert {name for name in shown if name.startswith("a[")} <= known | {about}, (
            "what isn't worked out yet isn't shown"
        )


def test_feature_09_the_factors_shown_multiply_to_the_engines_derivative(person, truth):
    person.press("4", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "1")
    found = {}
    for _ in range(45):
        person.press("ArrowRight")
        if "update" in person.page.locator(".passes [aria-current]").inner_text():
            break
        terms, _ = terms_of(person)
        about = person.page.locator(".sum .total .product").first
        address = plain(about.get_attribute("data-address") or "") if about.count() else ""
        if address.startswith("dC/dW") and terms:
            found[address] = math.prod(terms[0]["factors"])
    assert {f"dC/dW[{layer}][{i},{j}]" for layer, i, j in itertools.product((1, 2), repeat=3)} <= set(found)
    for address, product in found.items():
        assert math.isclose(product, truth[0][address], rel_tol=1e-12), address


def test_feature_09_a_factor_that_is_wrong_by_a_thousandth_is_found(person, truth):
    person.press("4", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "1")
    total = person.page.locator("cr-stage .total .product")
    while not total.count() or not (total.get_attribute("data-address") or "").startswith("dC/dW"):
        person.press("ArrowRight")
    address = plain(total.get_attribute("data-address"))
    assert math.isclose(math.prod(terms_of(person)[0][0]["factors"]), truth[0][address], rel_tol=1e-12)
    factor = person.page.locator(".term .factors [data-value]").first
    factor.evaluate("(one) => { one.dataset.value = String(Number(one.dataset.value) * 1.001); }")
    assert not math.isclose(math.prod(terms_of(person)[0][0]["factors"]), truth[0][address], rel_tol=1e-6)


def test_feature_10_what_an_update_shows_is_what_comes_after_it(person, truth):
    person.press("4", *["ArrowRight"] * 3, "1")
    after = {}
    for _ in range(50):
        table = person.page.locator("cr-stage .before-after")
        if table.count():
            cells = person.values("cr-stage .before-after")
            after |= {name: value for name, value in cells.items() if name.startswith("W_new")}
        if person.where()[1] == "":
            break
        person.press("ArrowRight")
    assert len(after) == 8
    for name, value in after.items():
        assert value == truth[1][name.replace("_new", "")], name


def test_feature_20_a_point_of_the_curve_is_exact(owner, table):
    owner.press("t")
    owner.until("document.querySelector('.phase').dataset.phase === 'ended'", 60)
    curve = table[1].curve()
    chart = owner.page.locator("cr-curves .chart-box")
    chart.focus()
    for key, at in (("Home", 0), ("ArrowRight", 1), ("End", -1)):
        owner.page.keyboard.press(key)
        text = owner.page.locator("cr-curves .read").inner_text()
        assert f"epoch {curve['epochs'][at]}: training {curve['training'][at]!r}" in text.replace("−", "-")


def test_feature_20_test_rows_are_shut_until_asked(owner):
    owner.press("t")
    owner.until("document.querySelector('.phase').dataset.phase === 'ended'", 60)
    owner.page.get_by_role("tab", name="Score").click()
    owner.page.wait_for_selector("cr-panels .picture")
    assert owner.page.locator("cr-panels .picture .as-table").count() == 1
    owner.page.get_by_role("button", name="test rows", exact=True).click()
    owner.page.wait_for_timeout(300)
    assert not any("part=test" in url for url in owner.wanted)
    assert owner.page.locator("cr-panels .picture").count() == 0
    owner.page.get_by_role("button", name="Open the test rows").click()
    owner.page.wait_for_selector("cr-panels .picture")
    assert any("part=test" in url for url in owner.wanted)


def test_a_setting_is_changed_by_its_control_and_training_starts_again(browser):
    with served(penguins) as (server, studio):
        person = Person(browser, server)
        person.page.get_by_role("textbox", name="hidden").fill("5")
        assert "Changed: hidden." in person.page.locator(".settings").inner_text()
        person.page.get_by_role("button", name="Start again with these").click()
        person.until(
            "document.querySelectorAll('svg.net [data-neuron][data-address^=\"a[1]\"]').length === 5"
        )
        assert studio.frame()["generation"] == 2
        person.page.get_by_role("textbox", name="learning rate").fill("-3")
        person.page.get_by_role("button", name="Start again with these").click()
        person.page.wait_for_selector(".notice.bad:not([hidden])")
        assert "learning rate" in person.page.locator(".notice.bad").inner_text()
        person.close()


def test_a_point_of_the_curve_and_the_line_of_time_lead_to_their_update(owner, table):
    owner.press("t")
    owner.until("document.querySelector('.phase').dataset.phase === 'ended'", 60)
    each = table[1].hello()["steps_per_epoch"]
    chart = owner.page.locator("cr-curves .chart-box")
    chart.focus()
    owner.page.keyboard.press("Home")
    owner.page.keyboard.press("Enter")
    owner.until(f"document.querySelector('.slider').getAttribute('aria-valuenow') === '{each}'")
    line = owner.page.locator(".slider").bounding_box()
    owner.page.mouse.move(line["x"] + 30, line["y"] + 20)
    owner.page.mouse.down()
    owner.page.mouse.move(line["x"] + line["width"] / 2, line["y"] + 20, steps=6)
    owner.page.mouse.up()
    half = table[1].frame()["updates"] / 2
    owner.until(
        f"Math.abs(Number(document.querySelector('.slider').getAttribute('aria-valuenow')) - {half}) <= 1"
    )
    owner.settle()
    assert abs(table[1].frame()["t"] - half) <= 1
