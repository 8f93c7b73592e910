"""BLAS on one thread: the same bits in any thread and beside any other, and every library left as it was found."""

import os
import subprocess
import sys
import textwrap
import threading
import warnings
from contextlib import ExitStack, contextmanager

import mpmath
import numpy as np
import pytest
import scipy.linalg.cython_blas  # with it comes SciPy's BLAS
from threadpoolctl import threadpool_info

import chainrule
from chainrule import Dense, MLPClassifier, MLPRegressor, Network, _blas
from chainrule._blas import one_blas_thread
from chainrule.engines.base import Data, StepSettings
from chainrule.engines.cpu.engine import CpuEngine
from chainrule.engines.cpu.evaluate import CpuRowPredictor
from chainrule.engines.reference.engine import ReferenceEngine
from chainrule.engines.threads import on_threads
from chainrule.equations.layout import Layout
from chainrule.equations.optimizers import optimizer
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.check.certificate import certify
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.trace.steps import trace_network
from chainrule.training.initial import initial_parameters
from chainrule.training.scores.baselines import class_answers, number_answers
from chainrule.training.scores.temperature import weighted_sums
from effort import one_in

assert scipy.linalg.cython_blas


class OfTheProcess:
    """A BLAS with one number for the whole process, as OpenBLAS with threads of its own has."""

    def __init__(self, count):
        self.number = count

    def count(self):
        return self.number

    def limit(self, count):
        self.number = count


class OfEachThread(threading.local):
    """A BLAS whose number is each thread's own, as with OpenMP."""

    def __init__(self, count):
        self.number = count

    count, limit = OfTheProcess.count, OfTheProcess.limit


class OfEachThreadWithUndo(OfEachThread):
    """A BLAS that says what undoes a limit, as MKL: 0, where a thread had none of its own."""

    def __init__(self, count):
        self.all, self.number = count, 0

    def count(self):
        return self.number or self.all

    def limit(self, count):
        before, self.number = self.number, count
        return before


KINDS = (OfTheProcess, OfEachThread, OfEachThreadWithUndo)


@pytest.fixture(params=[*KINDS, "real"], ids=[*(kind.__name__ for kind in KINDS), "real"])
def libraries(request, monkeypatch):
    """BLAS libraries that were found with 4 and 3 threads: planted ones, or those that are there."""
    if request.param == "real":
        real = _blas._libraries(True)
        assert len(real) == len([pool for pool in threadpool_info() if pool["user_api"] == "blas"])
        before = [library.count() for library in real]
        for library, count in zip(real, (4, 3), strict=False):
            library.limit(count)
        yield real
        for library, count in zip(real, before, strict=True):
            library.limit(count)
        return
    planted = [_blas._Library(made.count, made.limit) for made in (request.param(4), request.param(3))]
    monkeypatch.setattr(_blas, "_libraries", lambda with_scipy: planted)
    yield planted


def counts(libraries):
    return [library.count() for library in libraries]


class Side:
    """A thread that does one thing after the other, when told to."""

    def __init__(self):
        self.todo, self.done, self.work = threading.Semaphore(0), threading.Semaphore(0), None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            self.todo.acquire()
            if self.work is None:
                return
            self.answer = self.work()
            self.done.release()

    def __call__(self, work):
        self.work = work
        self.todo.release()
        assert self.done.acquire(timeout=20)
        return self.answer

    def end(self):
        self.work = None
        self.todo.release()
        self.thread.join(20)


class Here:
    """The main thread in a side's place."""

    def __call__(self, work):
        return work()

    def end(self):
        pass


ORDERS = ["mMaA", "maMA", "maAM", "amAM", "amMA", "mabAMB", "mabMBA", "abmcMABC", "mmaMAM", "amaAbAMB"]
"""Who enters (small) and who leaves (capital): m is the main thread."""


