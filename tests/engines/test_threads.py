"""Threads: the same bits whatever their number, Ctrl-C, the GIL, trainings side by side."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from agreement import Case

from chainrule.engines import threads
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.threads import on_threads, thread_count
from chainrule.equations.dense import Dense
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
from chainrule.errors import SettingsError

SPLIT = Case(
    hidden=(130, 90),
    inputs=70,
    rows=300,
    batch_size=128,
    activation="relu",
    loss="categorical_cross_entropy",
    optimizer="adam",
    dropout=0.2,
    clip_norm=0.5,
    l2=1e-3,
    weight_decay=0.01,
    weighted=True,
    rate=0.01,
)
"""A step long enough to be shared by the threads of one crew."""

SMALL = replace(SPLIT, hidden=(6, 5), inputs=4, batch_size=32)


def everything(case: Case, threads: int, dtype) -> list[bytes]:
    """All bits that three epochs, an evaluation and a prediction leave behind."""
    flat, data = case.arrays(dtype)
    run = CpuEngine(dtype, threads).start(case.network, flat, data, case.settings)
    rates = np.linspace(case.rate, case.rate / 2, run.steps_per_epoch)
    active = list(range(case.members))
    reports = [run.train_epoch(epoch, rates, active) for epoch in range(2)]
    reports.append(run.train_epoch(2, rates, active[:2]))
    rows = np.arange(len(data.x))
    left = [run.parameters, run.states, *(report.losses for report in reports)]
    left += [
        run.losses(rows),
        run.outputs(rows),
        CpuEngine(dtype, threads).predict(case.network, flat, data.x),
    ]
    return [array.tobytes() for array in left]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("members", [1, 2, 3, 5])
@pytest.mark.parametrize("case", [SPLIT, SMALL], ids=["split", "small"])
def test_the_same_bits_with_1_2_and_4_threads(case, members, dtype):
    case = replace(case, members=members)
    flat, data = case.arrays(dtype)
    run = CpuEngine(dtype, 1).start(case.network, flat, data, case.settings)
    assert run.splits == (case.hidden == SPLIT.hidden)
    one = everything(case, 1, dtype)
    assert everything(case, 2, dtype) == one
    assert everything(case, 4, dtype) == one
    assert everything(replace(case, seed=case.seed + 1), 1, dtype) != one


def test_the_same_bits_where_blocks_and_slices_do_not_divide_evenly():
    case = replace(
        SPLIT, hidden=(257, 3), inputs=131, batch_size=77, rows=80, members=1, bias="layer", clip_norm=None
    )
    one = everything(case, 1, np.float32)
    assert everything(case, 3, np.float32) == one
    assert everything(case, 4, np.float32) == one


def test_a_batch_of_the_whole_table_has_few_gradients():
    """Each block of rows keeps a gradient of its own until they are added: that may not grow with the table."""
    case = replace(SPLIT, rows=9001, batch_size=9001, clip_norm=None)
    flat, data = case.arrays(np.float32)
    run = CpuEngine(np.float32, 2).start(case.network, flat, data, case.settings)
    run.train_epoch(0, np.array([0.01]), [0])
    (crew,) = run.crews[2]
    assert 1 < len(crew.state.g) <= 16
    assert crew.state.g.shape[1] == flat.shape[1]
    assert everything(case, 1, np.float32) == everything(case, 4, np.float32)


def test_buffers_do_not_grow_with_the_batch():
    """The rows that a thread works on at once are few, whatever the batch."""
    sizes = []
    for rows in (256, 9001):
        case = replace(SPLIT, rows=rows, batch_size=rows)
        flat, data = case.arrays(np.float32)
        run = CpuEngine(np.float32, 2).start(case.network, flat, data, case.settings)
        run.train_epoch(0, np.array([0.01]), [0])
        (crew,) = run.crews[2]
        sizes.append([[array.nbytes for array in space] for space in crew.spaces])
    assert sizes[0] == sizes[1]


def test_a_member_is_the_same_alone_and_among_others():
    together, alone = replace(SPLIT, members=3), replace(SPLIT, members=1)
    flat, data = together.arrays(np.float32)
    runs = [
        CpuEngine(np.float32, 2).start(together.network, part, data, together.settings)
        for part in (flat, flat[:1])
    ]
    rates = np.full(runs[0].steps_per_epoch, 0.01)
    for run, active in zip(runs, ([0, 1, 2], [0]), strict=True):
        run.train_epoch(0, rates, active)
    assert runs[0].parameters[0].tobytes() == runs[1].parameters[0].tobytes()
    assert alone.network == together.network


def test_calls_of_any_length_make_the_same_steps(monkeypatch):
    """Python looks for Ctrl-C between calls of the compiled loop: after each step, or once an epoch."""
    bits = []
    for seconds in (1e-9, 1e-4, 1e9):
        monkeypatch.setattr("chainrule.engines.cpu.run.SECONDS_AWAY", seconds)
        bits.append(
            everything(replace(SPLIT, members=3), 2, np.float32)
            + everything(replace(SMALL, members=3), 2, np.float32)
        )
    assert bits[0] == bits[1] == bits[2]


# ---- how many


def test_the_number_of_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert thread_count() == len(os.sched_getaffinity(0))
    assert thread_count(3) == 3
    for text, count in (("2", 2), ("7,3", 7), (" 5 ", 5)):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert thread_count() == count
        assert thread_count(1) == 1, "what is asked for comes first"
        assert CpuEngine().threads == count
    for text in ("", "0", "-1", "many"):
        monkeypatch.setenv("OMP_NUM_THREADS", text)
        assert thread_count() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("wanted", [0, -1, 1.5, "2", True])
def test_a_number_of_threads_that_can_t_be(wanted):
    with pytest.raises(SettingsError, match="must be a whole number, at least 1"):
        thread_count(wanted)


PRELUDE = f"""
import hashlib, os, signal, sys, threading, time
import numpy as np
sys.path.insert(0, {os.path.dirname(__file__)!r})
from chainrule.engines.base import Data, StepSettings
from chainrule.equations.layout import Layout
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.equations.optimizers import optimizer
"""


def python(code: str, **environment: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PRELUDE + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.slow
def test_the_environment_changes_threads_and_no_bits():
    code = """
        from test_threads import SMALL, SPLIT, everything
        from dataclasses import replace
        count = CpuEngine().threads
        bits = everything(replace(SPLIT, members=2), count, np.float32) + everything(SMALL, count, np.float32)
        print(count, hashlib.sha256(b"".join(bits)).hexdigest())
    """
    answers = []
    for environment in ({"OMP_NUM_THREADS": "1"}, {"OMP_NUM_THREADS": "3"}, {"OPENBLAS_NUM_THREADS": "2"}):
        process = python(code, **environment)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        answers.append(out.split())
    assert [count for count, _ in answers[:2]] == ["1", "3"]
    assert len({digest for _, digest in answers}) == 1


# ---- on_threads


def test_all_of_the_work_is_done_at_the_same_time():
    meeting = threading.Barrier(4)
    seen = []

    def work(number):
        meeting.wait(timeout=20)
        seen.append((number, threading.current_thread() is threading.main_thread()))

    on_threads(4, work)
    assert sorted(seen) == [(0, True), (1, False), (2, False), (3, False)]


@pytest.mark.parametrize("who", [0, 1])
def test_an_error_on_any_thread_is_raised_after_all_have_ended(who):
    ended = []

    def work(number):
        if number == who:
            raise SettingsError("as planned")
        time.sleep(0.05)
        ended.append(number)

    with pytest.raises(SettingsError, match="as planned"):
        on_threads(3, work)
    assert len(ended) == 2


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads can't be moved here")
def test_threads_that_may_not_be_moved_work_where_they_are(monkeypatch):
    def forbidden(*arguments):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setaffinity", forbidden)
    monkeypatch.setattr(threads, "_processor", lambda: 0)
    done = []
    on_threads(3, done.append)
    assert sorted(done) == [0, 1, 2]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="threads can't be moved here")
def test_threads_stay_free_to_run_anywhere():
    allowed = os.sched_getaffinity(0)
    seen = []
    on_threads(4, lambda number: seen.append(os.sched_getaffinity(0)))
    assert seen == [allowed] * 4


def test_work_of_two_trainings_that_wait_for_each_other_is_never_mixed():
    """Each needs three helpers at once and there are three: half a team each would wait for ever."""
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        made = []

        def training():
            for _ in range(200):
                meeting = threading.Barrier(4)
                on_threads(4, lambda number, meeting=meeting: meeting.wait(timeout=10))
            made.append(200)

        sides = [threading.Thread(target=training, daemon=True) for _ in range(3)]
        for side in sides:
            side.start()
        for side in sides:
            side.join(timeout=60)
        assert made == [200] * 3
    finally:
        sys.setswitchinterval(old)


def test_trainings_in_several_python_threads_don_t_disturb_each_other():
    case = replace(SPLIT, members=1)
    want = everything(case, 2, np.float32)
    got: list[list[bytes]] = []
    sides = [threading.Thread(target=lambda: got.append(everything(case, 2, np.float32))) for _ in range(3)]
    for side in sides:
        side.start()
    for side in sides:
        side.join(timeout=60)
    assert got == [want] * 3


def test_ctrl_c_waits_until_all_threads_are_back():
    events = []

    def work(number):
        if number == 0:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.01)
        else:
            time.sleep(0.1)
        events.append(number)

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        on_threads(2, work)
    assert events == [0, 1]
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("count", [1, 2])
def test_ctrl_c_asks_long_work_to_stop(count):
    """Work that would go on for ever ends, on whatever threads, and the handler is back."""
    ended, asked = threading.Event(), []

    def work(number):
        if number == 0:
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        asked.append((number, ended.wait(30)))

    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        on_threads(count, work, ended.set)
    assert sorted(asked) == [(number, True) for number in range(count)]
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_process_has_threads_of_its_own():
    on_threads(2, lambda number: None)
    code = """
        from chainrule.engines.threads import on_threads
        on_threads(2, lambda number: None)
        child = os.fork()
        if not child:
            done = []
            on_threads(2, done.append)
            os._exit(0 if sorted(done) == [0, 1] else 1)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    process = python(code.replace('"', "'"), PYTHONWARNINGS="ignore")
    out, err = process.communicate(timeout=60)
    assert out.strip() == "0", err


