"""The versions of what chainrule stands on.

versions.py lowest            a constraint for each lower bound in pyproject.toml, "numpy==2.1"
versions.py pythons           a line for each Python that is here and not too old, the oldest first: its path
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).resolve().parents[1] / "pyproject.toml").read_text("utf-8"))[
    "project"
]


def lowest() -> list[str]:
    """Return the lowest version that pyproject.toml allows, of everything it names."""
    extras = PROJECT["optional-dependencies"]
    found = {}
    for line in [*PROJECT["dependencies"], *extras["test"]]:
        match = re.fullmatch(r"([\w-]+)>=([\d.]+)(;.*)?", line)
        if match is None:
            raise SystemExit(f"pyproject.toml: {line!r} has no lower bound; write it as 'name>=1.2'")
        found[match[1]] = match[2]
    return [f"{name}=={number}" for name, number in found.items()]


def pythons() -> list[Path]:
    """Return an interpreter of each version that `requires-python` allows: this one, on the path, or of pyenv."""
    oldest = int(PROJECT["requires-python"].removeprefix(">=3."))
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    folders = [*map(Path, os.get_exec_path()), *sorted(root.glob("versions/3.*/bin"), reverse=True)]
    found = {sys.version_info.minor: Path(sys.executable)}
    for minor in range(oldest, oldest + 10):
        for path in (folder / f"python3.{minor}" for folder in folders):
            # A name on the path may be a shim for a version that isn't there; one without venv is no use either.
            if minor not in found and path.exists() and runs(path):
                found[minor] = path
    return [found[minor] for minor in sorted(found)]


def runs(python: Path) -> bool:
    """Whether an interpreter starts and can make environments."""
    return subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0


if __name__ == "__main__":
    given = {"lowest": lowest, "pythons": pythons}.get(sys.argv[1] if len(sys.argv) == 2 else "")
    if given is None:
        raise SystemExit(__doc__)
    print("\n".join(map(str, given())))