@pytest.mark.parametrize("order", ORDERS)
def test_every_library_is_left_as_it_was_found_in_whatever_order_threads_come_and_go(libraries, order):
    sides = {name: Here() if name == "m" else Side() for name in order.lower()}
    found = {name: side(lambda: counts(libraries)) for name, side in sides.items()}
    assert found["m"] == [4, 3][: len(libraries)]
    inside = dict.fromkeys(sides, 0)
    for letter in order:
        name = letter.lower()
        context = one_blas_thread()
        sides[name](context.__enter__ if letter == name else lambda context=context: context.__exit__())
        inside[name] += 1 if letter == name else -1
        for other, depth in inside.items():
            now = sides[other](lambda: counts(libraries))
            assert now == [1] * len(libraries) if depth else True, (other, letter)
    assert {name: side(lambda: counts(libraries)) for name, side in sides.items()} == found
    for side in sides.values():
        side.end()


def test_what_a_number_reaches_is_found_out(libraries):
    with one_blas_thread():
        kinds = {library.everywhere for library in libraries}
    assert len(kinds) == 1
    if isinstance(getattr(libraries[0].limit, "__self__", None), OfEachThread):
        assert kinds == {False}


def test_what_somebody_else_sets_meanwhile_stays(libraries):
    with one_blas_thread():
        libraries[0].limit(2)
        with one_blas_thread():
            assert counts(libraries)[0] == 1, "our products are on one thread all the same"
        assert counts(libraries)[0] == 1
    assert counts(libraries)[0] == 2
    with one_blas_thread():
        libraries[0].limit(3)
    assert counts(libraries)[0] == 3


def test_an_error_inside_changes_nothing(libraries):
    @one_blas_thread()
    def wrong():
        raise ValueError(counts(libraries))

    with pytest.raises(ValueError, match=r"\[1"):
        wrong()
    assert counts(libraries) == [4, 3][: len(libraries)]


def test_many_threads_at_once_come_and_go(libraries):
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    seen = []

    def work():
        for _ in range(200):
            with one_blas_thread():
                seen.append(max(counts(libraries)))

    try:
        sides = [threading.Thread(target=work) for _ in range(6)]
        for side in sides:
            side.start()
        for side in sides:
            side.join(60)
    finally:
        sys.setswitchinterval(old)
    assert seen == [1] * 1200
    assert counts(libraries) == [4, 3][: len(libraries)]


@pytest.mark.parametrize("stop", [None, lambda: None])
def test_helping_threads_have_one_blas_thread_too(libraries, stop):
    seen = []
    with one_blas_thread():
        on_threads(3, lambda number: seen.append(counts(libraries)), stop)
    assert seen == [[1] * len(libraries)] * 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_helping_thread_leaves_alone_what_is_one_number_for_all(kind, monkeypatch):
    """Also where nobody has found out yet."""
    made, here, side = kind(5), [], Side()
    monkeypatch.setattr(_blas, "_libraries", lambda with_scipy: [_blas._Library(made.count, made.limit)])
    try:
        side(_blas.keep_to_one_blas_thread)
        here = [made.count(), side(made.count)]
    finally:
        side.end()
    assert here == ([5, 5] if kind is OfTheProcess else [5, 1])


def test_a_library_that_comes_later_is_held_as_well(monkeypatch):
    early, late = (_blas._Library(made.count, made.limit) for made in (OfTheProcess(5), OfTheProcess(6)))
    there = [early]
    monkeypatch.setattr(_blas, "_libraries", lambda with_scipy: list(there))
    with one_blas_thread():
        there.append(late)
        with one_blas_thread():
            assert counts(there) == [1, 1]
    assert counts(there) == [5, 6]


