"""The work folder, and what is recorded of a model, a text, a command."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import numpy as np

import chainrule
from benchmarks.golden.cases import IN_PROCESSES, PACKAGE, ROOTS, TRAININGS, WIDTHS, P, Parts, words
from chainrule.cli import main as command_line

# ---- the work folder

STEMS = {name: re.sub(r"\W+", "-", name) for name in TRAININGS}
"""The files' names by those of the trainings."""


class Work:
    """The folder that the cases work in, with its tables and the models that they share, each trained when it is first used."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.trained: dict[str, Any] = {}
        examples = next(root / "examples" for root in ROOTS if (root / "examples" / P).exists())
        for name in (P, "abc.csv"):
            (folder / name).write_bytes((examples / name).read_bytes())
        lines = (folder / P).read_text().splitlines(keepends=True)
        (folder / "few.csv").write_text("".join([lines[0], *lines[1::23]]))
        rows = list(_shop())
        names = list(rows[0])
        (folder / "shop.csv").write_text(
            _csv(names, [[str(value) for value in row.values()] for row in rows])
        )
        foreign = [[str(value).replace(".", ",") or "?" for value in row.values()] for row in rows]
        (folder / "shop-eu.csv").write_text(_csv(names, foreign, ";"), encoding="latin-1")
        lines = [
            json.dumps({name: None if value == "" else value for name, value in row.items()}) for row in rows
        ]
        (folder / "shop.ndjson").write_text("\n".join(lines) + "\n")
        for name, expected in (("mine", "0.125"), ("wrong", "0.126"), ("bad", "'much'")):
            (folder / f"{name}.toml").write_text(LESSON.replace("EXPECTED", expected))

    def model(self, name: str) -> Path:
        """Return the file of a training by its name, and train it if that isn't done."""
        path = self.folder / f"{STEMS[name]}.safetensors"
        if name not in self.trained:
            source, target, given = TRAININGS[name]
            self.trained[name] = chainrule.train(source, target, **given)
            self.trained[name].model.save(path)
        return path

    def named_in(self, line: str) -> None:
        """Make the models and broken files that a command line names."""
        names = {stem: name for name, stem in STEMS.items()}
        for stem in re.findall(r"([\w-]+)\.safetensors", line):
            if stem in names:
                self.model(names[stem])
        data = self.model("binary").read_bytes() if "cut." in line or "flipped." in line else b""
        if data:
            Path("cut.safetensors").write_bytes(data[:-9])
            Path("flipped.safetensors").write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


LESSON = """title = "A neuron says no"
[networks.main]
x = [[1, 2]]
y = [[0]]
loss = "half_squared_error"
learning_rate = 0.5
[[networks.main.layers]]
neurons = 1
activation = "sigmoid"
W = [[0.3], [-0.4]]
b = [0.5]
[[steps]]
move = "derive"
title = "Forward"
text = "The weighted sum is 0 here, so the sigmoid says 1/2."
addresses = ["a[1][1]", "C"]
[steps.expect]
"C" = EXPECTED
[[steps]]
move = "train"
epochs = 100
[steps.expect]
cost = "< 0.02"
"""


def _shop() -> Iterator[dict[str, Any]]:
    """Rows with a large category, numbers with gaps, dates, truth values, weights, counts, and a key that is no input."""
    chance = random.Random(7)
    cities = words("Aachen Bern Chur Dijon Essen Fulda Genf Halle Ischl Jena Köln Linz")
    for number in range(150):
        city, area, is_open = chance.randrange(12), round(chance.uniform(20, 90), 2), chance.random() < 0.6
        price = round(3 * area + 11 * (city % 5) + 40 * is_open + chance.gauss(0, 9), 2)
        yield {
            "id": f"s{number:04d}",
            "city": cities[city],
            "area": "" if number % 17 == 3 else area,
            "opened": f"20{chance.randint(10, 24)}-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}",
            "open": "yes" if is_open else "no",
            "sold": int(price / 50 + chance.random() * 3),
            "price": price,
            "importance": (1, 2, 0.5, 0)[number % 4],
            "kind": ("small", "middle", "large")[(price > 160) + (price > 230)],
        }


