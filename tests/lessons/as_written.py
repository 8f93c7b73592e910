"""What makes a lesson an article as written: its sections in order, in each the move, the lines and the numbers."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chainrule.explain.show.document import Checked, Erratum
from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.lessons.printed import Printed
from chainrule.lessons.show.document import ShownStep

SIGNS = str.maketrans({"·": "*", "×": "*", "⋅": "*", "−": "-"})


class Part(NamedTuple):
    """A part of an article: where it stands there, the move that tells it, formulas as shown, numbers by name."""

    section: str
    move: str
    lines: tuple[str, ...] = ()
    numbers: Mapping[str, str] = {}


def bare(text: str) -> str:
    """A text without blanks, and with one sign for each operation."""
    return "".join(text.translate(SIGNS).split())


class Told(NamedTuple):
    """What a step of a lesson tells: its move, its text without blanks, and the numbers that came out, by name."""

    move: str
    text: str
    numbers: Mapping[str, float]


def told(steps: Sequence[ShownStep]) -> list[Told]:
    """What a lesson's steps tell."""
    return [
        Told(
            step.move,
            bare(plain_text(section_rows(step.section, 110))),
            {
                item.name: item.found
                for block in step.blocks
                if isinstance(block, Checked)
                for item in block.items
                if not item.expected.startswith("not ")
            },
        )
        for step in steps
    ]


def lacking(part: Part, step: Told) -> list[str]:
    """What a step lacks to be a part of the article."""
    if step.move != part.move:
        return [f"no {part.move}"]
    missing = [line for line in part.lines if bare(line) not in step.text]
    wrong = [
        f"{name} = {digits}"
        for name, digits in part.numbers.items()
        if name not in step.numbers or not Printed("", digits).holds(step.numbers[name])
    ]
    return missing + wrong


def unlike(parts: Sequence[Part], steps: Sequence[Told]) -> list[str]:
    """Which parts of an article are not told by a lesson's steps in the article's order, and what the next such step lacks."""
    complaints, begin = [], 0
    for part in parts:
        found = [lacking(part, step) for step in steps[begin:]]
        place = next((place for place, each in enumerate(found) if not each), None)
        if place is None:
            lacks = next((each for each in found if each != [f"no {part.move}"]), [f"no {part.move}"])
            complaints.append(f"{part.section}: {'; '.join(lacks)}")
        else:
            begin += place + 1
    return complaints


def errata(steps: Sequence[ShownStep]) -> list[str]:
    """What the errata of a lesson say is printed."""
    return [block.printed for step in steps for block in step.blocks if isinstance(block, Erratum)]