def test_the_libraries_are_asked_by_their_own_functions():
    """What threadpoolctl's limits reach has changed between its versions."""
    known = [pool for pool in threadpool_info() if pool["internal_api"] in ("openblas", "mkl")]
    if not known:
        pytest.skip("no BLAS here whose functions are known")
    own = [library for library in _blas._libraries(True) if hasattr(library.limit, "argtypes")]
    assert len(own) == len(known)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_process_forked_while_others_work_is_free_of_them():
    """Neither a lock nor a held library of a thread that it doesn't have; what its own thread holds it keeps."""
    code = """
        import os, sys, threading, time
        import scipy.linalg.cython_blas
        from chainrule import _blas
        from chainrule._blas import one_blas_thread
        from chainrule.engines import threads

        libraries = _blas._libraries(True)
        for library in libraries:
            library.limit(3)
        def counts():
            return {library.count() for library in libraries}
        inside, end = threading.Event(), threading.Event()
        def work():
            with one_blas_thread():
                inside.set()
                end.wait(30)
        side = threading.Thread(target=work)
        side.start()
        inside.wait(30)
        def child(check):
            sys.stdout.flush()
            number = os.fork()
            if not number:
                os._exit(check())
            return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        def alone():
            before = counts()
            with one_blas_thread():
                inside = counts()
            return 0 if (before, inside, counts()) == ({3}, {1}, {3}) else 1
        assert child(alone) == 0
        with _blas._lock, threads._submitting:  # as if another thread were just there
            assert child(lambda: alone() or threads.on_threads(2, lambda number: None) or 0) == 0
        with one_blas_thread():
            def within():
                if counts() != {1}:
                    return 1
                one_blas_thread().__exit__()
                return 0 if counts() == {3} else 2
            assert child(within) == 0
        end.set()
        side.join()
        print(counts())
    """
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.strip() == "{3}", done.stderr


# ---- bits


@contextmanager
def blas_threads(count):
    """Let every BLAS have so many threads, however many processors there are."""
    with ExitStack() as back:
        for library in _blas._libraries(True):
            back.callback(library.limit, library.count())
            library.limit(count)
        yield


DRAWS = np.random.default_rng(7)
X = DRAWS.normal(size=(1300, 90))
Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3]
MANY = DRAWS.normal(size=(1300, 400))
LABELS = np.digitize(Y[:, 0], [-1, -0.3, 0.3, 1])
WIDE = Network([90, Dense(310, "tanh"), Dense(270, "relu"), Dense(1)], "mean_squared_error")
WIDER = Network([90, Dense(1100, "tanh"), Dense(900, "relu"), Dense(1)], "mean_squared_error")
"""What OpenBLAS has other bits for in float32, too, when it shares out."""

START = DRAWS.normal(scale=0.05, size=(1, Layout(WIDER).size))
FLAT = DRAWS.normal(scale=0.1, size=(2, Layout(WIDE).size))
TABLE = {f"x{i}": X[:, i].tolist() for i in range(40)} | {"y": Y[:, 0].tolist()}


@pytest.fixture(scope="module")
def model():
    return chainrule.train(TABLE, "y", hidden=[1100, 900], epochs=1, batch_size=400, members=1, seed=5).model


def steps(engine, network=WIDE, flat=FLAT):
    run = engine.start(
        network,
        flat,
        Data(X, Y, np.arange(1000), np.arange(1000, 1300)),
        StepSettings(optimizer=optimizer("adam"), batch_size=500),
    )
    reports = [run.train_epoch(epoch, np.full(2, 0.01), range(len(flat))) for epoch in range(2)]
    rows = np.arange(1300)
    return run.parameters, *(report.losses for report in reports), run.losses(rows), run.outputs(rows)


def gradient(engine):
    run = engine.start(
        WIDE,
        FLAT,
        Data(X, Y, np.arange(1300), np.arange(0)),
        StepSettings(optimizer=optimizer("lbfgs"), batch_size=1300),
    )
    return run.loss_and_gradient(1, FLAT[1])


def fitted(kind, y, sizes=(290, 60), **how):
    made = kind(hidden_layer_sizes=sizes, max_iter=2, batch_size=450, random_state=1, **how).fit(X, y)
    return *made.coefs_, *made.intercepts_, made.predict(X)


def rows_one_by_one():
    network = Network(
        [90, Dense(2100, "relu"), Dense(1700, "relu"), Dense(3, "softmax")], "categorical_cross_entropy"
    )
    flat = np.random.default_rng(3).normal(scale=0.05, size=Layout(network).size)
    predict = CpuRowPredictor(network, flat)
    return [predict(row) for row in X[:10].astype(np.float32)]


def trained():
    made = chainrule.train(TABLE, "y", hidden=[1100, 900], epochs=1, batch_size=350, members=1)
    return made.model.parameters, made.model.outputs(X[:, :40]), made.evaluation.scores


def traced(model):
    trace = trace_network(WIDE, FLAT[0], X, Y, settings=StepSettings(optimizer=optimizer("adam")))
    step = trace.steps[0]
    return (
        step.record.a,
        *(layer.delta for layer in step.gradients.layers),
        step.update.parameters,
        trace.array("norm"),
    )


