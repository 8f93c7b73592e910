"""Looks whether the files that were read have changed on the disk meanwhile, and says so once for each change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SECONDS = 2.0

State = tuple[int, int, int] | None
"""A file's inode, size and time of change; None of one that isn't there."""


class FileWatch:
    """A thread that looks at files until it is `stop`ped, and publishes a problem for one that has changed."""

    def __init__(
        self, files: Sequence[Path], publish: Callable[[str, Any], None], seconds: float = SECONDS
    ) -> None:
        self._known = {file: _state(file) for file in files}
        self._publish = publish
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="studio-files", daemon=True)
        if self._known:
            self._thread.start()

    def stop(self) -> None:
        """End looking."""
        self._ended.set()

    def _run(self) -> None:
        seen = dict(self._known)
        while not self._ended.wait(self._seconds):
            for file, before in self._known.items():
                now, last = _state(file), seen[file]
                seen[file] = now
                if now != before and now == last:  # it is written no more
                    self._known[file] = now
                    self._publish("problem", _said(file, gone=now is None))


def _state(file: Path) -> State:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _said(file: Path, *, gone: bool) -> dict[str, str]:
    what = "is no longer there" if gone else "has changed on the disk"
    return {
        "words": f"{file} {what}: the studio goes on with the rows that it has read",
        "remedy": "start chainrule studio again to read the new ones",
    }
