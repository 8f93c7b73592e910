"""The default recipe: what is chosen where the user chose nothing, from the task and the table's size alone.

Who names the hidden layers or the optimizer gets a plain network, with nothing in it that wasn't asked for, unless the
recipe is asked for, too; else its ingredients come together (docs/recipe.md has their formulas, sources and effects).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from chainrule._doors import setting
from chainrule.equations.activations import activation
from chainrule.equations.losses import LOSSES, loss
from chainrule.equations.optimizers import Optimizer, optimizer
from chainrule.tables.schema import MAX_LEVELS

if TYPE_CHECKING:
    from chainrule.training.settings.record import Problem, Settings


@dataclass(frozen=True)
class Effort:
    """How much is done for a table: the hidden layers, the members, the fewest and most epochs, and the work.

    ``flops`` is what all epochs of all members may take on a table of `ROWS` rows, in floating-point operations.
    ``more_waves`` may follow where they are worth it.
    """

    hidden: tuple[int, ...]
    members: int
    epochs: tuple[int, int]
    flops: float
    more_waves: int


FULL = Effort(hidden=(128, 64), members=5, epochs=(16, 256), flops=2.2e11, more_waves=0)
FAST = Effort(hidden=(64, 64), members=2, epochs=(6, 64), flops=6.5e9, more_waves=2)

ROWS, GROWTH = 5_000, 0.75
"""The work grows with the rows to this power, so epochs become fewer on large tables."""

MOST_PERIODIC = 128
"""The most numbers that are embedded: each one makes four inputs of layer 1."""

LONGEST_PATH = 10_000
"""The most inputs of a linear path."""

PATIENCE = 0.55
"""The part of the epochs without progress that ends training: the last wave of coslog4 is 8/15 of them."""

ADAMS = ("adam", "adamw", "adam_epsilon_hat")
"""The optimizers whose steps are Adam's, for which the recipe's learning rate and weight decay were chosen."""

SEVERAL = 8
"""The members of a plain network where what is asked for needs several."""

MANY_LEVELS = 65
"""From so many inputs on a category's rare levels begin near 0."""

AT_SPLITS = 0.25
"""The share of layer 1's neurons that begin at splits of trees."""

SMOOTHING = 0.05
"""The part of a row's target that is spread evenly over the classes."""

FEWEST_STEPS = 400
"""The fewest steps of a training, as far as the most epochs have so many."""

OF_A_SEARCH = 2
"""The members that hold out a fold together in a search, so that what a mean is worth is seen out of fold as well."""

FEWEST_BAGGED = 40
"""The fewest rows of which each member holds out a fold of its own."""


@dataclass(frozen=True)
class Ingredient:
    """A part of the recipe, and the settings that take it out."""

    name: str
    what: str
    without: Mapping[str, Any]


# fmt: off
INGREDIENTS: tuple[Ingredient, ...] = (
    Ingredient("periodic embedding", "each number enters beside three learned sums of cosines of it",
        {"numeric_embedding": "none"}),
    Ingredient("screening", "where there are more inputs than rows, each enters by as much as it tells beyond chance",
        {"scaling_layer": False}),
    Ingredient("start by the rows", "cosines begin with the frequencies that the target swings with, rare levels near 0",
        {"fitted_start": False}),
    Ingredient("splits", "for a number or two classes a quarter of layer 1 begins where small boosted trees divide the rows",
        {"split_start": 0.0}),
    Ingredient("linear path", "the inputs also go straight to the output, beginning as ridge or logistic regression",
        {"linear_path": False}),
    Ingredient("category embedding", "a category of many levels enters as 8 learned numbers",
        {"category_embedding": "none"}),
    Ingredient("leak", "for numbers a neuron that is off still lets a hundredth through", {"activation": "relu"}),
    Ingredient("dropout", "hidden outputs are dropped by chance in training", {"dropout": 0.0}),
    Ingredient("weight decay", "weights shrink a little in each step", {"weight_decay": 0.0}),
    Ingredient("label smoothing", "a class's target is less than 1", {"label_smoothing": 0.0}),
    Ingredient("schedule", "the learning rate falls in four ever longer waves", {"schedule": "constant"}),
    Ingredient("bagging", "each member holds out a fold of its own, instead of one share of the rows for all",
        {"bagging": False}),
    Ingredient("members", "several networks, and the mean of their answers", {"members": 1}),
    Ingredient("refinement", "early stopping looks at the log-loss at the best temperature", {"watch": "loss"}),
    Ingredient("one epoch", "all members keep the epoch that is best for their mean", {"stop_together": False}),
    Ingredient("calibration", "probabilities at the best temperature", {"calibrate": False}),
    Ingredient("clamp", "no answer lies outside the numbers of the training rows", {"clamp": False}),
)
# fmt: on
"""The recipe's parts in the order in which they are shown; an ablation takes out one after the other."""

