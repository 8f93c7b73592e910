"""How functions are written in JavaScript."""

from __future__ import annotations

from collections.abc import Iterator

from chainrule.exports.program import Program
from chainrule.exports.written.languages import javascript_number
from chainrule.exports.written.rowwise import Statements


def written_function(
    name: str, arguments: str, result: str, size: int, what: str, written: Statements
) -> Iterator[str]:
    """Yield the lines of a function."""
    yield f"// {what}\nfunction {name}({arguments}) {{"
    yield f"  const {result} = new Float64Array({size});"
    for line in [*written.tables, *written.buffers, *written.lines]:
        text = line.lstrip()
        yield "  " + " " * ((len(line) - len(text)) // 2) + text
    yield f"  return {result};\n}}\n"


def mean_over_members(
    program: Program, name: str, network: str, given: str, what: str, size: int
) -> Iterator[str]:
    """Yield a function: the mean over all members, by their weights, of what a ``network``'s function gives."""
    yield f"// {what}\nfunction {name}(x{given}) {{"
    yield f"  const mean = new Float64Array({size});"
    for number, (group, share) in enumerate(zip(program.groups, program.model.shares, strict=True), 1):
        each = javascript_number(share / group.members)
        yield f"  for (const p of MEMBERS_{number}) {{"
        yield f"    {network}{number}(x, p{given}).forEach((a, j) => (mean[j] += {each} * a));\n  }}"
    yield "  return mean;\n}\n"
