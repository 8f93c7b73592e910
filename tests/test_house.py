"""The rules of the house as tests: which way imports point, that none run in a circle, what is never used.

Each rule is a function from source text to a list of complaints, so that planted violations can show that it
sees what it is there to see; `test_the_house_is_in_order` applies all of them to the package.
"""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from effort import one_in

PACKAGE = Path(__file__).parents[1] / "src" / "chainrule"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "__pycache__" not in path.parts)

# From the ground up; a module imports from its own room and from rooms before it.
ROOMS = ["ground", "formula", "plots", "equations", "tables", "engines", "training", "model", "fitting"]
ROOMS += ["explain", "lessons", "reports", "exports", "estimators", "studio", "cli"]

# Narrower than the order of the rooms: of that room, only these modules.
GROUND = [
    "chainrule.errors",
    "chainrule._types",
    "chainrule._kept",
    "chainrule._ranking",
    "chainrule._notebook",
    "chainrule._plain",
    "chainrule._numbers",
]
ONLY = {
    "formula": {"ground": GROUND},
    "plots": {"ground": GROUND, "formula": []},
    "equations": {"ground": GROUND},
    "tables": {"equations": []},
    # No engine by name, but what all of them keep to, and how work is shared out to threads.
    "training": {"engines": ["chainrule.engines.base", "chainrule.engines.threads"]},
}
NEVER = {"explain": ["training", "estimators"]}

# Mathematics: nothing from outside but NumPy and the standard library.
PURE = {"formula", "equations"}

# The one door that opens upward, by name: a notebook shows an object by a function of these modules.
DOOR = "chainrule._notebook"
BEHIND_THE_DOOR = ("chainrule.explain.show.notebook", "chainrule.plots.svg.notebook")

UNSAFE_MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
UNSAFE_CALLS = {"eval", "exec", "compile", "__import__"}
TOO_BROAD = {"Exception", "BaseException"}
MOST_LINES = 600


@cache
def parsed(source: str) -> ast.Module:
    """Return the tree of a file, which many rules walk."""
    return ast.parse(source)


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str, known: set[str]) -> str | None:
    """The room of a module or of what is in it; None is the package's own front door."""
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in ROOMS[1:]:
        return parts[1]
    return "ground" if ".".join(parts[:2]) in known - {"chainrule", "chainrule.__main__"} else None


def modules() -> set[str]:
    return {name_of(path) for path in MODULES}


def imports(source: str, module: str, known: set[str]) -> Iterator[tuple[int, str]]:
    """Line and full name of all that is imported, inside functions and by importlib too."""
    is_package = any(other.startswith(module + ".") for other in known)
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=origin, names=names, level=level):
                parts = module.split(".")
                here = parts[: len(parts) - level + is_package] if level else []
                for alias in names:
                    yield node.lineno, ".".join([*here, *([origin] if origin else []), alias.name])
            case ast.Call(
                func=ast.Name("import_module") | ast.Attribute(attr="import_module"), args=[name, *_]
            ):
                yield node.lineno, named_by(name, module)


def named_by(argument: ast.expr, module: str) -> str:
    """What import_module is asked for; a name computed below the asking package stays inside it."""
    match argument:
        case ast.Constant(value=str(name)):
            return name
        case ast.JoinedStr(
            values=[ast.FormattedValue(value=ast.Name("__name__")), ast.Constant(value=str(rest)), *_]
        ) if rest.startswith("."):
            return module
    return "a computed name"


def direction(source: str, module: str, known: set[str]) -> list[str]:
    """Imports that point up, sideways where that is forbidden, or out of the mathematics."""
    return [
        f"{module}:{line} imports {name}"
        for line, name in imports(source, module, known)
        if not may_import(module, name, known)
    ]


def may_import(module: str, name: str, known: set[str]) -> bool:
    room, other = room_of(module, known), room_of(name, known)
    if room is None:
        return True
    if name == "a computed name":
        return module == DOOR
    if name.split(".")[0] != "chainrule":
        return room not in PURE or name.split(".")[0] in sys.stdlib_module_names | {"numpy"}
    if other is None:
        return False
    allowed = ONLY.get(room, {}).get(other)
    if allowed is not None:
        return any(f"{name}.".startswith(f"{other_module}.") for other_module in allowed)
    return ROOMS.index(other) <= ROOMS.index(room) and other not in NEVER.get(room, [])


def graph(sources: dict[str, str]) -> dict[str, set[str]]:
    """Each module's imports of other modules, at the top, in functions, and for types alone."""
    known = set(sources)

    def module_of(name: str) -> str | None:
        return next((m for m in (name, name.rpartition(".")[0]) if m in known), None)

    return {
        module: {found for _, name in imports(source, module, known) if (found := module_of(name))} - {module}
        for module, source in sources.items()
    }


