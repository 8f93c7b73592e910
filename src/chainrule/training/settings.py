"""What a user may set, and how it becomes a network, step settings and a plan.

Every field of `Settings` is a word of the command line. None means: chosen by the recipe from the task and
the table's size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from chainrule.engines.base import StepSettings
from chainrule.equations.activations import activation
from chainrule.equations.features import CategoryEmbedding, Features, Group, GroupKind, NumericEmbedding
from chainrule.equations.losses import Loss, loss
from chainrule.equations.network import (
    BiasMode,
    Dense,
    Network,
    Parametrization,
)
from chainrule.equations.optimizers import Optimizer, optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.errors import SettingsError
from chainrule.training import recipe
from chainrule.training.checks import (
    check_bagging,
    check_embedded,
    check_loss,
    check_perceptron,
    check_recipe,
    check_together,
    check_unused,
    check_values,
)
from chainrule.training.monitor import Plan
from chainrule.training.watch import Answers, watched

Task = Literal["classification", "regression"]


@dataclass(frozen=True)
class Settings:
    """The settings of a training, with the command line's words; None: the recipe chooses.

    ``activation``: one for all hidden layers or one per layer. ``label_smoothing``: epsilon of cross-entropy.
    ``batch_size``: rows per update, 1 = row by row, "all" = the whole table. ``warmup``: epochs. ``rate_factors``: of the
    learning rate, by the name of a parameter array, in all layers that have it, such as ``{"b": 0.1}``.
    ``weight_decay``: decoupled; ``l1``, ``l2``: penalties in the cost; ``regularization_schedule``: of dropout and weight
    decay. ``activation_mix``: whether hidden neurons learn how much of the activation they take. ``numeric_embedding``
    (``none``, ``periodic``), ``category_embedding`` (``none``, ``learned``) and ``scaling_layer`` make up a feature stage
    before layer 1 (`equations.features`).

    ``members``: how many networks are trained and averaged; ``sharing``: "tabm" lets them share the hidden layers'
    weights. ``validation_share``: of the training rows, watched by early
    stopping, which looks at what `watched` says: ``watch``; ``stop_together``: at its mean over the
    members, which then keep a common epoch. ``calibrate``: fit a temperature on those rows when training
    is over. ``clamp``: draw predicted numbers in to the range of the training rows' target. ``bagging``: member m of K
    holds out and watches the m-th of K folds of the rows, instead. ``refit``: train
    again on all rows for the best epoch's number of epochs. ``recipe``: whether what is None is chosen by the default
    recipe or is that of a plain network; None: plain where ``hidden`` or ``optimizer`` is given. ``fast``: the recipe's
    small form, for a tenth of the time.
    ``time_limit``: seconds; members and epochs are fewer where all don't fit into it.
    """

    hidden: Sequence[int] | None = None
    activation: str | Sequence[str] | None = None
    output_activation: str | None = None
    loss: str | None = None
    label_smoothing: float | None = None
    optimizer: str | None = None
    learning_rate: float | None = None
    schedule: str | None = None
    rate_factors: Mapping[str, float] | None = None
    warmup: float = 0.0
    momentum: float | None = None
    batch_size: int | Literal["all"] | None = None
    epochs: int | None = None
    weight_decay: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    dropout: float | None = None
    clip_norm: float | None = None
    bias: BiasMode = "neuron"
    init: str | None = None
    numeric_embedding: NumericEmbedding | None = None
    category_embedding: CategoryEmbedding | None = None
    scaling_layer: bool | None = None
    activation_mix: bool | None = None
    parametrization: Parametrization | None = None
    regularization_schedule: str | None = None
    early_stopping: bool | None = None
    patience: int | None = None
    tolerance: float = 0.0
    stop_together: bool | None = None
    watch: str | None = None
    validation_share: float | None = None
    members: int | None = None
    sharing: str = "none"
    calibrate: bool | None = None
    clamp: bool | None = None
    bagging: bool | None = None
    refit: bool = False
    recipe: bool | None = None
    fast: bool = False
    time_limit: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        check_values(self)


@dataclass(frozen=True)
class InputGroup:
    """Neighboring inputs that belong together: a number, a category's one-hot inputs and its ``levels``, or plain ones."""

    kind: GroupKind
    size: int = 1
    levels: int = 0

    @property
    def is_large(self) -> bool:
        """Whether it is a category of too many levels to be left one-hot by the recipe."""
        return self.kind == "category" and self.levels > recipe.MOST_ONE_HOT


