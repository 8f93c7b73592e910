"""What can be recorded in a file: a studio, as far as the file needs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from chainrule.studio.training.made import Made
from chainrule.studio.training.runs import Runs
from chainrule.studio.training.session import SessionState


class Recordable(Protocol):
    """A studio that answers what its page asks."""

    made: Made
    state: SessionState
    runs: Runs

    def hello(self) -> dict[str, Any]:
        """Return what a page is told of the course."""

    def command(self, command: Mapping[str, Any]) -> dict[str, Any]:
        """Follow a command."""

    def picture(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a picture as nested lists, with its table."""

    def plane(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the network answers over two columns."""

    def mountain(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cost over two weights, or over the plane of the path."""

    def take(self, what: str) -> tuple[str, str, bytes]:
        """Return the name, kind and bytes of what is taken away."""
