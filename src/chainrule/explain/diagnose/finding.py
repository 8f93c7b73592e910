"""A finding, and what the parts of the diagnosis look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

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
    members: tuple[int, ...] = field(default=())


def merged(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with those of the same kind and layer in several members as one, the first one's words."""
    found: dict[tuple[str, int | None], Finding] = {}
    for finding in findings:
        key = (finding.kind, finding.layer)
        if key in found:
            first = found[key]
            finding = replace(
                first, where=(*first.where, *finding.where), members=(*first.members, *finding.members)
            )
        found[key] = finding
    return list(found.values())


def addresses(name: str, layer: int, neurons: Sequence[int], member: int | None) -> tuple[str, ...]:
    """Return the addresses of neurons (from 0) of a layer (from 1); ``member`` (from 0) if there are several."""
    which = None if member is None else member + 1
    return tuple(str(Address(name, layer, (int(j) + 1,), member=which)) for j in neurons)


def whole(name: str, layer: int, member: int | None) -> str:
    """Return the address of a layer's whole array: W[2], delta[1]@member=3."""
    return str(Address(name, layer, member=None if member is None else member + 1))
