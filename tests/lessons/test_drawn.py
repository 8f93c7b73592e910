"""The networks that lessons draw have the numbers of the lesson, and its author's names."""

import pytest

from chainrule.explain.show import render
from chainrule.explain.show.document import Picture, pictures
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import Walk
from chainrule.lessons.show.document import lesson_document


@pytest.fixture(scope="module")
def walk():
    made = Walk(read_lesson("article-5"))
    made.step(2)
    return made


def numbers_of(picture: Picture) -> dict[str, float]:
    marks = (mark for mark in picture.chart.marks if getattr(mark, "addresses", ()))
    return {a: v for mark in marks for a, v in zip(mark.addresses, mark.values, strict=True) if a}


def texts_of(picture: Picture) -> set[str]:
    return {text for mark in picture.chart.marks for text in getattr(mark, "texts", ())}


def test_the_weights_first_and_then_the_row(walk):
    (weights,) = pictures(walk.made[0].blocks)
    given = {"W[1][1,1]": 0.15, "W[1][2,1]": 0.20, "W[2][1,2]": 0.50, "W[2][2,2]": 0.55}
    assert {name: numbers_of(weights)[name] for name in given} == given
    assert {"i₁", "i₂", "outₒ₁", "outₒ₂"} <= texts_of(weights)
    (values,) = pictures(walk.made[1].blocks)
    found = numbers_of(values)
    assert found["a[2][1]"] == pytest.approx(0.75136507, abs=5e-9)
    assert found["x[2]"] == 0.10


def test_deltas_are_those_that_the_step_works_out():
    lesson = read_lesson("article-5")
    number = next(n for n, step in enumerate(lesson.steps, 1) if step.values.get("drawn") == "deltas")
    walk = Walk(lesson)
    (picture,) = pictures(walk.step(number).blocks)
    assert numbers_of(picture)["delta[2][1]"] == pytest.approx(0.138498562, abs=5e-10)


def test_layers_are_counted_as_the_author_does():
    walk = Walk(read_lesson("article-4"))
    (picture,) = pictures(walk.step(1).blocks)
    assert "layer 2, sigmoid" in texts_of(picture)
    assert "layer 1, sigmoid" not in texts_of(picture)


def test_pages_draw_them_and_texts_leave_them_out(walk):
    document = lesson_document(walk.lesson, walk.made)
    assert render(document, "html").count("<figure") >= 2
    assert "As a table" not in render(document, "text")
