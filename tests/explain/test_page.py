"""The page in a browser: headless Chromium shows it, axe-core reads it, keys and pointer light addresses.

Skipped where there is no Chromium, no Playwright or no axe-core; what needs no browser is in `test_render_html`.
"""

from itertools import pairwise

import numpy as np
import pytest
from tests.explain.samples import ALL
from tests.explain.shown import as_html
from tests.explain.test_attribution import PENGUINS, trained

from browsers import CHROMIUM, started
from chainrule import Dense, Network
from chainrule.explain.attribute.answer import answer
from chainrule.explain.derive.derivation import derive
from chainrule.explain.derive.walk import walk
from chainrule.explain.show.drawn import drawn_network, output_names
from chainrule.explain.trace.sources import trace_rows
from chainrule.explain.trace.steps import trace_network
from chainrule.explain.trace.trace import Trace

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

SIZES = {"desktop": (1280, 900), "phone": (375, 800)}


def small() -> Trace:
    network = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
    weights = {
        1: {"W": [[0.15, 0.25], [0.20, 0.30]], "b": [0.35]},
        2: {"W": [[0.40, 0.50], [0.45, 0.55]], "b": [0.60]},
    }
    return trace_network(network, weights, [[0.05, 0.10]], [[0.01, 0.99]])


