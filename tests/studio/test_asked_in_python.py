"""Features 1, 2, 7, 20 and 23 without a browser: a studio asked in Python, and what it publishes."""

import hashlib
import json
import shlex
import threading
import time

import numpy as np
import pytest
from tests.studio.watched import Watched, numbers_of, watched

from chainrule._files import write_atomically
from chainrule.cli import main
from chainrule.errors import SettingsError
from chainrule.explain.derive.exact import mp, mpf, one_at_a_time, precise_value
from chainrule.explain.trace.address import Address
from chainrule.model.model import Model
from chainrule.studio.protocol.messages import wrong_event
from chainrule.studio.protocol.nested import text_of
from chainrule.studio.shown.numbers import derived, found_place
from chainrule.studio.training.opening import opened_lesson, opened_model, opened_table

ROWS = 90


def csv(path, rows: int = ROWS) -> str:
    """Write a table of 12 columns with text, dates, gaps, an identifier and a constant; return its name."""
    draw = np.random.default_rng(11)
    head = "number,name,born,weight,height,color,size,seen,empty,constant,share,grade"
    lines = [head]
    for i in range(rows):
        weight, height = draw.normal(60, 9), draw.normal(170, 12)
        color = ["red", "green", "blue", ""][int(draw.integers(4))]
        day = f"20{int(draw.integers(10, 24))}-{int(draw.integers(1, 13)):02}-{int(draw.integers(1, 28)):02}"
        grade = "A" if weight + draw.normal(0, 4) > 60 else "B" if height > 168 else "C"
        gap = "" if draw.random() < 0.1 else f"{weight:.3f}"
        size = ["S", "M", "L"][int(draw.integers(3))]
        seen = ["true", "false"][int(draw.integers(2))]
        lines.append(
            f"{i + 1000},person {i},{day},{gap},{height:.2f},{color},{size},{seen},,7,{draw.random():.4f},{grade}"
        )
    with write_atomically(str(path), overwrite=True) as file:
        file.write("\n".join(lines).encode())
    return str(path)


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    return csv(tmp_path_factory.mktemp("table") / "people.csv")


def small(file: str, **settings):
    return opened_table(file, {"target": "grade"}, {"epochs": 8, "hidden": (4,), **settings})


@pytest.fixture(scope="module")
def asked(file):
    """A studio on the table, at the end of its training."""
    with watched(small(file)) as made:
        made.train()
        yield made


def test_feature_01_the_page_is_told_of_every_column_and_why_one_is_left_out(asked):
    columns = {column["name"]: column for column in asked.studio.hello()["columns"]}
    assert len(columns) == 12
    assert columns["grade"]["why"] == "the target"
    assert columns["color"]["gaps"] > 0
    assert columns["weight"]["gaps"] > 0
    assert columns["born"]["kind"] == "datetime"
    left = [name for name, column in columns.items() if not column["used"] and name != "grade"]
    assert {"empty", "constant", "name"} <= set(left)
    assert all(columns[name]["why"] for name in left)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        pytest.param(
            {"hidden": None, "fast": True, "members": None}, marks=pytest.mark.slow, id="the recipe"
        ),
        pytest.param(
            {"members": 3, "optimizer": "momentum", "l2": 0.01, "seed": 5},
            marks=pytest.mark.slow,
            id="members",
        ),
    ],
)
def test_feature_01_and_23_the_command_writes_the_model_that_the_studio_saves(
    file, tmp_path, settings, capsys
):
    made_of = small(file, **settings)
    if settings.get("fast"):
        made_of = opened_table(file, {"target": "grade"}, {"fast": True, "epochs": 6})
    with watched(made_of) as made:
        made.train()
        _, _, model = made.studio.take("model")
        _, _, command = made.studio.take("command")
    words = shlex.split(command.decode())
    assert words[:2] == ["chainrule", "train"]
    out = tmp_path / "model.safetensors"
    assert main([*words[1:], "--out", str(out), "--quiet"]) in (0, None)
    capsys.readouterr()
    assert hashlib.sha256(out.read_bytes()).hexdigest() == hashlib.sha256(model).hexdigest()


