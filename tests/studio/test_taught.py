"""Lessons that drive the studio, and questions before something is shown: what is right, what is withheld, what goes on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.studio.conftest import Client
from tests.studio.leaks import FORBIDDEN, all_that_can_be_asked, tells
from tests.studio.studio_browser import five, penguins, served

from chainrule.errors import SettingsError
from chainrule.lessons.lesson import lesson_names, read_lesson
from chainrule.lessons.printed import Printed
from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.taught import taught
from chainrule.studio.taught.taught import TaughtStudio
from chainrule.studio.training.opening import opened_lesson


@contextmanager
def teaching(lesson: str | None, course: Any = None) -> Iterator[tuple[TaughtStudio, list[tuple[str, Any]]]]:
    """Have a studio that begins with a lesson, and what it told."""
    told: list[tuple[str, Any]] = []
    made = TaughtStudio(
        course or opened_lesson(lesson or "article-5"), lambda *event: told.append(event), lesson=lesson
    )
    try:
        yield made, told
        assert [words for name, data in told if (words := wrong_event(name, data))] == []
    finally:
        made.close()


def do(studio: TaughtStudio, what: str, **words: Any) -> dict[str, Any]:
    """Give a command that is followed, and return what is told of the lesson then."""
    answer = studio.command({"do": what, **words})
    assert "problem" not in answer, answer
    return studio.lesson()


def comes(about: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds: an update that isn't made yet is waited for, and what is asked at it comes then."""
    ends = time.monotonic() + seconds
    while not about():
        assert time.monotonic() < ends, "it did not come"
        time.sleep(0.01)


def right_answer(studio: TaughtStudio) -> str:
    """Return what is to be answered, as a person who knows it would type it."""
    question = studio.tutor.question if studio.tutor is not None else studio.asker.question
    assert question is not None
    return str(question.right + 1) if question.right is not None else f"{question.truth:.6g}"


def does_what_is_asked(studio: TaughtStudio) -> None:
    """Do on the page what a step wants done."""
    until = studio.tutor.until if studio.tutor is not None else None
    if until is None:
        return
    if until["updates"]:
        do(studio, "step", grain="update", by=until["updates"])
    elif until["place"]:
        for _ in range(400):
            if studio.lesson()["lesson"]["until"]["done"]:
                break
            do(studio, "step", grain="neuron", by=1)
    else:
        edit = {"kind": "number", "address": until["changes"], "value": 0.25}
        do(studio, "edit", edits=[edit])
    for _ in range(100):
        if studio.lesson()["lesson"]["until"]["done"]:
            return
        time.sleep(0.05)


def names_told(studio: TaughtStudio, expect: dict[str, Printed]) -> int:
    """Hold the studio's own numbers against what a lesson expects of them; return how many there were."""
    count = 0
    tutor = studio.tutor
    assert tutor is not None
    for name, said in expect.items():
        if "." in name or not ("[" in name or name == "C"):
            continue
        try:
            studio.may("number", {"address": name})
            found = studio.number({"address": name})["value"]
        except SettingsError:
            continue  # a number of the move's own, or one that comes later
        if (
            found is not None
            and tutor.step.move in ("derive", "update")
            and not tutor.step.values.get("hand")
        ):
            assert said.holds(found), (name, found, str(said))
            count += 1
    return count


def played(name: str, *, asks_all: bool) -> tuple[int, int, int]:
    """Play a lesson to its end; return its steps, its questions, and the numbers of the page that were compared."""
    asked = compared = 0
    with teaching(name) as (studio, told):
        tutor = studio.tutor
        assert tutor is not None
        begin = 0
        for number in range(1, len(tutor.walk) + 1):
            assert tutor.number == number
            news = studio.lesson()
            question = tutor.question
            if question is not None:
                asked += 1
                assert news["lesson"]["nodes"] == []
                assert news["question"]["truth"] is None
                assert not news["lesson"]["may_go"]
                assert "problem" in studio.command({"do": "lesson", "number": number + 1})
                seen = [*told[begin:], *(all_that_can_be_asked(studio) if asks_all or asked == 1 else [])]
                for truth in question.values[:1] if question.kind in ("number", "sign") else question.values:
                    assert tells(seen, truth) == "", (name, number, question.words)
                news = do(studio, "answer", given=right_answer(studio))
                assert news["question"]["opened"]
                assert news["question"]["truth"]["nodes"]
                assert news["question"]["reply"]["right"]
                if tells(
                    [f"{question.truth:.6g}"] if question.values else [],
                    question.values[0] if question.values else 0.0,
                ):
                    assert tells(news, question.values[0]), "the test would not see it"
            assert news["lesson"]["nodes"]
            assert tutor.shown.ok
            compared += names_told(studio, tutor.step.values["expect"])
            does_what_is_asked(studio)
            assert studio.lesson()["lesson"]["may_go"]
            begin = len(told)
            if number < len(tutor.walk):
                do(studio, "lesson", number=number + 1)
        assert studio.lesson()["lesson"]["number"] == studio.lesson()["lesson"]["of"]
    return len(tutor.walk), asked, compared


