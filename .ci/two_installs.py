"""Whether two installs of chainrule, with other versions of what it stands on, read each other's files.

    two_installs.py write FOLDER     train, save, and write down what this install answers
    two_installs.py read FOLDER      open what another install saved, and compare its answers with ours

A model that is opened predicts the same to rounding, explains a number as it did, and passes `check`; a step of its
training is replayed to the same number, or refused in one line.
"""

import argparse
import json
import platform
import random
import subprocess
import sys
from importlib.metadata import requires, version
from pathlib import Path

import numpy as np
import polars as pl

import chainrule

PENGUINS = Path(__file__).resolve().parents[1] / "examples" / "penguins.csv"
ROUNDING = 1e-5
"""How far float32 may part, of the largest answer; what is read or encoded otherwise is off by far more."""

TRAININGS = {
    "recipe": ("penguins.csv", "species", {"fast": True}),
    "numbers": (
        "penguins.csv",
        "body_mass_g",
        {"hidden": [16, 8], "activation": "mish", "clamp": True, "epochs": 20},
    ),
    "formula": ("raw.csv", "paid", {"hidden": [6], "activation": "z/(1+abs(z))", "epochs": 15}),
    "whole table": (
        "raw.csv",
        "amount",
        {"hidden": [5], "optimizer": "lbfgs", "activation": "tanh", "epochs": 20},
    ),
}
ASKED = "W[1][1,1]", "delta[1][2]", "z[2][1]", "C"
STEP = "W_new[2][1,1]"


def raw_table(path: Path, n: int = 240) -> None:
    """Write a table with a column of each kind, spelled in the ways that libraries differ about."""
    draw = random.Random(5)
    rows = ["day,at,member,size,code,price,amount,paid"]
    for i in range(n):
        day = f"{draw.randrange(1, 29):02}.{draw.randrange(1, 13):02}.{2019 + i % 4}"
        at = f"2024-{1 + i % 12:02}-{1 + i % 28:02} {draw.randrange(24):02}:{draw.randrange(60):02}"
        size, code = draw.choice(["S", "M", "L", "NA", "Größe 9"]), draw.choice(["1.0", "2.50", "007", "x7"])
        price = draw.choice(["", f"{draw.lognormvariate(0, 3):.17g}"])
        paid = draw.random() < 0.5
        amount = draw.gauss(0, 1) + paid
        rows.append(
            f"{day},{at},{draw.choice(['yes', 'No', ''])},{size},{code},{price},{amount!r},{str(paid).lower()}"
        )
    path.write_text("\n".join(rows) + "\n", "utf-8")


def installed() -> dict[str, str]:
    """Return the versions of what chainrule stands on."""
    # A wheel's own words: "numpy>=2.1", "jax>=0.5; extra == 'test'".
    names = [line.split(">")[0] for line in requires("chainrule") or () if "extra" not in line]
    return {"python": platform.python_version(), **{name: version(name) for name in (*names, "llvmlite")}}


