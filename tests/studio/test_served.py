"""The server and its stream: what tabs are told, who steers, how it all ends."""

import threading
import time

import pytest
from tests.studio.conftest import ASSETS, Client
from tests.studio.fake_studio import FakeStudio

from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.web.server import Server
from chainrule.studio.web.stream import FRAMES_A_SECOND, Hub, json_ready
from chainrule.studio.web.watching import FileWatch


def test_a_tab_is_told_all_that_it_needs_first(opened):
    stream = opened.stream()
    told = []
    for number, name, data in stream:
        assert wrong_event(name, data) == ""
        told.append((number, name))
        if name == "frame":
            break
    stream.close()
    assert [name for _, name in told] == ["hello", "status", "frame"]
    numbers = [number for number, _ in told]
    assert numbers == sorted(numbers)


def test_every_step_is_told(own):
    stream = own.stream()
    stream.until("frame")
    for by in (1, 2, 3):
        reply = own.command("step", grain="term", by=by)
        assert reply.data["ok"]
    assert [stream.until("frame")[1]["t"] for _ in range(3)] == [1, 3, 6]
    stream.close()


def test_a_tab_that_lost_its_connection_is_told_what_came_since(own):
    stream = own.stream()
    stream.until("frame")
    stream.close()
    for _ in range(5):
        own.command("step", grain="term", by=1)
    stream = own.stream()
    seen, _ = stream.until("frame")
    stream.close()
    stream = own.stream(since=seen)
    own.command("seek", t=42)
    number, name, data = next(iter(stream))
    stream.close()
    assert name == "frame", "what it has seen is not told again"
    assert data["t"] == 42
    assert number > seen


def test_a_number_of_another_run_begins_anew(own):
    stream = own.stream(since=10**6)
    assert next(iter(stream))[1] == "hello"
    stream.close()


def test_feature_25_a_command_is_done_once(opened):
    stream = opened.stream()
    stream.until("frame")
    before = opened.server.answers.t
    asked = {"protocol": 1, "client": opened.client, "n": 77, "do": "step", "grain": "term", "by": 1}
    replies = [opened.ask("POST", "/api/command", asked).data for _ in range(3)]
    stream.close()
    assert opened.server.answers.t == before + 1
    assert replies[0] == replies[1] == replies[2]


def test_a_persons_mistake_is_a_line_and_no_fault(own):
    stream = own.stream()
    stream.until("frame")
    answer = own.command("build")
    stream.close()
    assert (answer.status, answer.data) == (200, {"problem": "the fake builds nothing"})
    fault = own.command("step", grain="term")
    assert (fault.status, fault.data) == (400, {"problem": "step: 'by' is missing"})


def test_a_second_tab_watches_and_can_take_over(own):
    first = own.stream()
    first.until("frame")
    other = own.another()
    assert other.client != own.client
    second = other.stream()
    assert second.until("frame")[1]["driver"] == own.client
    assert "another window" in other.command("step", grain="term", by=1).data["problem"]
    assert other.command("take_over").data["ok"]
    assert second.until("frame")[1]["driver"] == other.client
    assert "another window" in own.command("step", grain="term", by=1).data["problem"]
    assert other.command("step", grain="term", by=1).data["ok"]
    first.close()
    second.close()


def test_whoever_comes_when_nobody_steers_does(own):
    first = own.stream()
    first.until("frame")
    first.close()
    deadline = time.monotonic() + 30
    while own.server.hub.clients() and time.monotonic() < deadline:
        time.sleep(0.01)
    other = own.another()
    stream = other.stream()
    assert next(data for _, name, data in stream if name == "frame" and data["driver"] == other.client)
    assert other.command("step", grain="term", by=1).data["ok"]
    stream.close()


def test_a_hidden_tab_keeps_steering_and_is_told_little(own):
    quiet = own.stream(quiet=True)
    assert next(iter(quiet))[1] == "status"
    assert own.client in own.server.hub.clients()
    quiet.close()


