"""Studios served to a browser: the page as a person has it, and what the library says of the same numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import setups_of
from chainrule.studio.studio import Studio
from chainrule.studio.taught.taught import TaughtStudio
from chainrule.studio.training.opening import opened_lesson, opened_table
from chainrule.studio.web.assets import assets
from chainrule.studio.web.server import Server

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
PENGUINS = str(Path(__file__).parents[2] / "examples/penguins.csv")

FROZEN = "article-5"


@contextmanager
def served(make: Callable[[], Any], lesson: str | None = None) -> Iterator[tuple[Server, Studio]]:
    """Serve a studio on a course, or one that a lesson drives, until the end of the block."""
    server = Server(lambda publish: TaughtStudio(make(), publish, lesson=lesson), assets())
    server.start()
    try:
        assert isinstance(server.answers, Studio)
        yield server, server.answers
    finally:
        server.stop()


def five() -> Any:
    """Return article 5's network of two, two and two neurons."""
    return opened_lesson(FROZEN)


def penguins(**settings: Any) -> Any:
    """Return a small network on the penguins."""
    return opened_table(PENGUINS, {"target": "species"}, {"epochs": 20, **settings})


def traces(updates: int) -> list[Any]:
    """Return the traces of article 5's first updates, worked out by the lesson itself and not by the studio."""
    setup = next(iter(setups_of(read_lesson(FROZEN)).values()))
    made = []
    for _ in range(updates):
        made.append(setup.trace())
        setup.step()
    return made


COUNT = """
globalThis.drawn = 0;
for (const name of ["stroke", "fill"]) {
  const own = CanvasRenderingContext2D.prototype[name];
  CanvasRenderingContext2D.prototype[name] = function (...all) { globalThis.drawn += 1; return own.apply(this, all); };
}
"""


class Person:
    """Someone with a browser in front of the page: presses keys, points, reads."""

    def __init__(
        self, browser: Any, server: Server, size: str = "desktop", scheme: str = "light", **more: Any
    ) -> None:
        width, height = SIZES[size]
        self.server = server
        self.said: list[str] = []
        self.wanted: list[str] = []
        self.answered = 0
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, **more
        )
        self.context.add_init_script(COUNT)
        self.page = self.tab()

    def tab(self) -> Any:
        """Open the page in another tab of the same browser."""
        page = self.context.new_page()
        page.on("request", lambda request: self.wanted.append(request.url))
        page.on("response", self.hears)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(self.server.address())
        page.wait_for_selector("body:not(.waiting)")
        page.wait_for_selector("svg.net")
        return page

    def close(self) -> None:
        """Close the browser, and hold what it asked for and what it said against the rules."""
        self.context.close()
        own = f"http://127.0.0.1:{self.server.port}/"
        assert [url for url in self.wanted if not url.startswith((own, "data:"))] == []
        assert self.said == []

    def press(self, *keys: str) -> None:
        """Press keys one after the other, each when what the one before did is there."""
        for key in keys:
            count = self.sent()
            self.page.keyboard.press(key)
            self.settle(count if key in MOVES else None)

    def until(self, what: str, seconds: float = 20.0) -> None:
        """Wait until an expression holds on the page; its policy lets no text run in it, so it is asked again and again."""
        for _ in range(int(seconds / 0.03)):
            if self.page.evaluate(what):
                return
            self.page.wait_for_timeout(30)
        raise AssertionError(f"after {seconds} seconds still not: {what}")

    def hears(self, response: Any) -> None:
        """Count the commands that were answered."""
        self.answered += response.url.endswith("/api/command")

    def sent(self) -> int:
        """Return how many commands the page has sent."""
        return sum(url.endswith("/api/command") for url in self.wanted)

    def settle(self, more_than: int | None = None) -> None:
        """Wait until the page shows what the studio's frame is about."""
        if more_than is not None:
            for _ in range(100):
                if self.sent() > more_than and self.answered >= self.sent():
                    break
                self.page.wait_for_timeout(10)
        for _ in range(400):
            self.page.wait_for_timeout(15)
            assert isinstance(self.server.answers, Studio)
            frame = self.server.answers.frame()
            if self.where() == (frame["t"], place_text(frame)) and not frame["playing"]:
                return
        raise AssertionError(f"the page shows {self.where()}, the studio {frame['t']}, {frame['place']}")

    def where(self) -> tuple[int, str]:
        """Return the update and the place that the page shows."""
        now = self.page.locator(".slider").get_attribute("aria-valuenow")
        stage = self.page.locator("cr-stage")
        return int(now or -1), "" if "at-rest" in (stage.get_attribute("class") or "") else stage.locator(
            ".count"
        ).inner_text()

    def values(self, within: str = "body") -> dict[str, float]:
        """Return every number in a part of the page that says its address: by address."""
        read = """(box) => [...box.querySelectorAll('[data-address][data-value]')]
          .map((one) => [one.dataset.address, one.dataset.value])"""
        found = self.page.locator(within).first.evaluate(read)
        made: dict[str, float] = {}
        for address, text in found:
            if text in ("null", "NaN", ""):
                continue
            value = float(text)
            assert made.setdefault(address, value) == value or abs(made[address] - value) <= 1e-12 * abs(
                value
            ), address
        return made

    def table(self) -> dict[str, float]:
        """Return the numbers of the network's table twin."""
        twin = self.page.locator("cr-net .as-table")
        if twin.get_attribute("open") is None:
            twin.locator("summary").click()
        self.page.wait_for_selector("cr-net .twin")
        return self.values("cr-net .twin")


@contextmanager
def someone(browser: Any, server: Server) -> Iterator[Person]:
    """Let a person come to a studio that is served, from its start, until the end of the block."""
    made = Person(browser, server)
    made.press("r")
    yield made
    made.close()


MOVES = {"ArrowRight", "ArrowLeft", "r", "t"}


def place_text(frame: dict[str, Any]) -> str:
    """Return how the page counts a frame's place."""
    place = frame["place"]
    return "" if frame["stage"] is None else f"{place['index']:,}/{place['of'] - 1:,}"


def plain(address: str) -> str:
    """Return an address without its row and step."""
    return re.sub(r"@.*", "", address)