def answers(model: chainrule.Model, table: Path) -> list[list[float]]:
    """Return the numbers that a model predicts: probabilities, else the answers themselves."""
    prediction = model.predict(table)
    found = prediction.labels if prediction.probabilities is None else prediction.probabilities
    return np.asarray(found, np.float64).reshape(len(prediction.labels), -1).tolist()


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command line of this install, a warning being an error."""
    line = [sys.executable, "-W", "error", "-m", "chainrule", *map(str, words)]
    return subprocess.run(line, capture_output=True, encoding="utf-8", check=False)


def explained(model: Path, table: Path, address: str, *where: str) -> float | str:
    """Return the number at an address as `explain` gives it, or its one line why not."""
    done = command("explain", model, table, *where, "--address", address, "--format", "json")
    if done.returncode == 0:
        return float(json.loads(done.stdout)["derivation"]["lines"][-1]["result"])
    if done.returncode == 2 and done.stderr.count("\n") == 1:
        return done.stderr.strip()
    raise SystemExit(f"explain {address} ended with {done.returncode}: {done.stderr}")


def estimators() -> tuple[pl.DataFrame, dict[str, object]]:
    """Return inputs, and an estimator of each kind fitted to them."""
    frame = pl.read_csv(PENGUINS, null_values=["NA"]).drop_nulls()
    x, mass = frame.select(pl.col(pl.Float64, pl.Int64)).drop("body_mass_g"), frame["body_mass_g"]
    scaled = x.select((pl.all() - pl.all().mean()) / pl.all().std())
    return scaled, {
        "MLPClassifier": chainrule.MLPClassifier(
            hidden_layer_sizes=(8,), max_iter=2000, tol=1e-3, random_state=1
        ).fit(scaled.to_numpy(), frame["species"].to_numpy()),
        "MLPRegressor": chainrule.MLPRegressor(
            hidden_layer_sizes=(8,), solver="lbfgs", max_iter=2000, tol=1e-3, random_state=1
        ).fit(scaled.to_numpy(), mass.to_numpy() / 1000),
        "TableClassifier": chainrule.TableClassifier(members=2, fast=True, random_state=1).fit(
            x, frame["species"]
        ),
        "TableRegressor": chainrule.TableRegressor(hidden=[8], epochs=20, random_state=1).fit(x, mass),
    }


def answers_of(estimator: object, x: pl.DataFrame) -> list[list[float]]:
    """Return the numbers that a fitted estimator predicts."""
    given = x.to_numpy() if type(estimator).__name__.startswith("MLP") else x
    found = getattr(estimator, "predict_proba", estimator.predict)(given)
    return np.asarray(found, np.float64).reshape(len(x), -1).tolist()


def write(folder: Path) -> None:
    """Train and save everything, and write down the answers."""
    folder.mkdir(parents=True)
    (folder / "penguins.csv").write_bytes(PENGUINS.read_bytes())
    raw_table(folder / "raw.csv")
    told: dict[str, object] = {"installed": installed()}
    for name, (table, target, words) in TRAININGS.items():
        trained = chainrule.train(folder / table, target, seed=3, **words)
        trained.model.save(folder / f"{name}.safetensors")
        told[name] = answers(trained.model, folder / table)
    first = folder / "recipe.safetensors", folder / "penguins.csv"
    told["explained"] = {address: explained(*first, address, "--row", "17") for address in ASKED}
    told["step"] = explained(*first, STEP, "--step", "12")
    x, fitted = estimators()
    x.write_csv(folder / "x.csv")
    for name, estimator in fitted.items():
        estimator.save(folder / f"{name}.safetensors")
        told[name] = answers_of(estimator, x)
    (folder / "answers.json").write_text(json.dumps(told), "utf-8")
    print(f"wrote {len(TRAININGS)} models and {len(fitted)} estimators with {said(installed())}")


def read(folder: Path) -> None:
    """Open everything, and end with an error where an answer is another."""
    told = json.loads((folder / "answers.json").read_text("utf-8"))
    print(f"made with {said(told['installed'])}\nread with {said(installed())}")
    for name, (table, _, _) in TRAININGS.items():
        file = folder / f"{name}.safetensors"
        model = chainrule.load(file)
        compare(name, answers(model, folder / table), told[name])
        done = command("check", file, folder / table)
        if done.returncode:
            raise SystemExit(f"{name}: check ended with {done.returncode}\n{done.stdout}{done.stderr}")
    first = folder / "recipe.safetensors", folder / "penguins.csv"
    for address, want in told["explained"].items():
        compare(f"explain {address}", explained(*first, address, "--row", "17"), want)
    step = explained(*first, STEP, "--step", "12")
    if isinstance(step, str):
        print(f"  replay: {step.removeprefix('error: ')}")
    else:
        compare(f"replay {STEP}", step, told["step"], 100 * ROUNDING)  # its roundings add up
    x = pl.read_csv(folder / "x.csv")
    for name in ("MLPClassifier", "MLPRegressor", "TableClassifier", "TableRegressor"):
        estimator = getattr(chainrule, name).load(folder / f"{name}.safetensors")
        compare(name, answers_of(estimator, x), told[name])


def compare(name: str, found: object, want: object, rounding: float = ROUNDING) -> None:
    """Print by how much two answers differ, and end with an error where that is more than rounding."""
    a, b = np.asarray(found, np.float64), np.asarray(want, np.float64)
    if a.shape != b.shape or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise SystemExit(f"{name}: FAILED, {a.shape} answers, not {b.shape}, or some are not finite")
    difference, most = float(np.abs(a - b).max()), rounding * float(max(np.abs(b).max(), 1e-6))
    print(f"  {name}: {a.size} numbers, the largest difference is {difference:.2g}, of {most:.2g} allowed")
    if difference > most:
        raise SystemExit(f"{name}: FAILED")


def said(versions: dict[str, str]) -> str:
    """Write versions in one line."""
    return ", ".join(f"{name} {number}" for name, number in versions.items())


def main() -> None:
    """Run the command line above."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["write", "read"])
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    {"write": write, "read": read}[given.what](given.folder)


if __name__ == "__main__":
    main()
