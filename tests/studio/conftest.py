"""Served studios for tests: a fake one behind the real server, asked through a real socket, and real ones in a browser."""

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.studio.fake_studio import FakeStudio
from tests.studio.studio_browser import penguins
from tests.studio.studio_browser import served as serving

from browsers import started
from chainrule.studio.web.server import Server

ASSETS = {
    "/": ("text/html", b"<!doctype html><p>here"),
    "/page/main.js": ("text/javascript", b"1;"),
    "/page/studio.css": ("text/css", b"p{}"),
}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks a server as a page does, with the token where it has one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.token = ""
        self.client = ""
        self.count = 0

    def ask(
        self, method: str, path: str, body: Any = None, *, keyed: bool = True, **headers: str | None
    ) -> Answer:
        given = {name.replace("_", "-"): value for name, value in headers.items() if value is not None}
        if self.token and keyed:
            given.setdefault("Authorization", f"Bearer {self.token}")
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if sent is not None:
            given.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            skips = {"skip_host": "Host" in given}
            connection.putrequest(method, path, **skips, skip_accept_encoding=True)
            for name, value in given.items():
                connection.putheader(name, value)
            if sent is not None:
                connection.putheader("Content-Length", str(len(sent)))
            connection.endheaders()
            if sent is not None:
                connection.send(sent)
            found = connection.getresponse()
            return Answer(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            connection.close()

    def open(self) -> "Client":
        code = self.server.address().partition("code=")[2]
        data = self.ask("POST", "/api/session", {"code": code}).data
        self.token, self.client = data["token"], data["client"]
        return self

    def another(self) -> "Client":
        """Another tab of the same browser, which has the token."""
        made = Client(self.server)
        made.token = self.token
        made.client = made.ask("POST", "/api/session", {}).data["client"]
        return made

    def command(self, do: str, **words: Any) -> Answer:
        self.count += 1
        asked = {"protocol": 1, "client": self.client, "n": self.count, "do": do, **words}
        return self.ask("POST", "/api/command", asked)

    def stream(self, since: int = 0, quiet: bool = False) -> "Stream":
        return Stream(self, since, quiet)


class Stream:
    """The events that a tab is told, one after the other."""

    def __init__(self, client: Client, since: int = 0, quiet: bool = False) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=30)
        path = f"/api/stream?client={client.client}&since={since}" + ("&quiet=1" if quiet else "")
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {client.token}"})
        self._answer = self._connection.getresponse()
        assert self._answer.status == 200, self._answer.read()
        assert self._answer.getheader("content-type").startswith("text/event-stream")

    def __iter__(self) -> Iterator[tuple[int, str, Any]]:
        number, name = 0, ""
        while line := self._answer.readline():
            kind, _, rest = line.decode().rstrip("\n").partition(": ")
            if kind == "id":
                number = int(rest)
            elif kind == "event":
                name = rest
            elif kind == "data":
                yield number, name, json.loads(rest)

    def until(self, name: str) -> tuple[int, Any]:
        """Read on to the next event of a name, and return its number and what it tells."""
        return next((number, data) for number, found, data in self if found == name)

    def close(self) -> None:
        self._answer.close()
        self._connection.close()


@pytest.fixture(scope="module")
def fake_server() -> Iterator[Server]:
    """A fake studio that is served, the same for all tests of a file."""
    server = Server(FakeStudio, ASSETS)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def served(fake_server: Server) -> Client:
    """A client that has not opened the page yet."""
    return Client(fake_server)


@pytest.fixture
def opened(served: Client) -> Client:
    return served.open()


@pytest.fixture
def own() -> Iterator[Client]:
    """A client of a server that is this test's own."""
    server = Server(FakeStudio, ASSETS)
    server.start()
    yield Client(server).open()
    server.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with started() as made:
        yield made


@pytest.fixture(scope="module")
def table() -> Iterator[Any]:
    """A studio on the penguins that is served."""
    with serving(penguins) as made:
        yield made