WORK = {
    "reference": lambda model: steps(ReferenceEngine()),
    "cpu, float32": lambda model: steps(CpuEngine(np.float32, 2), WIDER, START),
    "cpu, float64": lambda model: steps(CpuEngine(np.float64, 1)),
    "gradient, reference": lambda model: gradient(ReferenceEngine()),
    "gradient, cpu": lambda model: gradient(CpuEngine(np.float64, 2)),
    "regressor, float64": lambda model: fitted(MLPRegressor, Y[:, 0], threads=1, dtype="float64"),
    "classifier, float32": lambda model: fitted(
        MLPClassifier, Y[:, 0] > 0, (1100, 900), threads=2, dtype="float32"
    ),
    "regressor, lbfgs": lambda model: fitted(MLPRegressor, Y[:, 0], solver="lbfgs"),
    "train": lambda model: trained(),
    "outputs": lambda model: [model.outputs(np.tile(X[:, :40], (2, 1)))],
    "rows one by one": lambda model: rows_one_by_one(),
    "initial, from the data": lambda model: [
        initial_parameters(
            Network([90, Dense(300, "relu", init="data"), Dense(200, "relu", init="data"), Dense(1)]),
            1,
            3,
            x=X,
        )
    ],
    "weighted sums": lambda model: [weighted_sums(WIDE, FLAT, X)],
    "baselines": lambda model: [
        array
        for found in (class_answers(MANY, LABELS, MANY, 5), number_answers(MANY, MANY[:, 0] + Y[:, 0], MANY))
        for answers in found.values()
        for array in answers.values()
    ],
    "trace": traced,
    "attributions": lambda model: [integrated_gradients(model, model.table(TABLE), 3).to_dict()],
    "check": lambda model: [certify(model, TABLE, n_rows=100, sample=5).to_dict()],
    "diagnose": lambda model: [diagnose(model, TABLE).to_dict()],
}
"""What makes numbers of products long enough for BLAS to share out."""


def bits(work, model):
    return [part.tobytes() if isinstance(part, np.ndarray) else repr(part) for part in WORK[work](model)]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("work", one_in(4, WORK))
def test_the_same_bits_in_any_thread_and_with_any_number_of_blas_threads(work, model):
    """In the main thread alone; with more threads for BLAS, there and in several others at once."""
    with blas_threads(1):
        alone = bits(work, model)
    got = []
    with blas_threads(3):
        sides = [threading.Thread(target=lambda: got.append(bits(work, model))) for _ in range(2)]
        for side in sides:
            side.start()
        got.append(bits(work, model))
        for side in sides:
            side.join(300)
        assert {library.count() for library in _blas._libraries(True)} == {3}
    assert got == [alone] * 3


def all_at_once(count, work):
    """Run ``work`` in so many threads that change places all the time."""
    old = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        sides = [threading.Thread(target=work) for _ in range(count)]
        for side in sides:
            side.start()
        for side in sides:
            side.join(300)
    finally:
        sys.setswitchinterval(old)


def test_certificates_in_several_threads_have_their_own_precision_and_leave_mpmath_s_alone():
    network = Network([3, Dense(4, "tanh"), Dense(2, "softmax")], "categorical_cross_entropy")
    given = {
        "parameters": DRAWS.normal(size=Layout(network).size),
        "x": X[:4, :3],
        "y": np.eye(2)[[0, 1, 1, 0]],
    }
    alone = certify(network, **given).to_dict()
    got = []

    def work():
        got.append(certify(network, **given).to_dict())
        with mpmath.workdps(17):
            got.append(certify(network, **given).to_dict())

    before = mpmath.mp.dps
    all_at_once(4, work)
    mpmath.mp.dps = before  # what these threads themselves did to it
    assert alone["passed"]
    assert got == [alone] * 8


def test_trainings_in_several_threads_leave_the_filters_of_warnings_as_they_found_them():
    before = list(warnings.filters)
    all_at_once(6, lambda: [number_answers(X[:40, :2], Y[:40, 0], X[:9, :2]) for _ in range(15)])
    assert warnings.filters == before
