"""The plane and the mountain in a file that is mailed: what its page asks for at an update, and the answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from chainrule.errors import ChainruleError
from chainrule.studio.taken.recordable import Recordable

SIDE = 48
"""The places on a side of a plane in a file."""


def recorded_views(studio: Recordable, t: int) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield what the page asks (the question's name and its words) at an update, and the answer, or why there is none."""
    layout = studio.made.course.layout
    asked: list[tuple[str, dict[str, Any], Callable[[Mapping[str, Any]], dict[str, Any]], dict[str, Any]]] = [
        ("plane", {"heat": 1, "points": 1}, studio.plane, {"side": SIDE}),
        *(("mountain", {"kind": kind}, studio.mountain, {"quick": 1}) for kind in ("slice", "path")),
        ("picture", {"kind": "weight", "name": layout.address(0)}, studio.picture, {"width": 430}),
        *(
            ("picture", {"kind": "line", "name": name}, studio.picture, {"width": 430})
            for name in ("gradient", "step")
        ),
    ]
    for what, words, answer, more in asked:
        query = {**words, "t": t}
        try:
            told = answer({**query, **more})
        except ChainruleError as error:
            told = {"problem": " ".join(str(error).split())}
        yield what, query, told
