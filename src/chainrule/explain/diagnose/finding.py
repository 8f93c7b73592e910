"""A finding, and what the parts of the diagnosis look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from chainrule._plain import Plain
from chainrule.explain.trace.address import Address


@dataclass(frozen=True)
class Finding(Plain):
    """Something that is wrong: what, where (addresses), the evidence in numbers, why it matters, what to try.

    ``kind`` is a name for programs, one of `KINDS`; ``layer`` (from 1) is None where it is about the whole network,
    ``members`` are those it was found in (from 1), empty where it is about their mean.
    """

    kind: str
    what: str
    where: tuple[str, ...]
    evidence: Mapping[str, float | str]
    why: str
    remedy: str
    layer: int | None = None
    members: tuple[int, ...] = ()


def merged(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings with those of the same kind and layer in several members as one, the first one's words."""
    found: dict[tuple[str, int | None, str], Finding] = {}
    for finding in findings:
        # Those of no member are about the answers, and each target has its own.
        key = (finding.kind, finding.layer, "" if finding.members else finding.what)
        if first := found.get(key):
            finding = replace(
                first, where=first.where + finding.where, members=first.members + finding.members
            )
        found[key] = finding
    return list(found.values())


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Return two numbers with four digits, or as many as it takes to see which is the larger."""
    digits = next((n for n in range(4, 17) if f"{one:.{n}g}" != f"{other:.{n}g}"), 4)
    return f"{one:.{digits}g}", f"{other:.{digits}g}"


def addresses(name: str, layer: int | None, neurons: Iterable[int]) -> tuple[str, ...]:
    """Return the addresses of neurons (from 0) of a layer (from 1): a[1][3]."""
    return tuple(str(Address(name, layer, (int(j) + 1,))) for j in neurons)


def told_of_member(findings: Iterable[Finding], member: int, several: bool) -> Iterator[Finding]:
    """Return findings as those of a member (from 0), which their addresses name if there are several."""
    which = f"@member={member + 1}" * several
    for finding in findings:
        where = tuple(place + which for place in finding.where)
        yield replace(finding, where=where, members=(member + 1,))