def test_a_duplicated_tab_gets_a_name_of_its_own(own):
    stream = own.stream()
    stream.until("frame")
    copy = own.ask("POST", "/api/session", {"client": own.client}).data
    assert copy["client"] != own.client
    stream.close()
    deadline = time.monotonic() + 30
    while own.server.hub.clients() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert own.ask("POST", "/api/session", {"client": own.client}).data["client"] == own.client
    assert own.ask("POST", "/api/session", {"client": "<b>"}).data["client"].isalnum()


def test_questions_are_answered(opened):
    assert opened.ask("GET", "/api/number?address=W%5B1%5D%5B1,2%5D").data["address"] == "W[1][1,2]"
    assert opened.ask("GET", "/api/picture?kind=score").data["title"] == "score"
    assert opened.ask("GET", "/api/take?what=model").data["base64"] == "AAE="
    assert opened.ask("GET", "/api/take?what=command").data["text"] == "chainrule command"
    assert opened.ask("GET", "/api/take?what=passwords").status == 400


def test_the_pages_files_are_served(served):
    for path, (kind, content) in ASSETS.items():
        answer = served.ask("GET", path)
        assert (answer.status, answer.body) == (200, content)
        assert answer.headers["content-type"].startswith(kind)


def test_the_end_button_ends_it():
    server = Server(FakeStudio, ASSETS)
    server.start()
    client = Client(server).open()
    stream = client.stream()
    stream.until("frame")
    waited = threading.Thread(target=server.wait)
    waited.start()
    assert client.command("end").data["ok"]
    waited.join(30)
    assert not waited.is_alive()
    server.stop()
    assert stream.until("bye")[1] == {"words": "the studio has ended"}
    assert list(stream) == []
    stream.close()
    assert server.answers.closed.is_set()
    with pytest.raises(OSError, match=r"."):
        client.ask("GET", "/")


def test_while_it_plays_the_newest_frame_wins():
    hub, frames = Hub(), []
    made = FakeStudio(lambda *_: None)
    hub.publish("hello", made.hello())

    async def read():
        async for part in hub.events("tab", 0, False):
            frames.extend(line for line in part.decode().splitlines() if line.startswith("event: "))

    import asyncio

    async def all_of_it():
        reader = asyncio.create_task(read())
        await asyncio.sleep(0.05)
        for t in range(3000):
            hub.publish("frame", {"t": t, "playing": True})
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        hub.publish("frame", {"t": 3001, "playing": False})
        hub.publish("bye", {"words": ""})
        await reader

    began = time.monotonic()
    asyncio.run(all_of_it())
    seconds = time.monotonic() - began
    assert frames.count("event: frame") <= seconds * FRAMES_A_SECOND + 3
    assert frames[-2:] == ["event: frame", "event: bye"]


def test_curves_are_told_together_to_who_comes_late():
    hub = Hub()
    hub.publish("hello", {})
    for epoch in (1, 2, 3):
        hub.publish(
            "curve", {"generation": 1, "epochs": [epoch], "training": [0.5 / epoch], "validation": None}
        )
    found = [event.data for event in hub._kept(0) if event.name == "curve"]
    assert found == [
        {"generation": 1, "epochs": [1, 2, 3], "training": [0.5, 0.25, 0.5 / 3], "validation": None}
    ]
    assert [event.data["epochs"] for event in hub._kept(3) if event.name == "curve"] == [[3]]
    hub.publish("hello", {})
    assert [event.name for event in hub._kept(0)] == ["hello"], "another course has its own curves"


def test_what_is_no_number_is_null():
    assert json_ready({"a": [float("nan"), float("inf"), 1.5], "b": (1, None, "x")}) == {
        "a": [None, None, 1.5],
        "b": [1, None, "x"],
    }


def test_a_file_that_changes_is_told_once(tmp_path):
    file, told = tmp_path / "a.csv", []
    file.write_text("a\n1\n")
    watch = FileWatch([file], lambda name, data: told.append((name, data["words"])), seconds=0.02)

    def wait(count):
        deadline = time.monotonic() + 30
        while len(told) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.1)
        return len(told)

    assert wait(0) == 0
    file.write_text("a\n1\n2\n")
    assert wait(1) == 1
    file.unlink()
    assert wait(2) == 2
    watch.stop()
    assert told[0] == (
        "problem",
        f"{file} has changed on the disk: the studio goes on with the rows that it has read",
    )
    assert "is no longer there" in told[1][1]
