"""What is told at rest, between updates: what the last one did to its own rows, whose numbers are shown, how training ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chainrule._numbers import number_text
from chainrule.reports.words import SCORE_NAMES, stopped_words
from chainrule.studio.shown.answers import answer_read
from chainrule.studio.shown.looking import Look
from chainrule.studio.shown.told import steady_told

if TYPE_CHECKING:
    from chainrule.studio.training.made import Made
    from chainrule.studio.training.runs import StudioRun
    from chainrule.studio.training.session import SessionState

MOST_PARAMETERS = 200_000
"""The most parameters of a network whose last update is looked at again for what is told of it."""


def between_told(
    made: Made, run: StudioRun, state: SessionState, look: Look, was: Mapping[str, Any] | None
) -> list[str]:
    """Return sentences on a place between two updates, of how the training ended where that is its end."""
    said: list[str] = []
    size = len(look.rows)
    cost = None if look.batch is None else look.batch.steps[0].gradients
    if was is not None:
        said += _changed(run, look, was, None if cost is None else float(cost.cost))
    if look.t and not state.playing and look.course.layout.size <= MOST_PARAMETERS:
        said += _last_update(made, state, look)
    elif cost is not None and was is None:
        which = "next" if look.t else "first"
        rows = "its row" if size == 1 else f"the {size:,} rows of the {which} update"
        said.append(f"The cost of {rows} is {number_text(float(cost.cost), 4)}.")
    if look.state.stays and made.tape.last is not None and look.t >= made.tape.last:
        said += ended_told(made, look.member)
        if not run.is_branch:
            said += groups_told(look)
    return said


def _changed(run: StudioRun, look: Look, was: Mapping[str, Any], cost: float | None) -> list[str]:
    """Return what an edit did to the cost of the same rows, or why the row shown doesn't feel it."""
    said = []
    size = f"these {len(look.rows):,} rows" if len(look.rows) > 1 else "the row"
    if cost is not None and was["cost"] is not None:
        if was["cost"] == cost:
            said.append(f"The change leaves the cost of {size} as it is, {number_text(cost, 4)}.")
        else:
            said.append(
                f"By the change the cost of {size} went from {number_text(was['cost'], 4)} to {number_text(cost, 4)}."
            )
    elif cost is not None and any(edit.adds_row and edit.row in look.numbers for edit in run.edits):
        said.append(f"The cost of {size}, the new one among them, is {number_text(cost, 4)}.")
    elif cost is not None:
        said.append(f"By the change the cost of {size} is a number again, {number_text(cost, 4)}.")
    if run.comes_from is not None and not any(edit.adds_row for edit in run.edits):
        before = run.comes_from.made.lookout.look(run.at, look.member, None)
        if set(before.numbers) != set(look.numbers):
            said.append("A branch deals its rows out anew: these are others than those shown before it.")
    addresses = [edit.address for edit in run.edits]
    if was["answer"] is not None and all(addresses) and run.comes_from is not None:
        old = run.comes_from.made.lookout.on_rows_of(look, run.at, look.row)
        said += steady_told(look, old, [str(address) for address in addresses])
    return said


def _last_update(made: Made, state: SessionState, look: Look) -> list[str]:
    """Return what the update before did to the cost of its own rows, and whose numbers are shown now."""
    last = made.lookout.look(look.t - 1, look.member, state.row)
    step = None if last.batch is None else last.batch.steps[0]
    if step is None or step.update is None or step.gradients is None:
        return []
    size = len(step.rows)
    own = "its row" if size == 1 else f"its own {size:,} rows"
    said = [
        f"Update {look.t:,} took the cost of {own} from {number_text(float(step.gradients.cost), 4)} "
        f"to {number_text(float(step.update.cost), 4)}."
    ]
    if (
        look.batch is not None
        and look.batch.steps[0].gradients is not None
        and set(look.numbers) != set(last.numbers)
    ):
        rows = "a row of its own" if len(look.rows) == 1 else f"{len(look.rows):,} rows of its own"
        shown = "All numbers" if look.in_batch else "The cost and the derivatives"
        said.append(
            f"{shown} shown now are those of the next update, which has {rows}, of cost "
            f"{number_text(float(look.batch.steps[0].gradients.cost), 4)}."
        )
    return said


