"""Fourth step: choose the training, by the settings and the recipe, and lay out the rows as it wants to see them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._doors import setting
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError
from chainrule.fitting.by_hand import resolve_by_hand
from chainrule.fitting.encode import encode_target
from chainrule.fitting.honest.leaks import leaks
from chainrule.fitting.prepared import Arrays, Encoded, Prepared
from chainrule.fitting.rows import VALIDATION_STREAM, strata_of
from chainrule.fitting.target_units import in_units
from chainrule.fitting.teacher import taught_outputs, unseen
from chainrule.model.file import check_writable
from chainrule.model.model import of_trained_classes
from chainrule.tables.encoding.encoded_rows import encoded_rows
from chainrule.tables.encoding.targets import Target, fit_targets
from chainrule.training.doubts import doubt_of_loss
from chainrule.training.scores.temperature import check_calibrates
from chainrule.training.scores.weights import check_counted, check_range, class_weights
from chainrule.training.settings.record import Problem, Settings
from chainrule.training.settings.resolve import Resolved


def choose(encoded: Encoded) -> Prepared:
    """Return the training that is left nothing to choose, with its rows in order.

    Raises SettingsError where settings contradict each other or the table, or the loss teaches nothing (one that is odd
    is noted), TableError for targets that the loss can't take.
    """
    target, problem, resolved = _chosen(encoded)
    if encoded.settings.threshold is not None and encoded.by_class and target.n_classes > 2:
        raise SettingsError(
            f"{setting('threshold')} is for two classes, and there are {target.n_classes}: leave it out"
        )
    if resolved.plan.watch is not None:
        plan = replace(resolved.plan, watch=in_units(resolved.plan.watch, target))
        resolved = replace(resolved, plan=plan)
    network = resolved.network
    parts = {"encoder": encoded.encoder.to_dict(), "target": target.to_dict(), "network": network.to_dict()}
    check_writable(parts, network.n_parameters, resolved.members)
    table, seed, share = encoded.table, encoded.settings.seed, resolved.validation_share
    strata = strata_of(table, target.names, encoded.left, by_class=encoded.by_class)
    if encoded.parting.watches and encoded.settings.validation_share is not None:
        raise SettingsError(
            f"{setting('split')} says which rows are for validation, and so does {setting('validation_share')}: leave one of "
            "them out"
        )
    if encoded.watched is None:
        training, split_off = encoded.parting.validated(encoded.left, share, seed, strata, VALIDATION_STREAM)
    else:
        training, split_off = encoded.left, encoded.left[:0]
    resolved = _validating(resolved, encoded, len(split_off))
    rows = np.concatenate([training, split_off]) if len(split_off) else training
    encoded, unknown = _scorable(encoded, target)
    arrays = _arrays(encoded, target, resolved, rows, len(training))
    arrays = replace(arrays, taught=taught_outputs(encoded, target, resolved, rows))
    # What can't be scored on is said now, rather than after training.
    encode_target(encoded.tested, target, resolved)
    doubt = doubt_of_loss(resolved.network, arrays.training.y)
    if doubt is not None and doubt.hopeless:
        raise SettingsError(doubt.words)
    found = leaks(encoded, target)
    prepared = Prepared(
        **vars(encoded),
        target=target,
        problem=problem,
        resolved=resolved,
        places=rows,
        arrays=arrays,
        notes=(
            *unknown,
            *unseen(encoded),
            *(leak.words for leak in found),
            *(() if doubt is None else (doubt.words,)),
        ),
        leaks=found,
    )
    if resolved.bagging:
        _ = prepared.folds  # rows that the rule doesn't let be dealt out are refused now
    return prepared


def chosen_again(prepared: Prepared, settings: Settings) -> Prepared:
    """Return another training of the same rows, encoded as they are and dealt out to the same folds.

    The settings differ in the network or its training alone: outputs, loss, members and what is held out stay. Raises
    SettingsError where they contradict each other or the table.
    """
    was = prepared.resolved
    resolved = resolve_by_hand(settings, prepared.problem, prepared.question.names)
    if resolved.plan.watch is not None:
        plan = replace(resolved.plan, watch=was.plan.watch or in_units(resolved.plan.watch, prepared.target))
        resolved = replace(resolved, plan=plan)
    resolved = _validating(resolved, prepared, prepared.arrays.n_fitted - prepared.arrays.n_training)
    if resolved.bagging:
        resolved = replace(resolved, members=was.members, fold_members=was.fold_members)
    made = replace(prepared, settings=settings, resolved=resolved)
    same = ("validation_share", "bagging", "refit", "calibrate", "clamp")
    if any(getattr(was, name) != getattr(resolved, name) for name in same):
        raise SettingsError("other rows would be held out than those of the default")
    return made


def _scorable(encoded: Encoded, target: Target) -> tuple[Encoded, tuple[str, ...]]:
    """Return the table with the rows of the score whose classes were there to be learned, and what to say of the others."""
    tested = encoded.tested
    part, notes = of_trained_classes(target, tested)
    return (replace(encoded, tested=part), notes) if notes else (encoded, ())


def _chosen(encoded: Encoded) -> tuple[Target, Problem, Resolved]:
    """Return the encoder of the target, what the recipe looks at, and the training that it makes of it."""
    question, settings, rows = encoded.question, encoded.settings, encoded.left
    problem = Problem(
        "classification" if encoded.by_class else "regression",
        len(rows),
        encoded.encoder.n_inputs,
        groups=encoded.groups,
        validates=encoded.watched is not None or encoded.parting.watches,
        most_folds=encoded.parting.most_folds(rows),
        n_targets=len(question.targets),
    )

    def target_as(scaling: str | None, clamp: bool) -> Target:
        table, schema, weights = encoded.table, encoded.schema, question.weights
        return fit_targets(table, schema, scaling=scaling, rows=rows, clamp=clamp, weights=weights)

    if encoded.by_class:
        target = target_as(question.target_scaling, bool(settings.clamp))
        problem = replace(problem, n_classes=max(part.n_classes for part in target.parts))
        if len(target.parts) == 1:
            counts = np.bincount(target.codes(encoded.table.narrowed(target.names).take(rows)))
            problem = replace(problem, rarest=float(counts[counts > 0].min() / len(rows)))
        return target, problem, resolve_by_hand(settings, problem, question.names)
    # A number is scaled to what the output can reach, so the network comes first.
    resolved = resolve_by_hand(settings, problem, question.names)
    scaling = question.target_scaling or (_reached(resolved) if encoded.table.n_rows > 1 else "none")
    return target_as(scaling, resolved.clamp), problem, resolved


def _reached(resolved: Resolved) -> str:
    """Return the scaling of a number to what the output activation can reach."""
    if resolved.network.loss.targets == "nonnegative":
        return "none"
    reach = {"(0, 1)": "minmax", "[0, inf)": "minmax", "{0, 1}": "minmax", "(0, inf)": "none"}
    return reach.get(resolved.network.output.activation.range, "standard")


def _validating(resolved: Resolved, encoded: Encoded, n_split_off: int) -> Resolved:
    """Return the training that the validation rows allow; raises SettingsError where one that was asked for needs more."""
    if resolved.calibrate:
        validates = encoded.watched is not None or resolved.bagging or n_split_off > 0
        if encoded.settings.calibrate is None and not validates:
            resolved = replace(resolved, calibrate=False)  # the recipe's, for a table with no row to spare
        else:
            _check_calibrates(resolved, encoded.by_class, validates, len(encoded.question.targets) > 1)
    _check_classes(resolved, encoded, n_split_off)
    if resolved.refit and not n_split_off:
        why = f"{setting('refit')} trains again on the validation rows, and there are none"
        raise SettingsError(f"{why}: set {setting('validation_share')}, or leave it out")
    return resolved


def _check_classes(resolved: Resolved, encoded: Encoded, n_split_off: int) -> None:
    """Raise SettingsError for weights of classes, or a threshold, that such targets don't have."""
    settings = encoded.settings
    for name in ("class_weight", "threshold"):
        if getattr(settings, name) is None:
            continue
        if not encoded.by_class:
            raise SettingsError(f"{setting(name)} is for classes, and the target is a number: leave it out")
        if len(encoded.question.targets) > 1:
            raise SettingsError(f"{setting(name)} is for one target, and there are several: leave it out")
    if settings.threshold is None:
        return
    network = resolved.network
    if network.output.activation.name != "sigmoid" or network.loss.signed or network.output.n_out > 1:
        raise SettingsError(
            f"{setting('threshold')} needs one output that is a probability, and loss {network.loss.name} makes "
            f"{network.output.n_out} × {network.output.activation.name}: leave it out"
        )
    if isinstance(settings.threshold, str) and not (
        encoded.watched is not None or resolved.bagging or n_split_off
    ):
        raise SettingsError(
            f"{setting('threshold', settings.threshold)} is found by rows that weren't trained on, and there are none: set "
            f"{setting('validation_share')}, or give a probability"
        )


