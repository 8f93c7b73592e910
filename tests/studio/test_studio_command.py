"""``chainrule studio``: what its words open, what it refuses in a line, and how it ends."""

import http.client
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.studio.conftest import ASSETS, Client

import chainrule
from chainrule.cli import main
from chainrule.cli.commands.studio import _course, parser
from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.studio import Studio
from chainrule.studio.training.opening import asked_of, opened_lesson, opened_table
from chainrule.studio.web.server import Server, bound

SOURCE = Path(chainrule.__file__).parents[1]
PENGUINS = "examples/penguins.csv"


@contextmanager
def running(*words, cwd="."):
    """A studio in a process of its own; gives the process and the address it prints."""
    where = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "chainrule", "studio", *words, "--no-browser"]
    process = subprocess.Popen(
        command, cwd=cwd, env=where, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        ready, _, _ = select.select([process.stdout], [], [], 120)
        assert ready, "no address within two minutes"
        line = process.stdout.readline()
        assert "http://127.0.0.1:" in line, (line, process.stderr.read())
        yield process, "http" + line.partition("http")[2].strip()
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class Remote(Client):
    """A client of a studio in another process."""

    def __init__(self, address):
        code = address.partition("code=")[2]
        self.port = int(address.rpartition(":")[2].partition("/")[0])
        super().__init__(self)  # it asks for the port alone
        data = self.ask("POST", "/api/session", {"code": code}).data
        self.token, self.client = data["token"], data["client"]


def courses(*words):
    return _course(parser().parse(list(words)))


def test_columns_between_commas_are_several(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('"a,b",c,d,y\n' + "".join(f"{i},{i * i},{i % 3},{i % 2}\n" for i in range(40)))
    words = (str(path), "--target", "y", "--inputs", "a,b", "--inputs", "c,d", "--kinds", "d=category")
    question = asked_of(courses(*words)).question
    assert question.inputs == ["a,b", "c", "d"]
    assert question.kinds == {"d": "category"}


def test_without_words_it_opens_on_article_5():
    course = courses()
    assert (course.kind, course.network.sizes, course.notation) == ("lesson", (2, 2, 2), "article-5")
    assert courses("--lesson", "article-4").notation == "article-4"


def test_a_table_opens_on_a_small_network_unless_more_is_asked():
    course = courses(PENGUINS, "--target", "species")
    assert (course.network.sizes, course.members, str(course.engine.dtype)) == ((17, 8, 3), 1, "float64")
    assert course.plan.epochs == 200
    given = courses(
        PENGUINS, "--target", "species", "--hidden", "5,4", "--activation", "tanh", "--inputs", "sex,island"
    )
    assert given.network.sizes[1:] == (5, 4, 3)
    assert asked_of(given).question.inputs == ["sex", "island"]
    assert courses(PENGUINS, "--target", "species", "--fast").members == 2
    assert "the last column" in courses(PENGUINS).notes[0]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["nix.csv"], "nix.csv: there is no such file"),
        ([PENGUINS, "--target", "nix"], "the target 'nix' is not there"),
        (["m.safetensors"], "m.safetensors is a model: name its table, too: chainrule studio m.safetensors TABLE"),
        (["m.safetensors", PENGUINS], "m.safetensors"),
        ([PENGUINS, PENGUINS], f"{PENGUINS}"),
        (["a", "b", "c"], "give a table, or a model and its table"),
        (["--lesson", "nix"], "there is no lesson 'nix'"),
        (["--lesson", "article-4", PENGUINS], "a lesson has rows of its own"),
        (["--hidden", "3"], "--hidden is about a table alone: a lesson's network is as it says"),
        (["m.safetensors", PENGUINS, "--epochs", "3"], "--epochs is about a table alone: a model's training is as it was"),
        ([PENGUINS, "--optimizer", "lbfgs"], "lbfgs sees the whole table"),
        ([PENGUINS, "--refit"], "--refit trains twice"),
        ([PENGUINS, "--time-limit", "3"], "--time-limit is about a clock"),
        (["--port", "99999"], "--port 99999 must be from 1 to 65535"),
        (["--port", "x"], "--port: 'x' is not a whole number"),
        (["--host", "0.0.0.0"], "there is no option --host"),
    ],
)  # fmt: skip
def test_what_can_not_be_opened_is_said_in_a_line(capsys, words, problem):
    assert main(["studio", *words, "--no-browser"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("error: ")
    assert said.err.count("\n") == 1
    assert problem in said.err


def test_a_port_in_use_is_said_before_any_work(capsys):
    with bound() as taken:
        port = taken.getsockname()[1]
        assert main(["studio", "nix.csv", "--no-browser", "--port", str(port)]) == 2
    assert (
        capsys.readouterr().err
        == f"error: port {port} is in use; choose another --port, or leave it out for one that is free\n"
    )


@pytest.fixture(scope="module")
def lesson():
    server = Server(lambda publish: Studio(opened_lesson(), publish), ASSETS)
    server.start()
    yield server
    server.stop()


def test_all_that_a_studio_tells_has_its_shape(lesson):
    client = Client(lesson).open()
    stream = client.stream()
    told = iter(stream)
    seen = set()
    words = [
        ("step", {"grain": grain, "by": by})
        for grain in ("term", "neuron", "layer", "pass", "update", "epoch")
        for by in (1, 1, -1)
    ]
    words += [
        ("seek", {"t": 2, "place": {"pass": "backward", "layer": 1}}),
        ("member", {"number": 1}),
        ("row", {"number": 1}),
    ]
    words += [
        ("notation", {"name": "nielsen"}),
        ("play", {"grain": "term", "speed": 20, "direction": 1}),
        ("pause", {}),
        ("train", {}),
    ]
    for do, more in words:
        assert client.command(do, **more).data["ok"]
    deadline = time.monotonic() + 60
    ended = False
    for (
        _,
        name,
        data,
    ) in told:  # a status may come after the last frame: the stream orders each kind by itself
        assert wrong_event(name, data) == "", name
        seen.add(name)
        ended |= name == "frame" and data["phase"] == "ended" and not data["playing"]
        if ended and {"hello", "frame", "curve", "status"} <= seen:
            break
        assert time.monotonic() < deadline, seen
    stream.close()


def test_feature_20_no_target_of_a_test_row_is_told_before_it_is_asked_for(tmp_path):
    path = tmp_path / "rows.csv"
    prices = [100_003 + 7919 * i % 800_000 for i in range(90)]
    path.write_text(
        "size,town,price\n"
        + "".join(f"{i * 37 % 91},{'ab'[i % 2]},{price}\n" for i, price in enumerate(prices))
    )
    course = opened_table(str(path), {"target": ["price"]}, {"epochs": 4})
    hidden = [course.prepared.tested.cell(i, "price") for i in range(course.prepared.tested.n_rows)]
    assert len(hidden) == 18
    server = Server(lambda publish: Studio(course, publish), ASSETS)
    server.start()
    client = Client(server).open()
    stream = client.stream()
    parts = [client.command("row", number=int(course.numbers[0])).body, client.command("train").body]
    for _, name, data in stream:
        parts.append(json.dumps(data).encode())
        if name == "frame" and data["phase"] == "ended":
            break
    parts += [client.command("step", grain="update", by=-1).body]
    parts += [
        client.ask("GET", f"/api/picture?kind={kind}").body for kind in ("score", "residuals", "curves")
    ]
    parts += [client.ask("GET", f"/api/take?what={what}").body for what in ("command", "python")]
    before = b"".join(parts)
    shut = client.ask("GET", "/api/picture?kind=residuals&part=test").data
    assert "shut" in shut["problem"]
    assert client.command("open_test").data["ok"]
    after = client.ask("GET", "/api/picture?kind=residuals&part=test").body
    stream.close()
    server.stop()
    own = course.prepared.fitted.cell(0, "price")
    assert own.encode() in before, "a training row's target is told, so that this looks at the right thing"
    assert not [price for price in hidden if price.encode() in before]
    assert b"svg" in after


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_feature_25_ctrl_c_ends_it_while_it_trains(number):
    """The second that it may take is measured by the benchmark; this training would go on for hours."""
    with running(PENGUINS, "--target", "species", "--epochs", "1000000", "--no-early-stopping") as (
        process,
        address,
    ):
        client = Remote(address)
        stream = client.stream()
        stream.until("frame")
        assert client.command("train").data["ok"]
        time.sleep(1)
        process.send_signal(number)
        process.wait(60)
        stream.close()
        said = process.stderr.read()
    assert process.returncode == (0 if number == signal.SIGINT else 128 + number)
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_end_button_ends_the_program(tmp_path):
    with running(cwd=tmp_path) as (process, address):
        client = Remote(address)
        assert client.command("end").data["ok"]
        process.wait(60)
        assert process.returncode == 0
        assert process.stderr.read() == "the studio has ended\n"
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


@pytest.mark.slow
def test_a_tab_that_comes_back_finds_it_as_it_was():
    with running(PENGUINS, "--target", "species", "--epochs", "60") as (_, address):
        first = Remote(address)
        stream = first.stream()
        stream.until("frame")
        assert first.command("train").data["ok"]
        stream.close()  # the only tab is closed, and the training goes on
        first.client = first.ask("POST", "/api/session", {}).data["client"]
        stream = first.stream()
        frame = next(data for _, name, data in stream if name == "frame" and data["phase"] == "ended")
        stream.close()
        assert frame["frontier"] > 0
        stream = first.stream()
        told = []
        for _, name, data in stream:
            told.append((name, data))
            if name == "frame":
                break
        stream.close()
        assert {"hello", "curve", "frame"} <= {name for name, _ in told}
        assert told[-1][1]["t"] == frame["t"]


@pytest.mark.slow
def test_only_the_loopback_is_listened_on():
    with running() as (process, address):
        port = int(address.rpartition(":")[2].partition("/")[0])
        listening = Path(f"/proc/{process.pid}/net/tcp")
        if not listening.exists():
            pytest.skip("there is no /proc here")
        rows = [line.split() for line in listening.read_text().splitlines()[1:]]
        local = {row[1] for row in rows if row[3] == "0A" and int(row[1].partition(":")[2], 16) == port}
        assert local == {f"0100007F:{port:04X}"}
        others = [one[4][0] for one in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
        for other in others:
            if not other.startswith("127."):
                with pytest.raises(OSError, match=r"."):
                    http.client.HTTPConnection(other, port, timeout=1).connect()
