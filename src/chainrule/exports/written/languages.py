"""How each operation is written in the languages of statements: plain Python, C99 and JavaScript.

The functions that a program needs beside the language's own stand here too, by name; a file begins with those it uses.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping

from chainrule.equations.graph import COMPARISONS, UNARY, Target
from chainrule.explain.program.plain import HELPERS, MATH_HAS
from chainrule.exports.written.rowwise import Language

_CALLS = frozenset({*UNARY, *MATH_HAS, "pow", "maximum", "minimum"})
_BASIC = {op: f"{{0}} {op} {{1}}" for op in ("+", "-", "*", "/", *COMPARISONS)}

# Plain Python: what would raise gives inf or NaN by a function of its own.

PYTHON_HELPERS: Mapping[str, str] = {
    **HELPERS,
    "maximum": "def maximum(x, y):\n    return x if x > y or x != x else y\n",
    "minimum": "def minimum(x, y):\n    return x if x < y or x != x else y\n",
    "nearest": "def nearest(x):\n    return float(round(x)) if math.isfinite(x) else x\n",
    "product": """def product(h, p, start, n, m):
    z = [0.0] * m
    for i in range(n):
        h_i = h[i]
        if h_i:
            at = start + i * m
            z = [z_j + h_i * w for z_j, w in zip(z, p[at : at + m])]
    return z
""",
}


def python_number(value: float) -> str:
    """Return a number as Python writes it."""
    if math.isfinite(value):
        return repr(float(value))
    return "math.nan" if math.isnan(value) else "math.inf" if value > 0 else "-math.inf"


PYTHON = Language(
    Target(
        "plain Python",
        {**_BASIC, "/": "divide({0}, {1})", "neg": "-{0}", "&": "{0} and {1}", "where": "{1} if {0} else {2}"}
        | {op: f"{op}({{0}})" for op in ("exp", "expm1", "log", "log1p", "log2", "sqrt", "sin", "cos", "tan")}
        | {op: f"{op}({{0}})" for op in ("sinh", "cosh", "sign", "floor", "abs")}
        | {op: f"math.{op}({{0}})" for op in ("tanh", "atan", *MATH_HAS)}
        | {op: f"{op}({{0}}, {{1}})" for op in ("maximum", "minimum")}
        | {"pow": "power({0}, {1})", "round": "nearest({0})"},
    ),
    python_number,
    _CALLS | {"/"},
    buffer="{name} = [0.0] * {size}",
    loop="for {i} in range({size}):",
    close="",
    local="{name} = {value}",
    truth="{name} = {value}",
    assign="{name} = {value}",
    add="{name} += {value}",
    table="{name} = ({values},)",
    product="product({a}, {b}, {start}, {n}, {m})",
)

# JavaScript.

JAVASCRIPT_HELPERS: Mapping[str, str] = {
    "sign": "const sign = (x) => (x > 0 ? 1 : x < 0 ? -1 : x);\n",
}


def javascript_number(value: float) -> str:
    """Return a number as JavaScript writes it."""
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


JAVASCRIPT = Language(
    Target(
        "JavaScript",
        {**_BASIC, "==": "{0} === {1}", "!=": "{0} !== {1}", "neg": "-{0}", "&": "{0} && {1}"}
        | {op: f"Math.{op}({{0}})" for op in UNARY}
        | {
            "sign": "sign({0})",
            "where": "{0} ? {1} : {2}",
            "pow": "Math.pow({0}, {1})",
            "maximum": "Math.max({0}, {1})",
            "minimum": "Math.min({0}, {1})",
            "round": "({0} + 6755399441055744) - 6755399441055744",
        },
    ),
    javascript_number,
    _CALLS - {"round"},
    buffer="const {name} = new Float64Array({size});",
    loop="for (let {i} = 0; {i} < {size}; {i}++) {{",
    close="}",
    local="const {name} = {value};",
    truth="const {name} = {value};",
    assign="{name} = {value};",
    add="{name} += {value};",
    table="const {name} = [{values}];",
)

# C99: the network in ``REAL``, which is float unless it is defined otherwise, cells and answers in double.


def c_number(value: float) -> str:
    """Return a number as C writes it, in double."""
    if math.isfinite(value):
        return repr(float(value))
    return "(double)NAN" if math.isnan(value) else "(double)INFINITY" if value > 0 else "-(double)INFINITY"


def _c_real(value: float) -> str:
    """Return a number as C writes it, in the type that a network computes in."""
    if math.isfinite(value):
        return f"R({float(value)!r})" if value >= 0 else f"-R({-float(value)!r})"
    return "R(NAN)" if math.isnan(value) else "R(INFINITY)" if value > 0 else "-R(INFINITY)"


C_HELPERS: Mapping[str, str] = {
    "maximum": "static {real} maximum({real} x, {real} y)\n{{\n    return x > y || x != x ? x : y;\n}}\n",
    "minimum": "static {real} minimum({real} x, {real} y)\n{{\n    return x < y || x != x ? x : y;\n}}\n",
    "sign": "static {real} sign({real} x)\n{{\n    return x > 0 ? 1 : x < 0 ? -1 : x;\n}}\n",
}
_IN_C = {"abs": "fabs", "round": "rint"}


def _c(real: str, number: Callable[[float], str], called: str, ending: str) -> Language:
    functions = (*UNARY, *MATH_HAS)
    made = {op: called.format(_IN_C.get(op, op)) + "({0})" for op in functions if op != "sign"}
    return Language(
        Target(
            "C",
            {**_BASIC, "neg": "-{0}", "&": "{0} && {1}", "where": "{0} ? {1} : {2}"}
            | made
            | {"sign": f"sign{ending}({{0}})", "pow": called.format("pow") + "({0}, {1})"}
            | {op: f"{op}{ending}({{0}}, {{1}})" for op in ("maximum", "minimum")},
        ),
        number,
        _CALLS,
        buffer=f"{real} {{name}}[{{size}}];",
        loop="for (int {i} = 0; {i} < {size}; {i}++) {{",
        close="}",
        local=f"const {real} {{name}} = {{value}};",
        truth="const int {name} = {value};",
        assign="{name} = {value};",
        add="{name} += {value};",
        table="static const {kind} {name}[{size}] = {{{values}}};",
        real=real,
    )


C_NETWORK = _c("REAL", _c_real, "M({})", "_r")
"""Of a network: ``R(0.5)`` is a number and ``M(exp)`` a function of the type REAL."""

C_DOUBLE = _c("double", c_number, "{}", "_d")
"""Of cells and answers."""


def used(helpers: Mapping[str, str], texts: Iterable[str]) -> list[str]:
    """Return the names of the helpers that texts call, and that those call, in the order of the helpers."""
    waiting, found = list(texts), set[str]()
    while waiting:
        words = set(re.findall(r"\w+(?=\()", waiting.pop()))
        new = (words & helpers.keys()) - found
        found |= new
        waiting += [helpers[name].split("\n", 1)[1] for name in new]
    return [name for name in helpers if name in found]
