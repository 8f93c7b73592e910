"""An article as it is written, as a table: its sections, formulas and numbers, and what of them a lesson hasn't got."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from chainrule.explain.show.terminal import plain_text, section_rows
from chainrule.lessons.lesson import Lesson
from chainrule.lessons.show.document import ShownStep


@dataclass(frozen=True)
class Article:
    """``sections`` in the article's order, in our words: each with the moves and titles that tell it, in their order.

    ``formulas``: by a step's title what its lines show; ``numbers``: by a step's title names of numbers as printed.
    """

    sections: Mapping[str, Sequence[tuple[str, str]]]
    formulas: Mapping[str, Sequence[str]]
    numbers: Mapping[str, Mapping[str, str]]


def missing(article: Article, lesson: Lesson, shown: Sequence[ShownStep]) -> Iterator[str]:
    """Yield what a lesson, as it was walked through, has not, or not in the article's order."""
    told = [(step.move, step.values["title"]) for step in lesson.steps]
    wanted = [step for steps in article.sections.values() for step in steps]
    if told != wanted:
        place = next((n for n, pair in enumerate(zip(told, wanted, strict=False)) if pair[0] != pair[1]), -1)
        yield f"the steps part at {place}: {told[place]} and not {wanted[place]}"
    if not all(step.ok for step in shown):
        yield f"a check fails in step {next(step.number for step in shown if not step.ok)}"
    texts = {step.title: plain_text(section_rows(step.section, 110)) for step in shown}
    for title, lines in article.formulas.items():
        whole = " ".join(texts.get(title, "").split())
        yield from (f"{title}: no line {line}" for line in lines if line not in whole)
    expected = {step.values["title"]: step.values["expect"] for step in lesson.steps}
    for title, numbers in article.numbers.items():
        for name, printed in numbers.items():
            found = expected.get(title, {}).get(name)
            if found is None or found.digits != printed:
                yield f"{title}: {name} is not expected to be {printed}"
