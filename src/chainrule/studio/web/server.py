"""The studio's server: a few routes on this machine alone, behind the guard.

It serves a dictionary of files that were read before it started, and no path from the network touches the disk. It runs in a
thread of its own, so that the thread that started it waits for Ctrl-C.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import secrets
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route as Served

from chainrule._doors import FORM, setting, through
from chainrule.errors import ChainruleError, OutputError
from chainrule.studio.protocol.messages import MessageError, read_command, read_query
from chainrule.studio.web.guard import SECONDS_OF_CODE, Guard, Keys, Route
from chainrule.studio.web.stream import Hub, json_ready

MOST_REPLIES = 64
SECONDS_TO_END = 0.4


class Answering(Protocol):
    """What the server asks: the studio, or what stands for it in tests."""

    def hello(self) -> dict[str, Any]:
        """Return what a page needs once."""

    def frame(self) -> dict[str, Any]:
        """Return what is shown now."""

    def command(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Do what is asked."""

    def may(self, what: str, query: Mapping[str, Any]) -> None:
        """Raise an error for a question that isn't answered now, of any of the following."""

    def number(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return how a number comes about."""

    def picture(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return a picture and its table."""

    def plane(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the network answers over two columns."""

    def mountain(self, query: Mapping[str, Any]) -> dict[str, Any]:
        """Return the cost over two weights, or over the plane of the path."""

    def take(self, what: str) -> tuple[str, str, bytes]:
        """Return a file to be taken: its name, its kind and its bytes."""

    def close(self) -> None:
        """End all that runs."""


def bound(port: int | None = None) -> socket.socket:
    """Return a socket on this machine alone, on a port that the system chooses unless one is given.

    Raises OutputError where the port is taken, or isn't ours to take.
    """
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port or 0))
        made.listen(64)
    except OSError as error:
        made.close()
        reasons = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not open to you"}
        why = reasons.get(error.errno or 0, f"can't be had ({error.strerror})")
        remedy = f"choose another {setting('port')}, or leave it out for one that is free"
        raise OutputError(f"port {port} {why}; {remedy}") from error
    made.set_inheritable(False)
    return made


class Server:
    """A studio that is served: `start` it, tell people its `address`, `wait` until it is ended, `stop` it.

    ``make`` is given what publishes an event, and returns what answers; ``assets`` are the page's files by their address. The
    socket is there from the beginning, so that a port in use is known before any work. `start` is `serve` and `begin`: between
    these the page loads, and what it asks waits.
    """

    def __init__(
        self,
        make: Callable[[Callable[[str, Any], None]], Answering],
        assets: Mapping[str, tuple[str, bytes]],
        port: int | None = None,
    ) -> None:
        self._socket = bound(port)
        self.port: int = self._socket.getsockname()[1]
        self.keys = Keys()
        self.hub = Hub()
        self.ended = threading.Event()
        self.answers: Answering | None = None
        self._begun = threading.Event()
        self._make = make
        self._assets = dict(assets)
        self._replies: OrderedDict[tuple[str, int], dict[str, Any]] = OrderedDict()
        self._in_order = asyncio.Lock()
        self._driver: str | None = None
        self._uvicorn = uvicorn.Server(self._config())
        self._thread = threading.Thread(target=self._run, name="studio-server", daemon=True)

    def serve(self) -> None:
        """Begin to serve the page."""
        self._thread.start()

    def begin(self) -> None:
        """Make what answers, and let it; what goes wrong then is told the page, too."""
        try:
            self.answers = self._make(self.hub.publish)
        except ChainruleError as error:
            self.stop(" ".join(str(error).split()))
            raise
        finally:
            self._begun.set()

    def start(self) -> None:
        """Begin to serve and to answer."""
        self.serve()
        self.begin()

    def address(self, *, shown: bool = True) -> str:
        """Return an address that opens the page once; one that isn't shown to a person holds for a minute."""
        code = self.keys.new_code(None if shown else SECONDS_OF_CODE)
        return f"http://127.0.0.1:{self.port}/#code={code}"

    def wait(self) -> None:
        """Wait until the page's end button, Ctrl-C, or the server's own end."""
        while not self.ended.wait(0.2):  # in short pieces, as on Windows nothing else lets Ctrl-C through
            if not self._thread.is_alive():
                return

    def stop(self, words: str = "the studio has ended") -> None:
        """End the training, the tabs' streams and the server, within seconds."""
        self.ended.set()
        self._begun.set()
        self.hub.publish("bye", {"words": words})
        if self.answers is not None:
            self.answers.close()
        self._uvicorn.should_exit = True
        if self._thread.is_alive():
            self._thread.join(SECONDS_TO_END)
            # A page that doesn't read on is not waited for.
            self._uvicorn.force_exit = True
            self._thread.join(SECONDS_TO_END)
        self._socket.close()

    def _run(self) -> None:
        self._uvicorn.run(sockets=[self._socket])

    def _config(self) -> uvicorn.Config:
        pages = [Route("GET", path, free=True, opens=path == "/") for path in self._assets]
        asked = {
            ("POST", "/api/session"): self._session,
            ("GET", "/api/stream"): self._stream,
            ("POST", "/api/command"): self._command,
            ("GET", "/api/number"): self._number,
            ("GET", "/api/picture"): self._picture,
            ("GET", "/api/plane"): self._plane,
            ("GET", "/api/mountain"): self._mountain,
            ("GET", "/api/take"): self._take,
        }
        known = [*pages, *(Route(method, path, free=path == "/api/session") for method, path in asked)]
        routes = [Served(path, self._page, methods=["GET"]) for path in self._assets]
        routes += [Served(path, answer, methods=[method]) for (method, path), answer in asked.items()]
        app = Guard(Starlette(routes=routes), self.port, known, self.keys)
        return uvicorn.Config(
            app, http="h11", ws="none", loop="asyncio", lifespan="off", interface="asgi3", log_config=None, log_level="critical",
            access_log=False, proxy_headers=False, server_header=False, h11_max_incomplete_event_size=32 * 1024,
            timeout_graceful_shutdown=1, timeout_keep_alive=60,
        )  # fmt: skip

    # ---- routes

    async def _page(self, request: Request) -> Response:
        kind, content = self._assets[request.url.path]
        return Response(content, media_type=kind)

    async def _session(self, request: Request) -> Response:
        """Exchange a code for the token, or give a tab that has the token a name of its own."""
        try:
            data = await request.json()
        except ValueError:
            data = None
        if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
            return _fault("a session is asked for by a code", 400)
        scheme, _, held = request.headers.get("authorization", "").partition(" ")
        token = self.keys.exchanged(data["code"]) if "code" in data else None
        if token is None and scheme.lower() == "bearer" and self.keys.opens(held):
            token = held
        if token is None:
            return _fault(
                "the code in the address has been used or is old: open the address that the terminal shows",
                401,
            )
        client = data.get("client", "")
        # A tab that was duplicated brings the name of the one that it is a copy of.
        if not (client.isalnum() and 8 <= len(client) <= 32) or client in self.hub.clients():
            client = secrets.token_hex(8)
        return JSONResponse({"token": token, "client": client})

    async def _stream(self, request: Request) -> Response:
        try:
            asked = read_query("stream", request.query_params)
        except MessageError as error:
            return _fault(str(error), 400)
        client, quiet = asked["client"], bool(asked.get("quiet"))
        if not quiet:
            await self._take_over_if_free(client)
        events = self.hub.events(client, max(0, asked.get("since", 0)), quiet)
        return StreamingResponse(events, media_type="text/event-stream")

    async def _take_over_if_free(self, client: str) -> None:
        """Let a tab that comes steer where no other that steers is there: the others watch."""
        async with self._in_order:
            if self._driver != client and self._driver not in self.hub.clients():
                self._driver = client
                await self._done({"do": "take_over", "client": client})

    async def _command(self, request: Request) -> Response:
        try:
            asked = read_command(await request.body())
        except MessageError as error:
            return _fault(str(error), 400)
        async with self._in_order:
            key = (asked["client"], asked["n"])
            if key not in self._replies:
                self._replies[key] = await self._done(asked)
                while len(self._replies) > MOST_REPLIES:
                    self._replies.popitem(last=False)
            reply = self._replies[key]
        if asked["do"] == "end" and "problem" not in reply:
            self.ended.set()
        return JSONResponse(json_ready(reply))

    async def _done(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        reply = await self._asked(lambda answers: answers.command(asked))
        if asked["do"] == "take_over" and "problem" not in reply:
            self._driver = asked["client"]
        return reply if "problem" in reply else {**reply, "seq": self.hub.seq}

    async def _number(self, request: Request) -> Response:
        return await self._looked_up("number", request, lambda answers, query: answers.number(query))

    async def _picture(self, request: Request) -> Response:
        return await self._looked_up("picture", request, lambda answers, query: answers.picture(query))

    async def _plane(self, request: Request) -> Response:
        return await self._looked_up("plane", request, lambda answers, query: answers.plane(query))

    async def _mountain(self, request: Request) -> Response:
        return await self._looked_up("mountain", request, lambda answers, query: answers.mountain(query))

    async def _take(self, request: Request) -> Response:
        def taken(answers: Answering, query: Mapping[str, Any]) -> dict[str, Any]:
            name, mime, content = answers.take(query["what"])
            if mime == "text/plain":
                return {"name": name, "mime": mime, "text": content.decode()}
            return {"name": name, "mime": mime, "base64": base64.b64encode(content).decode()}

        return await self._looked_up("take", request, taken)

    async def _looked_up(
        self, name: str, request: Request, answer: Callable[[Answering, Mapping[str, Any]], dict[str, Any]]
    ) -> Response:
        try:
            query = read_query(name, request.query_params)
        except MessageError as error:
            return _fault(str(error), 400)

        def found(answers: Answering) -> dict[str, Any]:
            answers.may(name, query)
            return answer(answers, query)

        return JSONResponse(json_ready(await self._asked(found)))

    async def _asked(self, answer: Callable[[Answering], dict[str, Any]]) -> dict[str, Any]:
        """Return an answer, found in a thread beside; a person's mistake is one line in the words of a form."""

        def found() -> dict[str, Any]:
            self._begun.wait()
            if self.answers is None:
                return {"problem": "the studio has ended"}
            try:
                with through(FORM):
                    return answer(self.answers)
            except ChainruleError as error:
                return {"problem": " ".join(str(error).split())}
            except MemoryError:
                return {
                    "problem": "there is not enough memory for it; choose smaller layers, or fewer rows or columns"
                }

        return await run_in_threadpool(found)


def _fault(words: str, status: int) -> Response:
    return JSONResponse({"problem": words}, status_code=status)