OFF: Mapping[str, Any] = {
    "init": "auto", "numeric_embedding": "none", "category_embedding": "none", "scaling_layer": False,
    "activation_mix": False, "linear_path": False, "fitted_start": False, "split_start": 0.0, "parametrization": "standard",
    "regularization_schedule": "constant", "stop_together": False, "watch": "loss", "calibrate": False,
    "clamp": False, "bagging": False, "fold_members": 1, "more_waves": 0,
}  # fmt: skip
"""The switches of which a plain network has none."""


def fill(settings: Settings, problem: Problem) -> Settings:
    """Return the settings with every None replaced, except those that follow from the optimizer's own record."""
    method = optimizer(settings.optimizer or "adam")
    if method.name == "perceptron":
        words = dict(_PERCEPTRON)
    elif why_plain(settings):
        words = _plain(settings, problem)
    else:
        words = _recipe(settings, problem, method)
    if problem.n_rows == 1 and not problem.validates:
        words |= _ONE_ROW
    filled = {name: value for name, value in words.items() if getattr(settings, name) is None}
    chosen = replace(settings, **filled)
    if (chosen.early_stopping is False or chosen.bagging) and settings.validation_share is None:
        # Nothing watches validation rows, or each member has its own: they are better used for training.
        chosen = replace(chosen, validation_share=0.0)
    return chosen


def why_plain(settings: Settings) -> str:
    """Return the option that makes a plain network: who names its layers or its optimizer leaves the recipe; "": none."""
    if settings.recipe is not None:
        return "" if settings.recipe else setting("recipe", False)
    named = {"hidden": settings.hidden, "optimizer": settings.optimizer}
    return next((setting(name) for name, value in named.items() if value is not None), "")


def has_batches(method: Optimizer) -> bool:
    """Return whether it goes by batches of rows with a rate, as the recipe does."""
    return not method.whole and method.name != "perceptron"


def can_be_added(settings: Settings) -> bool:
    """Return whether the recipe could be asked for beside layers or an optimizer of the user's own."""
    return settings.recipe is None and has_batches(optimizer(settings.optimizer or "adam"))