def circles(arrows: dict[str, set[str]]) -> list[list[str]]:
    """The groups of modules that reach each other, by Tarjan's algorithm."""
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(module: str) -> None:
        index[module] = lowest[module] = len(index)
        stack.append(module)
        for other in sorted(arrows[module]):
            if other not in index:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], index[other])
        if lowest[module] == index[module]:
            group = [stack.pop()]
            while group[-1] != module:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for module in arrows:
        if module not in index:
            visit(module)
    return found


def doors(source: str, module: str) -> list[str]:
    """Objects that notebooks show by something else than a function behind the one door."""
    return [
        f"{module}:{node.lineno} is shown by {ast.unparse(node.value)}"
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == ["_shown_by"]
        and not (
            isinstance(node.value, ast.Constant)
            and str(node.value.value).partition(":")[0] in BEHIND_THE_DOOR
        )
    ]


def dangers(source: str, module: str) -> list[str]:
    """Whatever runs text or a file as code, and handlers that swallow mistakes nobody thought of."""
    complaints = []
    for node in ast.walk(parsed(source)):
        match node:
            case ast.Import(names=names):
                found = {alias.name.split(".")[0] for alias in names} & UNSAFE_MODULES
            case ast.ImportFrom(module=str(origin)):
                found = {origin.split(".")[0]} & UNSAFE_MODULES
            case ast.Name(id=name, ctx=ast.Load()):
                found = {name} & UNSAFE_CALLS
            case ast.Attribute(value=ast.Name("builtins"), attr=name):
                found = {name} & UNSAFE_CALLS
            case ast.keyword(arg="allow_pickle", value=value):
                found = (
                    set() if isinstance(value, ast.Constant) and value.value is False else {"allow_pickle"}
                )
            case ast.ExceptHandler(type=None):
                found = {"a bare except"}
            case ast.ExceptHandler(type=caught):
                found = {name.id for name in ast.walk(caught) if isinstance(name, ast.Name)} & TOO_BROAD
            case ast.Call(func=ast.Name("suppress") | ast.Attribute(attr="suppress"), args=args):
                found = {name.id for name in args if isinstance(name, ast.Name)} & TOO_BROAD
            case _:
                found = set()
        complaints += [f"{module}:{getattr(node, 'lineno', 0)} uses {name}" for name in sorted(found)]
    return complaints


