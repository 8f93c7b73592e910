"""What is refused of a training's settings: settings that contradict each other or the task."""

from __future__ import annotations

from chainrule._doors import setting
from chainrule.equations.activations import Activation
from chainrule.equations.losses import Loss
from chainrule.equations.network import Network
from chainrule.equations.optimizers import Optimizer
from chainrule.equations.sharing import tabm_shapes
from chainrule.errors import SettingsError
from chainrule.training.initial import check_shared_start
from chainrule.training.settings import recipe
from chainrule.training.settings.record import MOST_ONE_HOT, Problem, Settings


def check_recipe(asked: Settings, method: Optimizer) -> None:
    """Raise SettingsError where the recipe is asked for with an optimizer that has no batches."""
    if asked.recipe and not recipe.has_batches(method):
        remedy = f"leave out {setting('recipe', True)}, or choose another {setting('optimizer')}"
        raise SettingsError(f"the recipe trains by batches of rows, and {method.name} doesn't: {remedy}")


def check_loss(cost: Loss, problem: Problem) -> None:
    """Raise SettingsError for a loss of another task."""
    classes = cost.targets in ("zero_one", "one_hot")
    wrong = ""
    if problem.task == "regression" and classes:
        wrong = "classes, but the target is a number: choose mean_squared_error"
    elif problem.task == "classification" and cost.targets == "nonnegative":
        wrong = "counts, but the target is a class: choose cross-entropy"
    if wrong:
        raise SettingsError(f"{setting('loss', cost.name)} is for {wrong}")


def check_targets(chosen: Settings, cost: Loss, output: Activation, problem: Problem) -> None:
    """Raise SettingsError for what several targets can't be used with: outputs that make one class together."""
    if problem.n_targets == 1 or problem.task == "regression":
        return
    each = "several targets are a class each"
    if cost.targets == "one_hot" or not output.elementwise:
        what = setting("loss", cost.name) if cost.targets == "one_hot" else output.name
        raise SettingsError(
            f"{what} makes one class of all outputs, and {each}: choose sigmoid and binary_cross_entropy"
        )
    if chosen.label_smoothing:
        raise SettingsError(f"{setting('label_smoothing')} is for one class a row, and {each}: leave it out")


def check_together(chosen: Settings, method: Optimizer, network: Network) -> None:
    """Raise SettingsError for what an optimizer, or sharing, can't be used with."""
    if method.searches:
        refused = {
            "dropout": any(layer.dropout for layer in network.layers),
            "clip_norm": chosen.clip_norm is not None,
            "weight_decay": bool(chosen.weight_decay),
            "learning_rate": chosen.learning_rate is not None,
            "schedule": chosen.schedule not in (None, "constant"),
            "rate_factors": any(layer.rates for layer in network.layers),
        }
        for name, is_set in refused.items():
            if is_set:
                why = "lbfgs searches along the whole table's gradient"
                raise SettingsError(f"{why}, so {setting(name)} can't be used with it")
    if chosen.sharing != "none":
        tabm_shapes(network, chosen.members or 1)
        check_shared_start(network)
        if chosen.bagging:
            raise SettingsError(
                f"with {setting('bagging')} a member answers for the rows that it hasn't seen, but weights that members "
                f"share have seen all rows: leave out {setting('bagging')}, or {setting('sharing')}"
            )
    if method.name == "perceptron" and (len(network.layers) > 1 or network.loss.name != "perceptron"):
        raise SettingsError(
            "Rosenblatt's perceptron rule trains one layer with the loss perceptron: "
            f"leave out {setting('hidden')} and {setting('loss')}, or choose another optimizer"
        )


def check_bagging(asked: Settings, chosen: Settings, problem: Problem) -> None:
    """Raise SettingsError where members can't hold out a fold each."""
    members, of_each = chosen.members or 1, chosen.fold_members or 1
    if chosen.refit:
        why = f"with {setting('bagging')} all rows are trained on by most members already"
        raise SettingsError(f"{why}: leave out {setting('refit')}, or {setting('bagging')}")
    if asked.validation_share is not None:
        raise SettingsError(
            f"with {setting('bagging')} each member holds out its own fold of the rows, so there is no "
            f"{setting('validation_share')}: leave one of them out"
        )
    if members < 2:
        why = f"{setting('bagging')} holds out a fold of the rows for each member"
        raise SettingsError(f"{why}, so it needs at least {setting('members', 2)}")
    if members % of_each or members < 2 * of_each:
        why = f"with {of_each} members a fold there are {2 * of_each}, {3 * of_each}, {4 * of_each}, … members, not {members}"
        raise SettingsError(f"{why}: change {setting('members')} or {setting('fold_members')}")
    if members // of_each >= problem.n_rows:
        why = f"more rows than folds, and there are {members // of_each} folds for {problem.n_rows} rows"
        raise SettingsError(f"{setting('bagging')} needs {why}: give fewer {setting('members')}")


