"""How settings, and what the recipe chooses where they are None, become a network, step settings and a plan."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chainrule._doors import setting
from chainrule.engines.base import StepSettings
from chainrule.equations.activations import activation
from chainrule.equations.answers import Answers
from chainrule.equations.dense import Dense
from chainrule.equations.features import FeatureGroup, Features
from chainrule.equations.losses import Loss, loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer, optimizer
from chainrule.equations.schedules import schedule, strength
from chainrule.errors import SettingsError
from chainrule.training.plan import Plan
from chainrule.training.scores.watch import watched
from chainrule.training.settings import recipe
from chainrule.training.settings.at_splits import why_no_splits
from chainrule.training.settings.by_hand import ReadName, set_by_hand
from chainrule.training.settings.checks import (
    check_bagging,
    check_embedded,
    check_loss,
    check_perceptron,
    check_recipe,
    check_targets,
    check_together,
    check_unused,
)
from chainrule.training.settings.record import InputGroup, Problem, Settings


@dataclass(frozen=True)
class Resolved:
    """A training with nothing left to choose: what happens in each step, when it ends, and what is done around it.

    ``settings`` are those of the user with what the recipe has chosen.
    """

    settings: Settings
    network: Network
    steps: StepSettings
    plan: Plan
    members: int
    validation_share: float
    calibrate: bool = False
    bagging: bool = False
    fold_members: int = 1
    refit: bool = False
    clamp: bool = False

    @property
    def folds(self) -> int:
        """The folds that the rows are dealt out to with bagging, each held out by ``fold_members``; 0 without."""
        return self.members // self.fold_members if self.bagging else 0


def resolve(settings: Settings, problem: Problem, read: ReadName | None = None) -> Resolved:
    """Return the training that the settings and the recipe give for a problem; ``read`` reads the names of parameters.

    Raises SettingsError where settings contradict each other or the task.
    """
    check_recipe(settings, optimizer(settings.optimizer or "adam"))
    chosen = recipe.fill(settings, problem)
    method = _optimizer(chosen)
    network = set_by_hand(build_network(chosen, problem), chosen.initial or {}, chosen.frozen or (), read)
    chosen = _begun_by_rows(settings, chosen, network)
    check_together(chosen, method, network)
    check_unused(settings, chosen, method)
    check_embedded(settings, problem)
    check_perceptron(method, network)
    n, members = problem.n_rows, chosen.members or 1
    batch_size = n if chosen.batch_size == "all" else min(int(chosen.batch_size or 1), n)
    answers = answers_of(problem, network.loss)
    n_training = n * (1 - (chosen.validation_share or 0.0))
    if chosen.bagging:
        check_bagging(settings, chosen, problem)
        n_training = n - math.ceil(n * (chosen.fold_members or 1) / members)
    steps_per_epoch = max(1, math.ceil(n_training / batch_size))
    decay = method.weight_decay if chosen.weight_decay is None else chosen.weight_decay
    steps = StepSettings(
        optimizer=method, batch_size=batch_size, l1=chosen.l1, l2=chosen.l2, weight_decay=decay,
        clip_norm=chosen.clip_norm, shuffle=batch_size < n and chosen.shuffle is not False, seed=chosen.seed,
        sharing=chosen.sharing,
    )  # fmt: skip
    plan = Plan(
        epochs=chosen.epochs or 1,
        learning_rate=method.learning_rate if chosen.learning_rate is None else chosen.learning_rate,
        schedule=schedule(chosen.schedule or "constant"),
        warmup=round(chosen.warmup * steps_per_epoch),
        early_stopping=bool(chosen.early_stopping),
        patience=chosen.patience or 1,
        more_waves=chosen.more_waves or 0,
        tolerance=chosen.tolerance,
        watch=watched(chosen.watch or "loss", network, answers),
        regularization=strength(chosen.regularization_schedule or "constant"),
        together=bool(chosen.stop_together),
    )
    return Resolved(
        *(chosen, network, steps, plan, members, chosen.validation_share or 0.0),
        calibrate=bool(chosen.calibrate),
        bagging=bool(chosen.bagging),
        fold_members=(chosen.fold_members or 1) if chosen.bagging else 1,
        refit=chosen.refit,
        clamp=bool(chosen.clamp),
    )


def _begun_by_rows(asked: Settings, chosen: Settings, network: Network) -> Settings:
    """Return the settings without a start that the network has no room for; raises SettingsError where it was asked for."""
    reason = why_no_splits(network, chosen.split_start or 0.0, chosen.sharing) if chosen.split_start else ""
    if reason and asked.split_start:
        raise SettingsError(f"{setting('split_start')} would have no effect: {reason}")
    if chosen.fitted_start and network.features is None and not asked.fitted_start:
        chosen = replace(chosen, fitted_start=False)
    return replace(chosen, split_start=0.0) if reason else chosen


def answers_of(problem: Problem, cost: Loss) -> Answers:
    """Return how the outputs are read: as numbers, as one class, or as a label for each of several targets."""
    if problem.task == "regression":
        return Answers("number")
    return Answers("class" if problem.n_targets == 1 else "labels", cost.signed)


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
                    f"the output layer's activation is {output} by {setting('activation')}, but "
                    f"{chosen.output_activation} by {setting('output_activation')}: leave one of them out"
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
    check_targets(chosen, cost, activation(output), problem)
    if n_out == 1 and activation(output).name == "softmax":
        other = setting("loss", "categorical_cross_entropy")
        raise SettingsError(f"softmax of one output is always 1: use sigmoid, or {other}")
    layers.append(Dense(n_out, output, linear_path=bool(chosen.linear_path and hidden), **everywhere))
    stage, factors = feature_stage(chosen, problem), dict(chosen.rate_factors or {})
    if stage is not None:
        own = {name: factors.pop(name) for name in stage.shapes() if name in factors}
        stage = replace(stage, rates=tuple(own.items()))
    return Network([problem.n_inputs, *_with_rates(layers, factors)], cost, features=stage)


def feature_stage(chosen: Settings, problem: Problem) -> Features | None:
    """Return the stage before layer 1 that the settings ask for; None where the inputs enter as they are."""
    periodic, learned = chosen.numeric_embedding == "periodic", chosen.category_embedding == "learned"
    made: list[FeatureGroup] = []
    for group in problem.groups or (InputGroup("plain", problem.n_inputs),):
        embedded = (periodic and group.kind == "number") or (learned and group.is_large)
        before = 0 if embedded or not made or made[-1].kind != "plain" else made.pop().size
        made.append(FeatureGroup(group.kind if embedded else "plain", before + group.size))
    if all(group.kind == "plain" for group in made) and not chosen.scaling_layer:
        return None
    return Features(made, scale=bool(chosen.scaling_layer))


def _with_rates(layers: Sequence[Dense], factors: Mapping[str, float]) -> list[Dense]:
    """Return the layers with the factors of the parameters that they have."""
    names = {name: None for layer in layers for name in layer.shapes(1)}
    for name in factors:
        if name not in names:
            there = f"there is no parameter {name!r}; the network has {', '.join(names)}"
            raise SettingsError(f"{setting('rate_factors')}: {there}")
    return [
        replace(layer, rates=tuple((name, factors[name]) for name in layer.shapes(1) if name in factors))
        for layer in layers
    ]


def output_neurons(cost: Loss, problem: Problem) -> int:
    """Return one neuron for numbers and for two classes, unless the loss wants one per class; one for each target."""
    if problem.n_targets > 1:
        return problem.n_targets
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
        remedy = "choose sgd, nesterov or adam, or leave it out"
        raise SettingsError(f"{setting('momentum')} has no meaning for {method.name}: {remedy}")
    return replace(method, parameters={**method.parameters, method.momentum: chosen.momentum})


def _smoothed(cost: Loss, share: float | None) -> Loss:
    """Return the loss with that label smoothing; raises SettingsError for a loss that has none, or has it already."""
    if share is None:
        return cost
    if "label_smoothing" not in cost.parameters:
        what = f"{setting('label_smoothing')} is for cross-entropy"
        raise SettingsError(f"{what}, not for {cost.name}: leave it out")
    if cost.smoothed and share != cost.smoothed:
        both = f"{cost.smoothed:g} by {setting('loss')}, but {share:g} by {setting('label_smoothing')}"
        raise SettingsError(f"label smoothing is {both}: leave one of them out")
    return replace(cost, parameters={**cost.parameters, "label_smoothing": float(share)})
