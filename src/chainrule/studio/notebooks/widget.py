"""The studio as a notebook's widget (the extra ``notebook``): the same page in a frame, over the kernel's own messages."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import anywidget
import traitlets

from chainrule._doors import FORM, through
from chainrule.errors import ChainruleError
from chainrule.model.model import Model
from chainrule.studio.protocol.messages import QUERIES, read_command, read_query
from chainrule.studio.studio import Studio
from chainrule.studio.taken.onefile import page_text
from chainrule.studio.taken.taking import taken_reply
from chainrule.studio.training.course import Course
from chainrule.studio.web.stream import json_ready

MOST_NEWS = 500
"""The most events that are kept for a page that doesn't ask."""


class StudioWidget(anywidget.AnyWidget):
    """A studio on a course, shown as the cell's output; it trains and answers in this kernel while the page is looked at.

    ``studio`` is what answers, ``model`` the model when the training has ended.
    """

    _esm = (files("chainrule.studio.notebooks") / "widget.js").read_text("utf-8")
    page = traitlets.Unicode().tag(sync=True)
    height = traitlets.Int(760).tag(sync=True)
    still = traitlets.Unicode().tag(sync=True)

    def __init__(self, course: Course, height: int = 760) -> None:
        self._news: list[tuple[int, str, Any]] = []
        self._seq = 0
        self._guard = threading.Lock()
        self.studio = Studio(course, self._hears)
        super().__init__(
            page=page_text('<script type="application/json" id="notebook">{}</script>'),
            height=height,
            still=f"chainrule-{id(self):x}",
        )
        self.on_msg(lambda _, asked, buffers: self._answers(asked))

    @property
    def model(self) -> Model | None:
        """The model of the training that the page shows; None while it goes on."""
        made = self.studio.made
        result = made.worker.result if made.tape.last is not None else None
        trained = None if result is None else made.course.scored(result)
        return None if trained is None else trained.model

    def close(self) -> None:
        """End the training, and the widget."""
        self.studio.close()
        super().close()

    # ---- messages

    def _hears(self, event: str, data: Mapping[str, Any]) -> None:
        """Keep what the studio publishes, from any thread, until the page asks for it; of frames that play the newest."""
        with self._guard:
            self._seq += 1
            if event == "frame" and data.get("playing"):
                self._news = [one for one in self._news if not (one[1] == "frame" and one[2].get("playing"))]
            self._news.append((self._seq, event, data))
            del self._news[:-MOST_NEWS]

    def _answers(self, asked: Any) -> None:
        """Answer a message of the page: it asks for news, for something to be done, or for something to be looked up."""
        if not isinstance(asked, dict) or not isinstance(asked.get("what"), str):
            return
        answer = ANSWERS.get(asked["what"], _looked_up)
        try:
            with through(FORM):
                data = answer(self, asked["what"], asked.get("asked") or {})
        except ChainruleError as error:
            data = {"problem": " ".join(str(error).split())}
        self.send({"view": asked.get("view"), "n": asked.get("n"), "data": json_ready(data)})

    def news(self, since: int) -> dict[str, Any]:
        """Return what was published since; at first the hello, the curve and the frame of now."""
        studio = self.studio
        with self._guard:
            news = [(event, data) for number, event, data in self._news if number > since]
            seq = self._seq
            self._news = [one for one in self._news if one[1] != "frame"] if since else self._news
        if not since:
            news = [("hello", studio.hello()), ("curve", studio.curve()), ("frame", studio.frame())]
        return {"news": news, "seq": max(seq, 1), "busy": studio.phase == "training"}

    # ---- what a notebook shows

    def _ipython_display_(self) -> None:
        """Show a picture that stays in the saved notebook, and the page, which takes its place while there is a kernel."""
        from IPython.display import display

        from chainrule.studio.taken.stills import still_page

        display({"text/html": still_page(self.studio, self.still), "text/plain": ""}, raw=True)
        shown = self._repr_mimebundle_()
        data, metadata = shown if isinstance(shown, tuple) else (shown, {})
        display(data, metadata=metadata, raw=True)


def _followed(widget: StudioWidget, _: str, asked: Mapping[str, Any]) -> Any:
    return widget.studio.command(read_command(json.dumps(asked).encode()))


def _told(widget: StudioWidget, _: str, asked: Mapping[str, Any]) -> Any:
    since = asked.get("since")
    return widget.news(since if isinstance(since, int) else 0)


def _taken(widget: StudioWidget, what: str, asked: Mapping[str, Any]) -> Any:
    return taken_reply(*widget.studio.take(read_query(what, asked)["what"]))


def _looked_up(widget: StudioWidget, what: str, asked: Mapping[str, Any]) -> Any:
    if what not in QUERIES or what == "stream":
        return {"problem": f"there is nothing called {what!r} to ask for"}
    query = read_query(what, asked)
    widget.studio.may(what, query)
    return getattr(widget.studio, what)(query)


ANSWERS: Mapping[str, Callable[[StudioWidget, str, Mapping[str, Any]], Any]] = {
    "news": _told,
    "command": _followed,
    "take": _taken,
}
"""What answers the page's messages; all others are questions of the protocol."""
