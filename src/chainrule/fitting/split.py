"""Second step: set the rows of the score aside, before anything is learned from the others."""

from __future__ import annotations

from chainrule.fitting.prepared import Read, Split
from chainrule.fitting.rows import TEST_STREAM, divided


def split(found: Read) -> Split:
    """Return the table in two: the rows of the score, by chance unless they are a table of their own, and the rest."""
    question, table = found.question, found.table
    seed = found.settings.seed if question.test_seed is None else question.test_seed
    how = (question.share, seed, TEST_STREAM)
    left, test = divided(table, question.targets, found.usable, *how, by_class=found.by_class)
    tested = table.take(test) if found.scored is None else found.scored
    return Split(**vars(found), tested=tested, left=left)
