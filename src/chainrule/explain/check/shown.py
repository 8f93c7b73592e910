"""A certificate as a document: what was checked, the worst case of each check, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule.explain.check.certificate import Certificate
from chainrule.explain.check.result import Check
from chainrule.explain.show.document import (
    Block,
    Document,
    Facts,
    Section,
    Styled,
    TableBlock,
    Words,
    more,
    notes,
)

MOST_KINKS = 5

STYLES = {"ok": "ok", "failed": "wrong", "skipped": "warn"}


def certificate_document(
    certificate: Certificate, model: str, table: str, table_notes: Sequence[str] = ()
) -> Document:
    """Return the document of a certificate; ``model`` and ``table`` are named in its title."""
    about = certificate.subject
    rows, weights = about["rows"], about["weights"]
    sizes = "-".join(map(str, about["sizes"]))
    which = f"{len(rows):,} of {about['of_rows']:,}, drawn by chance"
    if len(rows) == 1:
        which = f"row {rows[0]:,}"
    elif len(rows) == about["of_rows"]:
        which = f"all {len(rows):,}"
    some = "all" if weights == about["of_weights"] else f"{weights:,} of"
    facts = (
        ("network", f"{sizes}, loss {about['loss']}, member {about['member']}, in float64"),
        ("rows", which),
        ("weights", f"{some} {about['of_weights']:,}"),
    )
    headers = ("check", "compared", "worst error", "allowed", "at", "")
    checks = certificate.checks
    blocks: list[Block] = [
        *notes(table_notes),
        Facts(facts),
        TableBlock(headers, tuple(map(_row, checks)), (1, 2, 3)),
        Facts(tuple(row for check in checks for row in _rules(check))),
    ]
    told = [line for check in checks for line in _more(check)]
    for mistake in certificate.mistakes:
        share = "" if mistake.explains > 0.999 else f" (accounts for {mistake.explains:.0%} of the deviation)"
        told.append(f"looks like: {mistake.name}: {mistake.sentence}{share}")
    if told:
        blocks.append(Section("", tuple(map(Words, told))))
    return Document(
        f"{model} on {table}",
        tuple(blocks),
        verdict=_verdict(checks),
        data={"model": model, "table": table, **certificate.to_dict()},
    )


def _row(check: Check) -> tuple[str | Styled, ...]:
    worst = check.worst
    cells: tuple[str | Styled, ...] = ("–", "–", "")
    if worst is not None:
        cells = (_short(worst.error), _short(worst.allowed), Styled(worst.address, is_name=True))
    return (check.name, f"{check.compared:,}", *cells, Styled(check.outcome, STYLES[check.outcome]))


def _rules(check: Check) -> Iterator[tuple[str | Styled, ...]]:
    yield Styled(check.name, "dim"), Styled(f"{check.rule}; within {check.tolerance}", "dim")
    yield from (("", line) for line in (*check.notes, check.skipped) if line)


def _more(check: Check) -> Iterator[str]:
    if check.failed and check.worst is not None:
        worst = check.worst
        yield (
            f"{check.name}: {check.failed:,} differ; at {worst.address}: {worst.found!r} where {worst.expected!r} is right"
        )
    for kink in check.kinks[:MOST_KINKS]:
        yield (
            f"kink: {kink.address} has no derivative: {kink.crossed} changes branch there; slopes {kink.left:.6g} "
            f"and {kink.right:.6g}, chainrule takes {kink.found:.6g}"
        )
    if len(check.kinks) > MOST_KINKS:
        yield more(len(check.kinks) - MOST_KINKS, "kinks (its JSON has all)")


def _verdict(checks: Sequence[Check]) -> Styled:
    if failed := [check.name for check in checks if not check.passed]:
        return Styled(f"failed: {', '.join(failed)}", "wrong")
    skipped = sum(1 for check in checks if check.skipped)
    said = f"{len(checks) - skipped} checks passed" + (f", {skipped} skipped" if skipped else "")
    return Styled(said, "ok")


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"