def test_feature_02_a_reset_has_the_hash_of_the_initial_parameters(asked):
    begin = asked.do("reset")
    assert begin["t"] == 0
    first = _digest(asked)
    asked.do("run_to", epoch=3)
    assert _digest(asked) != first
    asked.do("step", grain="term", by=7)
    asked.do("reset")
    assert _digest(asked) == first == hashlib.sha256(asked.studio.made.course.start[0].tobytes()).hexdigest()


def _digest(asked: Watched) -> str:
    state = asked.studio.made.tape.state(asked.studio.state.t, 0)
    return hashlib.sha256(np.ascontiguousarray(state.parameters).tobytes()).hexdigest()


def test_feature_03_every_number_of_a_frame_comes_back(asked):
    """Play to an update, go elsewhere, and back: the frame has the same bytes, save its own number."""

    def told() -> str:
        frame = {name: value for name, value in asked.frame.items() if name not in ("seq", "grain")}
        return json.dumps(frame, sort_keys=True)

    places = [(20, 0), (20, 31), (3, 60), (asked.frame["updates"], 0)]
    seen = []
    for t, place in places:
        asked.do("seek", t=t, place=place)
        seen.append(told())
    for (t, place), before in zip(reversed(places), reversed(seen), strict=True):
        asked.studio.made.lookout._looks.clear()
        asked.studio.made.tape._near.clear()
        asked.do("seek", t=t, place=place)
        assert told() == before


def test_feature_04_marks_are_parameters_and_every_address_evaluates_to_what_is_sent(asked):
    hello = asked.studio.hello()
    network, course = hello["network"], asked.studio.made.course
    layout = course.layout
    edges = [address for _, _, address in network["edges"]["list"]]
    biases = [neuron["bias"] for neuron in network["neurons"] if neuron["bias"]]
    assert network["edges"]["drawn"] == len(edges) == network["edges"]["of"]
    assert sorted([*edges, *biases]) == sorted(layout.address(i) for i in range(layout.size))
    assert [n["name"] for n in network["neurons"] if n["layer"] == 0] == list(course.inputs)
    assert [n["name"] for n in network["neurons"] if n["layer"] == 2] == ["A", "B", "C"]
    frame = asked.do("seek", t=11, place=0)
    look = asked.studio.made.lookout.look(11, 0, None)
    trace = look.batch
    arrays = frame["arrays"]
    assert numbers_of(arrays["edges"]["weight"]).tolist() == [trace[address] for address in edges]
    for name, form in (("gradient", "dC/d{}"),):
        assert numbers_of(arrays["edges"][name]).tolist() == [
            trace[form.format(address)] for address in edges
        ]
    row = f"@row={look.row}"
    for name, kind in (("a", "address"), ("z", "z")):
        sent = numbers_of(arrays["neurons"][name])
        for neuron, value in zip(network["neurons"], sent, strict=True):
            if neuron[kind] is None:
                assert np.isnan(value)
            else:
                assert value == trace[neuron[kind] + row]
    for neuron, slope, delta in zip(
        network["neurons"],
        numbers_of(arrays["neurons"]["slope"]),
        numbers_of(arrays["neurons"]["delta"]),
        strict=True,
    ):
        if neuron["layer"]:
            address = neuron["address"].removeprefix("a")
            assert delta == trace[f"delta{address}{row}"]
            assert np.isnan(slope) if neuron["layer"] == 2 else slope == trace[f"f'{address}{row}"]


def test_feature_08_what_is_not_known_yet_is_not_sent(asked):
    """Place by place, what is known only grows, within a pass; and at the end it is the update's own."""
    made = asked.studio.made
    look, before = made.lookout.look(4, 0, None), None
    for index in range(1, len(made.walk)):
        found = made.framer.numbers(look, index)
        known = [~np.isnan(found["neurons"][name]) for name in ("a", "z", "delta", "slope")]
        known += [~np.isnan(found[kind]["gradient"]) for kind in ("edges", "biases")]
        count = [int(each.sum()) for each in known]
        if before is not None:
            assert all(now >= then for now, then in zip(count, before, strict=True))
        before = count
        place = made.walk.at(index)
        if place.phase == "forward" and place.step == "z":
            j = [n["z"] for n in made.drawn.told["neurons"]].index(f"z[{place.layer}][{place.neuron}]")
            assert not np.isnan(found["neurons"]["z"][j])
            assert np.isnan(found["neurons"]["delta"]).all()
    assert (found["edges"]["weight"] == look.new[made.drawn.edges]).all()
    assert (
        found["edges"]["change"] == look.new[made.drawn.edges] - look.state.parameters[made.drawn.edges]
    ).all()


