"""What is refused of a training's settings: values that can't be, and settings that contradict each other or the task.

Messages name the command line's words; the estimators translate them (`training.words`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from chainrule.equations.features import CategoryEmbedding, NumericEmbedding
from chainrule.equations.initializers import initializer
from chainrule.equations.losses import Loss
from chainrule.equations.network import BIAS_MODES, PARAMETRIZATIONS, Network
from chainrule.equations.optimizers import Optimizer
from chainrule.equations.schedules import strength
from chainrule.equations.sharing import check_sharing, shared_shapes
from chainrule.errors import SettingsError
from chainrule.training import recipe
from chainrule.training.initial import DATA, check_shared_start
from chainrule.training.watch import WATCHED

if TYPE_CHECKING:
    from chainrule.training.settings import Problem, Settings


def check_values(s: Settings) -> None:
    """Raise SettingsError for a value that its setting can't have, whatever the problem."""
    if s.hidden is not None:
        is_list = isinstance(s.hidden, Sequence) and not isinstance(s.hidden, str)
        sizes = list(s.hidden) if is_list else s.hidden
        if not is_list or any(isinstance(n, bool) or not isinstance(n, int) or n < 1 for n in sizes):
            raise SettingsError(f"hidden {sizes!r} must be whole numbers of neurons, such as 64,32")
    if s.bias not in BIAS_MODES:
        raise SettingsError(f"bias {s.bias!r} is unknown: choose {', '.join(BIAS_MODES)}")
    if s.parametrization not in (None, *PARAMETRIZATIONS):
        raise SettingsError(
            f"parametrization {s.parametrization!r} is unknown: choose {', '.join(PARAMETRIZATIONS)}"
        )
    check_sharing(s.sharing)
    if s.regularization_schedule is not None:
        strength(s.regularization_schedule)
    if s.watch not in (None, *WATCHED):
        raise SettingsError(f"watch {s.watch!r} is unknown: choose {', '.join(WATCHED)}")
    for name in (
        "early_stopping",
        "calibrate",
        "clamp",
        "bagging",
        "refit",
        "recipe",
        "fast",
        "stop_together",
        "activation_mix",
        "scaling_layer",
    ):
        value = getattr(s, name)
        if value is not None and not isinstance(value, bool):
            raise SettingsError(f"{name.replace('_', '-')} {value!r} must be True or False")
    for name, kinds in (("numeric_embedding", NumericEmbedding), ("category_embedding", CategoryEmbedding)):
        if getattr(s, name) not in (None, *get_args(kinds)):
            word, known = name.replace("_", "-"), ", ".join(get_args(kinds))
            raise SettingsError(f"{word} {getattr(s, name)!r} is unknown: choose {known}")
    if s.init not in (None, "auto", DATA):
        initializer(s.init)
    if s.batch_size is not None and s.batch_size != "all":
        _at_least("batch-size", s.batch_size, 1, whole=True)
    for name, low, whole in (
        ("epochs", 1, True),
        ("patience", 1, True),
        ("members", 1, True),
        ("seed", 0, True),
        ("warmup", 0, False),
        ("weight_decay", 0, False),
        ("l1", 0, False),
        ("l2", 0, False),
        ("tolerance", 0, False),
    ):
        value = getattr(s, name)
        if value is not None:
            _at_least(name.replace("_", "-"), value, low, whole=whole)
    if s.rate_factors is not None and not isinstance(s.rate_factors, Mapping):
        raise SettingsError(f"rate-factors {s.rate_factors!r} must be factors by name, such as b=0.1")
    if s.seed >= 2**64:
        raise SettingsError(f"seed {s.seed} must be less than 2^64")
    for name in ("learning_rate", "clip_norm", "time_limit"):
        value = getattr(s, name)
        if value is not None and not (_is_number(value) and value > 0):
            raise SettingsError(f"{name.replace('_', '-')} {value!r} must be a number above 0")
    for name in ("dropout", "validation_share", "momentum", "label_smoothing"):
        value = getattr(s, name)
        if value is not None and not (_is_number(value) and 0 <= value < 1):
            raise SettingsError(f"{name.replace('_', '-')} {value!r} must be at least 0 and less than 1")


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
    if method.name == "lbfgs":
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
            asked.stop_together and method.name == "lbfgs",
            "lbfgs minimizes one member's cost after the other's; leave it out, or choose another --optimizer",
        ),
        ("watch", asked.watch not in (None, "loss") and not chosen.early_stopping, no_stopping),
        ("batch-size", asked.batch_size not in (None, "all") and method.whole, whole),
        (
            "warmup",
            asked.warmup > 0 and method.name == "lbfgs",
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
            f"--category-embedding would have no effect: no category has more than {recipe.MOST_ONE_HOT} levels; leave it out"
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _at_least(name: str, value: Any, low: float, *, whole: bool) -> None:
    if not _is_number(value) or value < low or (whole and not isinstance(value, int)):
        kind = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} {value!r} must be {kind}, at least {low}")
