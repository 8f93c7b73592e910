"""What a training needs compiled, before it begins: said, and shared out to two processors where that saves time.

The loop of the steps is compiled here, and all else in a process beside, whose work lies in the cache, where it is looked
for anyway. Whatever keeps that process from its work (no second processor, no folder, a program that is not Python's
own) leaves the work to this one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from contextlib import suppress
from typing import Any

from chainrule._types import FloatArray
from chainrule._waiting import expect
from chainrule.engines.base import StepSettings
from chainrule.engines.cpu.kernels.compiling import is_for, say_of_kept
from chainrule.engines.cpu.kernels.rows import run_rows
from chainrule.engines.cpu.kernels.steps import train_steps, whole_gradient
from chainrule.engines.cpu.kernels.tabm_steps import train_tabm_steps
from chainrule.engines.cpu.pieces.machine_code import pieces_of
from chainrule.engines.cpu.tables import check_kinds
from chainrule.engines.member_rows import OneRow, member_rows
from chainrule.equations.network import Network
from chainrule.equations.update import chain

_PROGRAM = """
import json, os, sys, threading
sys.path[:], dtype, sources = json.loads(sys.stdin.readline())
# Who waits for this holds the other end: when that closes, nobody does.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
from chainrule.engines.cpu.warm_up import compile_rows, compiled
compile_rows(dtype)
for source in sources:
    compiled(source, dtype)
"""
_LONGEST = 300.0
"""Seconds that are waited at most: a process that was stopped must not stop this one."""


def get_ready(network: Network, start: FloatArray, settings: StepSettings, dtype: Any, threads: int) -> None:
    """Say what a training of ``start`` needs compiled, and compile it where the loop of its steps isn't kept."""
    check_kinds(network)
    made_of = member_rows(network, settings.sharing, start)
    pieces = pieces_of(network, chain(settings, freezes=bool((made_of.ordinary.free == 0).any())), dtype)
    steps = train_tabm_steps if isinstance(made_of, OneRow) else train_steps
    loop: Any = whole_gradient if settings.optimizer.searches else steps
    expect([*pieces.values(), *(f"the loop {each.__name__}" for each in (run_rows, loop))])
    if not hasattr(loop._cache, "holds"):
        say_of_kept("", "can't be kept in any folder")
    elif loop is steps and _two_processors(threads) and _is_missing(loop, dtype):
        with suppress(OSError):  # nothing can be started here
            _shared_out(loop, list(pieces), dtype)


def _two_processors(threads: int) -> bool:
    """Return whether a second processor may be used, and by a Python like this one."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    return min(threads, allowed) > 1 and bool(
        re.fullmatch(r"python[\d.]*(\.exe)?", os.path.basename(sys.executable or ""))
    )


def _is_missing(loop: Any, dtype: Any) -> bool:
    """Return whether a loop is to be compiled for a dtype."""
    return not (any(is_for(dtype, made) for made in loop.signatures) or loop._cache.holds(dtype))


def _shared_out(loop: Any, sources: list[str], dtype: Any) -> None:
    """Compile the loop here and the rest beside; what is missing afterwards is compiled when it is called."""
    from chainrule.engines.cpu.warm_up import compile_steps

    with subprocess.Popen(
        [sys.executable, "-P", "-c", _PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as beside:
        try:
            if beside.stdin is not None:
                folders = [each for each in sys.path if isinstance(each, str)]  # as Python itself takes them
                beside.stdin.write(json.dumps([folders, str(dtype), sources]) + "\n")
                beside.stdin.flush()
            compile_steps(loop, dtype)
            with suppress(subprocess.TimeoutExpired):
                beside.wait(_LONGEST)
        finally:
            beside.kill()