def _check_calibrates(resolved: Resolved, by_class: bool, validates: bool, several: bool) -> None:
    """Raise SettingsError where there is no temperature to be fitted."""
    name = setting("calibrate")
    if not by_class:
        why = f"{name} is for probabilities of classes"
        raise SettingsError(f"{why}, and the target is a number: leave it out")
    if several:
        raise SettingsError(f"{name} is for one target, and there are several: leave it out")
    if not validates:
        raise SettingsError(f"{name} needs validation rows: set {setting('validation_share')}")
    check_calibrates(resolved.network, 1)


def _arrays(
    encoded: Encoded,
    target: Target,
    resolved: Resolved,
    rows: IntArray,
    n_training: int,
) -> Arrays:
    """Return the rows as the network sees them, validation rows that are a table of their own last."""
    encoder, watched, weights = encoded.encoder, encoded.watched, encoded.row_weights
    fitted = encoded.table.narrowed(target.names).take(rows)
    parts = [fitted] if watched is None else [fitted, watched]
    sources = [(encoded.table, rows)]
    if watched is not None:
        sources.append((watched, np.arange(watched.n_rows)))
    x = encoded_rows(encoder, sources)
    x_test = encoded_rows(encoder, [(encoded.tested, np.arange(encoded.tested.n_rows))])
    y = _joined([encode_target(part, target, resolved) for part in parts])
    if weights is not None:
        weights = np.concatenate([weights[rows], np.ones(len(x) - len(rows))])
    by_class, own = None, None if weights is None else weights[: len(rows)]
    if resolved.settings.class_weight is not None:
        codes = np.concatenate([target.codes(part) for part in parts])
        by_class = class_weights(resolved.settings.class_weight, codes[: len(rows)], target.labels, own)
        weights = by_class[codes] if weights is None else by_class[codes] * weights
        by = [*([] if own is None else [setting("weights")]), setting("class_weight")]
        check_counted(weights, [np.arange(n_training)], [np.arange(n_training, len(x))], by)
        check_range(weights, " and ".join(by))
    return Arrays(x, y, weights, x_test, n_training, fitted.n_rows, by_class)


def _joined(parts: list[FloatArray]) -> FloatArray:
    """Return the parts one after the other; a single one is not copied, for it may be large."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
