"""Modules joined into one script: each in a scope of its own, in the order in which they need each other."""

import shutil
import subprocess

import pytest

from chainrule.errors import SettingsError
from chainrule.studio.web.assets import assets
from chainrule.studio.web.link import integrity, linked

NODE = shutil.which("node")

MODULES = {
    "main.js": 'import { add, NAME as title } from "./a.js";\nimport { same } from "./draw/b.js";\n'
    'import "./c.js";\nsame(`${title} ${add(1, 2)}`);\n',
    "a.js": "const hidden = 1;\nexport const NAME = 'sum';\nexport function add(a, b) {\n  return a + b + 0 * hidden;\n}\n",
    "draw/b.js": 'import {\n  add,\n  NAME,\n} from "../a.js";\nconst hidden = 2;\nexport async function later() {}\n'
    "export class Same {}\nexport function same(text) {\n  console.log(text, NAME, add(hidden, 0));\n}\n",
    "c.js": "// import this\n/** @typedef {import('./a.js').add} Add */\nglobalThis.seen = 1;\n",
}  # fmt: skip


def test_what_is_needed_comes_first_and_once():
    script = linked(MODULES, "main.js")
    order = [line[3:] for line in script.splitlines() if line in {f"// {name}" for name in MODULES}]
    assert order == ["a.js", "draw/b.js", "c.js", "main.js"]
    assert "const { add, NAME: title } = $a;" in script


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
def test_the_joined_script_does_what_the_modules_do(tmp_path):
    for name, text in MODULES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "joined.mjs").write_text(linked(MODULES, "main.js"))
    said = [
        subprocess.check_output([NODE, name], cwd=tmp_path, text=True) for name in ("main.js", "joined.mjs")
    ]
    assert said == ["sum 3 sum 2\n"] * 2


def test_what_is_written_by_an_export_may_have_any_texts_in_it():
    """Names of columns and levels that read like imports are texts; in a module of the page they are refused."""
    text = (
        'const NAMES = ["import (net)", "import.meta", "import(", "export"];\nexport const names = NAMES;\n'
    )
    both = {"main.js": 'import { names } from "./m.js";\nnames;\n', "m.js": text}
    assert text.splitlines()[0] in linked(both, "main.js", made={"m.js"})
    assert (
        "import.meta"
        in assets('export const carried = { of: "import (net) import.meta" };\n')["/page/main.js"][1].decode()
    )
    with pytest.raises(SettingsError, match="can't be joined"):
        linked(both, "main.js")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('import x from "./a.js";', "main.js, line 1: 'import' is a form"),
        ('import * as a from "./a.js";', "main.js, line 1: 'import' is a form"),
        ('export * from "./a.js";', "main.js, line 1: 'export' is a form"),
        ("export default 1;", "main.js, line 1: 'export' is a form"),
        ("let a = 1;\nexport { a };", "main.js, line 2: 'export' is a form"),
        ("export let a = 1;", "main.js, line 1: 'export' is a form"),
        ('const a = await import("./a.js");', r"main.js, line 1: 'import\(' is a form"),
        ('import { nix } from "./a.js";', "main.js, line 1: a.js does not export nix"),
        ('import { add } from "./nix.js";', "main.js imports nix.js, which is not there"),
        ('import { add } from "https://cdn.example/a.js";', "main.js, line 1: 'import' is a form"),
    ],
)
def test_what_can_not_be_joined_is_refused(text, problem):
    with pytest.raises(SettingsError, match=problem):
        linked({**MODULES, "main.js": text}, "main.js")


def test_a_circle_is_refused():
    around = {"a.js": 'import { b } from "./b.js";', "b.js": 'import { a } from "./a.js";'}
    with pytest.raises(SettingsError, match=r"a.js → b.js → a.js"):
        linked(around, "a.js")


def test_the_pages_files_are_read_once():
    found = assets()
    assert set(found) == {"/", "/page/studio.css", "/page/math.css", "/page/plots.css", "/page/main.js"}
    page = found["/"][1].decode()
    for address in found:
        assert address == "/" or f'"{address}"' in page
    assert "export " not in [line[:7] for line in found["/page/main.js"][1].decode().splitlines()]
    assert integrity("").startswith("sha256-")


@pytest.mark.skipif(NODE is None, reason="there is no node on this machine")
def test_the_pages_script_is_one_that_an_engine_reads(tmp_path):
    path = tmp_path / "main.mjs"
    path.write_bytes(assets()["/page/main.js"][1])
    subprocess.run([NODE, "--check", str(path)], check=True)