def check_perceptron(method: Optimizer, network: Network) -> None:
    """Raise SettingsError for Rosenblatt's rule with a feature stage."""
    if method.name == "perceptron" and network.features is not None:
        raise SettingsError(
            f"Rosenblatt's perceptron rule trains one layer: leave out {setting('numeric_embedding')}, "
            f"{setting('category_embedding')} and {setting('scaling_layer')}, or choose another optimizer"
        )


def check_unused(asked: Settings, chosen: Settings, method: Optimizer) -> None:
    """Raise SettingsError for a setting that would have no effect."""
    lbfgs, together, stops = method.searches, asked.stop_together, chosen.early_stopping
    decay = method.weight_decay if chosen.weight_decay is None else chosen.weight_decay
    regularized = bool(chosen.dropout and chosen.hidden) or bool(decay)
    eases = asked.regularization_schedule not in (None, "constant")
    plain = recipe.why_plain(asked)
    added = f", or add {setting('recipe', True)}" if recipe.can_be_added(asked) else ""
    another = f"leave it out, or choose another {setting('optimizer')}"
    small = f"it is the recipe's small form, and {plain} makes a plain network; leave it out{added}"
    flat = f"there is no hidden layer; leave it out, or give {setting('hidden')}"
    stage = {chosen.numeric_embedding, chosen.category_embedding} & {
        "periodic",
        "learned",
    } or chosen.scaling_layer
    bare = f"there is no feature stage; leave it out, or add {setting('numeric_embedding', 'periodic')}"
    alike = "members that share begin alike; leave it out"
    blind = f"early stopping is off; leave it out, or add {setting('early_stopping', True)}"
    single = f"there is one member; leave it out, or give more {setting('members')}"
    unbagged = f"members have no folds; leave it out, or add {setting('bagging', True)}"
    shared = "members that share end together as it is; leave it out"
    in_turn = f"lbfgs minimizes one member's cost after the other's; {another}"
    other = f"the schedule has no waves; leave it out, or add {setting('schedule', 'coslog4')}"
    whole = f"{method.name} sees the whole table in each update; {another}"
    free = "there is neither dropout nor weight decay; leave it out, or add "
    free += f"{setting('dropout')} or {setting('weight_decay')}"
    unused = (
        ("fast", asked.fast and plain, small),
        ("activation", isinstance(asked.activation, str) and not chosen.hidden, flat),
        ("dropout", asked.dropout and not chosen.hidden, flat),
        ("activation_mix", asked.activation_mix and not chosen.hidden, flat),
        ("linear_path", asked.linear_path and not chosen.hidden, flat),
        ("fitted_start", asked.fitted_start and not stage, bare),
        ("fitted_start", asked.fitted_start and asked.sharing != "none", alike),
        ("patience", asked.patience is not None and not stops, blind),
        ("more_waves", asked.more_waves and not stops, blind),
        ("more_waves", asked.more_waves and chosen.schedule != "coslog4", other),
        ("tolerance", asked.tolerance > 0 and not stops, blind),
        ("stop_together", together and not stops, blind),
        ("stop_together", together and chosen.members == 1, single),
        ("stop_together", together and chosen.sharing != "none", shared),
        ("stop_together", together and lbfgs, in_turn),
        ("fold_members", asked.fold_members and not chosen.bagging, unbagged),
        ("watch", asked.watch not in (None, "loss") and not stops, blind),
        ("batch_size", asked.batch_size not in (None, "all") and method.whole, whole),
        ("shuffle", asked.shuffle and method.whole, whole),
        ("warmup", asked.warmup > 0 and lbfgs, "lbfgs finds the length of each step; leave it out"),
        ("regularization_schedule", eases and not regularized, free),
    )
    for name, is_set, reason in unused:
        if is_set:
            raise SettingsError(f"{setting(name)} would have no effect: {reason}")


def check_embedded(asked: Settings, problem: Problem) -> None:
    """Raise SettingsError for an embedding that has nothing to embed."""
    if asked.numeric_embedding == "periodic" and not any(g.kind == "number" for g in problem.groups):
        raise SettingsError(
            f"{setting('numeric_embedding')} would have no effect: no input is a number of more than two values; "
            "leave it out"
        )
    if asked.category_embedding == "learned" and not any(group.is_large for group in problem.groups):
        raise SettingsError(
            f"{setting('category_embedding')} would have no effect: no category has more than {MOST_ONE_HOT} levels; "
            "leave it out"
        )