@pytest.mark.parametrize("name", ["one-neuron"])
def test_feature_18_a_lesson_is_played_to_its_end(name: str) -> None:
    steps, asked, compared = played(name, asks_all=False)
    assert steps == len(read_lesson(name).steps)
    assert asked >= 3
    assert compared >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", lesson_names())
def test_feature_18_every_shipped_lesson_is_played_to_its_end(name: str) -> None:
    steps, asked, compared = played(name, asks_all=True)
    assert asked >= 3, "it can be clicked through without thinking"
    assert steps == len(read_lesson(name).steps)
    assert compared >= {"article-5": 10, "article-1": 6}.get(name, 0)


def test_feature_17_a_planted_leak_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taught, "masked", lambda frame, *_: frame)
    with pytest.raises(AssertionError, match="article-5"):
        played("article-5", asks_all=False)


@pytest.mark.parametrize("leak", ["may", "curve"])
def test_feature_17_a_leak_in_what_is_asked_for_is_found(monkeypatch: pytest.MonkeyPatch, leak: str) -> None:
    if leak == "may":
        monkeypatch.setattr(TaughtStudio, "may", lambda *_: None)
    else:
        monkeypatch.setattr(TaughtStudio, "_epochs_open", lambda _: None)
    with teaching(None) as (studio, told):
        do(studio, "predict", on=True)
        do(studio, "step", grain="update", by=2)
        for _ in range(200):
            if studio.frame()["t"] == 2 and studio.lesson()["question"] is not None:
                break
            time.sleep(0.02)
        question = studio.asker.question
        assert question is not None
        truth = question.values[0]
        if leak == "curve":
            for _ in range(200):
                if len(studio._curves.all["epochs"]) > 2:
                    break
                time.sleep(0.02)
            truth = studio._curves.all["training"][-1]
        seen = [told[-6:], all_that_can_be_asked(studio)]
        assert tells(seen, truth)


def test_feature_17_off_outside_lessons_until_it_is_wanted() -> None:
    with teaching(None) as (studio, _):
        news = studio.lesson()
        assert (news["lesson"], news["question"], news["asks"]) == (None, None, False)
        assert news["offer"]["name"] == "article-5"
        frame = studio.frame()
        assert "withheld" not in frame
        assert {"gradient", "weight"} <= set(frame["arrays"]["edges"])


@pytest.mark.parametrize("course", ["lesson", "table"])
def test_feature_17_asked_first_and_the_gap_shown(course: str) -> None:
    with teaching(None, penguins(hidden=(3,)) if course == "table" else None) as (studio, told):
        do(studio, "predict", on=True)
        assert studio.lesson()["question"] is None, "what was seen isn't asked"
        kinds = []
        for t in (1, 2, 3, 4):
            before = len(told)
            do(studio, "step", grain="update", by=1)
            studio.frame()
            for _ in range(100):
                if studio.frame()["t"] == t and studio.lesson()["question"] is not None:
                    break
                time.sleep(0.05)
            news = studio.lesson()
            question = studio.asker.question
            assert question is not None
            kinds.append(question.kind)
            frame = studio.frame()
            assert frame["withheld"]
            assert "gradient" not in frame["arrays"]["edges"]
            seen = [*told[before:], *all_that_can_be_asked(studio)]
            for truth in question.values:
                assert tells(seen, truth) == "", (t, question.words)
            for what, words in FORBIDDEN:
                assert studio.command({"do": what, **words})["problem"]
            given = right_answer(studio) if t % 2 else ("1" if question.told else "3.5")
            news = do(studio, "answer", given=given)
            assert news["question"]["opened"]
            assert news["question"]["truth"]["gap"]
            assert news["question"]["reply"]["given"] == given
            assert "withheld" not in studio.frame()
            assert "gradient" in studio.frame()["arrays"]["edges"]
        assert {"sign", "moves"} <= set(kinds)
        do(studio, "predict", on=False)
        do(studio, "step", grain="update", by=1)
        assert studio.lesson()["question"] is None


