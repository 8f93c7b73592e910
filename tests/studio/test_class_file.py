"""Feature 18's file for a class: what is asked stands in it, what is right doesn't, until it is answered."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.studio.leaks import tells

from browsers import CHROMIUM
from chainrule.cli import main
from chainrule.lessons.lesson import read_lesson
from chainrule.lessons.runner import Walk, setups_of
from chainrule.studio.taught import classfile
from chainrule.studio.taught.classfile import canonical, class_file, given_words, sealed


def truths(name: str) -> list[float]:
    walk = Walk(read_lesson(name))
    made = [walk.step(number).question for number in range(1, len(walk) + 1)]
    return [value for question in made if question is not None for value in question.values]


@pytest.fixture(scope="module")
def momentum() -> str:
    return class_file(read_lesson("momentum"), "oak")


def told(page: str) -> dict[str, Any]:
    found = re.search(r'id="class-data">(.*?)</script>', page, re.S)
    assert found is not None
    return dict(json.loads(found[1]))


def test_feature_18_nothing_right_stands_in_the_file(momentum: str) -> None:
    data = told(momentum)
    assert [tells(data, truth) for truth in truths("momentum")] == [""] * len(truths("momentum"))
    assert not re.search(r"\boak\b", json.dumps(data))
    assert len(data["parts"]) > 3
    assert all(set(part) == {"sealed"} for part in data["parts"][1:])


def test_feature_18_a_number_is_asked_for_with_what_it_is_worked_out_from(momentum: str) -> None:
    (step,) = [one for one in told(momentum)["parts"][0]["steps"] if "question" in one]
    given = json.dumps(step["given"])
    setup = next(iter(setups_of(read_lesson("momentum")).values()))
    assert all(f" = {number:g}" in given for number in (*setup.x[0], *setup.y[0]))
    assert f"learning rate {setup.eta:g}." in given
    rows = setups_of(read_lesson("and-or-xor"))
    assert given_words(next(iter(rows.values()))).startswith(
        "Given: row 1: (0, 0) with target (0); row 2: (0, 1)"
    )


def test_feature_18_an_answer_that_stands_in_it_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classfile, "sealed", lambda data, *_: json.dumps(data))
    data = told(class_file(read_lesson("momentum")))
    assert any(tells(data, truth) for truth in truths("momentum")) or "0.729" in str(data)


def test_feature_18_the_same_bytes_twice_and_nothing_from_elsewhere(momentum: str) -> None:
    assert class_file(read_lesson("momentum"), "oak") == momentum
    assert class_file(read_lesson("momentum"), "elm") != momentum
    head = momentum.partition("<style>")[0]
    assert "unsafe" not in head
    assert "default-src 'none'" in head
    assert not re.search(
        r'(?:src|href)="(?!data:)', momentum.partition('id="class-data"')[0].replace('href="#', "")
    )


def test_feature_18_both_sides_write_a_number_alike() -> None:
    assert [canonical(value, 3) for value in (0.7729284, 1234.5, -0.000123449, 10.0)] == [
        "7.73e-1", "1.23e3", "-1.23e-4", "1.00e1",
    ]  # fmt: skip


def test_feature_18_a_seal_opens_for_its_answer_alone() -> None:
    import base64
    import hashlib

    box = base64.b64decode(sealed({"a": [1, "ä"]}, "right", "salt"))

    def opened(answer: str) -> bytes:
        key = hashlib.pbkdf2_hmac("sha256", answer.encode(), b"salt", classfile.ROUNDS)
        stream = hashlib.pbkdf2_hmac("sha256", key, b"salt", 1, len(box))
        return bytes(a ^ b for a, b in zip(box, stream, strict=True))

    assert opened("right")[: classfile.TAG] == bytes(classfile.TAG)
    assert json.loads(opened("right")[classfile.TAG :]) == {"a": [1, "ä"]}
    assert opened("wrong")[: classfile.TAG] != bytes(classfile.TAG)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["momentum", "--word", "oak"], "say --shut, too"),
        (["--shut"], "name it"),
        (["momentum", "--shut", "--all"], "exclude each other"),
        (["momentum", "--shut", "--format", "latex"], "--shut writes a page"),
        (["momentum", "--shut", "--as", "nobody"], "nobody"),
    ],
)
def test_feature_18_what_a_class_file_can_t_be_is_said(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lesson", *words]) != 0
    shown = capsys.readouterr().err
    assert said in shown
    assert shown.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
@pytest.mark.parametrize(("width", "name"), [(1280, "article-5"), (320, "momentum")])
def test_feature_18_a_class_answers_it_without_a_server(
    browser: Any, tmp_path: Path, width: int, name: str
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is not installed")

    def violations(page: Any) -> list[Any]:
        # It sees no text in a header of mathematics.
        options = {"rules": {"empty-table-header": {"enabled": False}}}
        found = axe.Axe().run(page, options=options).response["violations"]
        return [(rule["id"], [node["html"][:200] for node in rule["nodes"]][:2]) for rule in found]

    file = tmp_path / "class.html"
    file.write_text(class_file(read_lesson(name), "oak"), "utf-8")
    walk = Walk(read_lesson(name))
    context = browser.new_context(viewport={"width": width, "height": 800}, offline=True)
    page = context.new_page()
    said: list[str] = []
    wanted: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: wanted.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector(".question input")
    first = next(one for number in range(1, len(walk) + 1) if (one := walk.step(number).question) is not None)
    assert first.slips or first.kind == "number"
    assert tells(page.content(), first.truth) == ""
    assert violations(page) == []
    page.locator(".question input").first.fill(f"{first.truth * 1.3:.4g}")
    page.keyboard.press("Enter")
    page.wait_for_selector(".said-to .mark")
    assert "Not yet" in page.locator(".said-to").first.inner_text()
    asked = 0
    for number in range(1, len(walk) + 1):
        question = walk.step(number).question
        if question is None:
            continue
        card = page.locator(".question").nth(asked)
        card.locator("input:visible").first.wait_for()
        if question.told:
            card.locator(f"input[value='{(question.right or 0) + 1}']").check()
        else:
            card.locator("input[type=text]").fill(f"{question.truth:.5g}")
        card.get_by_role("button", name="Answer").click()
        card.locator(".truth .label").wait_for(timeout=20_000)
        asked += 1
    page.wait_for_timeout(300)
    assert page.locator(".class-step").count() == len(walk)
    assert tells(page.content(), first.truth)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # The teacher's word opens a question, too.
    page.reload()
    page.locator("details summary", has_text="The teacher's word").first.click()
    page.get_by_label("The teacher's word").first.fill("oak")
    page.keyboard.press("Enter")
    page.locator(".truth .label").first.wait_for()
    assert said == []
    assert [url for url in wanted if not url.startswith(("file:", "data:"))] == []
    context.close()
