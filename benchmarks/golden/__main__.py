"""``python -m benchmarks.golden``: everything that rebuilding the house must not change, recorded and compared.

    python -m benchmarks.golden record OUT.json [--only PATTERN] [--keep FOLDER]
    python -m benchmarks.golden compare A.json B.json [--different] [--lines N]

Only public doors are used, so the same script runs on trees whose modules lie elsewhere: `chainrule.train`, `load`,
`ablate`, the four estimators, and the command line. Recorded are model files (a SHA-256 for each array, the description as
JSON), histories of losses to the last bit, scores, predictions, and every text that a command prints. Clock times and the
work folder's name are cut out of the texts. Compare recordings of one machine: elsewhere the last bits of a product differ.

An array under another name is "renamed", one file's numbers in other arrays are "rearranged"; neither counts as a change.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.golden.cases import COMMANDS, LESSONS, MODELS, PAGES, TRAININGS, Parts, _explained
from benchmarks.golden.comparing import compare
from benchmarks.golden.estimators import (
    FIVE,
    MLP_BOTH,
    MLP_CLASSES,
    MLP_NUMBERS,
    TABLES,
    ablation,
    mistakes,
    mlp,
    others,
    table,
)
from benchmarks.golden.parts import Work, command, in_process, plain, training

# ---- recording


def cases(work: Work) -> dict[str, Callable[[], Parts]]:
    """Return every case by its name."""
    made: dict[str, Callable[[], Parts]] = {
        f"train/{name}": partial(training, work, name) for name in TRAININGS
    }
    for name, words in MLP_BOTH.items():
        made |= {
            f"estimator/mlp/{name}/{kind}": partial(mlp, kind, words, work) for kind in ("classes", "numbers")
        }
    for kind, settings in (("classes", MLP_CLASSES), ("numbers", MLP_NUMBERS)):
        made |= {
            f"estimator/mlp/{name}": partial(mlp, kind, {**FIVE, "max_iter": 4, **words}, work)
            for name, words in settings.items()
        }
    for name, words in TABLES.items():
        made |= {
            f"estimator/table/{name}/{kind}": partial(table, kind, words, work) for kind in ("kind", "price")
        }
    made |= {f"estimator/{name}": make for name, make in others(work)}
    for model, options in _explained():
        line = f"explain {model}.safetensors {MODELS[model][0]} {options}"
        for form in ("text", "json", "latex", "html")[: 4 if (model, options) in PAGES else 2]:
            made[f"explain/{model} {options} as {form}"] = partial(command, work, f"{line} --format {form}")
    for name in LESSONS:
        for form in ("text", "json", "latex", "html"):
            made[f"lesson/{name} as {form}"] = partial(command, work, f"lesson {name} --all --format {form}")
    for group, lines in COMMANDS.items():
        made |= {f"{group}/{words or 'nothing'}": partial(command, work, words) for words in lines}
    made |= {"processes": partial(in_process, work), "mistakes in Python": mistakes, "ablation": ablation}
    return made


def record(out: Path, only: str, keep: Path | None) -> int:
    """Record the cases whose name the pattern finds, and write them; return 1 if one ended in an error that no user sees."""
    out, begun, broken = out.resolve(), time.perf_counter(), []
    found: dict[str, Any] = {}
    with _folder(keep) as folder:
        made = {name: make for name, make in cases(Work(folder)).items() if re.search(only, name)}
        for number, (name, make) in enumerate(made.items(), 1):
            print(f"\r{number}/{len(made)} {name[:90]:<90}", end="", file=sys.stderr, flush=True)
            with warnings.catch_warnings(record=True) as raised:
                warnings.simplefilter("always")
                try:
                    parts = make()
                except Exception as error:  # noqa: BLE001  # a case that breaks is a finding, and the others go on
                    parts = {"broken": plain(f"{type(error).__name__}: {error}")}
                    broken.append(name)
            if raised:
                lines = {f"{warning.category.__name__}: {warning.message}": None for warning in raised}
                parts["warnings"] = plain(list(lines))
            found[name] = {"sha256": _sum(parts), "parts": parts}
    out.write_text(
        json.dumps({"format": 1, "cases": found}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    print(
        f"\r{len(found)} cases in {time.perf_counter() - begun:.0f} s, written to {out}{' ' * 60}",
        file=sys.stderr,
    )
    for name in broken:
        print(f"broken: {name}: {found[name]['parts']['broken']['value']}", file=sys.stderr)
    return 1 if broken else 0


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Work in a folder of its own, which is thrown away unless it is to be kept, and where nothing depends on the terminal."""
    before, columns = Path.cwd(), os.environ.get("COLUMNS")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        os.chdir(folder)
        try:
            yield folder
        finally:
            os.chdir(before)
            os.environ.pop("COLUMNS", None)
            if columns is not None:
                os.environ["COLUMNS"] = columns


def _sum(parts: Parts) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def main() -> int:
    """Run the command line of this script."""
    parser = argparse.ArgumentParser(description="Record what must not change, and compare two recordings.")
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("record")
    made.add_argument("out", type=Path)
    made.add_argument(
        "--only", default="", metavar="PATTERN", help="only cases whose name this regular expression finds"
    )
    made.add_argument("--keep", type=Path, metavar="FOLDER", help="work in this folder, and keep its files")
    made = commands.add_parser("compare")
    made.add_argument("a", type=Path)
    made.add_argument("b", type=Path)
    made.add_argument("--different", action="store_true", help="leave out the cases that are the same")
    made.add_argument("--lines", type=int, default=12, help="of each difference (default 12)")
    options = parser.parse_args()
    if options.command == "record":
        return record(options.out, options.only, options.keep)
    return compare(options.a, options.b, only_different=options.different, lines=options.lines)


if __name__ == "__main__":
    sys.exit(main())