def drawn(*sizes: int) -> Trace:
    """A classifier of these sizes with weights drawn at random, on one row."""
    rng = np.random.default_rng(7)
    hidden = [Dense(size, name) for size, name in zip(sizes[1:-1], ("relu", "tanh"), strict=True)]
    network = Network([sizes[0], *hidden, Dense(sizes[-1], "softmax")], "categorical_cross_entropy")
    weights = {
        number: {"W": rng.normal(size=(n_in, n_out)) / np.sqrt(n_in), "b": rng.normal(size=n_out) / 10}
        for number, (n_in, n_out) in enumerate(pairwise(sizes), 1)
    }
    return trace_network(network, weights, rng.uniform(size=(1, sizes[0])), np.eye(sizes[-1])[[3]])


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder with the pages, by name."""
    folder = tmp_path_factory.mktemp("pages")
    traces = {"small": small(), "middle": drawn(36, 26, 3, 4), "large": drawn(784, 256, 128, 10)}
    made = {
        "small": (walk(traces["small"]), traces["small"]),
        "weight": (derive(traces["small"], "dC/dW[1][2,1]", form="paths"), traces["small"]),
        "middle": (walk(traces["middle"]), traces["middle"]),
        "large": (walk(traces["large"]), traces["large"]),
        "all": (ALL, None),
    }
    for name, (derivation, trace) in made.items():
        network = None if trace is None or name == "weight" else drawn_network(trace)
        page = as_html(derivation, trace, origin={"row": "1"}, drawn=network)
        (folder / f"{name}.html").write_text(page, "utf-8")
    model = trained("species")
    trace, answers = trace_rows(model, PENGUINS, 17), (answer(model, model.table(PENGUINS), 16),)
    network = drawn_network(trace, outputs=output_names(model))
    page = as_html(walk(trace), trace, answers=answers, drawn=network)
    (folder / "answer.html").write_text(page, "utf-8")
    traces["answer"] = trace
    return folder, traces


@pytest.fixture(scope="module")
def browser():
    with started() as made:
        yield made


@pytest.fixture
def opened(browser, pages):
    """Opens a page and fails afterwards if it asked for anything else or wrote to the console."""
    contexts, wanted, said = [], [], []

    def open_page(name: str, size: str = "desktop", scheme: str = "light"):
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: wanted.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((pages[0] / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert {url for url in wanted if not url.startswith("data:")} <= {
        path.as_uri() for path in pages[0].iterdir()
    }
    assert said == []


@pytest.mark.parametrize(("size", "scheme"), [("desktop", "light"), ("phone", "dark")])
@pytest.mark.parametrize("name", ["middle", "all", "answer"])
def test_axe_finds_nothing(opened, name, size, scheme):
    page = opened(name, size, scheme)
    found = axe.Axe().run(page).response
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found["violations"]] == []
    assert len(found["passes"]) > 15  # it did read the page


def test_axe_sees_a_planted_fault(opened):
    page = opened("small")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    page.evaluate("document.querySelector('.rule').style.color = '#bbb'")
    found = {rule["id"] for rule in axe.Axe().run(page).response["violations"]}
    assert {"html-has-lang", "color-contrast"} <= found


@pytest.mark.parametrize("name", ["small", "weight", "large", "answer"])
def test_every_number_on_the_page_is_the_engines(opened, pages, name):
    page = opened(name)
    trace = pages[1]["small" if name == "weight" else name]
    numbers = page.evaluate(
        "[...document.querySelectorAll('[data-value]:not(td)')].map(({dataset: d, textContent: t}) => "
        "[d.address ?? null, d.value, d.engine ?? null, t])"
    )
    assert len(numbers) > 50
    addressed = [number for number in numbers if number[0] is not None]
    assert len(addressed) > 0.8 * len(numbers)
    for address, value, engine, _ in addressed:
        truth = trace[address]
        if engine is None:
            assert float(value) == truth, address
        else:  # the result of a line, which is worked out from the formula
            assert float(engine) == truth, address
            assert float(value) == pytest.approx(truth, rel=1e-12, abs=1e-15), address


@pytest.mark.parametrize("name", ["weight", "middle"])
def test_what_is_read_is_what_is_meant(opened, name):
    """The digits a reader sees are those of data-value, to as many digits as are shown."""
    page = opened(name)
    shown = page.evaluate(
        "[...document.querySelectorAll('[data-value]')].filter(e => e.matches('mn, .cell') && e.textContent)"
        ".map(e => [e.dataset.value, e.textContent])"
    )
    assert len(shown) > 20
    for value, text in shown:
        assert float(text.replace("−", "-")) == pytest.approx(float(value), rel=5e-6), text


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("name", ["large", "all"])
def test_nothing_sticks_out_of_the_page(opened, name, size):
    page = opened(name, size)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def lit(page) -> set[str]:
    return set(
        page.evaluate("[...document.querySelectorAll('.lit')].map(e => e.dataset.address ?? e.dataset.name)")
    )


def test_pointing_lights_the_address_everywhere(opened):
    page = opened("small")
    page.locator("li.line [data-address='a[1][2]']").first.hover()
    assert lit(page) == {"a[1][2]"}
    places = page.locator("[data-address='a[1][2]']").count()
    assert places > 5
    assert page.locator(".lit").count() == places
    status = page.get_by_role("status").inner_text()
    assert "a[1][2]" in status
    assert "0.596884378259767" in status
    assert "the activation of a neuron" in status
    page.locator("h1").hover()
    assert lit(page) == set()
    assert not page.locator(".inspector").is_visible()


def test_a_name_lights_in_its_part_only(opened):
    page = opened("weight")
    page.locator("[data-name='P_1']").first.hover()
    assert lit(page) == {"P_1"}
    # its own line, left and result, and the sum over all paths, as symbol and as number
    assert page.locator(".lit").count() == 4


def test_a_click_holds_the_light_and_escape_lets_go(opened):
    page = opened("small")
    page.locator("li.line [data-address='z[2][1]']").first.click()
    page.locator("h1").hover()
    assert lit(page) == {"z[2][1]"}
    page.keyboard.press("Escape")
    page.locator("h1").hover()
    page.evaluate("document.activeElement.blur()")
    assert lit(page) == set()


def test_keys_reach_every_number(opened):
    page = opened("small")
    groups = page.locator(".moves").count()
    numbers = page.locator("[data-address]:not(svg *)").count()  # those of a drawing stand in its table too
    stops = page.locator("[data-address][tabindex='0']").count()
    assert stops == groups
    assert stops < numbers / 5  # one for each group, not for each number
    reached = page.evaluate(
        """() => {
          const press = key => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
          return [...document.querySelectorAll(".moves")].map(group => {
            group.querySelector("[data-address]").focus();
            press("Home");
            const seen = new Set();
            while (!seen.has(document.activeElement)) {
              seen.add(document.activeElement);
              if (!document.activeElement.matches(".lit")) throw new Error("it is not lit");
              press("ArrowRight");
            }
            press("End");
            return [seen.size, group.querySelectorAll("[tabindex='0']").length];
          });
        }"""
    )
    assert sum(seen for seen, _ in reached) == numbers
    assert all(stops == 1 for _, stops in reached)


def test_arrows_up_and_down_follow_the_columns(opened):
    page = opened("small")
    # z[1][1] = w[1][1,1] · x[1] + …, and below it the numbers
    page.locator("li[id='line:z[1][1]'] [data-address='W[1][1,1]']").first.click()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.outerHTML").startswith("<mn")
    assert page.evaluate("document.activeElement.dataset.address") == "W[1][1,1]"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate("document.activeElement.dataset.address") == "z[1][1]"


def test_tab_order_and_the_way_to_a_line(opened):
    page = opened("small")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator(".cell[data-address='a[2][1]']").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.closest('li').id") == "line:a[2][1]"


def test_folded_parts_open_for_a_line_in_them_and_for_print(opened):
    page = opened("small")
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = false)")
    page.locator(".cell[data-address='a[1][1]']").focus()
    page.keyboard.press("Enter")
    assert page.locator("li.line[id='line:a[1][1]']").is_visible()
    page.evaluate("document.querySelectorAll('details').forEach(part => part.open = false)")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0


def test_paper_shows_the_calculation_alone(opened):
    page = opened("small", scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.result > math')).color") == "rgb(0, 0, 0)"
    assert not page.locator("nav").is_visible()
    assert page.locator("li.line").first.is_visible()


def test_a_large_network_opens_fast(opened, pages):
    assert (pages[0] / "large.html").stat().st_size < 600_000
    page = opened("large")
    assert page.locator(".cell").count() == 784 + 3 * (256 + 128 + 10)
    entry = page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    assert entry < 5000  # milliseconds; some hundreds where nothing else runs
