"""What a notebook shows: the one door through which data reaches the room that draws it, by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from importlib import import_module
from typing import ClassVar


class Shown:
    """An object that a notebook shows as text, HTML or LaTeX.

    ``_shown_by`` names the function that draws it, as ``module:function``. It is imported when something is to be shown,
    takes the object, and returns a function without arguments for each MIME type.
    """

    _shown_by: ClassVar[str]

    def _drawn(self) -> Mapping[str, Callable[[], str]]:
        module, _, name = self._shown_by.partition(":")
        found: Mapping[str, Callable[[], str]] = getattr(import_module(module), name)(self)
        return found

    def _repr_html_(self) -> str:
        return self._drawn()["text/html"]()

    def _repr_latex_(self) -> str | None:
        latex = self._drawn().get("text/latex")
        return latex and latex()

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str]:
        """Return what a notebook may choose from, by MIME type: those in ``include`` (all if None) but ``exclude``."""
        made = self._drawn()
        kinds = [kind for kind in made if kind in (include or made) and kind not in (exclude or ())]
        return {kind: made[kind]() for kind in kinds}
