"""What a file answers by itself, without a browser: the page's own modules on a recording, under node."""

import json
import shutil
import subprocess
from importlib.resources import files

import numpy as np
import pytest
from tests.studio.watched import watched

from chainrule.engines import JUDGE
from chainrule.studio.taken import carried
from chainrule.studio.taken.onefile import page_file
from chainrule.studio.taken.recorder import Recorder
from chainrule.studio.training.opening import opened_table
from chainrule.studio.web.assets import MODEL, modules

NODE = shutil.which("node")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(NODE is None, reason="there is no node on this machine")]

RUN = """
import { readFileSync } from "node:fs";
import { RecordedLine } from "./lines/recorded.js";
import { floats } from "./arrays.js";
globalThis.requestAnimationFrame = () => 1;
const line = new RecordedLine(readFileSync("recording.json", "utf8"));
let frame = null;
await line.open(null, { tell() {}, hear(kind, data) { if (kind === "frame") frame = data; } });
const said = [line.index.hello.recorded.whatif];
for (const command of JSON.parse(readFileSync("commands.json", "utf8"))) {
  const answer = await line.command(command);
  const { whatif = null, blocks = null, arrays, row } = frame;
  said.push({ problem: answer.problem ?? null, edits: whatif?.edits ?? [], blocks, row, a: [...floats(arrays.neurons.a)] });
}
console.log(JSON.stringify(said));
"""


