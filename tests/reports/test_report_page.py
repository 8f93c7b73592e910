"""The page of a report in a browser: axe-core finds nothing, nothing is loaded or cut off, links open what is folded.

Skipped where there is no Chromium, no Playwright or no axe-core.
"""

from pathlib import Path

import pytest

import chainrule
from browsers import CHROMIUM, started

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]
PENGUINS = Path(__file__).parents[2] / "examples" / "penguins.csv"
FAST = {"engine": "reference", "members": 1, "hidden": [3], "epochs": 6}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A report of classes and one of numbers, by target, with what they are about."""
    folder, made = tmp_path_factory.mktemp("reports"), {}
    for target in ("species", "body_mass_g"):
        made[target] = chainrule.train(PENGUINS, target, **FAST)
        chainrule.report(made[target]).save(folder / f"{target}.html")
    return folder, made


@pytest.fixture(scope="module")
def browser():
    with started() as made:
        yield made


@pytest.fixture
def opened(browser, pages):
    """Opens a page and fails afterwards if it asked for anything else or wrote to the console."""
    contexts, wanted, said = [], [], []

    def open_page(name, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: wanted.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto((pages[0] / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert all(
        url.startswith("data:") or url.endswith((".html", *(f"#block-{n}" for n in range(40))))
        for url in wanted
    )
    assert said == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@pytest.mark.parametrize("name", ["species", "body_mass_g"])
def test_axe_finds_nothing_and_nothing_is_cut(opened, name, width, scheme):
    page = opened(name, width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    found = axe.Axe().run(page).response
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_link_of_the_contents_opens_what_is_folded(opened):
    page = opened("species")
    certificate = page.locator("details.section", has_text="Certificate").first
    assert not certificate.evaluate("one => one.open")
    page.get_by_role("link", name="Certificate: the numbers are right").click()
    page.wait_for_function("one => one.open", arg=certificate.element_handle())


def test_marks_have_the_models_numbers(opened, pages):
    trained = pages[1]["body_mass_g"]
    page = opened("body_mass_g")
    figure = page.locator("figure", has_text="predicted, true, and what is left").locator(".plot-wide")
    drawn = [
        float(value)
        for value in figure.locator("g:not([fill-opacity='0']) > circle").evaluate_all(
            "all => all.map(one => one.dataset.value)"
        )
    ]
    part = trained.prepared.tested
    predicted = trained.model.predict(part).labels
    left = part.column("body_mass_g").to_numpy() - predicted
    assert sorted(drawn) == sorted([*predicted.tolist(), *left.tolist()])


def test_what_is_folded_is_printed(opened):
    page = opened("species")
    page.emulate_media(media="print")
    inside = page.locator("details.section", has_text="Certificate").locator("table").first
    assert inside.bounding_box()["height"] > 50
