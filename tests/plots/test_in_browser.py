"""Plots in a browser: a strict policy lets them be drawn, in light, dark and print, and nothing is cut or covered.

Skipped where there is no Chromium or no Playwright; what needs no browser is in `test_svg`.
"""

import pytest
from tests.plots.gallery import gallery, networks

from browsers import CHROMIUM, started
from chainrule.plots import SHEET, SHEET_HASH, figure, to_svg
from chainrule.plots.colors import COLORS
from chainrule.plots.svg.draw import NARROW, WIDE

pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")

pytestmark = [
    pytest.mark.slow,  # browsers run in .ci/run
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]

POLICY = f"default-src 'none'; style-src '{SHEET_HASH}'"
FAULTS = """() => {
  const found = [];
  for (const svg of document.querySelectorAll('svg.plot')) {
    const box = svg.getBoundingClientRect();
    if (!box.width) continue;
    const told = e => [e.lastChild?.data ?? '', e.getBoundingClientRect(), e.hasAttribute('transform')];
    const texts = [...svg.querySelectorAll('text')].map(told);
    texts.forEach(([text, r, turned], i) => {
      const beyond = [box.left - r.left, r.right - box.right, box.top - r.top, r.bottom - box.bottom - 2];
      if (Math.max(...beyond) > 1) found.push('cut: ' + text);
      for (const [other, q, also] of texts.slice(0, i)) {
        if (turned && also) continue;
        const beside = Math.min(r.right, q.right) - Math.max(r.left, q.left);
        const above = Math.min(r.bottom, q.bottom) - Math.max(r.top, q.top);
        if (beside > 0.5 && above > 3) found.push(`${text} on ${other}`);
      }
    });
  }
  if (document.documentElement.scrollWidth > innerWidth) found.push('the page is wider than the window');
  return found;
}"""


VISIBLE = (
    "() => [...document.querySelectorAll('figure > div')].filter(e => e.offsetHeight).map(e => e.className)"
)


def page(body):
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>plots</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{SHEET}</style></head><body>{body}</body></html>'
    )


@pytest.fixture(scope="module")
def browser():
    with started() as made:
        yield made


def figures():
    made = {name: figure(plot) for name, plot in gallery().items()}
    narrow = networks(NARROW)
    return made | {name: figure(plot, narrow[name]) for name, plot in networks(WIDE).items()}


@pytest.mark.parametrize(("width", "shown"), [(1280, "plot-wide"), (390, "plot-narrow")])
def test_a_strict_policy_lets_them_be_drawn_and_nothing_is_cut(browser, width, shown):
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    tab = context.new_page()
    said = []
    tab.on("console", lambda message: said.append(message.text))
    tab.on("pageerror", lambda error: said.append(str(error)))
    for name, body in figures().items():
        tab.set_content(page(body))
        assert tab.evaluate(FAULTS) == [], name
        visible = tab.evaluate(VISIBLE)
        assert visible == [shown], name
    assert said == []


@pytest.mark.parametrize(
    ("scheme", "media", "theme"),
    [("light", "screen", "light"), ("dark", "screen", "dark"), ("dark", "print", "light")],
)
def test_colors_follow_the_page_and_are_light_in_print(browser, scheme, media, theme):
    tab = browser.new_page()
    tab.emulate_media(color_scheme=scheme, media=media)
    plot = gallery()["importance"]
    follows = '<head><meta name="color-scheme" content="light dark">'
    text = page(to_svg(plot)).replace("<head>", follows)
    tab.set_content(text)
    fill = tab.evaluate("() => getComputedStyle(document.querySelector('rect[data-value]')).fill")
    color = COLORS[theme]["1"]
    assert fill == f"rgb({', '.join(str(int(color[i : i + 2], 16)) for i in (1, 3, 5))})"


def test_a_file_alone_is_drawn_with_its_own_sheet(browser, tmp_path):
    path = tmp_path / "plot.svg"
    path.write_text(to_svg(gallery()["confusion"], alone=True), "utf-8")
    tab = browser.new_page()
    tab.emulate_media(color_scheme="dark")
    tab.goto(path.as_uri())
    fill = tab.evaluate("() => getComputedStyle(document.querySelector('rect.f-paper')).fill")
    assert fill == "rgb(23, 25, 29)"