def asked(folder, recorder, *commands):
    """Return what the page's line says of a what if, and what is seen after each command."""
    recording = recorder.recording()
    own = {**modules(files("chainrule.studio") / "page"), MODEL: recorder.carried.module, "run.js": RUN}
    own |= {"package.json": '{"type": "module"}', "recording.json": json.dumps(recording)}
    for name, text in {**own, "commands.json": json.dumps(commands)}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    done = subprocess.run([NODE, "run.js"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def cells(**values):
    return {"do": "edit", "edits": [{"kind": "cells", "cells": values}]}


ODD = "import (net) import.meta"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A table whose numbers have a decimal comma and points between thousands, and a column with an odd name."""
    path = tmp_path_factory.mktemp("carried") / "t.csv"
    lines = [f"preis;maß;{ODD};y"]
    for i, a in enumerate(np.random.default_rng(5).normal(size=40)):
        numbers = [f"{2500 + 900 * a:,.2f}", f"{i / 7:.3f}", f"{a:.3f}"]
        price, size, y = (number.translate(str.maketrans(".,", ",.")) for number in numbers)
        lines.append(f"{price};{size};{'uv'[i % 2]};{y}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def trained(table):
    course = opened_table(table, {"target": "y"}, {"hidden": (3,), "epochs": 2})
    with watched(course) as made:
        made.train()
        yield made


def answered(made, row, **changed):
    """Return the answer of the last network for a row's cells, as the equations have it."""
    course, tape = made.studio.made.course, made.studio.made.tape
    parameters = np.asarray(tape.state(tape.frontier, 0).parameters, np.float64)
    model, _, names, cell = carried._model(course, parameters)
    own = {name: [changed.get(name, cell(course.places[row], name))] for name in names.values()}
    return model.outputs(model.encoder.transform(model.table(own)), JUDGE)[0, 0]


def test_numbers_are_read_as_the_studio_reads_them(trained, tmp_path):
    proof, two_ways, point, dressed, none, several, undone = asked(
        tmp_path,
        Recorder(trained.studio),
        cells(preis="1.234"),
        cells(maß="0.9"),
        cells(preis="1.234,5"),
        cells(preis="inf"),
        cells(preis="2.000,25", **{ODD: "v"}),
        {"do": "undo"},
    )
    assert proof["refused"] is None
    assert proof["numbers"] > 5
    assert two_ways["problem"] == (
        'preis: "1.234" can be read in two ways: 1234 as its column writes numbers, 1.234 as a program does; '
        "give 1234 or 1,234: nothing is changed."
    )
    edit = {"kind": "cells", "row": two_ways["row"], "cells": {"preis": "1.234"}}
    live = trained.problem("edit", edits=[edit])
    assert (
        "can be read in two ways: 1234 as its column writes numbers, 1.234 as a program does; give 1234 or 1,234"
        in live
    )
    assert point["problem"] is None
    assert point["edits"][0]["new"] == "0,9"
    assert point["edits"][0]["words"].endswith(" to 0,9 (the number 0.9)")
    np.testing.assert_allclose(point["a"][-1:], answered(trained, point["row"], maß="0,9"), rtol=1e-12)
    assert dressed["edits"][1]["words"].endswith(" to 1.234,5 (the number 1234.5)")
    want = answered(trained, point["row"], maß="0,9", preis="1234,5")
    np.testing.assert_allclose(dressed["a"][-1:], want, rtol=1e-12)
    assert 'preis: "inf" is not a number; give one such as 12,5' in none["problem"]
    # Of each cell what it was and what it is, not each try; one that is as it was isn't told of.
    assert [edit["old"] for edit in several["edits"][:2]] == [edit["old"] for edit in dressed["edits"]]
    assert several["edits"][1]["words"].endswith(" to 2.000,25 (the number 2000.25)")
    assert several["a"] != dressed["a"]
    # What was changed together is taken back together.
    assert undone["edits"] == dressed["edits"]
    assert undone["a"] == dressed["a"]


def test_a_refused_command_leaves_what_was_changed(trained, tmp_path):
    _, first, refused, row, gone = asked(
        tmp_path,
        Recorder(trained.studio),
        cells(preis="3000"),
        {"do": "opened_score"},
        {"do": "row", "number": 9999},
        {"do": "step", "grain": "update", "by": -1},
    )
    assert refused["problem"]
    assert row["problem"]
    assert refused["edits"] == row["edits"] == first["edits"] != []
    assert gone["edits"] == []


def test_rows_added_and_changed_by_hand_are_carried_as_they_are(table, tmp_path):
    course = opened_table(table, {"target": "y"}, {"hidden": (3,), "epochs": 2})
    with watched(course) as made:
        row = int(course.numbers[3])
        made.do("row", number=row)
        made.do("edit", edits=[{"kind": "cells", "row": row, "cells": {"preis": 77, ODD: None}}])
        made.do("edit", edits=[{"kind": "row", "row": row, "cells": {"maß": "4,25"}}])
        new = int(made.studio.made.course.numbers[-1])
        for number, own in (
            (row, {"preis": "77", ODD: None}),
            (new, {"preis": "77", "maß": "4,25", ODD: None}),
        ):
            made.do("row", number=number)
            made.train()
            recorder = Recorder(made.studio)
            assert own.items() <= recorder.carried.rows[str(number)].items()
            proof, changed = asked(tmp_path / str(number), recorder, cells(preis="88"))
            assert proof["refused"] is None
            want = answered(made, number, preis="88")
            np.testing.assert_allclose(changed["a"][-1:], want, rtol=1e-12)
        assert ODD.encode() in page_file(made.studio)


def test_dropped_outputs_are_not_held_against_the_model(table, tmp_path):
    """Before the training's end the next update drops outputs of its rows, which the model doesn't."""
    settings = {"hidden": (6,), "epochs": 3, "dropout": 0.5, "batch_size": 1000}
    with watched(opened_table(table, {"target": "y"}, settings)) as made:
        made.do("step", grain="update", by=1)
        recorder = Recorder(made.studio)
        assert not made.studio.made.tape.last
        proof, changed = asked(tmp_path, recorder, cells(preis="88"))
        assert recorder.undropped
        assert proof["refused"] is None
        assert proof["numbers"] > 5
        np.testing.assert_allclose(changed["a"][-1:], answered(made, changed["row"], preis="88"), rtol=1e-12)


def test_a_what_if_shows_nothing_of_the_old_cells_in_blocks(table, tmp_path):
    with watched(opened_table(table, {"target": "y"}, {"hidden": (700,), "epochs": 1})) as made:
        made.train()
        _, changed = asked(tmp_path, Recorder(made.studio), cells(preis="88"))
        assert changed["blocks"]
        assert all(set(block["pictures"]) <= {"weight"} for block in changed["blocks"])


def test_a_number_that_is_not_worked_out_is_named_in_a_sentence(trained, tmp_path):
    recorder = Recorder(trained.studio)
    module = recorder.carried.module.replace(
        "export function numbers(row", "const numbers = () => ({});\nfunction unused(row"
    )
    recorder.__dict__["carried"] = carried.CarriedModel(
        module, "", recorder.carried.rows, recorder.carried.columns
    )
    (proof,) = asked(tmp_path, recorder)
    assert proof["refused"].startswith("of row ")
    assert "it works out no x[1], and " in proof["refused"]
    assert proof["refused"].endswith(" was recorded")
