"""Every kind of page as a reader has it: nothing is cut on a telephone or on paper, formulas are mathematics.

Skipped where there is no Chromium, no Playwright or no axe-core.
"""

from contextlib import chdir
from pathlib import Path

import pytest
from tests.code_like import code_like

from browsers import CHROMIUM, started
from chainrule.cli import main

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

EXAMPLES = Path(__file__).parents[2] / "examples"
OWN = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")
TYPED = ("learning_rate", "clip_norm", "weight_decay", "leaky_relu")
MODEL = "penguins.safetensors"
TRAIN = f"train penguins.csv --target species --out {MODEL} --members 2 --epochs 20 --hidden 12 --quiet"
PAGES = {
    "explain": f"explain {MODEL} penguins.csv --row 17",
    "describe": f"describe {MODEL}",
    "diagnose": f"diagnose {MODEL} penguins.csv",
    "check": f"check {MODEL} penguins.csv",
    "report": f"report {MODEL} penguins.csv",
    "importance": f"importance {MODEL} penguins.csv",
    "dependence": f"dependence {MODEL} penguins.csv --column bill_length_mm",
    "whatif": f"whatif {MODEL} penguins.csv --row 17 --set bill_length_mm=50",
    "derive": "derive sigmoid",
    "backprop": "derive backprop --loss binary_cross_entropy",
    "formulas": "formulas",
    "sheet": "sheet article-5 --variants 2",
    **{f"lesson-{n}": f"lesson article-{n} --all" for n in range(1, 6)},
}

OUTSIDE = """() => {
  document.querySelectorAll("details").forEach((one) => { one.open = true; });
  const scrolls = (element) => {
    for (let box = element.parentElement; box; box = box.parentElement) {
      if (["auto", "scroll"].includes(getComputedStyle(box).overflowX)) return true;
    }
    return false;
  };
  return [...document.body.querySelectorAll("*")].filter((element) => {
    const { width, right } = element.getBoundingClientRect();
    return width > 0 && right > innerWidth + 1 && !scrolls(element) && !element.closest("svg, .unseen, .skip");
  }).map((element) => `${element.tagName} ${element.textContent.trim().slice(0, 60)}`);
}"""

TOUCHING = """() => [...document.querySelectorAll(".equation")].flatMap((equation) => {
  const boxes = [...equation.querySelectorAll(".right")].map((right) => {
    const inner = [...right.querySelectorAll("math")].map((math) => math.getBoundingClientRect());
    return [Math.min(...inner.map((box) => box.top)), Math.max(...inner.map((box) => box.bottom))];
  });
  return boxes.slice(1).map(([top], place) => top - boxes[place][1]).filter((gap) => gap < 1);
})"""


SHOWN = """(all) => all.filter((one) => {
  const [above, below] = [one.firstElementChild, one.lastElementChild].map((part) => part.getBoundingClientRect());
  return below.bottom > above.bottom;
}).length"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder with a page of each kind."""
    made = tmp_path_factory.mktemp("pages")
    (made / "penguins.csv").write_bytes((EXAMPLES / "penguins.csv").read_bytes())
    with chdir(made):
        assert main(TRAIN.split()) == 0
        for name, words in PAGES.items():
            assert main([*words.split(), "--format", "html", "--out", f"{name}.html"]) == 0, name
    return made


@pytest.fixture(scope="module")
def browser():
    with started() as made:
        yield made