def ended_told(made: Made, member: int = 0) -> list[str]:
    """Return why and after how many epochs a training ended, and which epoch of a member is kept, where that is another one."""
    result = made.worker.result
    if result is None:
        return []
    ran, kept, watched = len(result.history), kept_epoch(made, member), watched_words(made)
    whose = f"member {member + 1}" if made.course.members > 1 else "it"
    updates, steps = made.tape.last_of(member), made.tape.steps_per_epoch
    lost = member in result.diverged
    own = ran if updates is None else updates // steps + 1 if lost else min(ran, -(-updates // steps))
    if result.stopped == "diverged":
        said = [f"The training ended in epoch {ran:,}, as its numbers grew beyond all bounds."]
    else:
        why = "" if result.stopped == "callback" else stopped_words(result.stopped, watched)
        said = [f"The training ended after epoch {ran:,}{', ' + why if why else ''}."]
    if lost and made.course.members > 1:
        said.append(
            f"The numbers of {whose} grew beyond all bounds in epoch {own:,}, so it has none after that."
        )
    elif own < ran:
        said.append(f"{whose[0].upper()}{whose[1:]} stopped before the others, after epoch {own:,}.")
    if kept is not None and kept != own:
        best = f"where the watched {watched} was {'lowest' if watched == 'loss' else 'best'}"
        which = f"epoch {kept:,}, {'from before that' if lost else best}" if kept else "what it began with"
        of = f" of {whose}" if made.course.members > 1 else ""
        said.append(f"What is kept{of}, and scored, is {which}; what is drawn here is epoch {own:,}.")
    temperature = (
        None if made.course.model is None or made.course.by_hand else made.course.model.card["temperature"]
    )
    if temperature is not None:
        said.append(
            "The model answers with the parameters of its output layer divided by the temperature "
            f"{number_text(float(temperature), 4)}; what is drawn here is as training made it."
        )
    return said


def groups_told(look: Look) -> list[str]:
    """Return what a model of several groups answers for the row that is looked at, as the weighted mean of their outputs."""
    course = look.course
    model = course.whole
    if model is None:
        return []
    outputs = model.outputs(course.data.x[course.places[look.row]][None])
    mean = model.mean(outputs)
    answer = model.answer_of(mean)
    said = f"All {len(model.groups)} groups of the model together answer {answer_read(course, answer, look.row)['words']}"
    if len(model.target.parts) > 1:
        return [f"{said}: the mean of their outputs by weight."]
    place = 0 if answer.codes is None or mean.shape[1] == 1 else int(answer.codes[0])
    terms, start = [], 0
    for group, share in zip(model.groups, model.shares, strict=True):
        own = outputs[start : start + group.members, 0, place].mean()
        terms.append(f"{share:.4g} · {number_text(float(own), 4)}")
        start += group.members
    which = "outputs" if mean.shape[1] == 1 else f"outputs {place + 1}"
    return [
        f"{said}: the mean of their {which} by weight is {' + '.join(terms)} = {number_text(float(mean[0, place]), 4)}."
    ]


def watched_words(made: Made) -> str:
    """Return what is watched, in words: loss or a score; of a model whose training is made again, what was."""
    course = made.course
    if course.plan.watch is not None:
        return course.plan.watch.metric.words
    word = "loss" if course.model is None else str(course.model.card.get("watch", "loss"))
    return SCORE_NAMES.get(word, word)


def kept_epoch(made: Made, member: int = 0) -> int | None:
    """Return the epoch whose parameters a member keeps, None while the training goes on."""
    result, model = made.worker.result, made.course.model
    if result is None or made.tape.last is None:
        return None
    if model is None or made.course.by_hand:
        return int(result.best_epochs[member])
    # Made again, it isn't watched: which epochs were kept then, and of which members, the model's card knows.
    kept = list(model.card["members"]["kept"])
    return int(model.card["best_epochs"][kept.index(member + 1)]) if member + 1 in kept else None