def _csv(names: Sequence[str], rows: Sequence[Sequence[str]], sign: str = ",") -> str:
    return "".join(sign.join(row) + "\n" for row in [names, *rows])


# ---- what is recorded of a model, an estimator, a command


def text(value: str) -> dict[str, Any]:
    """Return a part that is text, as a list of lines so that the recording can be read."""
    return {"kind": "text", "value": cleaned(value).split("\n")}


def plain(value: Any) -> dict[str, Any]:
    """Return a part that is JSON data, without seconds."""
    return {"kind": "json", "value": exact(value)}


def arrays(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part with a digest for each array, and one of all numbers whatever array they are in."""
    made = {name: np.asarray(value) for name, value in values.items()}
    numbers = [a.astype(np.float64).ravel() for a in made.values() if a.dtype.kind in "fiub"]
    return {
        "kind": "arrays",
        "value": {name: digest(value) for name, value in made.items()},
        "all": hashlib.sha256(np.sort(np.concatenate(numbers or [np.zeros(0)])).tobytes()).hexdigest(),
    }


def digest(value: np.ndarray[Any, Any]) -> dict[str, Any]:
    """Return an array's dtype, shape, first items and SHA-256."""
    listed = value.dtype.kind in "OU"
    raw = "\n".join(map(str, value.ravel())).encode() if listed else np.ascontiguousarray(value).tobytes()
    first = [str(item) if listed else repr(item.item()) for item in value.ravel()[:4]]
    dtype = "text" if listed else value.dtype.str
    return {
        "dtype": dtype,
        "shape": list(value.shape),
        "first": first,
        "sha256": hashlib.sha256(raw).hexdigest(),
    }


def exact(value: Any) -> Any:
    """Return plain data in which every float can be told from its neighbors; keys that are about seconds go."""
    if isinstance(value, Mapping):
        return {str(key): exact(item) for key, item in value.items() if "seconds" not in str(key)}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    if isinstance(value, np.ndarray | np.generic):
        return exact(value.tolist())
    if isinstance(value, str):
        return cleaned(value)
    return value if value is None or isinstance(value, bool | int) else f"{value!r} = {float(value).hex()}"


SECONDS = (
    (re.compile(r"(\bin )\d[\d.,]* s\b"), r"\1… s"),
    (re.compile(r", [\d.,]+ s$", re.MULTILINE), ", … s"),
    (re.compile(r"(?m)^compiling the engine for this processor; this happens once …\n"), ""),
)


def cleaned(said: str) -> str:
    """Return a text without clock times, the note of a first compilation, and the work folder's name."""
    for pattern, other in SECONDS:
        said = pattern.sub(other, said)
    return said.replace(os.getcwd(), "FOLDER")


def model_file(path: Path) -> Parts:
    """Return what is in a model file: every array, and the description."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    description = json.loads(header.pop("__metadata__")["description"])
    dtypes = {"F": "f", "I": "i", "U": "u", "B": "b"}
    found = {}
    for name, entry in header.items():
        begin, end = (8 + size + offset for offset in entry["data_offsets"])
        width = 1 if entry["dtype"] == "BOOL" else int(entry["dtype"][1:]) // 8
        dtype = f"<{dtypes[entry['dtype'][0]]}{width}"
        found[name] = np.frombuffer(data[begin:end], dtype).reshape(entry["shape"])
    return {"file": arrays(found), "description": plain(description)}


def _history(lines: Sequence[Any]) -> list[dict[str, Any]]:
    return [line._asdict() if hasattr(line, "_asdict") else dict(vars(line)) for line in lines]


def _evaluation(evaluation: Any) -> Any:
    if evaluation is None:
        return None
    return {"scores": evaluation.scores, "rows": evaluation.rows, "confusion": evaluation.confusion}


def training(work: Work, name: str) -> Parts:
    """Return all there is of a training: file, history, scores, notes, predictions, and those of the file read again.

    Encoded rows, members' outputs and the predictor of one row are left out where a tree has no such door.
    """
    path = work.model(name)
    trained, source = work.trained[name], TRAININGS[name][0]
    loaded = chainrule.load(path)
    again = path.with_suffix(".again")
    loaded.save(again, overwrite=True)
    answers = loaded.predict(source)
    found: dict[str, Any] = {"labels": answers.labels, "finite": answers.finite}
    if answers.probabilities is not None:
        found |= {"probabilities": answers.probabilities, "codes": answers.codes}
    inside: dict[str, Any] = {}
    with suppress(AttributeError):
        x = loaded.encoder.transform(loaded.table(source))
        inside |= {"x": x, "outputs": loaded.outputs(x)}
    with suppress(AttributeError):
        first_row = loaded.table("few.csv" if source == P else source)
        inside["row"] = loaded.predictor()(loaded.encoder.transform(first_row, dtype="float32")[0])
    scores = {"evaluation": _evaluation(trained.evaluation), "out_of_fold": _evaluation(trained.out_of_fold)}
    scores |= {"baselines": trained.baselines, "evaluated": _evaluation(loaded.evaluate(source))}
    first = getattr(trained.fit, "first", None)
    return {
        **model_file(path),
        "history": plain({"last": _history(trained.fit.history), "first": first and _history(first.history)}),
        "scores": plain(scores),
        "notes": plain([*trained.notes, trained.fit.stopped, trained.fit.best_epochs]),
        "predictions": arrays(found),
        "outputs": arrays(inside),
        "again": plain({"the file read and written is the same": again.read_bytes() == path.read_bytes()}),
    }


def command(work: Work, line: str) -> Parts:
    """Return what a command line prints, and the files that it writes under the name ``out``."""
    work.named_in(line)
    listed = shlex.split(line)
    os.environ["COLUMNS"] = WIDTHS.get(listed[0] if listed else "", "100")
    (out, err), stdin = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2)), sys.stdin
    sys.stdin = io.TextIOWrapper(io.BytesIO(Path("few.csv").read_bytes()), "utf-8")
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code: Any = command_line(listed)
    except SystemExit as ended:
        code = ended.code
    finally:
        sys.stdin = stdin
    shown, said = (_content(stream) for stream in (out, err))
    parts = {"exit code": plain(code), "stderr": text(said), **_document("stdout", shown)}
    for path in sorted(Path().glob("out.*")):
        if path.suffix == ".safetensors":
            parts |= model_file(path)
        elif path.suffix == ".csv":
            parts[path.name] = text(re.sub(r",[\d.]+$", ",…", path.read_text(), flags=re.MULTILINE))
        else:
            parts[path.name] = text(path.read_text())
        path.unlink()
    return parts


def _content(stream: io.TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()


def _document(name: str, content: str) -> Parts:
    """Return a document by what it is: JSON as data; of a page the marked-up text, the words alone, and style and script."""
    if content.startswith(("{", "[")):
        return {name: plain(json.loads(content))}
    if not content.lstrip().lower().startswith("<!doctype"):
        return {name: text(content)}
    aside = re.compile(r"<(style|script)\b.*?</\1>", re.DOTALL)
    page = aside.sub(r"<\1>…</\1>", content)
    visible = re.sub(r"\s*<[^>]*>\s*", "\n", page)
    assets = "\n".join(match[0] for match in aside.finditer(content))
    return {
        name: text(page),
        f"{name}, words": text(re.sub(r"\n+", "\n", visible)),
        f"{name}, style and script": text(assets),
    }


def in_process(work: Work) -> Parts:
    """Return what commands print where they are run as a user does, in processes of their own."""
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    env["PYTHONPATH"] = str(PACKAGE.parent)
    parts: Parts = {}
    for line in IN_PROCESSES:
        run = [sys.executable, "-m", "chainrule", *shlex.split(line)]
        done = subprocess.run(
            run, capture_output=True, stdin=subprocess.DEVNULL, text=True, env=env, check=False
        )
        parts |= {f"{line}: stdout": text(done.stdout), f"{line}: stderr": text(done.stderr)}
        parts[f"{line}: exit code"] = plain(done.returncode)
    return parts