@pytest.mark.slow
def test_feature_07_every_number_leads_to_lines_that_come_out(asked):
    """The shown operands, put into the line's formula by mpmath, give the shown result to 1e-12."""
    made, lines = asked.studio.made, 0
    asked.do("seek", t=6, place=0)
    look = made.lookout.look(6, 0, None)
    told = made.drawn.told
    layout = made.course.layout
    forms = ("{}[{}", "dC/d{}[{}", "{}_new[{}", "m/d{}[{}", "m_new/d{}[{}")
    whole = [layout.address(i).split("[", 1) for i in range(0, layout.size, 5)]
    parameters = [form.format(*address) for address in whole for form in forms]
    neurons = [n["address"] for n in told["neurons"]] + [n["z"] for n in told["neurons"] if n["z"]]
    others = ["C", "C_new", "loss", "eta", "dC/dx[1]", "delta[1][2]", "f'[1][2]", "probability[1]"]
    for address in [*parameters, *neurons, *others]:
        answer = asked.studio.number({"address": address})
        assert answer["ok"] in (True, None), address
        assert answer["nodes"]
        trace, place = found_place(look, address)
        for line in derived(look, trace, place).lines:
            if not line.values or any(name[0] == "[" for name in line.values):
                continue
            with one_at_a_time:
                exact = precise_value(line.symbols, {name: mpf(value) for name, value in line.values.items()})
                size = sum(abs(value) for value in line.values.values())
                off = abs(mp.mpf(line.result) - exact)
                assert off <= 1e-12 * max(abs(exact), size), (address, line.address)
            lines += 1
    assert lines > 100


@pytest.mark.parametrize("form", ["short", "paths", "recursive", "matrix"])
def test_feature_07_a_derivative_is_told_as_product_over_paths_and_as_matrix(asked, form):
    asked.do("seek", t=6, place=0)
    answer = asked.studio.number({"address": "dC/dW[1][1,2]", "form": form})
    assert answer["ok"] is True
    assert "the central difference" in text_of(answer["nodes"])


def test_feature_07_an_address_that_is_none_is_refused_in_one_line(asked):
    for address in ("W[9][1,1]", "q[1]", "", "z[1][1]@row=9999"):
        with pytest.raises(SettingsError) as told:
            asked.studio.number({"address": address})
        assert "\n" not in str(told.value)


def test_feature_20_the_curves_have_every_epoch_once_and_the_history_s_numbers(asked):
    history = asked.studio.made.worker.history
    curve = asked.studio.curve()
    assert curve["epochs"] == [line.epoch for line in history]
    assert curve["training"] == [line.training_loss for line in history]
    assert curve["validation"] == [line.validation_loss for line in history]
    asked.wait(lambda: sum(len(news["epochs"]) for news in asked.told("curve")) >= len(history))
    published = [epoch for news in asked.told("curve") for epoch in news["epochs"]]
    assert published == curve["epochs"]
    norms = [value for value in curve["gradient"] if value is not None]
    assert norms
    epoch = next(e for e, v in zip(curve["epochs"], curve["gradient"], strict=True) if v is not None)
    look = asked.studio.made.lookout.look(epoch * asked.studio.made.tape.steps_per_epoch, 0, None)
    if look.batch is not None:
        assert curve["gradient"][epoch - 1] == pytest.approx(
            float(np.linalg.norm(look.batch.steps[0].update.raw)), rel=1e-12
        )


