"""A lesson as a document: a section for each step, with blocks that any format can print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule.errors import SettingsError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation
from chainrule.explain.show.document import (
    Beside,
    Block,
    Checked,
    Document,
    Formulas,
    GridBlock,
    Section,
    SeeAlso,
    Styled,
    Words,
    Worked,
)
from chainrule.explain.show.formulas import formula_data
from chainrule.explain.show.json import block_to_data, notation_data
from chainrule.explain.show.showing import Showing, names_of
from chainrule.formula.stated import Stated
from chainrule.lessons.asking import LessonQuestion
from chainrule.lessons.lesson import Lesson

WIDTH = 80
"""The width of text that goes to no terminal."""

OPEN, MOST_OPEN = 1, 3
"""How many derivations of a step a page leaves open where it has more than so many."""

COLUMNS = ("As printed", "Here")
"""What stands above a text's own formulas, and above what is made of them."""


@dataclass(frozen=True)
class ShownStep:
    """One step of a lesson as it is shown: its number from 1, of how many, its move, title and blocks.

    ``states`` are the formulas of the text that it follows, ``announces`` is what that leaves out; ``pictures`` are the steps,
    by number and title, that show it in pictures.
    """

    number: int
    count: int
    move: str
    title: str
    blocks: tuple[Block, ...]
    naming: Naming | None = None
    states: tuple[Stated, ...] = ()
    announces: str = ""
    pictures: tuple[tuple[int, str], ...] = ()
    question: LessonQuestion | None = None
    """What is to be predicted before the step is shown, where the studio tells it."""

    @property
    def ok(self) -> bool:
        """Whether every expected number came out, and every check within a derivation holds."""
        checked = all(block.ok for block in self.blocks if isinstance(block, Checked))
        return checked and all(block.derivation.ok for block in self.blocks if isinstance(block, Worked))

    @property
    def section(self) -> Section:
        """The step as a part of a document."""
        return Section(
            self.title,
            (*_folded(self.blocks), *self._seen),
            f"Step {self.number} of {self.count}",
            self.naming,
            f"step-{self.number}",
        )

    @property
    def beside(self) -> Section:
        """The step as a part of a document, with the text's own formulas left of it."""
        left: list[Block] = [Formulas(self.states)] if self.states else []
        left += [Words(f"Announced, and left open: {self.announces}.")] if self.announces else []
        whole = self.section
        return replace(whole, blocks=(Beside(tuple(left), whole.blocks, COLUMNS),))

    @property
    def _seen(self) -> tuple[SeeAlso, ...]:
        sections = tuple((f"step-{number}", f"step {number}: {title}") for number, title in self.pictures)
        return (SeeAlso("In pictures:", sections),) if sections else ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; in a notation it has the names of the addresses as text, LaTeX and MathML."""
        made = {
            "number": self.number,
            "move": self.move,
            "title": Showing(naming=self.naming).words(self.title),
            "states": list(map(formula_data, self.states)),
            "announces": self.announces,
            "pictures": [number for number, _ in self.pictures],
            "blocks": [block_to_data(block) for block in self.blocks],
            "ok": self.ok,
        }
        if self.naming is not None and self.naming.notation.names:
            made["names_of"] = notation_data(self._names(), self.naming)["names_of"]
        return made

    def _names(self) -> Iterator[str]:
        """Yield the names in derivations, tables and checks: addresses, and others."""
        for block in self.blocks:
            match block:
                case Worked(derivation):
                    yield from names_of(derivation)
                case GridBlock():
                    yield from sorted(block.names)
                case Checked(items):
                    yield from (item.name for item in items)


def _folded(blocks: Sequence[Block]) -> Iterator[Block]:
    """Yield the blocks of a step; of many derivations all but the first are shut on a page."""
    worked = [block for block in blocks if isinstance(block, Worked)]
    shut = worked[OPEN:] if len(worked) > MOST_OPEN else []
    for block in blocks:
        is_shut = any(block is one for one in shut)
        yield replace(block, folded=True) if is_shut and isinstance(block, Worked) else block


def lesson_document(lesson: Lesson, steps: Sequence[ShownStep], *, beside: bool = False) -> Document:
    """Return the document of the given steps, with ``beside`` the text's own formulas left of each."""
    failed = sum(not step.ok for step in steps)
    verdict = f"in {failed} step{'s' * (failed != 1)} a number did not come out as expected" if failed else ""
    data = {
        "lesson": lesson.name,
        "title": lesson.title,
        "source": lesson.source,
        "notation": notation(lesson.told_in or lesson.notation).to_dict(),
        "steps": [step.to_dict() for step in steps],
        "ok": not failed,
    }
    return Document(
        lesson.title,
        tuple(step.beside if beside else step.section for step in steps),
        source=lesson.source,
        verdict=Styled(verdict, "wrong") if failed else None,
        data=data,
        width=WIDTH,
        contents=len(steps) > 1,
    )


def check_states(lesson: Lesson) -> None:
    """Raise SettingsError for a lesson that has no formulas of a text to be set beside its own."""
    if not any(step.values["states"] or step.values["announces"] for step in lesson.steps):
        what = "the lesson has no formulas of a text: article-1 to article-5 have some"
        raise SettingsError(f"{lesson.where.file}: {what}, and a step of your own says them as states = […]")