@dataclass(frozen=True)
class Problem:
    """What the recipe looks at: the task, the training rows, the input neurons, the classes (0 for regression).

    ``groups`` says what the inputs are, in their order; without any they are all plain. ``validates``: whether the
    validation rows are given, instead of a share of these.
    """

    task: Task
    n_rows: int
    n_inputs: int
    n_classes: int = 0
    groups: tuple[InputGroup, ...] = ()
    validates: bool = False


@dataclass(frozen=True)
class Resolved:
    """A training with nothing left to choose."""

    network: Network
    steps: StepSettings
    plan: Plan
    members: int
    validation_share: float
    watch: str = "loss"
    calibrate: bool = False
    bagging: bool = False
    refit: bool = False
    time_limit: float | None = None
    clamp: bool = False


def resolve(settings: Settings, problem: Problem) -> Resolved:
    """Return the training that the settings and the recipe give for a problem.

    Raises SettingsError where settings contradict each other or the task.
    """
    check_recipe(settings, optimizer(settings.optimizer or "adam"))
    chosen = recipe.fill(settings, problem)
    method = _optimizer(chosen)
    network = build_network(chosen, problem)
    check_together(chosen, method, network)
    check_unused(settings, chosen, method)
    check_embedded(settings, problem)
    check_perceptron(method, network)
    batch_size = (
        problem.n_rows if chosen.batch_size == "all" else min(int(chosen.batch_size or 1), problem.n_rows)
    )
    answers = Answers("number") if problem.task == "regression" else Answers("class", network.loss.signed)
    n_training = problem.n_rows * (1 - (chosen.validation_share or 0.0))
    if chosen.bagging:
        check_bagging(settings, chosen, problem)
        n_training = problem.n_rows - math.ceil(problem.n_rows / (chosen.members or 1))
    steps_per_epoch = max(1, math.ceil(n_training / batch_size))
    return Resolved(
        network,
        StepSettings(
            method,
            batch_size,
            chosen.l1,
            chosen.l2,
            method.weight_decay if chosen.weight_decay is None else chosen.weight_decay,
            chosen.clip_norm,
            batch_size < problem.n_rows,
            chosen.seed,
            chosen.sharing,
        ),
        Plan(
            chosen.epochs or 1,
            method.learning_rate if chosen.learning_rate is None else chosen.learning_rate,
            schedule(chosen.schedule or "constant"),
            round(chosen.warmup * steps_per_epoch),
            bool(chosen.early_stopping),
            chosen.patience or 1,
            chosen.tolerance,
            watch=watched(chosen.watch or "loss", network, answers),
            regularization=strength(chosen.regularization_schedule or "constant"),
            together=bool(chosen.stop_together),
        ),
        chosen.members or 1,
        chosen.validation_share or 0.0,
        chosen.watch or "loss",
        bool(chosen.calibrate),
        bool(chosen.bagging),
        chosen.refit,
        chosen.time_limit,
        bool(chosen.clamp),
    )


