"""Two recordings held against each other."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

# ---- comparing


def difference(a: Mapping[str, Any] | None, b: Mapping[str, Any] | None, lines: int) -> tuple[str, list[str]]:
    """Return how two recordings of a part differ (same, renamed, rearranged, different), and in what, in a few lines."""
    if a is None or b is None:
        return "different", [f"only in {'A' if b is None else 'B'}"]
    if a == b:
        return "same", []
    if a["kind"] != b["kind"]:
        return "different", [f"{a['kind']} in A, {b['kind']} in B"]
    if a["kind"] == "text":
        found = list(difflib.unified_diff(a["value"], b["value"], "A", "B", lineterm="", n=1))[2:]
    elif a["kind"] == "arrays":
        status, found = _arrays(a, b)
        if status != "different":
            return status, found
    else:
        found = _leaves(a["value"], b["value"])
    more = [f"… {len(found) - lines} lines more"] if len(found) > lines else []
    return "different", [line if len(line) <= 200 else f"{line[:200]}…" for line in found[:lines]] + more


def _arrays(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[str, list[str]]:
    one, other = a["value"], b["value"]
    sums = [
        Counter((d["dtype"], str(d["shape"]), d["sha256"]) for d in part.values()) for part in (one, other)
    ]
    if sums[0] == sums[1]:
        return "renamed", [f"{sorted(one)} -> {sorted(other)}"]
    if a["all"] == b["all"] and one.keys() != other.keys():
        return "rearranged", [f"the same numbers in other arrays: {sorted(one)} -> {sorted(other)}"]
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    shown = [(name, *(part.get(name) for part in (one, other))) for name in names]
    return "different", [f"{name}: {_shown(x)} -> {_shown(y)}" for name, x, y in shown]


def _shown(entry: Mapping[str, Any] | None) -> str:
    return "absent" if entry is None else f"{entry['dtype']} {entry['shape']} {entry['first']}…"


def _leaves(a: Any, b: Any) -> list[str]:
    """Return the values that only one of them has; one that stands at another place under the same name is no difference."""
    paths = [list(_walk(value, "")) for value in (a, b)]
    counts = [Counter((path.rsplit(".", 1)[-1], repr(value)) for path, value in found) for found in paths]
    shown = []
    for sign, here, there in (("-", 0, 1), ("+", 1, 0)):
        left = counts[here] - counts[there]
        for path, value in paths[here]:
            key = (path.rsplit(".", 1)[-1], repr(value))
            if left[key] > 0:
                left[key] -= 1
                shown.append(f"{sign} {path or 'value'} = {value!r}")
    return shown or ["the same values, in another order or at other places"]


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _walk(item, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for number, item in enumerate(value):
            yield from _walk(item, f"{path}[{number}]")
    else:
        yield path, value


def compare(a: Path, b: Path, *, only_different: bool, lines: int) -> int:
    """Print for every case whether it is the same in both recordings, and what differs; return 1 if one does."""
    one, other = (json.loads(path.read_text(encoding="utf-8"))["cases"] for path in (a, b))
    counted: Counter[str] = Counter()
    for name in {**one, **other}:
        if name not in one or name not in other:
            status, found = "different", [("", "different", [f"only in {'A' if name in one else 'B'}"])]
        else:
            parts = [case["parts"] for case in (one[name], other[name])]
            names = {**parts[0], **parts[1]}
            found = [(part, *difference(parts[0].get(part), parts[1].get(part), lines)) for part in names]
            found = [line for line in found if line[1] != "same"]
            statuses = {line[1] for line in found} or {"same"}
            status = next(s for s in ("different", "rearranged", "renamed", "same") if s in statuses)
        counted[status] += 1
        if status != "same" or not only_different:
            print(f"{status:<10} {name}")
        for part, how, changes in found:
            print("\n".join([f"    {part}: {how}", *(f"        {line}" for line in changes)]))
    print(", ".join(f"{count} {status}" for status, count in sorted(counted.items())))
    return 1 if counted["different"] else 0