def test_feature_17_going_back_asks_nothing_again() -> None:
    with teaching(None) as (studio, _):
        do(studio, "predict", on=True)
        do(studio, "step", grain="update", by=1)
        comes(lambda: studio.lesson()["question"] is not None)
        assert not studio.lesson()["question"]["opened"]
        do(studio, "seek", t=0)
        comes(lambda: "withheld" not in studio.frame())
        do(studio, "seek", t=1)
        comes(lambda: studio.frame().get("withheld"))
        do(studio, "reveal")
        assert studio.lesson()["question"]["reply"] is None
        assert studio.lesson()["question"]["truth"]["gap"]


def test_feature_17_playing_stops_where_something_is_asked() -> None:
    with teaching(None) as (studio, _):
        do(studio, "predict", on=True)
        studio.command({"do": "play", "grain": "update", "speed": 16, "direction": 1})
        for _ in range(200):
            if not studio.frame()["playing"] and studio.frame()["t"]:
                break
            time.sleep(0.02)
        comes(lambda: studio.frame()["t"] == 1)
        assert studio.frame()["withheld"]
        assert studio.lesson()["question"] is not None


def test_feature_18_a_wrong_answer_is_named_and_nothing_told() -> None:
    with teaching("article-5") as (studio, told):
        do(studio, "lesson", number=2)
        question = studio.tutor.question if studio.tutor is not None else None
        assert question is not None
        begin = len(told)
        news = do(studio, "answer", given=f"{question.slips[0].value:.5g}")
        assert not news["question"]["opened"]
        assert question.slips[0].words in str(news["question"]["reply"]["nodes"]).replace("'", "'")
        assert tells(told[begin:], question.truth) == ""
        assert not news["question"]["may_reveal"]
        assert "try it first" in studio.command({"do": "reveal"})["problem"]
        assert "no number" in studio.command({"do": "answer", "given": "many"})["problem"]
        news = do(studio, "answer", given="123")
        assert news["question"]["may_reveal"]
        news = do(studio, "reveal")
        assert news["question"]["opened"]
        assert not news["lesson"]["may_go"], "the forward pass is still to be walked through"
        assert tells(news, question.truth)


def test_feature_18_steps_come_in_their_order_and_the_browser_remembers() -> None:
    with teaching("article-5") as (studio, _):
        assert "step 2 comes first" in studio.command({"do": "lesson", "number": 9})["problem"]
        news = do(studio, "lesson", number=10, passed=9)
        assert news["lesson"]["number"] == 10
        assert news["lesson"]["passed"] == 9
        do(studio, "lesson", number=3)
        assert studio.lesson()["lesson"]["nodes"], "a step that was passed is shown"
        assert "there is no step" in studio.command({"do": "lesson", "number": 99})["problem"]


def test_feature_18_lessons_are_named_not_read_from_a_path() -> None:
    with teaching("article-5") as (studio, _):
        for name in ("/etc/passwd", "../mine.toml", "mine.toml", ""):
            assert "there is no lesson" in studio.command({"do": "lesson", "name": name})["problem"]
        news = do(studio, "lesson", name="one-neuron")
        assert (news["lesson"]["name"], news["lesson"]["number"]) == ("one-neuron", 1)
        news = do(studio, "lesson", name=None)
        assert news["lesson"] is None
        assert "withheld" not in studio.frame()


