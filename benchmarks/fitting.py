"""`fit` on 150 rows with all its overhead, and what a fresh process costs: import, and import with one training."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import OURS
from benchmarks.timing import AbsentError, Contestant, interleave, seconds_of

HIDDEN, BATCH, EPOCHS = (64, 32), 32, 50

# The lazy import stands as a peer of its own: it is no fair match for libraries that import all they have.
IMPORTS = {
    (OURS, "all that training needs"): (
        "from chainrule import train; from chainrule.engines.cpu.run import CpuEngine"
    ),
    ("import chainrule alone", ""): "import chainrule",
    ("Python alone", ""): "pass",
    ("scikit-learn", "MLPClassifier"): "from sklearn.neural_network import MLPClassifier",
    ("PyTorch", ""): "import torch",
    ("JAX", ""): "import jax, jax.numpy",
    ("Keras", "on JAX"): "import os; os.environ['KERAS_BACKEND'] = 'jax'; import keras",
    ("ONNX Runtime", ""): "import onnxruntime",
}

# Each trains hidden layers of 64 and 32 neurons on the same 150 rows for 50 epochs.
_ARRAYS = (
    "import numpy as np; x = np.random.default_rng(0).standard_normal((150, 4)).astype('float32'); "
    "y = (x[:, 0] > 0).astype('int64') + (x[:, 1] > 0); "
)
_OURS = (
    f"{_ARRAYS}import chainrule; t = {{f'x{{i}}': x[:, i] for i in range(4)}} | {{'y': [f'c{{i}}' for i in y]}}; "
    f"chainrule.train(t, 'y', hidden={list(HIDDEN)}, batch_size={BATCH}, epochs={EPOCHS}, members=1, early_stopping=False)"
)
_PENGUINS = Path(__file__).parents[1] / "examples" / "penguins.csv"
_DEFAULTS = (
    "import sys, tempfile; from chainrule.cli import main; made = tempfile.TemporaryDirectory(); "
    f"sys.exit(main(['train', {str(_PENGUINS)!r}, '--target', 'species', '-q', '--out', made.name + '/model']))"
)
_EMPTY_CACHE = (
    "import os, tempfile; kept = tempfile.TemporaryDirectory(); os.environ['NUMBA_CACHE_DIR'] = kept.name; "
)
FIRST_TRAININGS = {
    (OURS, "train"): _OURS,
    (f"{OURS}, nothing compiled yet", "train"): f"{_EMPTY_CACHE}{_OURS}",
    (f"{OURS}, penguins by default", "chainrule train"): _DEFAULTS,
    (f"{OURS}, penguins by default, nothing compiled yet", "chainrule train"): f"{_EMPTY_CACHE}{_DEFAULTS}",
    ("scikit-learn", "MLPClassifier.fit"): (
        f"{_ARRAYS}from benchmarks.peers.scikit import classifier, fit; fit(classifier({HIDDEN}, {BATCH}, {EPOCHS}), x, y)"
    ),
    ("PyTorch", "eager, 1 thread"): (f"{_ARRAYS}from benchmarks.fitting import torch_fit; torch_fit(x, y)"),
}


def measure_fit(repeats: int) -> dict[str, Any]:
    """Fit arrays: network, initial weights, optimizer and 50 epochs."""
    x, y, _ = _iris()
    return _measured(
        f"fit 150 rows, arrays, {EPOCHS} epochs",
        "fit",
        repeats,
        {
            (OURS, "training.loop.fit"): lambda: _our_fit(x, y),
            ("scikit-learn", "MLPClassifier.fit"): lambda: _scikit_fit(x, y),
            ("PyTorch", "eager, 1 thread"): lambda: torch_fit(x, y),
        },
    )


def measure_table(repeats: int) -> dict[str, Any]:
    """Go from a data frame to a score: split 80:20, scale, fit, and score on the held-out rows."""
    _, _, frame = _iris()
    return _measured(
        f"table of 150 rows to score, {EPOCHS} epochs",
        "fit",
        repeats,
        {
            (OURS, "train"): lambda: _our_table(frame),
            ("scikit-learn", "StandardScaler, MLPClassifier"): lambda: _scikit_table(frame),
        },
    )


def measure_imports(repeats: int) -> dict[str, Any]:
    """Start a Python process that imports."""
    return _processes("import, in a new process", IMPORTS, repeats)


def measure_first_training(repeats: int) -> dict[str, Any]:
    """Start a Python process that trains once on 150 rows."""
    return _processes("first training of 150 rows, in a new process", FIRST_TRAININGS, repeats)


def torch_fit(x: Any, y: Any) -> None:
    """Build and train a network with PyTorch's eager loop."""
    from benchmarks.cases import CaseData, TrainingCase, make_parameters
    from benchmarks.peers.pytorch import EagerTrainer

    sizes = (x.shape[1], *HIDDEN, 3)
    initial = make_parameters(sizes, "relu", np.random.default_rng(0))
    case = TrainingCase(sizes, BATCH, steps=-(-len(x) // BATCH), epochs=EPOCHS)
    trainer = EagerTrainer(case, CaseData(x, y, y, [initial]), threads=1)
    trainer.reset()
    trainer.train(EPOCHS)


def _our_fit(x: Any, y: Any) -> None:
    from benchmarks.peers.ours import network_of
    from chainrule.engines.base import Data, StepSettings
    from chainrule.engines.cpu.engine import CpuEngine
    from chainrule.equations.schedules import schedule
    from chainrule.training.initial import initial_parameters
    from chainrule.training.loop import fit
    from chainrule.training.plan import Plan

    network = network_of((x.shape[1], *HIDDEN, 3))
    data = Data(x, np.eye(3, dtype=np.float32)[y], np.arange(len(x)), np.arange(0))
    plan = Plan(EPOCHS, 0.001, schedule("constant"), 0, False, 1, 0.0)
    fit(CpuEngine(), network, initial_parameters(network, 1, 0), data, StepSettings(batch_size=BATCH), plan)


def _our_table(frame: Any) -> None:
    import chainrule

    chainrule.train(
        frame,
        "species",
        hidden=list(HIDDEN),
        batch_size=BATCH,
        epochs=EPOCHS,
        members=1,
        early_stopping=False,
    )


def _scikit_fit(x: Any, y: Any) -> None:
    from benchmarks.peers.scikit import classifier, fit

    fit(classifier(HIDDEN, BATCH, EPOCHS), x, y)


def _scikit_table(frame: Any) -> None:
    from sklearn.model_selection import train_test_split
    from sklearn.preprocessing import StandardScaler

    from benchmarks.peers.scikit import classifier, fit

    x, y = frame.drop("species").to_numpy(), frame["species"].to_numpy()
    x, x_test, y, y_test = train_test_split(x, y, test_size=0.2, stratify=y, random_state=0)
    scaler = StandardScaler().fit(x)
    model = classifier(HIDDEN, BATCH, EPOCHS)
    fit(model, scaler.transform(x).astype(np.float32), y)
    model.score(scaler.transform(x_test).astype(np.float32), y_test)


def _iris() -> tuple[Any, Any, Any]:
    import polars as pl
    from sklearn.datasets import load_iris

    bunch = load_iris()
    x = (bunch.data - bunch.data.mean(0)) / bunch.data.std(0)
    columns = {name: bunch.data[:, i] for i, name in enumerate(bunch.feature_names)}
    frame = pl.DataFrame(columns | {"species": [str(bunch.target_names[i]) for i in bunch.target]})
    return x.astype(np.float32), bunch.target.astype(np.int64), frame


def _measured(
    work: str, unit: str, repeats: int, ways: dict[tuple[str, str], Callable[[], None]]
) -> dict[str, Any]:
    def timed(way: Callable[[], None]) -> Callable[[], float]:
        def measure() -> float:
            try:
                return seconds_of(way)
            except ImportError as error:
                raise AbsentError(f"not installed: {error}") from error

        return measure

    contestants = [Contestant(peer, variant, timed(way)) for (peer, variant), way in ways.items()]
    interleave(contestants, repeats)
    return {"work": work, "unit": unit, "contestants": contestants, "problems": []}


def _processes(work: str, codes: dict[tuple[str, str], str], repeats: int) -> dict[str, Any]:
    def timed(code: str) -> Callable[[], float]:
        def measure() -> float:
            done: list[subprocess.CompletedProcess[str]] = []

            def start() -> None:
                done.append(
                    subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
                )

            seconds = seconds_of(start)
            if done[0].returncode:
                raise AbsentError(done[0].stderr.strip().splitlines()[-1])
            return seconds

        return measure

    contestants = [Contestant(peer, variant, timed(code)) for (peer, variant), code in codes.items()]
    interleave(contestants, repeats)
    return {"work": work, "unit": "process", "contestants": contestants, "problems": []}
