"""A diagnosis as a document: the layers of one member, then what is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule._numbers import percent
from chainrule.explain.diagnose.diagnosis import Diagnosis, LayerFacts
from chainrule.explain.diagnose.finding import Finding
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.show.document import Block, Document, Section, Styled, TableBlock, Words, notes
from chainrule.explain.show.document import FindingBlock as Shown

MOST_ADDRESSES = 8

HEADERS = ("layer", "activation", "neurons", "dead", "flat", "|delta|", "to next", "weights", "|step|/|W|")

LEGEND = (
    "flat: share of outputs whose slope f'(z) is nearly 0; dead: flat on every row; to next: |delta| beside "
    "the next layer's; weights: how far W stretches its inputs; |step|/|W|: of a training step"
)


def diagnosis_document(
    diagnosis: Diagnosis,
    model: str,
    table: str,
    table_notes: Sequence[str] = (),
    pictures: Sequence[Block] = (),
) -> Document:
    """Return the document of a diagnosis; ``model`` and ``table`` are named in its title, ``pictures`` come first."""
    member, layers = next(iter(diagnosis.layers.items()))
    several = len(diagnosis.layers) > 1
    whose = (
        f"the layers of member {member}; its JSON has all {len(diagnosis.layers)} members. "
        if several
        else ""
    )
    blocks: list[Block] = [
        *notes(table_notes),
        *pictures,
        TableBlock(HEADERS, tuple(map(_row, layers)), (0, *range(2, 9))),
        Words(whose + LEGEND, "dim"),
        *(_finding(number, finding, several) for number, finding in enumerate(diagnosis.findings, 1)),
    ]
    few = _dead_but_few(diagnosis)
    verdict = f"no finding; {few}" if few else "nothing is wrong, as far as this can tell"
    if few and diagnosis.findings:
        blocks.append(Section("", (Words(f"no finding: {few}"),)))
    return Document(
        f"{model} on {diagnosis.rows:,} rows of {table}",
        tuple(blocks),
        verdict=None if diagnosis.findings else Styled(verdict, "ok"),
        data={"model": model, "table": table, **diagnosis.to_dict()},
    )


def _dead_but_few(diagnosis: Diagnosis) -> str:
    """Name the dead neurons in the table of layers that no finding is about; empty where there are none."""
    told = {(m, one.layer) for one in diagnosis.findings if one.kind == "dead_neurons" for m in one.members}
    dead = [
        f"{one.dead:,} of {one.neurons:,} in layer {one.layer}"
        + f" of member {member}" * (len(diagnosis.layers) > 1)
        for member, layers in diagnosis.layers.items()
        for one in layers
        if one.dead and (member, one.layer) not in told
    ]
    rest = len(dead) - MOST_ADDRESSES
    listed = ", ".join(dead[:MOST_ADDRESSES]) + (f" and {rest} more layers" if rest > 0 else "")
    return f"dead neurons: {listed} (a finding from {limit('dead'):.0%} of a hidden layer on)" if dead else ""


def _row(facts: LayerFacts) -> tuple[str, ...]:
    numbers = (facts.delta, facts.ratio, facts.weights, facts.update)
    return (
        str(facts.layer),
        facts.activation,
        f"{facts.neurons:,}",
        "–" if facts.dead is None else f"{facts.dead:,}",
        "–" if facts.flat is None else percent(facts.flat).replace("nearly ", "~"),
        *("–" if value is None else f"{value:.2g}" for value in numbers),
    )


def _finding(number: int, finding: Finding, several: bool) -> Shown:
    which = ""
    if several and finding.members:
        rest = len(finding.members) - 1
        others = f"; found in {rest} more member{'s' * (rest > 1)}, too" if rest else ""
        which = f" (member {finding.members[0]}{others})"
    rest = len(finding.where) - MOST_ADDRESSES
    where = ", ".join(finding.where[:MOST_ADDRESSES]) + (f" and {rest:,} more" if rest > 0 else "")
    evidence = ", ".join(
        f"{name} {value if isinstance(value, str) else f'{value:.4g}'}"
        for name, value in finding.evidence.items()
    )
    facts = (("where", where), ("evidence", evidence), ("why", finding.why), ("try", finding.remedy))
    return Shown(f"{number}. {finding.what}{which}", facts)