def test_feature_18_the_page_stands_where_the_step_is() -> None:
    with teaching("momentum") as (studio, _):
        for number in range(1, 5):
            news = studio.lesson()
            if news["question"] is not None and not news["question"]["opened"]:
                do(studio, "answer", given=right_answer(studio))
            does_what_is_asked(studio)
            if number < 4:
                do(studio, "lesson", number=number + 1)
        comes(lambda: studio.frame()["t"] == 1)
        assert studio.number({"address": "W_new[1][1,1]"})["value"] == pytest.approx(0.72)


def test_feature_18_own_lessons_with_their_tables(tmp_path: Any) -> None:
    (tmp_path / "fruit.csv").write_text(
        "weight,length,fruit\n150,7,apple\n120,18,banana\n160,8,apple\n115,19,banana\n"
    )
    (tmp_path / "mine.toml").write_text(
        'title = "Fruit"\n[networks.main]\ntable = "fruit.csv"\nloss = "binary_cross_entropy"\nlearning_rate = 1\n'
        '[[networks.main.layers]]\nneurons = 1\nactivation = "sigmoid"\nW = [[0.3], [-0.4]]\n'
        '[[steps]]\nmove = "derive"\ntitle = "Forward"\naddresses = ["a[1][1]"]\nrows = [2]\n'
        '[[steps]]\nmove = "say"\ntext = "Now walk."\n[steps.until]\nupdates = 2\n'
        '[[steps]]\nmove = "train"\nepochs = 5\n'
    )
    file = str(tmp_path / "mine.toml")
    with teaching(file, opened_lesson(file)) as (studio, told):
        assert studio.frame()["row"] == 2
        assert studio.frame()["cells"]
        question = studio.lesson()["question"]
        assert question["kind"] == "number"
        assert tells([told, all_that_can_be_asked(studio)], studio.tutor.question.truth) == ""  # type: ignore[union-attr]
        do(studio, "answer", given=right_answer(studio))
        news = do(studio, "lesson", number=2)
        assert news["lesson"]["until"] == {
            "nodes": ["Make 2 updates: the page does one with each step of an update."],
            "done": False,
        }
        assert not news["lesson"]["may_go"]
        does_what_is_asked(studio)
        assert studio.frame()["t"] == 2
        assert "problem" in studio.command({"do": "step", "grain": "update", "by": 1}), (
            "the lesson comes to that later"
        )
        news = do(studio, "lesson", number=3)
        assert studio.frame()["t"] == 0
        assert news["question"]["guess"]


def test_feature_18_a_lesson_begins_on_a_page_too() -> None:
    with teaching(None) as (studio, told):
        before = len(told)
        news = do(studio, "lesson", name="article-5")
        assert news["lesson"]["number"] == 1
        hello = [name for name, _ in told].index("hello", before)
        assert all(data["withheld"] for name, data in told[hello:] if name == "frame")
    with teaching(None, penguins()) as (studio, _):
        assert studio.lesson()["offer"] is None
        assert (
            "a lesson has rows of its own" in studio.command({"do": "lesson", "name": "article-5"})["problem"]
        )


def test_feature_17_the_server_withholds_it_too() -> None:
    """Through a real socket: what is refused, what goes on, and what a tab that comes later is told."""
    with served(five, "article-5") as (server, studio):
        assert isinstance(studio, TaughtStudio)
        client = Client(server).open()
        do(studio, "lesson", number=2)
        refused = (
            "picture?kind=gradients",
            "picture?kind=score",
            "plane",
            "mountain?kind=slice",
            "take?what=model",
        )
        refused += (
            "take?what=page",
            "number?address=a%5B2%5D%5B2%5D",
            "number?address=dC/dW%5B2%5D%5B1,1%5D",
        )
        for words in refused:
            answer = client.ask("GET", f"/api/{words}")
            assert answer.status == 200, words
            assert "question first" in answer.data["problem"], words
        for words in ("take?what=command", "picture?kind=curves", "number?address=a%5B1%5D%5B2%5D"):
            assert "question first" not in str(client.ask("GET", f"/api/{words}").data.get("problem")), words
        stream = client.another().stream()
        told = [stream.until(name)[1] for name in ("lesson", "frame")]
        stream.close()
        assert told[0]["lesson"]["number"] == 2
        assert told[1]["withheld"]
        assert studio.tutor is not None
        assert studio.tutor.question is not None
        assert tells(told, studio.tutor.question.truth) == ""
