"""What stands before every request: one ASGI wrapper that lets through what is listed, and refuses all else.

Any website that one looks at can send requests to this machine, and any program on it can open a port. So a request has to name
our own host and port, to come from our own page where the browser says whence it comes, and to carry the token, which only a
page has that was opened by the address that the terminal printed. Nothing here looks at a file.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

MOST_BODY = 64 * 1024
MOST_HEADERS = 16 * 1024
MOST_QUERY = 4 * 1024
MOST_THROWN_AWAY = 16 * 1024 * 1024
SECONDS_OF_REFUSAL = 1.0
"""How much of a refused request is read, and how long, so that its sender is told the reason."""
SECONDS_OF_CODE = 60.0
"""How long the code in the address of a browser that we open is good for: others can read a program's words."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)


class Keys:
    """The token of this run, and the codes that are exchanged for it: each once.

    A code that the terminal shows holds until it is used; one that another program is told holds for a minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.token = secrets.token_urlsafe(32)
        self._clock = clock
        self._codes: dict[str, float | None] = {}
        self._lock = threading.Lock()

    def new_code(self, seconds: float | None = None) -> str:
        """Return a new code that can be exchanged once, within so many seconds if given."""
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = None if seconds is None else self._clock() + seconds
        return code

    def exchanged(self, code: str) -> str | None:
        """Return the token for a code that is good, which it then no longer is; None for any other."""
        with self._lock:
            found = next((known for known in self._codes if _same(known, code)), None)
            if found is None:
                return None
            end = self._codes.pop(found)
        return self.token if end is None or self._clock() <= end else None

    def opens(self, token: str) -> bool:
        """Tell whether a token is this run's."""
        return _same(self.token, token)


def _same(one: str, other: str) -> bool:
    return secrets.compare_digest(one.encode(), other.encode("utf-8", "surrogateescape"))


class Route(NamedTuple):
    """What may be asked for: ``free`` without a token, ``opens`` by a person who types or follows the address."""

    method: str
    path: str
    free: bool = False
    opens: bool = False


class Refusal(NamedTuple):
    """Why a request is refused: a status and one line."""

    status: int
    words: str


TOO_LARGE = Refusal(413, f"a request has at most {MOST_BODY // 1024} kB")


class Guard:
    """An ASGI application that hands on what is allowed; see the module.

    ``port`` is ours; ``routes`` are all that there is.
    """

    def __init__(self, app: App, port: int, routes: Iterable[Route], keys: Keys) -> None:
        self._app = app
        self._keys = keys
        self._hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        self._routes = {(route.method, route.path): route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        kind = scope["type"]
        if kind == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        if kind != "http":
            raise RuntimeError(f"a connection of the kind {kind} is not served")
        said = _Answer(send)
        sent = _Sent(receive)
        refusal = self.refusal(scope)
        if refusal is None and scope["method"] == "POST" and not await sent.read():
            refusal = TOO_LARGE
        if refusal is None:
            await self._app(scope, sent, said.send)
        else:
            await said.refuse(refusal, sent)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Return why a request is refused; None for one that is allowed."""
        headers = _Headers(scope["headers"])
        if headers.size > MOST_HEADERS or len(scope["query_string"]) > MOST_QUERY:
            return Refusal(431, "the head of the request is too large")
        host = headers.only("host")
        if host not in self._hosts:
            return Refusal(421, f"this is http://{self._hosts[0]}/ and no other host")
        if "upgrade" in headers:
            return Refusal(400, "the connection stays HTTP")
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        route = self._routes.get((scope["method"], path))
        if route is None:
            if any(path == known for _, known in self._routes):
                return Refusal(405, "this can't be done with it")
            return Refusal(404, "there is no such page")
        return (
            self._foreign(route, headers, host)
            or self._without_key(route, headers)
            or _body_of(route, headers)
        )

    def _foreign(self, route: Route, headers: _Headers, host: str) -> Refusal | None:
        """Return the refusal of what another page, or a frame, has sent."""
        if "origin" in headers and headers.only("origin") != f"http://{host}":
            return Refusal(403, "this comes from another page")
        allowed: Collection[str | None] = ("same-origin", "none") if route.opens else ("same-origin",)
        if "sec-fetch-site" in headers and headers.only("sec-fetch-site") not in allowed:
            return Refusal(
                403, "this comes from another page: type the address, or follow it in the terminal"
            )
        if route.opens and "sec-fetch-dest" in headers and headers.only("sec-fetch-dest") != "document":
            return Refusal(403, "the page stands in a window of its own")
        return None

    def _without_key(self, route: Route, headers: _Headers) -> Refusal | None:
        if route.free:
            return None
        scheme, _, token = (headers.only("authorization") or "").partition(" ")
        if scheme.lower() == "bearer" and self._keys.opens(token):
            return None
        return Refusal(401, "the key is missing or old: open the address that the terminal shows")


def _body_of(route: Route, headers: _Headers) -> Refusal | None:
    length = headers.only("content-length") or "0"
    if not (length.isascii() and length.isdigit()):
        return Refusal(400, "the length of the request is no number")
    if int(length) > MOST_BODY:
        return TOO_LARGE
    if route.method == "POST":
        if (headers.only("content-type") or "").partition(";")[0].strip().lower() != "application/json":
            return Refusal(415, "a request is JSON")
    elif length != "0" or "transfer-encoding" in headers:
        return Refusal(400, "a question has no body")
    return None


class _Headers:
    def __init__(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        self._found: dict[str, list[str]] = {}
        self.size = 0
        for name, value in pairs:
            self.size += len(name) + len(value) + 4
            self._found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def only(self, name: str) -> str | None:
        """Return a header's value; None where it is missing or given more than once."""
        values = self._found.get(name, ())
        return values[0] if len(values) == 1 else None


class _Sent:
    """What a request sends: read before the request is handed on, and then given; or thrown away behind its refusal."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._body: bytes | None = None
        self._over = False

    async def read(self) -> bool:
        """Read the whole body; False where it goes on and on, as it need not say how long it is."""
        parts: list[bytes] = []
        while not self._over:
            parts.append(await self._next())
            if sum(map(len, parts)) > MOST_BODY:
                return False
        self._body = b"".join(parts)
        return True

    async def throw_away(self) -> None:
        """Read what still comes, for a while.

        A connection that is closed on bytes that nobody has read is reset, and the answer can be lost with it: the sender
        would be told nothing (RFC 9112, 9.6).
        """
        left = MOST_THROWN_AWAY
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_OF_REFUSAL):
                while left > 0 and not self._over:
                    left -= len(await self._next())

    async def _next(self) -> bytes:
        message = await self._receive()
        self._over = message["type"] != "http.request" or not message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    async def __call__(self) -> Message:
        """Give the body that was read, and then what comes: that the page has gone."""
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Answer:
    """Puts the headers on every answer."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            ours = {name for name, _ in HEADERS}
            others = [(name, value) for name, value in message.get("headers", ()) if name.lower() not in ours]
            message = {**message, "headers": [*others, *HEADERS]}
        await self._send(message)

    async def refuse(self, refusal: Refusal, sent: _Sent) -> None:
        body = json.dumps({"problem": refusal.words, "status": HTTPStatus(refusal.status).phrase}).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body, "more_body": True})
        await sent.throw_away()
        await self.send({"type": "http.response.body", "body": b""})