# ---- long epochs

TRAINING = """
    from chainrule.engines.cpu.warm_up import jobs
    jobs()[0].run()  # compiling the loops takes seconds of its own
    draws = np.random.default_rng(0)
    n = {rows}
    network = Network([{inputs}, *(Dense(k, "{activation}") for k in {hidden}), Dense(1)], "mean_squared_error")
    x = draws.normal(size=(n, {inputs})).astype(np.float32)
    data = Data(x, x[:, :1], np.arange(n), np.arange(0))
    flat = draws.normal(scale=0.05, size=({members}, Layout(network).size))
    settings = StepSettings(optimizer=optimizer("adam"), batch_size={batch})
    run = CpuEngine(np.float32, {threads}).start(network, flat, data, settings)
    rates = np.full(run.steps_per_epoch, 1e-4)
"""

SOON = 3.0
"""Seconds of processor time that a process may use until Ctrl-C has ended it, those before Ctrl-C included.

Not of the clock: on a busy machine others have the processors meanwhile. The work takes more on any.
"""

NARROW = {"rows": 1_000_000, "inputs": 10, "hidden": (20, 20), "members": 30, "batch": 32}
LONG = {
    "rows": {**NARROW, "hidden": (200, 200), "members": 1, "batch": 256, "threads": 2, "activation": "relu"},
    "one thread": {**NARROW, "threads": 1, "activation": "relu"},
    "members": {**NARROW, "threads": 2, "activation": "gelu"},
    # A step of a network this small is guessed to be short, but this one is on a million rows.
    "all at once": {
        **NARROW,
        "hidden": (1,),
        "members": 300,
        "batch": 1_000_000,
        "threads": 1,
        "activation": "mish",
    },
}


