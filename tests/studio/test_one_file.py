"""The file that plays a training: what it holds, that it asks for nothing, and that its numbers are the studio's."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from tests.studio.studio_browser import PENGUINS, five, penguins

from chainrule.cli import main
from chainrule.errors import SettingsError
from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.protocol.packing import packed_as
from chainrule.studio.studio import Studio
from chainrule.studio.taken.filing import FramePieces, NodePool, data_of, piece_of
from chainrule.studio.taken.onefile import page_file, trained_through
from chainrule.studio.taken.recorder import MOST_PLACES, Recorder, query_key
from chainrule.studio.training.opening import opened_lesson, opened_table

MOST = 2_000_000


@pytest.fixture(scope="module")
def studio():
    made = Studio(penguins(hidden=[4], epochs=6))
    trained_through(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def page(studio):
    return page_file(studio).decode()


@pytest.fixture(scope="module")
def recording(page):
    return json.loads(
        re.search(r'<script type="application/json" id="recording">(.*?)</script>', page, re.DOTALL)[1]
    )


def frames_of(pieces):
    """Return the frames of pieces, read as the page reads them: differences on differences."""
    found = []
    for piece in pieces:
        flat = {}
        own = []
        for changed, *gone in data_of(piece):
            before, flat = flat, dict(flat)
            for path in gone[0] if gone else ():
                del flat[path]
            for path, value in changed.items():
                flat[path] = (
                    unpacked(value, before.get(path)) if isinstance(value, dict) and "x" in value else value
                )
            own.append(flat)
        found.append(own)
    return found


def unpacked(packed, before):
    dtype, shape = packed.get("dtype") or before["dtype"], packed.get("shape") or before["shape"]
    size = {"float64": 8, "float32": 4}.get(dtype, 1)
    own = np.frombuffer(base64.b64decode(packed["x"]), np.uint8).reshape(size, -1).T.reshape(-1)
    return {"dtype": dtype, "shape": shape, "bytes": own if "shape" in packed else own ^ before["bytes"]}


@pytest.mark.slow
def test_feature_22_the_file_is_small_and_may_run_nothing_but_its_own_script(page):
    assert len(page.encode()) < MOST
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")
    for tag, kind in (("script", 'type="module"'), ("style", "")):
        (text,) = re.findall(rf"<{tag}{' ' + kind if kind else ''}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page.partition("<script")[0]) == []
    assert re.findall(r"https?://(?!www\.w3\.org)", page) == []


@pytest.mark.slow
def test_feature_22_the_same_studio_gives_the_same_bytes(page, studio):
    assert page_file(studio).decode() == page
    other = Studio(penguins(hidden=[4], epochs=6))
    trained_through(other)
    try:
        assert page_file(other).decode() == page
    finally:
        other.close()


@pytest.mark.slow
def test_feature_22_it_says_which_of_several_runs_it_holds():
    other = Studio(five())
    try:
        trained_through(other)
        assert about_of(other)["run"] is None
        edit = {"kind": "number", "address": "W[1][1,1]", "value": 0.5}
        told = other.command({"do": "edit", "client": "one", "n": 1, "edits": [edit]})
        assert told["ok"]
        told = about_of(other)["run"]
        assert told.startswith("run 2 of 2, ")
        assert "W[1][1,1]" in told
    finally:
        other.close()


def about_of(studio):
    """Return what the file of a studio says of itself."""
    return data_of(Recorder(studio).recording()["index"])["hello"]["recorded"]


@pytest.mark.slow
def test_feature_22_its_frames_are_the_studios(recording, studio):
    index = data_of(recording["index"])
    pieces = frames_of(recording["frames"])
    nodes = [node for _, piece in recording["nodes"] for node in data_of(piece)]
    assert wrong_event("hello", index["hello"]) == ""
    compared = 0
    for t, place, row, _, number in index["stops"][:: max(1, len(index["stops"]) // 60)]:
        piece, at = index["places"][number]
        flat = pieces[piece][at]
        studio.command({"do": "row", "number": row})
        studio.command({"do": "seek", "t": t, "place": place})
        own = studio.frame()
        assert (flat["t"], flat["row"], flat["place"]) == (own["t"], own["row"], own["place"])
        assert flat["cost"] == own["cost"]
        assert flat["answer"] == own["answer"]
        for group, arrays in own["arrays"].items():
            for name, packed in arrays.items():
                mine = flat[f"arrays.{group}.{name}"]
                assert mine["bytes"].tobytes() == base64.b64decode(packed["base64"])
                compared += 1
        if own["stage"] is not None:
            assert nodes[flat["stage.nodes"]["$"]] == own["stage"]["nodes"]
            assert flat["stage.lit"] == own["stage"]["lit"]
    assert compared > 300
    studio.command({"do": "row", "number": None})
    studio.command({"do": "reset"})


@pytest.mark.slow
def test_feature_22_its_explanations_are_the_studios(recording, studio):
    index = data_of(recording["index"])
    nodes = [node for _, piece in recording["nodes"] for node in data_of(piece)]
    keys = list(index["numbers"])
    assert len(keys) > 80
    kinds = {re.sub(r"\[.*", "", key.split()[0]) for key in keys}
    assert kinds >= {"C", "a", "z", "delta", "W", "b", "dC/dW", "dC/db"}
    for key in keys[::7]:
        name, t, *row = key.split()
        asked = {
            "address": name,
            "t": int(t),
            "row": int(row[0]) if row else index["hello"]["recorded"]["rows"][0],
        }
        found = studio.number(asked)
        address, title, value, ok, number = index["numbers"][key]
        assert (address, title, value, ok) == (found["address"], found["title"], found["value"], found["ok"])
        assert nodes[number] == found["nodes"]
    # The inside of the first update is there from beginning to end, at every grain that is recorded.
    places = [stop[1] for stop in index["stops"] if stop[0] == 0 and stop[1]]
    assert 20 < len(places) <= MOST_PLACES
    assert max(places) == len(studio.made.walk) - 1


@pytest.mark.slow
def test_feature_22_a_recording_has_no_test_row(recording, studio):
    """Unless they were opened, nothing is in it of what the rows that are kept back are."""
    index = data_of(recording["index"])
    assert {stop[2] for stop in index["stops"]} <= set(studio.made.course.numbers.tolist())
    scored = [key for key in index["pictures"] if "kind=score" in key]
    assert scored
    assert not [key for key in scored if "part=test" in key]
    other = Studio(penguins(hidden=[3], epochs=2))
    trained_through(other)
    other.command({"do": "open_test"})
    try:
        assert [key for key in Recorder(other).pictures() if "part=test" in key]
    finally:
        other.close()


def test_feature_22_numbers_come_back_bit_by_bit():
    rng = np.random.default_rng(1)
    pool = NodePool()
    pieces = FramePieces(pool)
    kept = []
    for step in range(100):
        a = rng.normal(size=5)
        a[rng.integers(5)] = [np.nan, np.inf, -0.0, 5e-324][step % 4]
        frame = {
            "t": step,
            "stage": None,
            "arrays": {"neurons": {"a": packed_as(a, "float64")} if step % 3 else {}},
        }
        kept.append(a if step % 3 else None)
        pieces.add(frame)
    pieces.close()
    read = frames_of(pieces.pieces)
    for (piece, at), array in zip(pieces.places, kept, strict=True):
        flat = read[piece][at]
        assert ("arrays.neurons.a" in flat) == (array is not None)
        if array is not None:
            assert flat["arrays.neurons.a"]["bytes"].tobytes() == array.tobytes()
    # A planted fault: one changed letter, and the comparison sees it.
    broken = data_of(pieces.pieces[0])
    broken[1][0]["arrays.neurons.a"]["x"] = "A" + broken[1][0]["arrays.neurons.a"]["x"][1:]
    assert frames_of([piece_of(broken)])[0][1]["arrays.neurons.a"]["bytes"].tobytes() != kept[1].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "least"),
    [
        (five, 60),
        (lambda: opened_lesson("and-or-xor"), 20),
        (lambda: opened_table(PENGUINS, {"target": "bill_length_mm"}, {"hidden": (3,), "epochs": 3}), 20),
    ],
)
def test_feature_22_any_course_is_recorded(make, least):
    made = Studio(make())
    made.command({"do": "run_to", "epoch": 2})
    while made.state.wanted is not None:
        time.sleep(0.005)
    made.command({"do": "pause"})
    made.command({"do": "step", "grain": "neuron", "by": 3})
    for _ in range(2000):  # a step into the next update waits for that
        if made.state.index:
            break
        time.sleep(0.005)
    try:
        recorder = Recorder(made)
        found = recorder.recording()
        assert len(json.dumps(found)) < MOST
        assert len(recorder.stops) >= least
        stop = recorder.stops[data_of(found["index"])["start"]]
        assert stop[:2] == (made.state.t, made.state.index) or stop[0] == made.state.t
        assert made.state.t in recorder.plan.whole
    finally:
        made.close()


def test_a_question_is_found_again_whatever_its_order():
    assert query_key("picture", {"t": 1, "kind": "score"}) == query_key(
        "picture", {"kind": "score", "t": 1, "width": 9}
    )
    assert query_key("picture", {"kind": "score", "t": 2}) != query_key("picture", {"kind": "score", "t": 1})


@pytest.mark.slow
def test_feature_23_the_tape_as_a_table(studio):
    name, mime, content = studio.take("tape")
    assert (name, mime) == ("penguins.csv", "text/csv")
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    made = studio.made
    assert [int(row["epoch"]) for row in rows] == list(range(7))
    layout = made.course.layout
    for row in rows:
        state = made.tape.state(int(row["updates"]), 0)
        for place in range(0, layout.size, 5):
            assert float(row[layout.address(place)]) == state.parameters[place]
    losses = [line.training_loss for line in made.worker.history]
    assert [float(row["training_loss"]) for row in rows[1:]] == losses[: len(rows) - 1]


def test_a_table_of_too_many_weights_is_refused():
    from chainrule.studio.taken.tape_table import tape_csv

    class Wide:
        class course:
            class layout:
                size = 30_000

        class tape:
            steps_per_epoch = 1

    with pytest.raises(
        SettingsError, match=r"30,000 weights and biases, and a table at most 20,000: take the model's file"
    ):
        tape_csv(Wide)


@pytest.mark.slow
def test_feature_22_the_command_line_writes_it_without_a_browser(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{k % 7},{'ab'[k % 2]}\n" for k in range(40)), "utf-8")
    words = ["studio", "t.csv", "--hidden", "2", "--epochs", "3", "--export", "t.html"]
    assert main(words) == 0
    assert "wrote t.html" in capsys.readouterr().err
    first = (tmp_path / "t.html").read_bytes()
    assert first.startswith(b"<!DOCTYPE html>")
    assert main(words) != 0
    assert "t.html exists; choose another name with --export or add --overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert (tmp_path / "t.html").read_bytes() == first
    assert main(["studio", "t.csv", "--export", "t.csv", "--overwrite"]) != 0
    assert "t.csv is a file to be read, and would be lost; choose another --export" in capsys.readouterr().err


@pytest.mark.slow
def test_feature_22_another_process_writes_the_same_bytes(tmp_path):
    for name in ("a.html", "b.html"):
        subprocess.run([sys.executable, "-m", "chainrule", "studio", PENGUINS, "--target", "species", "--epochs", "5",
                        "--export", str(tmp_path / name)], check=True, capture_output=True)  # fmt: skip
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


@pytest.mark.slow
def test_feature_22_a_large_network_has_less_in_it_rather_than_a_larger_file(tmp_path, monkeypatch):
    from chainrule.studio.taken import onefile

    rng = np.random.default_rng(0)
    lines = [",".join([*(f"{v:.3f}" for v in rng.normal(size=60)), "abc"[k % 3]]) for k in range(120)]
    path = tmp_path / "wide.csv"
    path.write_text("\n".join([",".join([*(f"c{k}" for k in range(60)), "y"]), *lines]) + "\n", "utf-8")
    made = Studio(opened_table(str(path), {"target": "y"}, {"hidden": (64, 32), "epochs": 3}))
    trained_through(made)
    try:
        held = re.compile(rb'id="recording">(.*?)</script>', re.DOTALL)
        whole = page_file(made)
        assert len(whole) < MOST
        monkeypatch.setattr(onefile, "MOST_BYTES", len(held.search(whole)[1]) * 9 // 10)
        found = held.search(page_file(made))[1]
        assert len(found) <= onefile.MOST_BYTES
        assert data_of(json.loads(found)["index"])["numbers"]
    finally:
        made.close()
