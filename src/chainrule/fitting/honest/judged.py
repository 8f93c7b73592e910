"""The first word about a training: what is bad about its result, the worst of it, in one sentence with what to try."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray
from chainrule.fitting.honest.shared import Shared
from chainrule.fitting.honest.verdicts import STILL_FALLING
from chainrule.fitting.prepared import Prepared
from chainrule.model.model import Evaluation, Model, Prediction
from chainrule.training.scores.baselines import TRIVIAL, Answered
from chainrule.training.scores.metrics import METRICS, PRIMARY, Scores, log_losses, standard_error
from chainrule.training.settings.recipe import can_be_added, why_plain

FEW = 10
"""With fewer rows of the score than this, one of them changes it by more than what networks differ by."""

ERRORS = 2.0
"""How many standard errors of the paired difference a network is behind a line before it is called worse."""

NEVER = 3
"""The fewest rows of a class that is called never predicted."""


RARE = ("average_precision", "f1")
"""The scores that count where classes are uneven, the first of which there is one."""


@dataclass(frozen=True)
class Result:
    """A training's result as it is judged: the answers of network and baselines to the rows of the score, and their scores."""

    model: Model
    prepared: Prepared
    answered: Prediction
    evaluation: Evaluation
    baseline_answers: Sequence[Mapping[str, Answered]]
    baselines: Mapping[str, Scores]
    notes: Sequence[str]
    shared: Shared | None = None
    leaked: Evaluation | None = None


def judged(result: Result) -> str:
    """Return what is worst about a result, in one sentence with what to try; "" where nothing speaks against it."""
    return next((said for judge in JUDGES for said in judge(result)), "")


def _few_rows(result: Result) -> Iterator[str]:
    n = result.evaluation.rows
    if n < FEW:
        rows = "one row" if n == 1 else f"{n} rows"
        yield (
            f"a score on {rows} says next to nothing: give more rows, a larger {setting('test_share')}, or cross-validate, which "
            "scores on all"
        )


def _shared(result: Result) -> Iterator[str]:
    if result.shared is not None:
        yield result.shared.words


def _leaks(result: Result) -> Iterator[str]:
    found = result.prepared.leaks
    if found:
        more = f" (and so do {len(found) - 1} more)" if len(found) > 1 else ""
        said = found[0].words + more
        if result.leaked is not None:
            name = PRIMARY[result.model.task]
            own, without = result.evaluation.scores[name], result.leaked.scores[name]
            it = "it" if len(found) == 1 else "them"
            said += f"; without {it} {METRICS[name].words} is {without:.4g} instead of {own:.4g}"
        yield said


def _equal_neurons(result: Result) -> Iterator[str]:
    layers = result.model.layers()
    for number, layer in enumerate(layers[: len(result.model.groups[0].network.layers) - 1], 1):
        weights = layer["W"]
        if weights.shape[1] > 1 and not np.ptp(weights, axis=1).any():
            yield (
                f"all {weights.shape[1]} neurons of layer {number} are equal, as they began with equal weights and stay equal, "
                f"so that they count as one: draw them at random ({setting('init')}; auto suits the activation)"
            )


def _no_better(result: Result) -> Iterator[str]:
    """Compare with the baselines: with the trivial one by the scores, with the line by paired differences of the rows."""
    own, weighed = result.evaluation.scores, result.prepared.settings.class_weight is not None
    name = next(one for one in (*RARE, PRIMARY[result.model.task]) if one in own or one not in RARE)
    if name == "accuracy" and weighed:
        name = "balanced_accuracy"  # what the weights were for
    record = METRICS[name]
    if name not in own:
        return
    sign = 1 if record.greater_is_better else -1
    for baseline, scores in result.baselines.items():
        behind = sign * (scores[name] - own[name])
        against = f"({record.words} {own[name]:.4g} against {scores[name]:.4g})"
        if baseline in TRIVIAL:
            worse = behind >= 0 and (weighed or name in RARE or not _better(result, baseline))
            compared = f"no better than {TRIVIAL[baseline]}"
        else:
            worse = behind > 0 and _worse_by(result, baseline, ERRORS)
            compared = f"worse than {baseline}"
        if worse:
            yield f"the network is {compared} {against}: {_remedy(result)}"