def children_seconds() -> float:
    """Processor time of all processes that were started here and have ended."""
    times = os.times()
    return times.children_user + times.children_system


def assert_ctrl_c_ends(code: str, after: float, says: str) -> None:
    """Ctrl-C, sent ``after`` seconds of work, is answered by a line, and ends the process with little more work."""
    used = children_seconds()
    with python(code) as process:
        try:
            word, before = process.stdout.readline().split()
            assert word == "begins"
            time.sleep(after)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
            took = children_seconds() - used - float(before)
        finally:
            process.kill()
    assert out == says, err
    assert took < SOON, "with the end of the process"


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=[pytest.mark.slow] if way != "rows" else []) for way in LONG]
)
def test_ctrl_c_ends_a_long_epoch(way):
    code = (
        TRAINING.format(**LONG[way])
        + """
    run.losses(np.arange(10))
    print("begins", time.process_time(), flush=True)
    try:
        for epoch in range(1000):
            run.train_epoch(epoch, rates, range(len(flat)))
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    )
    assert_ctrl_c_ends(code, 0.6, "interrupted\n")


WHOLE = {**NARROW, "hidden": (400, 400), "members": 1, "batch": 1_000_000, "threads": 2, "activation": "relu"}


@pytest.mark.parametrize(
    "call",
    [
        "train_epoch(0, rates, [0])",
        pytest.param("loss_and_gradient(0, flat[0])", marks=pytest.mark.slow),
        "losses(data.train)",
        pytest.param("outputs(data.train)", marks=pytest.mark.slow),
    ],
)
def test_ctrl_c_ends_a_call_that_looks_at_a_whole_table(call):
    """These take six seconds and more on two cores; the parameters of the step that was left stay as they were."""
    code = (
        TRAINING.format(**{**WHOLE, "rows": 3_000_000 if "(data" in call else 1_000_000})
        + f"""
    before = run.parameters.tobytes()
    print("begins", time.process_time(), flush=True)
    try:
        run.{call}
        print("not interrupted", flush=True)
    except KeyboardInterrupt:
        print("interrupted", run.parameters.tobytes() == before, flush=True)
    """
    )
    assert_ctrl_c_ends(code, 0.3, "interrupted True\n")


def test_other_python_threads_go_on_during_an_epoch():
    network = Network([10, Dense(20, "tanh"), Dense(1)], "mean_squared_error")
    x = np.random.default_rng(0).normal(size=(200_000, 10))
    data = Data(x, x[:, :1], np.arange(len(x)), np.arange(0))
    run = CpuEngine(np.float32, 1).start(
        network, np.full((5, Layout(network).size), 0.1), data, StepSettings(optimizer=optimizer("sgd"))
    )
    rates = np.full(run.steps_per_epoch, 1e-3)
    run.train_epoch(0, rates, [0])
    # From here on one call of the compiled loop makes the whole epoch of all members.
    run.step_seconds = 1e-9
    ends = []

    def train():
        begun = time.perf_counter()
        run.train_epoch(1, rates, range(5))
        ends.append(time.perf_counter() - begun)

    side = threading.Thread(target=train)
    longest, last = 0.0, time.perf_counter()
    side.start()
    while side.is_alive():
        time.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    assert ends[0] > 0.02
    assert longest < ends[0] / 2, "this thread was never kept waiting for the epoch to end"


def test_the_pool_is_of_this_process():
    assert threads._pool(os.getpid(), 2) is threads._pool(os.getpid(), 2)
