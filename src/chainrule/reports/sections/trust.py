"""The parts of a report that try the model itself: the diagnosis, the certificate, an ablation, a learning curve."""

from __future__ import annotations

from chainrule.explain.check.certificate import certify
from chainrule.explain.check.shown import certificate_document
from chainrule.explain.diagnose.diagnosis import diagnose
from chainrule.explain.diagnose.shown import diagnosis_document
from chainrule.explain.show.document import Block, Document, Words
from chainrule.reports.ablation import ablation_document
from chainrule.reports.learning import learning_document
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported

CERTIFIED_ROWS, CERTIFIED_WEIGHTS = 8, 60
"""The rows and weights that the certificate is about: a page is to be made in seconds."""


def diagnosis_part(subject: Reported) -> ReportPart | None:
    """Return what `diagnose` finds on the table; None without a target."""
    if subject.evaluation is None:
        return None
    found = diagnose(subject.model, subject.table, seed=subject.seed)
    document = diagnosis_document(found, subject.name, subject.table.name)
    doubts = tuple(dict.fromkeys(f"the diagnosis says: {one.what}" for one in found.findings))
    count = len(found.findings)
    title = "Diagnosis: nothing found" if not count else f"Diagnosis: {count} finding{'s' * (count > 1)}"
    return ReportPart(
        "diagnosis", title, _with_verdict(document), found.to_dict(), doubts[:3], folded=not count
    )


def certificate_part(subject: Reported) -> ReportPart | None:
    """Return the certificate of the first member on a few rows; None without a target."""
    if subject.evaluation is None:
        return None
    found = certify(
        subject.model, subject.around, n_rows=CERTIFIED_ROWS, sample=CERTIFIED_WEIGHTS, seed=subject.seed
    )
    document = certificate_document(found, subject.name, subject.around.name)
    line = (
        f"chainrule check {subject.name} {subject.table.name} does the same for other rows, and all weights."
    )
    failed = ", ".join(check.name for check in found.checks if not check.passed)
    doubts = (f"checks of the certificate failed: {failed}",) if failed else ()
    title = f"Certificate: {'failed' if failed else 'the numbers are right'}"
    blocks = (*_with_verdict(document), Words(line, "dim"))
    return ReportPart("certificate", title, blocks, found.to_dict(), doubts, folded=not failed)


def ablation_part(subject: Reported) -> ReportPart | None:
    """Return what each ingredient of the recipe adds, where an ablation was made."""
    found = subject.ablation
    if found is None:
        return None
    document = ablation_document(found)
    return ReportPart("ablation", document.title, document.blocks, found.to_dict())


def learning_part(subject: Reported) -> ReportPart | None:
    """Return the scores by the number of rows trained on, where such trainings were made."""
    found = subject.learning
    if found is None:
        return None
    document = learning_document(found)
    return ReportPart("learning", document.title, document.blocks, found.to_dict())


def _with_verdict(document: Document) -> tuple[Block, ...]:
    if document.verdict is None:
        return document.blocks
    return (Words(document.verdict.text, document.verdict.style), *document.blocks)
