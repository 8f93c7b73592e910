"""What the studio tells, on its way to the tabs: kept as long as needed, the newest frame first, each tab at its own pace.

While a training plays only the newest frame is of interest, and at most `FRAMES_A_SECOND` of them; when one steps, each is
sent. What has been told is numbered, so that a tab that lost its connection asks for what came since.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FRAMES_A_SECOND = 30.0
SECONDS_TO_HEARTBEAT = 15.0
MOST_WAITING = 256
"""Frames that a tab has not taken yet: more are not kept, as the newest tells all."""

QUIET = ("status", "problem", "bye")
"""What a hidden tab is told."""


@dataclass
class Event:
    """One thing told: its number, its name, what it tells, and that as text from when it is first sent."""

    seq: int
    name: str
    data: Any
    plays: bool = False
    text: bytes = b""

    def bytes(self) -> bytes:
        """Return the event as the stream has it."""
        if not self.text:
            data = json.dumps(
                json_ready(self.data), ensure_ascii=False, separators=(",", ":"), allow_nan=False
            )
            self.text = f"id: {self.seq}\nevent: {self.name}\ndata: {data}\n\n".encode(
                "utf-8", "backslashreplace"
            )
        return self.text


def json_ready(value: Any) -> Any:
    """Return data as JSON can hold it: a number that is none is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {name: json_ready(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_ready(item) for item in value]
    return value


@dataclass
class Tab:
    """One connection of a page: what it has still to be told."""

    client: str
    quiet: bool
    wake: asyncio.Event
    waiting: deque[Event] = field(default_factory=deque)
    newest: Event | None = None

    def put(self, event: Event) -> None:
        """Keep an event until it is sent; a frame of a training that plays takes the place of the last."""
        if self.quiet and event.name not in QUIET:
            return
        if event.name == "frame" and event.plays:
            self.newest = event
        else:
            if event.name in ("frame", "hello"):
                self.newest = None
            self.waiting.append(event)
            if len(self.waiting) > MOST_WAITING:
                old = next((one for one in self.waiting if one.name == "frame"), self.waiting[0])
                self.waiting.remove(old)
        self.wake.set()


class Hub:
    """Takes what is told from any thread, and hands it to the tabs in the server's loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tabs: list[Tab] = []
        self._hello: Event | None = None
        self._frame: Event | None = None
        self._status: Event | None = None
        self._lesson: Event | None = None
        self._bye: Event | None = None
        self._curves: list[Event] = []

    def publish(self, name: str, data: Any) -> None:
        """Tell something; called from any thread."""
        with self._lock:
            if self._bye is not None:
                return
            self._seq += 1
            event = Event(self._seq, name, data, plays=name == "frame" and bool(data.get("playing")))
            if name == "hello":
                self._hello, self._frame, self._curves = event, None, []
            elif name == "frame":
                self._frame = event
            elif name == "status":
                self._status = event
            elif name == "lesson":
                self._lesson = event
            elif name == "curve":
                self._curves = [event] if data.get("whole") else [*self._curves, event]
            elif name == "bye":
                self._bye = event
            self._hand(event)

    @property
    def seq(self) -> int:
        """The number of what was told last."""
        return self._seq

    def clients(self) -> set[str]:
        """Return the clients that are connected."""
        with self._lock:
            return {tab.client for tab in self._tabs}

    async def events(self, client: str, since: int, quiet: bool) -> AsyncIterator[bytes]:
        """Give a tab what it has to be told from a number on, until the end or until it goes."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            tab = Tab(client, quiet, asyncio.Event())
            for event in self._kept(since):
                tab.put(event)
            self._tabs.append(tab)
        try:
            yield b": here\n\n"
            async for part in self._sent(tab):
                yield part
        finally:
            with self._lock:
                self._tabs.remove(tab)

    async def _sent(self, tab: Tab) -> AsyncIterator[bytes]:
        next_frame = 0.0
        while True:
            tab.wake.clear()
            while tab.waiting:
                event = tab.waiting.popleft()
                yield event.bytes()
                if event.name == "bye":
                    return
            now = time.monotonic()
            if tab.newest is not None and now >= next_frame:
                newest, tab.newest = tab.newest, None
                next_frame = now + 1 / FRAMES_A_SECOND
                yield newest.bytes()
                continue
            wait = SECONDS_TO_HEARTBEAT if tab.newest is None else next_frame - now
            try:
                await asyncio.wait_for(tab.wake.wait(), wait)
            except TimeoutError:
                if tab.newest is None:
                    yield b": here\n\n"

    def _kept(self, since: int) -> list[Event]:
        """Return what a tab lacks that has seen all up to a number."""
        if since > self._seq:
            since = 0  # of another run
        found = [
            self._hello,
            *_joined(self._curves, since),
            self._status,
            self._lesson,
            self._frame,
            self._bye,
        ]
        return [event for event in found if event is not None and event.seq > since]

    def _hand(self, event: Event) -> None:
        loop = self._loop
        if loop is None or loop.is_closed() or not self._tabs:
            return
        tabs = tuple(self._tabs)
        try:
            loop.call_soon_threadsafe(_put, tabs, event)
        except RuntimeError:  # the loop has ended meanwhile
            return


def _put(tabs: tuple[Tab, ...], event: Event) -> None:
    for tab in tabs:
        tab.put(event)


def _joined(curves: list[Event], since: int) -> list[Event]:
    """Return the points of the curves since a number as one event."""
    missing = [event for event in curves if event.seq > since]
    if len(missing) < 2:
        return missing
    data: dict[str, Any] = {}
    for name, first in missing[-1].data.items():
        parts = [event.data[name] for event in missing if name in event.data]
        data[name] = (
            [item for part in parts for item in part] if isinstance(first, list | tuple) else parts[0]
        )
    return [Event(missing[-1].seq, "curve", data)]
