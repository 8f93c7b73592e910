"""Running an export: what a run says, and programs in processes of their own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from chainrule._types import FloatArray, IntArray
from chainrule.errors import ChainruleError
from chainrule.exports.program import Program
from chainrule.exports.run.made_rows import CellRows
from chainrule.tables.spelling.values import float_text, is_plain_number

TIME = 600
"""The most seconds that a run may take."""


class SaidOfRows(NamedTuple):
    """What an export says of rows: its numbers (n, …), the place of each target's class (n, targets) or None, and who ran it."""

    answers: FloatArray
    places: IntArray | None
    by: str


class CantRun(Exception):
    """There is nothing here that runs an export."""


class ExportError(ChainruleError):
    """An export doesn't run, or doesn't say what the model says."""


def called(command: Sequence[str], text: bytes = b"", *, cwd: Path | None = None) -> bytes:
    """Return what a program writes; raises ExportError with the end of what it complains about where it fails."""
    done = subprocess.run(command, input=text, capture_output=True, check=False, cwd=cwd, timeout=TIME)
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise ExportError(f"the export doesn't run by {Path(command[0]).name}: {said[-500:]}")
    return done.stdout


def found(*names: str) -> str:
    """Return the first of some programs that there is; raises CantRun where there is none."""
    for name in names:
        if path := shutil.which(name):
            return path
    raise CantRun(f"{' or '.join(names)} is not installed")


Runner = Callable[[Program, bytes, CellRows], SaidOfRows]
"""What runs an export's content on rows."""


def plain_form(text: str) -> str:
    """Return a number in a text in its plain form, 1 for 1.0; other texts as they are."""
    return float_text(float(text)) if is_plain_number(text) else text