def _losses(result: Result, baseline: str) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Yield for each target the rows' losses (n,) of the network and of a baseline, of the same kind."""
    target, tested = result.model.target, result.prepared.tested
    for j, (part, answers) in enumerate(zip(target.parts, result.baseline_answers, strict=True)):
        one = result.answered if len(target.parts) == 1 else result.answered.of_target(j)
        theirs = answers[baseline]
        if one.codes is None:
            numbers = part.numbers(tested)
            with np.errstate(over="ignore", invalid="ignore"):
                yield (one.labels - numbers) ** 2, (theirs["numbers"] - numbers) ** 2
            continue
        codes = part.codes(tested)
        if one.probabilities is None:
            yield (one.codes != codes).astype(np.float64), (theirs["labels"] != codes).astype(np.float64)
        else:
            known = np.asarray(theirs["probabilities"], np.float64)
            yield log_losses(codes, one.probabilities), log_losses(codes, known)


def _worse_by(result: Result, baseline: str, errors: float) -> bool:
    """Tell whether the network's losses are above a baseline's by more than so many standard errors."""
    gaps = [own - theirs for own, theirs in _losses(result, baseline)]
    gap = np.mean(gaps, axis=0)
    error = standard_error(gap) if len(gap) > 1 else 0.0
    return bool(np.mean(gap) > errors * error)


def _better(result: Result, baseline: str) -> bool:
    """Tell whether the network's losses are below a baseline's in the mean."""
    return bool(np.mean([np.mean(theirs - own) for own, theirs in _losses(result, baseline)]) > 0)


def _remedy(result: Result) -> str:
    settings = result.prepared.settings
    if any(STILL_FALLING in note for note in result.notes):
        return f"its loss was still falling, so use more {setting('epochs')}"
    if settings.fast:
        return f"leave out {setting('fast', True)}"
    plain = why_plain(settings)
    if plain and can_be_added(settings):
        return f"add {setting('recipe', True)}, or leave out {plain}, for the default recipe"
    if plain:
        return f"leave out {plain}, for the default recipe"
    return "there may be no more in these columns than that; give more rows, or others"


def _never_predicted(result: Result) -> Iterator[str]:
    matrix = result.evaluation.confusion
    if matrix is None:
        return
    n = int(matrix.sum())
    lost = [c for c in range(len(matrix)) if matrix[c].sum() >= NEVER and matrix[:, c].sum() == 0]
    if lost:
        labels = result.model.target.labels
        most = max(lost, key=lambda c: int(matrix[c].sum()))
        more = f" (and {len(lost) - 1} more class{'es' * (len(lost) > 2)})" if len(lost) > 1 else ""
        what = f"no row is predicted as {labels[most]}{more}, which {int(matrix[most].sum()):,} of {n:,} rows are"
        yield f"{what}: {_remedy_of_lost(result, int(matrix[most].sum()) / n)}"


def _remedy_of_lost(result: Result, share: float) -> str:
    """Return what to try for a class with a share of the rows that no row is predicted as."""
    settings = result.prepared.settings
    if share * result.model.target.n_classes >= 0.5 and any(STILL_FALLING in note for note in result.notes):
        return f"its loss was still falling, so use more {setting('epochs')}"
    words = [setting("class_weight", "balanced")] if settings.class_weight is None else []
    if settings.threshold is None and result.model.target.n_classes == 2 and result.model.gives_probabilities:
        words.append(setting("threshold", "f1"))
    return f"try {' or '.join(words)}" if words else "give more rows of it"


def _cut_off(result: Result) -> Iterator[str]:
    yield from (note for note in result.notes if STILL_FALLING in note)


JUDGES: tuple[Callable[[Result], Iterator[str]], ...] = (
    _shared,
    _leaks,
    _equal_neurons,
    _few_rows,
    _never_predicted,
    _no_better,
    _cut_off,
)
"""What can be bad, the worst first."""
