"""What smaller models cost: bytes, time of a row and scores of a model as trained, with 8 bits, pruned, and small.

``python -m benchmarks.sizes TABLE TARGET [more tables: FILE:TARGET …]`` prints a table in Markdown for the first, and the
change of the score that 8 bits make on each of the others.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import chainrule
from chainrule.exports.program import Program
from chainrule.exports.run.made_rows import table_rows
from chainrule.exports.run.native import c_driver, c_rows
from chainrule.exports.smaller import int8_program
from chainrule.exports.targets import LANGUAGES
from chainrule.fitting.replay import tested_rows
from chainrule.model.model import Model

PINNED = {"hidden": [128, 64], "members": 5, "numeric_embedding": "periodic"}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table")
    parser.add_argument("target")
    parser.add_argument("others", nargs="*", metavar="FILE:TARGET")
    options = parser.parse_args()
    print("| | weights that are 0 | file | packed | C | ONNX | a row in C | score |\n|---|---|---|---|---|---|---|---|")
    for line in _variants(options.table, options.target):
        print(line, flush=True)
    for other in options.others:
        path, target = other.rsplit(":", 1)
        print(_change(path, target), flush=True)


def _variants(path: str, target: str) -> Iterator[str]:
    trained = chainrule.train(path, target, **PINNED)
    model, table = trained.model, trained.model.table(path)
    tested = table.take(tested_rows(model, table))
    programs = {"as trained": Program(model), "8 bits": int8_program(model)}
    for share in (0.5, 0.8):
        pruned = chainrule.prune(model, table, share).model
        programs[f"pruned {share:.0%}"] = Program(pruned)
        programs[f"pruned {share:.0%}, 8 bits"] = int8_program(pruned)
    programs["small"] = Program(chainrule.small_of(trained).model)
    for name, program in programs.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "m.safetensors"
            program.model.save(file)
            saved = file.read_bytes()
        c, onnx = (LANGUAGES[to].content(program) for to in ("c", "onnx"))
        zeros = sum(int((group.parameters == 0).sum()) for group in program.groups)
        scores = program.model.evaluate(tested).scores
        first = "log_loss" if "log_loss" in scores else "rmse"
        whole = "as trained" if program.weights else f"{len(saved):,}"
        yield (
            f"| {name} | {zeros:,} | {whole} | {'' if program.weights else f'{len(zlib.compress(saved, 9)):,}'} "
            f"| {len(c):,} "
            f"| {len(onnx):,} ({len(zlib.compress(onnx, 9)):,} packed) | {_time_in_c(program, c, table):.1f} µs | {scores[first]:.4g} |"
        )


def _time_in_c(program: Program, content: bytes, table: object, turns: int = 40) -> float:
    """Return the microseconds of a row, by gcc -O2."""
    rows = b"".join(c_rows(program, table_rows(program, table)))  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.h").write_bytes(content)
        (folder / "run.c").write_text(c_driver(program, "model"))
        subprocess.run(["gcc", "-O2", "-std=c99", "run.c", "-o", "run", "-lm"], cwd=folder, check=True)
        took = []
        for count in (1, turns):
            begun = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            subprocess.run([folder / "run"], input=rows * count, capture_output=True, check=True)
            took.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - begun)
    return (took[1] - took[0]) / ((turns - 1) * table.n_rows) * 1e6  # type: ignore[attr-defined]


def _change(path: str, target: str) -> str:
    """Return what 8 bits do to a table's score, in a line."""
    table = chainrule.read_table(path)
    # The tables of the accuracy benchmark say themselves which rows are for the score.
    split = "split" if "split" in table.columns else None
    model = chainrule.train(table, target, split=split, **PINNED).model
    tested = table.take(tested_rows(model, table))
    small: Model = int8_program(model).model
    one, other = (each.evaluate(tested).scores for each in (model, small))
    name = "log_loss" if "log_loss" in one else "rmse"
    change = 100 * (other[name] / one[name] - 1)
    return f"| {Path(path).stem} | {tested.n_rows:,} | {name} | {one[name]:.5g} | {other[name]:.5g} | {change:+.2f} % |"


if __name__ == "__main__":
    main()