def undocumented(source: str, module: str) -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    tree = parsed(source)
    missing = [] if ast.get_docstring(tree) else [f"{module} has no docstring"]

    def visit(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_") or any("overload" in ast.unparse(d) for d in node.decorator_list):
                continue
            if not (ast.get_docstring(node) or "").strip():
                missing.append(f"{module}:{node.lineno} {prefix}{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.")

    visit(tree.body, "")
    return missing


def too_long(source: str, module: str) -> list[str]:
    lines = len(source.splitlines())
    return [f"{module} has {lines} lines, more than {MOST_LINES}"] if lines > MOST_LINES else []


RULES: list[Callable[[str, str], list[str]]] = [
    lambda source, module: direction(source, module, modules()),
    dangers,
    doors,
    undocumented,
    too_long,
]


@pytest.mark.parametrize("rule", RULES, ids=["direction", "dangers", "doors", "undocumented", "too_long"])
def test_the_house_is_in_order(rule):
    assert len(MODULES) > 10
    complaints = [line for path in MODULES for line in rule(path.read_text("utf-8"), name_of(path))]
    assert not complaints, "\n".join(complaints)


def test_no_circle_of_files():
    sources = {name_of(path): path.read_text("utf-8") for path in MODULES}
    # The front door names everything, for editors only; nothing imports it.
    arrows = graph({name: text for name, text in sources.items() if name != "chainrule"})
    assert sum(map(len, arrows.values())) > 500
    assert circles(arrows) == []


SAME_PART = {"parser", "run", "render", "main"}
"""What each command, and each format of a document, has of its own: one meaning, in several files."""
SAME_IN_TWO = {"philox", "exp", "expm1", "tanh", "turn"}
"""Functions that are there for NumPy and compiled, or for float32 and float64."""


def defined(source: str) -> list[str]:
    """The public classes and functions of a module."""
    kinds = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return [
        node.name for node in parsed(source).body if isinstance(node, kinds) and not node.name.startswith("_")
    ]


def test_a_public_name_has_one_meaning():
    places: dict[str, list[str]] = {}
    for path in MODULES:
        for name in defined(path.read_text("utf-8")):
            places.setdefault(name, []).append(name_of(path))
    assert len(places) > 500
    several = {name: found for name, found in places.items() if len(found) > 1}
    assert {name: found for name, found in several.items() if name not in SAME_PART | SAME_IN_TWO} == {}


def test_every_room_has_its_place():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms <= set(ROOMS), "a new room needs its place in ROOMS"


# ---- planted violations

KNOWN = {
    "chainrule", "chainrule.errors", "chainrule._types", "chainrule._files", "chainrule._notebook",
    "chainrule.formula", "chainrule.formula.parse", "chainrule.plots", "chainrule.plots.marks",
    "chainrule.equations", "chainrule.equations.losses",
    "chainrule.tables", "chainrule.tables.files.read", "chainrule.engines", "chainrule.engines.base",
    "chainrule.engines.cpu", "chainrule.engines.cpu.run", "chainrule.training", "chainrule.training.loop",
    "chainrule.model", "chainrule.model.file", "chainrule.fitting", "chainrule.fitting.train",
    "chainrule.explain", "chainrule.explain.trace", "chainrule.explain.trace.trace", "chainrule.estimators",
    "chainrule.cli", "chainrule.cli.commands", "chainrule.cli.commands.train",
}  # fmt: skip


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("chainrule.errors", "from chainrule._types import Array"),
        ("chainrule.tables.files.read", "import chainrule.errors\nfrom chainrule.tables import Table"),
        ("chainrule.tables.files.read", "from chainrule.formula.parse import parse"),
        ("chainrule.tables.files.read", "from chainrule.formula import parse"),
        ("chainrule.tables.files.read", "import polars, os"),
        ("chainrule.plots.marks", "import chainrule.errors\nimport sklearn.metrics, numpy"),
        ("chainrule.equations.losses", "import numpy.linalg, math\nfrom .formula import x\nfrom . import y"),
        ("chainrule.equations.losses", "from chainrule.formula import parse\nimport chainrule._notebook"),
        ("chainrule._notebook", "import_module(name)"),
        ("chainrule.training.loop", "from chainrule.engines.base import x\nimport chainrule.engines.base"),
        ("chainrule.model.file", "from chainrule._files import x\nfrom chainrule._types import x"),
        ("chainrule.explain.trace.trace", "from chainrule.model import Model\nfrom ... import errors"),
        ("chainrule.cli.commands.train", "from chainrule import errors, model\nfrom chainrule.cli.commands import train"),
        ("chainrule.tables", "import_module(f'{__name__}.{HOMES[name]}')"),
        ("chainrule", "import_module(HOMES[name])"),
        ("chainrule", "from chainrule.model.file import read_model_file"),
        ("chainrule.model.file", "importlib.import_module('chainrule.engines.cpu.run')"),
    ],
)  # fmt: skip
def test_imports_that_point_down_are_welcome(module, source):
    assert direction(source, module, KNOWN) == []


