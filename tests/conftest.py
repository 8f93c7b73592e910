"""Settings of all tests."""

import os
import signal
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from effort import PROFILE

# JAX is a judge of float64 results here; it has to be told before it is imported.
os.environ.setdefault("JAX_ENABLE_X64", "1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

settings.load_profile(PROFILE)


LONG = frozenset((Path(__file__).parent / "long.txt").read_text("utf-8").splitlines())
"""Tests that took 0.8 s of a processor or more when all were measured, but for some that no edit should be made without."""


SWEEPS = {
    "tests/exports/test_exports.py": 8,
    "tests/exports/test_planted_faults.py": 3,
    "tests/exports/test_explained_exports.py": 2,
    "tests/studio/test_page_whatif.py": 2,
    "tests/tables/test_as_people_write.py": 4,
    "tests/lessons/test_sheets.py": 4,
    "tests/cli/test_every_page.py": 4,
    "tests/studio/test_page_access.py": 6,
    "tests/studio/test_page_numbers.py": 3,
    "tests/studio/test_page_lesson.py": 4,
    "tests/studio/test_page_views.py": 3,
    "tests/studio/test_page_changed.py": 2,
    "tests/studio/test_page_take.py": 2,
    "tests/studio/test_one_file_page.py": 2,
    "tests/studio/test_taught.py": 3,
    "tests/studio/test_class_file.py": 2,
    "tests/studio/test_page_flow.py": 2,
    "tests/studio/test_stages.py": 3,
    "tests/studio/test_winding.py": 3,
    "tests/engines/test_codegen.py": 2,
}
"""The widest sweeps: of the slow tests in a file every n-th is run, all of them by the nightly profile."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have the long tests run with those that are marked as slow, and leave most of the widest sweeps to the nightly profile."""
    left: list[pytest.Item] = []
    met = dict.fromkeys(SWEEPS, 0)
    for item in items:
        if item.nodeid in LONG:
            item.add_marker(pytest.mark.slow)
        name = item.nodeid.partition("::")[0]
        if (
            PROFILE != "nightly"
            and name in SWEEPS
            and item.get_closest_marker("slow")
            and item.nodeid not in LONG
        ):
            if met[name] % SWEEPS[name]:
                left.append(item)
            met[name] += 1
    if left:
        config.hook.pytest_deselected(items=left)
        gone = set(left)
        items[:] = [item for item in items if item not in gone]


def pytest_sessionstart(session: pytest.Session) -> None:
    _answer_ctrl_c()
    _compile_by_turns()


def _answer_ctrl_c() -> None:
    """Python ignores Ctrl-C where a shell has started it in the background; the tests of Ctrl-C need an answer."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _compile_by_turns() -> None:
    """Of two workers each has the loops of one dtype compiled, unless they are: left to the tests, both compile both."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker in ("gw0", "gw1"):
        from chainrule.engines.cpu.warm_up import jobs

        loops = [job for job in jobs() if job.name.startswith("loops")]
        loops[int(worker[2:])].run()


def _seed(request: pytest.FixtureRequest) -> int:
    """A test's own seed, so its numbers are the same whichever tests run before it, and on whichever worker."""
    return zlib.crc32(request.node.nodeid.encode())


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(_seed(request))


@pytest.fixture(autouse=True)
def the_same_numbers_in_every_run(request: pytest.FixtureRequest) -> None:
    """NumPy's own generator is what estimators without a random_state draw from."""
    np.random.seed(_seed(request))