@pytest.fixture
def opened(browser, folder):
    """Opens a page, and fails afterwards if it wrote to the console."""
    contexts, said = [], []

    def open_page(name, width=1280, scheme="light", **how):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **how)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto((folder / f"{name}.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []


@pytest.mark.parametrize("name", PAGES)
def test_no_formula_reads_like_code(folder, name):
    page = (folder / f"{name}.html").read_text("utf-8")
    assert code_like(page, *OWN, *TYPED) == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_on_a_telephone(opened, name):
    page = opened(name, 390)
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate(TOUCHING) == []
    # What is wider than its box scrolls there, has a shade at its edge, and can be reached for that.
    wide = page.evaluate(
        "[...document.querySelectorAll('.table')].filter(box => box.scrollWidth > box.clientWidth + 1)"
        ".map(box => [box.tabIndex, getComputedStyle(box).backgroundImage.includes('gradient')])"
    )
    assert all(found == [0, True] for found in wide)
    # No table becomes a tower of single words, no caption takes two lines.
    lines = "e => Math.round(e.getBoundingClientRect().height / parseFloat(getComputedStyle(e).lineHeight))"
    assert all(n <= 1 for n in page.eval_on_selector_all(".grid caption", f"all => all.map({lines})"))
    assert all(n <= 4 for n in page.eval_on_selector_all(".grid.wraps th", f"all => all.map({lines})"))


def test_the_telephones_checks_find_what_is_planted(opened):
    page = opened("lesson-5", 390)
    page.evaluate("document.querySelector('p').style.width = '30rem'")
    assert any("P" in found for found in page.evaluate(OUTSIDE))
    page.evaluate("document.querySelectorAll('.equation').forEach(one => one.style.rowGap = '0')")
    page.evaluate(
        "document.querySelectorAll('.equation .right').forEach(one => one.style.marginTop = '-1rem')"
    )
    assert page.evaluate(TOUCHING) != []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "dark"), (390, "light")])
@pytest.mark.parametrize("name", ["lesson-4", "lesson-5", "formulas", "describe", "sheet"])
def test_axe_finds_nothing(opened, name, width, scheme):
    page = opened(name, width, scheme)
    # A header that is a formula is named by its label; axe looks for text that isn't MathML.
    found = axe.Axe().run(page, options={"rules": {"empty-table-header": {"enabled": False}}}).response
    unnamed = "th[scope=col]:has(> math):not([aria-label])"
    assert page.locator(unnamed).count() == 0
    assert [(rule["id"], [node["html"] for node in rule["nodes"]][:3]) for rule in found["violations"]] == []


def test_contents_are_beside_a_wide_page_and_folded_on_a_narrow_one(opened):
    wide, narrow = opened("lesson-5"), opened("lesson-5", 390)
    links = wide.locator("nav.contents a")
    assert links.count() == 23
    assert links.first.is_visible()
    assert not narrow.locator("nav.contents a").first.is_visible()
    wide.mouse.wheel(0, 6000)
    wide.wait_for_timeout(100)
    assert 0 <= wide.locator("nav.contents").bounding_box()["y"] < 100  # still there
    assert wide.locator("nav.contents [aria-current]").inner_text() != links.first.inner_text()


def test_keys_and_links_go_from_step_to_step(opened):
    page = opened("lesson-5")
    for key, step in (("ArrowRight", 2), ("ArrowRight", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement.id") == f"step-{step}"
        assert 0 <= page.locator(f"#step-{step}").bounding_box()["y"] < 400
    page.locator("nav.steps a[rel=next]").nth(3).click()
    assert page.evaluate("location.hash") == "#step-5"


def test_pointing_lights_an_address_in_every_step(opened):
    page = opened("lesson-5")
    page.locator("section:has(#step-2) li.line [data-address='a[1][2]']").first.hover()
    assert page.locator(".lit").count() == page.locator("[data-address='a[1][2]']").count() > 10
    assert "the activation of a neuron" in page.get_by_role("status").inner_text()
    page.keyboard.press("Escape")
    page.locator("section:has(#step-2) li.line [data-address='a[1][2]']").last.click()
    page.keyboard.press("Enter")
    line = page.evaluate("document.activeElement.closest('li.line').dataset.line")
    assert line == "a[1][2]"


def test_a_term_says_what_it_means_without_a_script(opened):
    page = opened("lesson-5", 390, java_script_enabled=False)
    term = page.locator("a.term").first
    term.hover()
    assert term.get_attribute("data-words").endswith(".")
    assert page.locator(f"{term.get_attribute('href')} dd").is_visible()
    # Without a script the page is whole, and its folded parts open by themselves.
    assert page.locator("section.section").count() == 23
    page.locator("details.found summary").first.click()
    assert page.locator("details.found table").first.is_visible()


@pytest.mark.parametrize("name", ["lesson-5", "explain", "report"])
def test_paper_has_all_that_is_folded_and_nothing_is_cut(opened, name):
    page = opened(name, 700)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    folded = page.locator("details:is(.part, .section)")
    assert folded.evaluate_all(SHOWN) == folded.count()
    assert not page.locator("nav").first.is_visible()
    assert page.evaluate(OUTSIDE) == []
    assert page.pdf(format="A4").startswith(b"%PDF")