@pytest.mark.parametrize(
    ("module", "source", "named"),
    [
        ("chainrule.errors", "from chainrule.equations import losses", "chainrule.equations.losses"),
        ("chainrule._files", "import chainrule.model.file", "chainrule.model.file"),
        ("chainrule.formula.parse", "from chainrule.equations import losses", "chainrule.equations.losses"),
        ("chainrule.formula.parse", "import scipy.special", "scipy.special"),
        ("chainrule.plots.marks", "from chainrule.formula import parse", "chainrule.formula.parse"),
        ("chainrule.plots.marks", "from chainrule._files import x", "chainrule._files.x"),
        ("chainrule.plots.marks", "def f():\n    from chainrule.equations import losses", "chainrule.equations"),
        ("chainrule.equations.losses", "from chainrule.engines import base", "chainrule.engines.base"),
        ("chainrule.equations.losses", "from chainrule._files import x", "chainrule._files.x"),
        ("chainrule.equations.losses", "import scipy.special", "scipy.special"),
        ("chainrule.equations.losses", "def f():\n    from jax import numpy", "jax"),
        ("chainrule.equations.losses", "from .. import model", "chainrule.model"),
        ("chainrule.equations", "from ..tables.files.read import x", "chainrule.tables.files.read"),
        ("chainrule.tables.files.read", "from chainrule.equations import losses", "chainrule.equations.losses"),
        ("chainrule.tables.files.read", "import chainrule.equations", "chainrule.equations"),
        ("chainrule.tables.files.read", "from chainrule.equations.formula_x import y", "chainrule.equations"),
        ("chainrule.tables.files.read", "def f():\n    import chainrule.engines", "chainrule.engines"),
        ("chainrule.training.loop", "from chainrule.engines.cpu import train", "chainrule.engines.cpu"),
        ("chainrule.training.loop", "from chainrule.engines import cpu, base", "chainrule.engines.cpu"),
        ("chainrule.training.loop", "from chainrule.engines import Engine", "chainrule.engines.Engine"),
        ("chainrule.training.loop", "importlib.import_module('chainrule.engines.cpu')", "chainrule.engines"),
        ("chainrule.training.loop", "import_module(name)", "a computed name"),
        ("chainrule.training", "import_module(f'{name}.{x}')", "a computed name"),
        ("chainrule.training", "import_module(f'{__name__}_{x}')", "a computed name"),
        ("chainrule.engines.cpu.run", "from chainrule.training.loop import fit", "chainrule.training.loop"),
        ("chainrule.model.file", "from chainrule.fitting import train", "chainrule.fitting.train"),
        ("chainrule.model.file", "from chainrule.cli.commands import train", "chainrule.cli.commands.train"),
        ("chainrule.model.file", "from chainrule import read_model_file", "chainrule.read_model_file"),
        ("chainrule.model.file", "from chainrule import *", "chainrule.*"),
        ("chainrule.model.file", "import chainrule", "chainrule"),
        ("chainrule.explain.trace.trace", "from chainrule.training import loop", "chainrule.training.loop"),
        ("chainrule.explain.trace.trace", "from chainrule import estimators", "chainrule.estimators"),
        ("chainrule.estimators", "if TYPE_CHECKING:\n    import chainrule.cli", "chainrule.cli"),
    ],
)  # fmt: skip
def test_imports_that_point_elsewhere_are_seen(module, source, named):
    (complaint,) = direction(source, module, KNOWN)
    assert f" imports {named}" in complaint


A, B, C = "chainrule.model.file", "chainrule.model", "chainrule.fitting.train"


@pytest.mark.parametrize(
    ("sources", "found"),
    [
        ({A: "", B: f"import {A}", C: f"import {A}, {B}"}, []),
        ({A: f"from {C} import x", B: "", C: "from chainrule.model.file import y"}, [[A, C]]),
        ({A: f"def f():\n    import {B}", B: f"import {C}", C: f"import {A}"}, [[C, B, A]]),
        ({A: f"if TYPE_CHECKING:\n    import {C}", B: "", C: f"from {B} import file"}, [[C, A]]),
        ({A: "import_module('chainrule.model')", B: "from chainrule.model import file", C: ""}, [[B, A]]),
    ],
)
def test_circles_are_seen(sources, found):
    assert circles(graph(sources)) == [sorted(group) for group in found]


def test_other_doors_are_seen():
    for module in BEHIND_THE_DOOR:
        assert doors(f"class Network:\n    _shown_by = '{module}:network'", "m") == []
    (complaint,) = doors("class Network:\n    _shown_by = 'chainrule.cli.commands.train:run'", "m")
    assert complaint == "m:2 is shown by 'chainrule.cli.commands.train:run'"
    (complaint,) = doors("class Network:\n    _shown_by = name", "m")
    assert "name" in complaint


@pytest.mark.parametrize(
    ("source", "named"),
    [
        ("import pickle", "pickle"),
        ("import os, joblib.numpy_pickle", "joblib"),
        ("def f():\n    from pickle import loads", "pickle"),
        ("eval('1')", "eval"),
        ("run = exec", "exec"),
        ("compile('1', '', 'eval')", "compile"),
        ("builtins.eval('1')", "eval"),
        ("__import__('os')", "__import__"),
        ("np.load(f, allow_pickle=True)", "allow_pickle"),
        ("np.load(f, allow_pickle=flag)", "allow_pickle"),
        ("try:\n    x\nexcept Exception:\n    pass", "Exception"),
        ("try:\n    x\nexcept (OSError, Exception) as e:\n    pass", "Exception"),
        ("try:\n    x\nexcept BaseException:\n    raise", "BaseException"),
        ("try:\n    x\nexcept:\n    pass", "a bare except"),
        ("with suppress(Exception):\n    pass", "Exception"),
        ("with contextlib.suppress(OSError, BaseException):\n    pass", "BaseException"),
    ],
)
def test_dangers_are_seen(source, named):
    (complaint,) = dangers(source, "m")
    assert complaint.endswith(f"uses {named}")


@pytest.mark.parametrize(
    "source",
    [
        "import re\nre.compile('a')",
        "formula.eval(x)",
        "np.load(f, allow_pickle=False)",
        "try:\n    x\nexcept (OSError, ValueError):\n    raise Exception",
        "'pickle, eval and exec have no place here'",
    ],
)
def test_what_only_looks_dangerous_is_welcome(source):
    assert dangers(source, "m") == []