def test_feature_20_no_test_row_s_target_is_told_before_it_is_asked_for(tmp_path):
    """Each row's target is a number of its own, so one that leaks is found by its digits; a planted leak is found."""
    draw = np.random.default_rng(2)
    rows = 60
    x, y = draw.standard_normal((2, rows))
    y = np.round(2 * x + y, 6) + 100
    lines = "\n".join(
        ["x,z,y", *(f"{a!r},{a * a!r},{b!r}" for a, b in zip(x.tolist(), y.tolist(), strict=True))]
    )
    with write_atomically(str(tmp_path / "t.csv"), overwrite=True) as file:
        file.write(lines.encode())
    course = opened_table(str(tmp_path / "t.csv"), {"target": "y"}, {"epochs": 4, "hidden": (3,)})
    prepared = course.prepared
    secret = [repr(float(v)) for v in prepared.tested.column("y")]
    known = {repr(float(v)) for v in prepared.fitted.column("y")}
    assert len(secret) == 12
    assert not known & set(secret)
    with watched(course) as made:
        told = [json.dumps(made.studio.hello())]
        for place in (0, 5, 25, 40):
            told.append(json.dumps(made.do("seek", t=2, place=place)))
        for kind in ("curves", "score", "residuals"):
            if kind != "curves" or made.studio.curve()["epochs"]:
                told.append(json.dumps(made.studio.picture({"kind": kind})))
        told.append(json.dumps(made.studio.number({"address": "C"})))
        assert "train it to its end first" in made.problem("open_test")
        with pytest.raises(SettingsError):
            made.studio.picture({"kind": "residuals", "part": "test"})
        made.train()
        told += [json.dumps(made.studio.picture({"kind": kind})) for kind in ("score", "residuals")]
        told += [json.dumps(event) for event in made.events]
        told.append(made.studio.take("model")[2].decode("latin-1"))
        everything = "\n".join(told)
        assert not [value for value in secret if value in everything or value.rstrip("0") in everything]
        # What is looked for is there of rows that may be seen: the search finds what it should.
        assert any(value in everything for value in known)
        rows_told = made.studio.hello()["rows"]["numbers"]
        assert not set(rows_told) & {int(r) + 1 for r in prepared.tested.rows}
        hidden = int(prepared.tested.rows[0]) + 1
        assert f"row {hidden} is none of the" in made.problem("row", number=hidden)
        made.do("open_test")
        opened = made.studio.picture({"kind": "score", "part": "test"})
        rmse = made.studio.made.pictures.trained(made.studio.made.worker.result).evaluation.scores["rmse"]
        assert repr(float(rmse))[:8] in json.dumps(opened)


def test_a_lesson_opens_at_once_in_its_own_notation():
    with watched(opened_lesson("article-5")) as made:
        frame = made.do("step", grain="pass", by=1)
        assert frame["notation"] == "article-5"
        assert "w1" in text_of(made.studio.number({"address": "W[1][1,1]"})["nodes"])
        assert made.studio.number({"address": "w5"})["address"] == "W[2][1,1]"