def _recipe(settings: Settings, problem: Problem, method: Optimizer) -> dict[str, Any]:
    effort = FAST if settings.fast else FULL
    classes = problem.task == "classification"
    # Labels are a class each: what is about the one class of a row is not for them.
    own_loss = settings.loss is None and settings.output_activation is None and problem.n_targets == 1
    stops = settings.early_stopping is not False
    watches = stops and (problem.validates or settings.validation_share != 0)
    members, of_each, bagging = settings.members or effort.members, 1, False
    several = members > 1 and settings.sharing == "none"
    hidden = effort.hidden if settings.hidden is None else tuple(settings.hidden)
    periodic = 0 < sum(group.kind == "number" for group in problem.groups) <= MOST_PERIODIC
    learned = any(group.is_large for group in problem.groups)
    if several:
        of_each = settings.fold_members or (
            OF_A_SEARCH if (settings.search or 1) > 1 and not settings.members else 1
        )
        folds = settings.members // of_each if settings.members else effort.members
        bagging = (
            watches
            and settings.validation_share is None
            and not (settings.refit or problem.validates)
            and problem.n_rows >= max(FEWEST_BAGGED, 2 * folds)
            and (problem.most_folds is None or problem.most_folds >= folds)
        )
        of_each = of_each if (bagging if settings.bagging is None else settings.bagging) else 1
        members = settings.members or folds * of_each
    alone = problem.n_targets == 1 and problem.n_classes <= 2
    wide = problem.n_inputs > problem.n_rows and settings.sharing == "none" and bool(hidden)
    chosen: dict[str, Any] = {
        **OFF,
        "hidden": hidden,
        "activation": "relu" if classes else "leaky_relu",
        "loss": _loss(settings, problem),
        "label_smoothing": _smoothing(settings, problem) if classes and own_loss else None,
        "optimizer": "adam",
        # Rate and decay were measured with Adam's step; others have their own.
        "learning_rate": 0.004 if method.name in ADAMS else None,
        "schedule": "coslog4",
        "batch_size": batch_size(problem.n_rows),
        # Numbers suffer from dropout on large tables: the scale of what comes out of a layer differs in training.
        "dropout": 0.15 if classes else 0.0,
        # More draws the steep starts at jumps of a number together, and others don't need it.
        "weight_decay": (0.05 if classes else 0.01) if method.name in ADAMS else method.weight_decay,
        "linear_path": (not classes or any(group.levels > MAX_LEVELS for group in problem.groups))
        and bool(hidden)
        and settings.loss is None
        and settings.output_activation is None
        and problem.n_inputs <= LONGEST_PATH,
        "fitted_start": settings.sharing == "none"
        and bool(
            periodic or wide or (learned and any(group.size >= MANY_LEVELS for group in problem.groups))
        ),
        # Of several outputs, which share them, splits gave no gain.
        "split_start": AT_SPLITS if periodic and not wide and alone else 0.0,
        "scaling_layer": wide,
        "rate_factors": {"s": 0.001} if wide and settings.scaling_layer is None else None,
        "numeric_embedding": "periodic" if periodic else "none",
        "category_embedding": "learned" if learned else "none",
        "early_stopping": True,
        "stop_together": stops and several,
        "watch": "refinement" if classes and own_loss and watches else "loss",
        "calibrate": classes and own_loss and watches,
        "clamp": not classes and (settings.loss is None or loss(settings.loss).name in LOSSES),
        "bagging": bagging,
        "fold_members": of_each,
        "validation_share": 0.2,
        "members": members,
    }
    # Who names the epochs or the schedule has these.
    goes_on = stops and settings.epochs is None and settings.schedule is None
    chosen["more_waves"] = effort.more_waves if goes_on else 0
    chosen["epochs"] = epochs(effort, problem, hidden, members // of_each, periodic=periodic)
    chosen["patience"] = max(20, round(PATIENCE * (settings.epochs or chosen["epochs"])))
    return chosen


def epochs(effort: Effort, problem: Problem, hidden: tuple[int, ...], members: int, *, periodic: bool) -> int:
    """Return the passes over the rows: as many as the effort's work has room for, between its fewest and most.

    A row takes about 6 operations a weight, forward and backward.
    """
    numbers = sum(group.kind == "number" for group in problem.groups) if periodic else 0
    outputs = problem.n_targets if problem.n_targets > 1 else max(1, problem.n_classes)
    # What a wide category has more than a narrow one is looked up, and no work of layer 1.
    beyond = sum(max(0, group.levels - MAX_LEVELS) for group in problem.groups)
    sizes = (problem.n_inputs - beyond + 3 * numbers, *hidden, outputs)
    weights = sum(n_in * n_out for n_in, n_out in pairwise(sizes))
    room = effort.flops * (problem.n_rows / ROWS) ** GROWTH
    fewest, most = effort.epochs
    # Few rows make few steps in an epoch.
    fewest = min(most, max(fewest, FEWEST_STEPS * batch_size(problem.n_rows) // problem.n_rows))
    return max(fewest, min(most, int(room / (6 * weights * problem.n_rows * members))))


def _plain(settings: Settings, problem: Problem) -> dict[str, Any]:
    method = optimizer(settings.optimizer or "adam")
    return {
        **OFF,
        "hidden": (128, 64), "activation": "relu", "loss": _loss(settings, problem), "optimizer": "adam",
        "batch_size": "all" if method.whole else batch_size(problem.n_rows), "epochs": 200, "schedule": "constant",
        "dropout": 0.0, "weight_decay": method.weight_decay, "early_stopping": True, "patience": 20,
        "validation_share": 0.15,
        # What is shown of one network is the answer; several are averaged by who asks for what only several have.
        "members": SEVERAL if settings.bagging or settings.stop_together or settings.sharing != "none" else 1,
    }  # fmt: skip


def _smoothing(settings: Settings, problem: Problem) -> float:
    """Return what is spread over the classes: no class gets more of it than its share of the rows, weights aside."""
    if settings.class_weight is not None or not problem.n_classes:
        return SMOOTHING
    return min(SMOOTHING, problem.n_classes * problem.rarest)


def _loss(settings: Settings, problem: Problem) -> str:
    if problem.task == "regression":
        return "mean_squared_error"
    output = settings.output_activation
    # Outputs that don't depend on each other are each right or wrong by themselves.
    together = problem.n_classes > 2 if output is None else not activation(output).elementwise
    return "categorical_cross_entropy" if together else "binary_cross_entropy"


_ONE_ROW: Mapping[str, Any] = {
    "early_stopping": False,
    "stop_together": False,
    "watch": "loss",
    "clamp": False,
    "more_waves": 0,
}
"""What a single row leaves of both: every epoch is run, and no answer is held to its one number."""

_PERCEPTRON: dict[str, Any] = {
    **OFF,
    "hidden": (), "loss": "perceptron", "optimizer": "perceptron", "batch_size": 1, "epochs": 100,
    "schedule": "constant", "dropout": 0.0, "early_stopping": False, "patience": 1, "validation_share": 0.0, "members": 1,
}  # fmt: skip
"""Rosenblatt's perceptron: one layer, the binary step, row by row, for a hundred epochs."""


def batch_size(n_rows: int) -> int:
    """Return the rows per update: 32 for small tables, doubling with the table up to 256."""
    return 32 << sum(n_rows > rows for rows in (2_000, 5_000, 20_000))