DOCUMENTED = '''"""A module."""
def f():
    """A function."""
    def inner(): ...
def _private(): ...
class C:
    """A class."""
    def __init__(self): ...
    def g(self):
        """A method."""
    @overload
    def h(self): ...
'''


def test_missing_docstrings_are_seen():
    assert undocumented(DOCUMENTED, "m") == []
    for line, named in [
        ('"""A module."""', "m has"),
        ('    """A function."""', " f has"),
        ('    """A class."""', " C has"),
        ('        """A method."""', " C.g has"),
    ]:
        (complaint,) = undocumented(DOCUMENTED.replace(line, line.split('"')[0] + "0"), "m")
        assert named in complaint
        (complaint,) = undocumented(DOCUMENTED.replace(line, line.split('"')[0] + '""""""'), "m")
        assert named in complaint


def test_long_files_are_seen():
    assert too_long("x\n" * 600, "m") == []
    assert too_long("x\n" * 601, "m") == ["m has 601 lines, more than 600"]


# ---- importing this does not import that

HEAVY = ("numpy", "numba", "llvmlite", "sklearn", "polars", "scipy", "pandas", "jax", "torch", "matplotlib")


def loaded_after(code: str) -> set[str]:
    """The top-level modules a fresh process has loaded after running `code`."""
    report = "import sys; print(*{name.split('.')[0] for name in sys.modules}, sep='\\n', file=sys.stderr)"
    command = [sys.executable, "-W", "error", "-c", f"{code}\n{report}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split())


OF_EXTRAS = {"chainrule.studio.notebooks.widget"}
"""Modules that can't be imported without an extra; the others of their rooms can."""


def loaded_with(room: str) -> set[str]:
    """The package's modules that a fresh process has loaded after importing all of a room."""
    of_room = [
        name for name in sorted(modules()) if room_of(name, modules()) == room and name not in OF_EXTRAS
    ]
    report = "import sys; print(*(name for name in sys.modules if name.startswith('chainrule.')), sep='\\n')"
    code = "\n".join([*(f"import {name}" for name in of_room), report])
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("room", one_in(6, ROOMS[:-1]))
def test_importing_a_room_loads_none_above_it(room):
    unwanted = {*ROOMS[ROOMS.index(room) + 1 :], *NEVER.get(room, []), *WITHOUT_TRAINING.get(room, [])}
    loaded = {name: room_of(name, modules()) for name in loaded_with(room)}
    assert room in loaded.values()
    assert {name: other for name, other in loaded.items() if other in unwanted} == {}


WITHOUT_TRAINING = {"model": ["training", "estimators"], "explain": ["training", "estimators", "fitting"]}
"""A model is read and explained without what trains one, however indirectly."""


def test_importing_the_package_imports_nothing_heavy():
    loaded = loaded_after("import chainrule")
    assert "chainrule" in loaded
    assert not loaded.intersection(HEAVY)


@pytest.mark.slow
def test_the_studio_of_a_table_is_opened_without_lessons_and_the_web_s_protocols():
    code = "import chainrule.studio.taught.taught, chainrule.studio.training.opening, sys"
    report = (
        "print(*(name for name in sys.modules if name.startswith(('chainrule.lessons.', 'urllib.request'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout.split()) == (0, []), done.stderr


def test_the_check_of_what_is_imported_sees_an_import():
    assert "sqlite3" in loaded_after("import sqlite3")
    assert "sqlite3" not in loaded_after("pass")


def defines_main(source: str) -> bool:
    """Whether a module defines or imports `main`."""
    for node in parsed(source).body:
        match node:
            case ast.FunctionDef(name="main"):
                return True
            case ast.ImportFrom(names=names) if any((a.asname or a.name) == "main" for a in names):
                return True
            case ast.Assign(targets=targets) if any(ast.unparse(t) == "main" for t in targets):
                return True
    return False


HELP = """
import sys
sys.argv = ["chainrule", "--help"]
from chainrule.cli import main
try:
    main()
except SystemExit as done:
    assert not done.code, done.code
"""


def test_help_imports_nothing_heavy():
    if not defines_main((PACKAGE / "cli" / "__init__.py").read_text("utf-8")):
        pytest.skip("there is no command line yet")
    assert not loaded_after(HELP).intersection(HEAVY)


def test_a_main_is_seen():
    assert defines_main("def main(): ...")
    assert defines_main("from chainrule.cli.app import run as main")
    assert defines_main("main = app")
    assert not defines_main('"""main"""\ndef other(): ...')