def build_network(chosen: Settings, problem: Problem) -> Network:
    """Return the network that the settings describe for a problem."""
    cost = _smoothed(loss(chosen.loss or ""), chosen.label_smoothing)
    check_loss(cost, problem)
    output = chosen.output_activation or cost.output
    hidden = list(chosen.hidden or ())
    if isinstance(chosen.activation, str) or chosen.activation is None:
        activations = [chosen.activation or "relu"] * len(hidden)
    else:
        activations = list(chosen.activation)
        if len(activations) == len(hidden) + 1:
            output = activations.pop()
            if chosen.output_activation not in (None, output):
                raise SettingsError(
                    f"the output layer's activation is {output} by activation, but {chosen.output_activation} by "
                    "output-activation: leave one of them out"
                )
    if len(activations) != len(hidden):
        raise SettingsError(
            f"{len(activations)} activations for {len(hidden)} hidden layers: give one for all, "
            "one per hidden layer, or one more for the output layer"
        )
    everywhere: dict[str, Any] = {
        "bias": chosen.bias,
        "init": chosen.init or "auto",
        "parametrization": chosen.parametrization or "standard",
    }
    layers = [
        Dense(size, name, dropout=chosen.dropout or 0.0, mix=bool(chosen.activation_mix), **everywhere)
        for size, name in zip(hidden, activations, strict=True)
    ]
    n_out = output_neurons(cost, problem)
    if n_out == 1 and activation(output).name == "softmax":
        raise SettingsError(
            "softmax of one output is always 1: use sigmoid, or --loss categorical_cross_entropy"
        )
    layers.append(Dense(n_out, output, **everywhere))
    stage, factors = feature_stage(chosen, problem), dict(chosen.rate_factors or {})
    if stage is not None:
        own = {name: factors.pop(name) for name in stage.shapes() if name in factors}
        stage = replace(stage, rates=tuple(own.items()))
    return Network([problem.n_inputs, *_with_rates(layers, factors)], cost, features=stage)


def feature_stage(chosen: Settings, problem: Problem) -> Features | None:
    """Return the stage before layer 1 that the settings ask for; None where the inputs enter as they are."""
    periodic, learned = chosen.numeric_embedding == "periodic", chosen.category_embedding == "learned"
    made: list[Group] = []
    for group in problem.groups or (InputGroup("plain", problem.n_inputs),):
        embedded = (periodic and group.kind == "number") or (learned and group.is_large)
        if embedded:
            made.append(Group(group.kind, group.size))
        elif made and made[-1].kind == "plain":
            made[-1] = Group("plain", made[-1].size + group.size)
        else:
            made.append(Group("plain", group.size))
    if all(group.kind == "plain" for group in made) and not chosen.scaling_layer:
        return None
    return Features(made, scale=bool(chosen.scaling_layer))


def _with_rates(layers: Sequence[Dense], factors: Mapping[str, float]) -> list[Dense]:
    """Return the layers with the factors of the parameters that they have."""
    names = {name: None for layer in layers for name in layer.shapes(1)}
    for name in factors:
        if name not in names:
            raise SettingsError(
                f"rate-factors: there is no parameter {name!r}; the network has {', '.join(names)}"
            )
    return [
        replace(layer, rates=tuple((name, factors[name]) for name in layer.shapes(1) if name in factors))
        for layer in layers
    ]


def output_neurons(cost: Loss, problem: Problem) -> int:
    """Return one neuron for numbers and for two classes, unless the loss wants one per class."""
    if problem.task == "regression" or (problem.n_classes == 2 and cost.targets != "one_hot"):
        return 1
    return problem.n_classes


def _optimizer(chosen: Settings) -> Optimizer:
    method = optimizer(chosen.optimizer or "adam")
    if chosen.momentum is None:
        return method
    if method.name == "sgd":
        method = optimizer("momentum")
    if method.momentum is None:
        raise SettingsError(
            f"momentum has no meaning for {method.name}: choose sgd, nesterov or adam, or leave it out"
        )
    return replace(method, parameters={**method.parameters, method.momentum: chosen.momentum})


def _smoothed(cost: Loss, share: float | None) -> Loss:
    """Return the loss with that label smoothing; raises SettingsError for a loss that has none, or has it already."""
    if share is None:
        return cost
    if "label_smoothing" not in cost.parameters:
        raise SettingsError(f"--label-smoothing is for cross-entropy, not for {cost.name}: leave it out")
    if cost.smoothed and share != cost.smoothed:
        raise SettingsError(
            f"label smoothing is {cost.smoothed:g} by --loss, but {share:g} by --label-smoothing: leave one of them out"
        )
    return replace(cost, parameters={**cost.parameters, "label_smoothing": float(share)})
