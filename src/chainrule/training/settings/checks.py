"""What is refused of a training's settings: values that can't be, and settings that contradict each other or the task.

Messages name the command line's words; the estimators translate them (`training.words`).
"""

from __future__ import annotations

from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer
from chainrule.equations.sharing import shared_shapes
from chainrule.errors import SettingsError
from chainrule.training.initial import check_shared_start
from chainrule.training.settings import recipe
from chainrule.training.settings.record import MOST_ONE_HOT, Problem, Settings


def check_recipe(asked: Settings, method: Optimizer) -> None:
    """Raise SettingsError where the recipe is asked for with an optimizer that has no batches."""
    if asked.recipe and not recipe.has_batches(method):
        raise SettingsError(
            f"the recipe trains by batches of rows, and {method.name} doesn't: leave out --recipe, or choose another --optimizer"
        )


def check_loss(cost: Loss, problem: Problem) -> None:
    """Raise SettingsError for a loss of another task."""
    classes = cost.targets in ("zero_one", "one_hot")
    if problem.task == "regression" and classes:
        raise SettingsError(
            f"loss {cost.name} is for classes, but the target is a number: choose mean_squared_error"
        )
    if problem.task == "classification" and cost.targets == "nonnegative":
        raise SettingsError(
            f"loss {cost.name} is for counts, but the target is a class: choose cross-entropy"
        )


def check_together(chosen: Settings, method: Optimizer, network: Network) -> None:
    """Raise SettingsError for what an optimizer, or sharing, can't be used with."""
    if method.searches:
        refused = {
            "dropout": any(layer.dropout for layer in network.layers),
            "clip-norm": chosen.clip_norm is not None,
            "weight-decay": bool(chosen.weight_decay),
            "learning-rate": chosen.learning_rate is not None,
            "schedule": chosen.schedule not in (None, "constant"),
            "rate-factors": any(layer.rates for layer in network.layers),
        }
        for name, is_set in refused.items():
            if is_set:
                raise SettingsError(
                    f"lbfgs searches along the whole table's gradient, so --{name} can't be used with it"
                )
    if chosen.sharing != "none":
        shared_shapes(network, chosen.members or 1)
        check_shared_start(network)
        if chosen.bagging:
            raise SettingsError(
                "with --bagging a member answers for the rows that it hasn't seen, but weights that members share have "
                "seen all rows: leave out --bagging, or --sharing"
            )
    if method.name == "perceptron" and (len(network.layers) > 1 or network.loss.name != "perceptron"):
        raise SettingsError(
            "Rosenblatt's perceptron rule trains one layer with the loss perceptron: leave out --hidden and --loss, "
            "or choose another optimizer"
        )


def check_bagging(asked: Settings, chosen: Settings, problem: Problem) -> None:
    """Raise SettingsError where members can't hold out a fold each."""
    members = chosen.members or 1
    if chosen.refit:
        raise SettingsError(
            "with --bagging all rows are trained on by most members already: leave out --refit, or --bagging"
        )
    if asked.validation_share is not None:
        raise SettingsError(
            "with --bagging each member holds out its own fold of the rows, so there is no --validation-share: leave "
            "one of them out"
        )
    if members < 2:
        raise SettingsError(
            "--bagging holds out a fold of the rows for each member, so it needs at least --members 2"
        )
    if members >= problem.n_rows:
        raise SettingsError(
            f"--bagging needs more rows than members, and there are {members} members for {problem.n_rows} rows: "
            "give fewer --members"
        )


def check_perceptron(method: Optimizer, network: Network) -> None:
    """Raise SettingsError for Rosenblatt's rule with a feature stage."""
    if method.name == "perceptron" and network.features is not None:
        raise SettingsError(
            "Rosenblatt's perceptron rule trains one layer: leave out --numeric-embedding, --category-embedding and "
            "--scaling-layer, or choose another optimizer"
        )


def check_unused(asked: Settings, chosen: Settings, method: Optimizer) -> None:
    """Raise SettingsError for a setting that would have no effect."""
    no_hidden = "there is no hidden layer; leave it out, or give --hidden"
    no_stopping = "early stopping is off; leave it out, or add --early-stopping"
    decay = method.weight_decay if chosen.weight_decay is None else chosen.weight_decay
    regularized = bool(chosen.dropout and chosen.hidden) or bool(decay)
    whole = f"{method.name} sees the whole table in each update; leave it out, or choose another --optimizer"
    plain = recipe.why_plain(asked)
    remedy = "leave it out, or add --recipe" if recipe.can_be_added(asked) else "leave it out"
    unused = (
        (
            "fast",
            asked.fast and bool(plain),
            f"it is the recipe's small form, and {plain} makes a plain network; {remedy}",
        ),
        ("activation", isinstance(asked.activation, str) and not chosen.hidden, no_hidden),
        ("dropout", bool(asked.dropout) and not chosen.hidden, no_hidden),
        ("activation-mix", asked.activation_mix and not chosen.hidden, no_hidden),
        ("patience", asked.patience is not None and not chosen.early_stopping, no_stopping),
        ("tolerance", asked.tolerance > 0 and not chosen.early_stopping, no_stopping),
        ("stop-together", asked.stop_together and not chosen.early_stopping, no_stopping),
        (
            "stop-together",
            asked.stop_together and chosen.members == 1,
            "there is one member; leave it out, or give more --members",
        ),
        (
            "stop-together",
            asked.stop_together and chosen.sharing != "none",
            "members that share end together as it is; leave it out",
        ),
        (
            "stop-together",
            asked.stop_together and method.searches,
            "lbfgs minimizes one member's cost after the other's; leave it out, or choose another --optimizer",
        ),
        ("watch", asked.watch not in (None, "loss") and not chosen.early_stopping, no_stopping),
        ("batch-size", asked.batch_size not in (None, "all") and method.whole, whole),
        (
            "warmup",
            asked.warmup > 0 and method.searches,
            "lbfgs finds the length of each step; leave it out",
        ),
        (
            "regularization-schedule",
            asked.regularization_schedule not in (None, "constant") and not regularized,
            "there is neither dropout nor weight decay; leave it out, or add --dropout or --weight-decay",
        ),
    )
    for name, is_set, reason in unused:
        if is_set:
            raise SettingsError(f"--{name} would have no effect: {reason}")


def check_embedded(asked: Settings, problem: Problem) -> None:
    """Raise SettingsError for an embedding that has nothing to embed."""
    if asked.numeric_embedding == "periodic" and not any(g.kind == "number" for g in problem.groups):
        raise SettingsError(
            "--numeric-embedding would have no effect: no input is a number of more than two values; leave it out"
        )
    if asked.category_embedding == "learned" and not any(group.is_large for group in problem.groups):
        raise SettingsError(
            f"--category-embedding would have no effect: no category has more than {MOST_ONE_HOT} levels; leave it out"
        )
