"""``chainrule warm-up``: compile the engine ahead of time, so that no training has to wait for it."""

from __future__ import annotations

import argparse
import time
from contextlib import nullcontext

from chainrule._aside import is_watched
from chainrule.cli.console import screen
from chainrule.cli.parsing import Parser
from chainrule.errors import OutputError

EXAMPLES = """
chainrule warm-up
NUMBA_CACHE_DIR=/var/cache/chainrule chainrule warm-up
"""


def parser() -> Parser:
    """Return the parser of the command."""
    return Parser(
        "warm-up",
        "",
        "Compile the engine for this processor: its loops, and every activation, loss and optimizer there is. The first\n"
        "training does what it needs of this by itself, in some seconds; here it is done before, for all of them. What is\n"
        "compiled is kept until chainrule, Numba or the processor changes.",
        EXAMPLES,
    )


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    begun = time.perf_counter()
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    from chainrule._waiting import listening
    from chainrule.engines import ENGINES, engine_named

    made = engine_named(ENGINES[0]).warm_up()
    kept = [str(folder) for folder in made.folders if folder is not None]
    if len(kept) < len(made.folders):
        raise OutputError(
            "what is compiled can't be kept: no folder for it can be written; set NUMBA_CACHE_DIR to one that can"
        )
    jobs = made.jobs()
    bar = Bar(
        TextColumn("compiling {task.completed}/{task.total}"),
        BarColumn(bar_width=20),
        TextColumn("{task.fields[name]}"),
        console=Console(stderr=True, highlight=False),
        transient=True,
        disable=not is_watched(),
    )
    # Up to 14.2 rich ended the line of a bar that it never showed.
    with nullcontext() if bar.disable else bar, listening(lambda text: None):
        task = bar.add_task("compiling", total=len(jobs), name="")
        for done, job in enumerate(jobs):
            bar.update(task, completed=done, name=job.name)
            job.run()
    seconds = time.perf_counter() - begun
    what = f"compiled {len(jobs)} functions" if made.compiled() else f"all {len(jobs)} functions were there"
    console = screen()
    console.print(f"{what}, in {seconds:.1f} s", markup=False)
    console.print(f"kept in {' and '.join(kept)}", markup=False, soft_wrap=True)
