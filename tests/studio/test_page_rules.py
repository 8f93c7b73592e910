"""The rules of the page's modules: small, plain, safe, no mathematics of networks; types where tsc is."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chainrule.studio.web.assets import assets, modules

PAGE = Path(__file__).parents[2] / "src/chainrule/studio/page"
MODULES = modules(PAGE)
OWN = {name: text for name, text in MODULES.items() if name != "types.js"}

LONGEST = 250
FORBIDDEN = {
    "text read as HTML": r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|srcdoc",
    "text run as a program": r"\beval\b|\bnew Function\b|\bFunction\(|set(?:Timeout|Interval)\(\s*[\"'`]",
    "a clock that runs by itself": r"\bsetInterval\b",
    "an address": r"https?:|//[a-z0-9-]+\.[a-z]|[\"'`](?:data|blob):",
    "mathematics of a network": r"Math\.(?:exp|expm1|log|log1p|tanh|sinh|cosh|sqrt|cbrt|hypot|random)\b",
    "another form of import or export": r"^export (?:default|\{|\*|let|var)"
    r"|^import (?!\{[^}]*\} from \"\.{1,2}/[\w/]+\.js\";$)|^[^*/]*\bimport\(",
    "a style that the policy refuses": r"setAttribute\(\s*[\"']style|\bcssText\b",
}


def faults(text: str) -> set[str]:
    """Return what a module does that none may."""
    code = re.sub(r"/\*[\s\S]*?\*/|^\s*//.*$", "", text, flags=re.MULTILINE)
    found = (
        {"a type that isn't checked"} if re.search(r"@ts-(?:ignore|nocheck|expect-error)", text) else set()
    )
    found |= {what for what, pattern in FORBIDDEN.items() if re.search(pattern, code, re.MULTILINE)}
    return found | ({"a long file"} if text.count("\n") > LONGEST else set())


@pytest.mark.parametrize("name", sorted(OWN))
def test_a_module_keeps_the_rules(name):
    assert faults(OWN[name]) == set()
    assert OWN[name].startswith("// "), "a module says in its first line what it is for"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('element.innerHTML = "<b>";', "text read as HTML"),
        ('setTimeout("go()", 5);', "text run as a program"),
        ('const run = new Function("return 1");', "text run as a program"),
        ("setInterval(go, 5);", "a clock that runs by itself"),
        ('fetch("https://cdn.example/x.js");', "an address"),
        ("const a = 1 / (1 + Math.exp(-z));", "mathematics of a network"),
        ("export default 1;", "another form of import or export"),
        ('import x from "./x.js";', "another form of import or export"),
        ('element.setAttribute("style", "color: red");', "a style that the policy refuses"),
        ("// @ts-ignore", "a type that isn't checked"),
        ("x;\n" * LONGEST, "a long file"),
    ],
)
def test_a_planted_fault_is_found(line, fault):
    assert fault in faults(f"// A module.\n{line}\n")


def test_no_style_is_matched_again_whenever_something_is_hidden():
    """A ``:has()`` on what is hidden or a class is matched again at each such change: a frame lost 9 ms by one."""
    costly = re.compile(r":has\([^{]*(?:\[|:not|\.)[^{]*\{")
    assert costly.search(".waiting:has(.notice.bad:not([hidden])) .soon { }"), "the planted one"
    assert not costly.search((PAGE / "studio.css").read_text("utf-8"))


def test_scales_alone_have_logarithms_and_powers():
    # Ticks need powers of ten, heights of blocks their size's logarithm: how much is drawn, not what a network computes.
    allowed = {"draw/scales.js", "draw/blocks.js"}
    assert {name for name, text in OWN.items() if re.search(r"Math\.log(?:2|10)\b", text)} <= allowed


def test_no_name_is_exported_twice():
    names = [
        name
        for text in OWN.values()
        for name in re.findall(r"^export (?:async )?(?:function|const|class) (\w+)", text, re.MULTILINE)
    ]
    assert sorted(names) == sorted(set(names))


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_has_no_style_or_script_of_its_own():
    kind, text = assets()["/"]
    reader = _Elements()
    reader.feed(text.decode())
    asked = [
        attrs.get("src") or attrs.get("href") for tag, attrs in reader.found if tag in ("script", "link")
    ]
    assert kind.startswith("text/html")
    assert set(asked) - {"data:,"} <= set(assets())
    assert not any(
        tag == "style" or "style" in attrs or any(name.startswith("on") for name in attrs)
        for tag, attrs in reader.found
    )
    assert all(attrs.get("src") for tag, attrs in reader.found if tag == "script")


def test_every_part_in_the_page_is_defined_and_used():
    html = (PAGE / "studio.html").read_text("utf-8")
    defined = set(re.findall(r'definePart\("([\w-]+)"', OWN["main.js"]))
    used = set(re.findall(r"<(cr-[\w-]+)", html)) | {
        name for text in OWN.values() for name in re.findall(r'h\("(cr-[\w-]+)"', text)
    }
    assert defined == used
    icons = set(re.findall(r'id="icon-([\w-]+)"', html))
    wanted = {
        name
        for text in OWN.values()
        for name in re.findall(r'\bicon(?:: |\()(?:[\w.]+ \? )?"([\w-]+)"(?: : "([\w-]+)")?', text)
        for name in name
        if name
    }
    assert wanted <= icons


@pytest.mark.slow
def test_the_types_fit(tmp_path):
    tsc = shutil.which("tsc")
    if tsc is None:
        pytest.skip("tsc is not installed")
    options = {"noEmit": True, "checkJs": True, "allowJs": True, "strict": True, "target": "es2022", "module": "es2022",
               "moduleResolution": "bundler", "lib": ["es2023", "dom", "dom.iterable"]}  # fmt: skip
    config = tmp_path / "tsconfig.json"

    def said(folder: Path) -> str:
        config.write_text(json.dumps({"compilerOptions": options, "include": [f"{folder}/**/*.js"]}), "utf-8")
        return subprocess.run([tsc, "-p", str(config)], capture_output=True, text=True, check=False).stdout

    assert said(PAGE) == ""
    wrong = tmp_path / "page"
    shutil.copytree(PAGE, wrong)
    path = wrong / "api.js"
    path.write_text(path.read_text("utf-8").replace("news.epochs.length", "news.epocs.length"), "utf-8")
    assert "epocs" in said(wrong)
