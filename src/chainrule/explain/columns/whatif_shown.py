"""What a changed row comes to, and what would turn its answer, as a document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from chainrule._doors import setting
from chainrule._numbers import number_text
from chainrule.explain.columns.numbers import alike_numbers
from chainrule.explain.columns.whatif import Answer, LayerChange, Turn, WhatIf
from chainrule.explain.show.document import Block, Document, Section, Styled, TableBlock, Words, more, notes

MOST_CLASSES = 12
"""The most classes whose probabilities are shown, the likeliest before or after."""

MOST_NAMED = 12
"""The most columns and inputs that are named."""

SHOWN_NEURONS = 3
"""The neurons of a layer that are shown; the JSON has more."""


def whatif_document(found: WhatIf, model: str, table: str, table_notes: Sequence[str] = ()) -> Document:
    """Return the document of a changed row; ``model`` and ``table`` are the names of their files."""
    blocks: list[Block] = [*notes(table_notes), *_answers(found)]
    if found.changes:
        blocks.append(Section("What changed on the way", tuple(_way(found))))
    turns = tuple(_turns(found))
    if not found.labels and found.wanted is None:
        asks = f"What one column must be for another {found.target}: add {setting('target_value')}."
        blocks.append(Section("", (Words(asks, "dim"),)))
    if turns:
        blocks.append(Section(_question(found), turns))
    title = f"Row {found.row:,} of {table}, answered by {model}"
    return Document(title, tuple(blocks), data={"model": model, "table": table, **found.to_dict()})


def _answers(found: WhatIf) -> Iterator[Block]:
    """Yield the answer, or the two beside each other."""
    before, after = found.before, found.after
    if not found.changes:
        yield Words(f"{found.target}: {_said(found, before)}", "title")
        return
    cells = "; ".join(f"{one.column} {_cell(one.before)} → {_cell(one.after)}" for one in found.changes)
    yield Words(f"With {cells}")
    yield from (Words(f"{one.column}: {one.note}", label="note") for one in found.changes if one.note)
    same = "stays" if not found.turned else "becomes"
    if not found.labels:
        change = after.number - before.number
        write = alike_numbers([before.number, after.number], digits=5)
        signed = alike_numbers([before.number, after.number], digits=5, signed=True)
        yield Words(
            f"{found.target}: {write(before.number)} {same} {write(after.number)} ({signed(change)})", "title"
        )
        return
    yield Words(f"{found.target}: {before.said} {same} {after.said}", "title")
    if before.probabilities:
        yield _probabilities(found)


def _said(found: WhatIf, answer: Answer) -> str:
    """Write an answer, a class with its probability."""
    if not answer.probabilities:
        return answer.said
    p = answer.probabilities[found.labels.index(answer.said)]
    return f"{answer.said}, with probability {_probability(p)}"


def _briefly(found: WhatIf, answer: Answer) -> str:
    """Write an answer, a class with its probability in brackets."""
    if not answer.probabilities:
        return answer.said
    return f"{answer.said} ({_probability(answer.probabilities[found.labels.index(answer.said)])})"


def _probability(p: float) -> str:
    """Write a probability with four decimals, or as few digits as tell it from 0 or 1."""
    rounded = f"{p:.4f}"
    return number_text(p, 2) if rounded == "0.0000" and p else rounded


def _probabilities(found: WhatIf) -> TableBlock:
    before, after = found.before.probabilities, found.after.probabilities
    order = sorted(range(len(before)), key=lambda place: -max(before[place], after[place]))[:MOST_CLASSES]
    rows = tuple(
        (
            Styled(found.labels[place], "result" if found.labels[place] == found.after.said else ""),
            _probability(before[place]),
            _probability(after[place]),
            f"{after[place] - before[place]:+.4f}",
        )
        for place in sorted(order)
    )
    rest = more(len(before) - len(order), "classes, in its JSON")
    return TableBlock(("class", "as it is", "changed", "change"), rows, (1, 2, 3), rest)


def _cell(cell: str | None) -> str:
    return "missing" if cell is None else cell


def _way(found: WhatIf) -> Iterator[Block]:
    """Yield the inputs, and the layers with the neurons that changed most."""
    inputs = [
        f"{one.address} {one.name} {number_text(one.before, 4)} → {number_text(one.after, 4)}"
        for one in found.inputs[:MOST_NAMED]
    ]
    if not inputs:
        yield Words("No input of the network changed, so nothing else did.")
        return
    rest = len(found.inputs) - len(inputs)
    yield Words(f"inputs: {'; '.join(inputs)}{f' and {rest:,} more' if rest > 0 else ''}")
    rows = tuple(
        (
            str(one.layer) + (", the output" if one is found.layers[-1] else ""),
            f"{one.moved:.1%}",
            f"{one.neurons:,} of {one.total:,}",
            Styled(_neurons(one), is_name=True),
        )
        for one in found.layers
    )
    yield TableBlock(("layer", "moved", "neurons", "that changed most"), rows, (1, 2))
    yield Words(
        "moved: the length of the change of a layer's outputs, by that of the outputs before; over all members",
        "dim",
    )


def _neurons(layer: LayerChange) -> str:
    return "; ".join(
        f"{one.address} {number_text(one.before, 3)} → {number_text(one.after, 3)}"
        for one in layer.most[:SHOWN_NEURONS]
    )


def _question(found: WhatIf) -> str:
    if found.wanted is None:
        return f"What would turn {found.before.said}: one column, the others as they are"
    what = f"{found.target} to {found.wanted}" if found.labels == () else f"the answer to {found.wanted}"
    return f"What would get {what}: one column, the others as they are"


def _turns(found: WhatIf) -> Iterator[Block]:
    """Yield the nearest change of each column that turns the answer, and which columns don't."""
    if not found.turns and not found.steady:
        return
    if found.turns:
        rows = tuple(
            (
                one.column,
                _cell(one.before),
                one.after,
                _briefly(found, one.answer),
                _distance(one),
            )
            for one in found.turns
        )
        then = "then (probability)" if found.before.probabilities else "then"
        yield TableBlock(("column", "from", "to", then, "rows between"), rows, (1, 2, 4))
    if found.steady:
        names = ", ".join(found.steady[:MOST_NAMED])
        rest = len(found.steady) - MOST_NAMED
        names += f" and {rest} more" if rest > 0 else ""
        none = "By no cell" if found.turns else "No single column does,"
        yield Words(f"{none} within the table's range: {names}.")
    if found.turns:
        yield Words(
            "rows between: the share of the table's rows whose cell lies between the two, the nearest first. It says what the "
            "model would answer, not what would happen if the cell could be changed.",
            "dim",
        )


def _distance(turn: Turn) -> str:
    """Write the share of rows between two numbers; between two words, or from a missing cell, none is between."""
    return "–" if turn.distance == 1.0 else f"{turn.distance:.1%}"