def test_a_model_s_training_is_made_once_more(asked, file, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(asked.studio.take("model")[2])
    model = Model.load(str(path))
    with watched(opened_model(str(path), file)) as made:
        frame = made.train()
        best = model.card["best_epochs"][0] * frame["steps_per_epoch"]
        assert frame["updates"] == model.card["epochs_run"] * frame["steps_per_epoch"]
        assert (made.studio.made.tape.state(best, 0).parameters == model.parameters[0]).all()
        assert made.studio.hello()["source"]["kind"] == "model"


def test_a_build_swaps_the_training_and_keeps_what_it_can(file):
    with watched(small(file)) as made:
        made.do("step", grain="update", by=2)
        row = made.frame["row"]
        made.do("row", number=row)
        frame = made.do("build", settings={"hidden": [3, 2], "epochs": 5})
        assert frame["generation"] == 2
        assert frame["t"] == 0
        assert frame["row_picked"] == row
        hello = made.told("hello")[-1]
        assert [layer["size"] for layer in hello["network"]["layers"]][1:] == [3, 2, 3]
        assert "\n" not in made.problem("build", settings={"hidden": [0]})
        assert made.frame["generation"] == 2


def test_a_training_that_diverges_is_told_in_one_line_and_can_still_be_wound(file):
    with watched(small(file, learning_rate=1e300, optimizer="sgd", early_stopping=False)) as made:
        frame = made.train()
        assert frame["phase"] == "diverged"
        made.wait(lambda: made.told("problem"))
        (told,) = made.told("problem")
        assert "training diverged in step" in told["words"]
        assert "\n" not in told["words"]
        assert made.do("reset")["t"] == 0
        assert made.frame["stage"] is None


def test_a_command_is_followed_once(asked):
    asked.do("reset")
    first = asked.studio.command({"do": "step", "grain": "update", "by": 1, "client": "a", "n": 7})
    again = asked.studio.command({"do": "step", "grain": "update", "by": 1, "client": "a", "n": 7})
    assert first == again
    assert asked.frame["t"] == 1


def test_members_can_be_looked_at_one_by_one(file):
    with watched(small(file, members=3)) as made:
        made.do("run_to", t=4)
        found = {made.do("member", number=n)["arrays"]["edges"]["weight"]["base64"] for n in (1, 2, 3)}
        assert len(found) == 3
        assert "there is no member 4" in made.problem("member", number=4)


def test_an_address_is_read_where_it_is_asked_for(asked):
    """Another update, row and member than those shown."""
    asked.do("reset")
    row = asked.frame["row"]
    value = asked.studio.number({"address": "z[1][1]", "t": 9, "row": row})["value"]
    look = asked.studio.made.lookout.look(9, 0, row)
    place = Address.parse(f"z[1][1]@row={row}" if len(look.step.rows) > 1 else "z[1][1]")
    assert value == look.picked[place]


def test_dead_neurons_are_marked_and_healthy_ones_are_not(file):
    healthy = small(file, activation="relu")
    with watched(healthy) as made:
        assert made.frame["flags"] == {}
    dead = small(file, activation="relu", initial={"b[1][2]": -1e4})
    with watched(dead) as made:
        assert made.frame["flags"] == {"a[1][2]": "dead"}
    with watched(small(file, activation="tanh", initial={"b[1][3]": 1e4})) as made:
        assert made.frame["flags"] == {"a[1][3]": "saturated"}


def test_feature_08_back_reverses_the_passes_exactly():
    """Forth through an update term by term, and back: each place has the very frame that it had."""
    with watched(opened_lesson("article-5")) as made:
        made.do("seek", t=5, place=0)
        forth = [_told(made.do("step", grain="term", by=1)) for _ in range(len(made.studio.made.walk) - 1)]
        assert made.do("step", grain="term", by=1)["t"] == 6
        back = [_told(made.do("step", grain="term", by=-1)) for _ in forth]
    assert back == forth[::-1]


def _told(frame) -> str:
    return json.dumps(
        {name: value for name, value in frame.items() if name not in ("seq", "frontier")}, sort_keys=True
    )


def test_one_member_that_diverges_stays_at_its_last_numbers_and_the_others_go_on(file):
    """One of three begins with weights so large that its cost is infinite; it is looked at where it still has numbers."""
    with watched(small(file, members=3, optimizer="sgd", learning_rate=2.0, early_stopping=False)) as made:
        tape = made.studio.made.tape
        tape.diverges(1, 5)
        made.train()
        assert made.frame["phase"] == "ended"
        frame = made.do("member", number=2)
        assert tape.last_of(1) == 5
        assert frame["place"]["pass"] == "rest"
        assert (
            numbers_of(frame["arrays"]["edges"]["weight"])
            == tape.state(5, 1).parameters[made.studio.made.drawn.edges]
        ).all()
        assert made.do("member", number=1)["arrays"] != frame["arrays"]


@pytest.mark.slow
def test_many_ask_at_once_while_the_training_goes_on(file):
    """Windows, clock and training at the same time: every answer has its shape, and the end comes at once."""
    with watched(small(file, epochs=400, early_stopping=False)) as made:
        wrong: list[str] = []

        def ask(seed: int) -> None:
            draw = np.random.default_rng(seed)
            for _ in range(25):
                what = int(draw.integers(5))
                if what == 0:
                    answer = made.studio.command(
                        {"do": "step", "grain": "term", "by": int(draw.integers(1, 9))}
                    )
                elif what == 1:
                    answer = made.studio.command({"do": "run_to", "t": int(draw.integers(0, 200))})
                elif what == 2:
                    answer = made.studio.command({"do": "train"})
                elif what == 3:
                    answer = {"ok": made.studio.number({"address": "C"})["ok"]}
                else:
                    answer = {"ok": not wrong_event("frame", made.studio.frame())}
                if not answer.get("ok"):
                    wrong.append(str(answer))

        threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert wrong == []
        begun = time.monotonic()
    assert time.monotonic() - begun < 30
    frames = [frame["seq"] for frame in made.told("frame")]
    assert frames == sorted(set(frames))
    assert all(not wrong_event(kind, data) for kind, data in made.events)
