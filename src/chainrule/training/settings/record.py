"""What a user may set, and the problem that it is for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chainrule.equations.activations import activation as activation_named
from chainrule.equations.dense import BIAS_MODES, PARAMETRIZATIONS, BiasMode, Parametrization
from chainrule.equations.features import CategoryEmbedding, GroupKind, NumericEmbedding
from chainrule.equations.initializers import initializer
from chainrule.equations.losses import loss as loss_named
from chainrule.equations.network import MAX_MEMBERS
from chainrule.equations.optimizers import optimizer as optimizer_named
from chainrule.equations.schedules import schedule as schedule_named
from chainrule.equations.schedules import strength
from chainrule.equations.sharing import SHARINGS
from chainrule.training.initial import DATA
from chainrule.training.scores.threshold import RULES
from chainrule.training.scores.watch import WATCHED
from chainrule.training.settings.fields import (
    address_list,
    check_fields,
    choice,
    factors,
    flag,
    free_text,
    number,
    numbers_by_address,
    option,
    positive,
    rows,
    share,
    sizes,
    threshold_rule,
    weights_of_classes,
    whole,
)

Task = Literal["classification", "regression"]

SEED = whole(0, below=2**64)
"""What a seed is."""


@dataclass(frozen=True)
class Settings:
    """The settings of a training; None: the recipe chooses. The list: all that shows or reads a setting is made from it."""

    # fmt: off
    # ---- network

    hidden: Sequence[int] | None = option(None, sizes(), "network", "N,N", "neurons of the hidden layers, or none",
        unset="128 and 64, or 64 and 64 with {fast}", card="elsewhere")
    activation: str | Sequence[str] | None = option(None, free_text(activation_named, several=True), "network", "F,F",
        "of the hidden layers: one for all or one for each; a name (see {activations}) or a formula in z",
        more="one more is the output layer's", unset="relu, or leaky_relu for numbers", card="elsewhere")
    output_activation: str | None = option(None, free_text(activation_named), "network", "F",
        "of the output layer; what suits the loss if not given", unset="what suits the loss", card="elsewhere")
    bias: BiasMode = option("neuron", choice(*BIAS_MODES), "network", "WHICH",
        "one for each neuron, layer, or none (default neuron)", card="elsewhere")
    init: str | None = option(None, free_text(initializer, "auto", DATA), "network", "NAME",
        "initial weights; what suits the activation if not given; see {initializers}; data fits them to the rows",
        more="auto: what suits the activation", unset="what suits the activation", card="elsewhere")
    initial: Mapping[str, float] | None = option(None, numbers_by_address(), "network", "NAME=X,…",
        "numbers that parameters begin with, by address: W[1][1,2]=0.1; the others are drawn as ever",
        more="W[1] or b[2] sets a whole array", unset="none", page="#set-by-hand", card="elsewhere")
    frozen: Sequence[str] | None = option(None, address_list(), "network", "NAME,…",
        "parameters that training leaves alone, by address: W[1][1,2], or the whole of b[2]", unset="none",
        page="#set-by-hand", card="elsewhere")
    weights_from: str | None = option(None, free_text(), "network", "FILE",
        "CSV or JSON of address, value and perhaps frozen (yes or no), in place of {initial} and {frozen}",
        unset="none", page="#set-by-hand", card="elsewhere")
    activation_mix: bool | None = option(None, flag(), "network", "",
        "let each hidden neuron learn how much of the activation it takes: z + alpha (f(z) - z)", more="alpha begins at 1",
        unset="no", card="elsewhere")
    parametrization: Parametrization | None = option(None, choice(*PARAMETRIZATIONS), "network", "NAME",
        "of the weighted sums: standard (the default), or ntk, which divides them by sqrt(n_in)", unset="standard",
        card="elsewhere")
    numeric_embedding: NumericEmbedding | None = option(None, choice(*get_args(NumericEmbedding)), "network", "NAME",
        "periodic: numbers also enter as learned sums of cosines; or none", unset="periodic with the recipe",
        page="features.md", card="elsewhere")
    category_embedding: CategoryEmbedding | None = option(None, choice(*get_args(CategoryEmbedding)), "network", "NAME",
        "learned: categories of more than 9 levels enter as 8 learned numbers; or none", unset="learned with the recipe",
        page="features.md", card="elsewhere")
    scaling_layer: bool | None = option(None, flag(), "network", "",
        "give each number that enters layer 1 a learned factor", unset="no", page="features.md", card="elsewhere")
    linear_path: bool | None = option(None, flag(), "network", "",
        "let the inputs also go straight to the outputs, by weights of their own, past the hidden layers",
        more="they begin as ridge or logistic regression, its strength chosen out of fold",
        unset="with the recipe for numbers, and for classes with a category of more than 64 levels",
        page="features.md#linear-path", card="elsewhere")
    fitted_start: bool | None = option(None, flag(), "network", "",
        "let the feature stage begin by the training rows: cosines that swing with the target, rare levels near 0",
        more="and, of more inputs than rows, a scaling layer at what each tells", unset="with the recipe",
        page="recipe.md#a-start-by-the-rows")
    split_start: float | None = option(None, share(), "network", "SHARE",
        "the share of layer 1's neurons that begin where small boosted trees divide the training rows",
        unset="0.25 with the recipe for a number or two classes", page="recipe.md#splits")
    members: int | None = option(None, whole(1, below=MAX_MEMBERS + 1), "network", "N",
        "how many networks are trained and averaged",
        unset="5, or 2 with {fast}; of a plain network 1, or 8 where several are needed", card="elsewhere")
    sharing: str = option("none", choice(*SHARINGS), "network", "HOW",
        "tabm: members share the hidden layers' weights, each with scalings of its own (default none)",
        more="biases and an output layer are each member's own, too", page="#members-that-share")

    # ---- training

    loss: str | None = option(None, free_text(loss_named), "training", "F", "a name (see {losses}), or a formula in a and y",
        more="a is the output, y the target", unset="cross-entropy, or mean_squared_error for numbers", card="elsewhere")
    label_smoothing: float | None = option(None, share(), "training", "X",
        "the part of a row's target that is spread evenly over all classes",
        unset="0.05 with the recipe, less where a class is rare", task="classification", card="elsewhere")
    optimizer: str | None = option(None, free_text(optimizer_named), "training", "NAME",
        "adam if not given; see {optimizers}", unset="adam", card="always")
    learning_rate: float | None = option(None, positive(), "training", "ETA", "the base learning rate",
        unset="0.004 with the recipe's Adam, else the optimizer's own", card="always")
    schedule: str | None = option(None, free_text(schedule_named), "training", "NAME", "of the learning rate; see {schedules}",
        unset="coslog4 with the recipe, else constant", card="always")
    rate_factors: Mapping[str, float] | None = option(None, factors(), "training", "NAME=X,…",
        "of the learning rate, by parameter: b=0.1 gives all biases a tenth of it",
        more="W, b, alpha of a mix, and the arrays of a feature stage can have one", unset="1 for all", card="elsewhere")
    warmup: float = option(0.0, number(0), "training", "N", "epochs in which the learning rate rises from 0",
        card="elsewhere")
    momentum: float | None = option(None, share(), "training", "MU", "of sgd, momentum and nesterov; beta1 of adam",
        more="sgd becomes momentum by it", unset="the optimizer's own", card="elsewhere")
    batch_size: int | Literal["all"] | None = option(None, rows(), "training", "N",
        "rows in each update; 1: row by row, all: the whole table", unset="32 to 256, by the number of rows", card="always")
    shuffle: bool | None = option(None, flag(), "training", "", "deal the rows out anew in each epoch, or take them in order",
        unset="yes, where an epoch has several updates", card="elsewhere")
    epochs: int | None = option(None, whole(1), "training", "N", "most passes over the table",
        unset="by the size of the table; of a plain network 200", card="always")
    early_stopping: bool | None = option(None, flag(), "training", "",
        "stop when the watched loss no longer falls, and keep the best epoch", unset="yes", card="always")
    patience: int | None = option(None, whole(1), "training", "N", "epochs without a better loss before stopping",
        unset="55 % of the epochs, at least 20; of a plain network 20", card="always")
    more_waves: int | None = option(None, whole(0), "training", "N",
        "waves of the schedule coslog4 that may follow the epochs, each twice as long as the one before, while they help",
        unset="2 with {fast}, where neither {epochs} nor {schedule} is given, else none", page="recipe.md#more-waves")
    tolerance: float = option(0.0, number(0), "training", "X", "how much lower a better loss is (default 0)", card="always")
    stop_together: bool | None = option(None, flag(), "training", "",
        "watch the members' mean: they end together and keep the same epoch", unset="with the recipe",
        page="#ending-together")
    watch: str | None = option(None, choice(*WATCHED), "training", "WHAT",
        "what early stopping looks at: loss (the default), error, or a metric, such as refinement, the log-loss at the best "
        "temperature", more="the error is the share of wrong answers, or the RMSE",
        unset="refinement with the recipe for classes, else loss", page="#what-is-watched", card="elsewhere")
    validation_share: float | None = option(None, share(), "training", "SHARE",
        "of the training rows, watched by early stopping", unset="0.2, of a plain network 0.15; none with {bagging}",
        card="always")
    bagging: bool | None = option(None, flag(), "training", "",
        "each member holds out and watches its own fold of the rows, instead of one share for all",
        unset="with the recipe, where there are rows enough", page="#bagging", card="elsewhere")
    fold_members: int | None = option(None, whole(1, below=MAX_MEMBERS + 1), "training", "N",
        "with bagging, how many members hold out the same fold", more="{members} is the number of all",
        unset="1, or 2 in a {search}", page="#bagging", card="elsewhere")
    refit: bool = option(False, flag(), "training", "", "train again on all rows for the best epoch's number of epochs",
        page="#refit")
    recipe: bool | None = option(None, flag(), "training", "",
        "choose what isn't given by the default recipe, or a plain network (default: plain with {hidden} or {optimizer})",
        unset="yes, without {hidden} and {optimizer}", page="recipe.md", card="elsewhere")
    fast: bool = option(False, flag(), "training", "", "a small form of the recipe, for about a tenth of the time",
        page="recipe.md", card="elsewhere")
    calibrate: bool | None = option(None, flag(), "training", "",
        "divide the outputs' weighted sums by the temperature that is best for the validation rows",
        more="with bagging, for the folds held out", unset="with the recipe", page="#calibration", task="classification",
        card="elsewhere")
    class_weight: str | Mapping[Any, float] | None = option(None, weights_of_classes(), "training", "CLASS=X,…",
        "what rows of a class count in training, or balanced: all classes the same in sum", unset="1 for all",
        page="#weights-of-classes", task="classification", card="elsewhere")
    threshold: float | str | None = option(None, threshold_rule(*RULES), "training", "RULE",
        "of two classes, the probability from which on the rarer is answered: a number, or the best out of fold by f1, "
        "balanced_accuracy or accuracy", unset="1/2", page="#threshold", task="classification", card="elsewhere")
    clamp: bool | None = option(None, flag(), "training", "",
        "draw predicted numbers in to the range of the training rows' target",
        unset="with the recipe, but not with a loss that is a formula of your own", page="tables.md#clamp",
        task="regression", card="elsewhere")
    seed: int = option(0, SEED, "training", "N", "same seed, same network, bit for bit (default 0)",
        card="always")
    time_limit: float | None = option(None, positive(), "training", "SECONDS",
        "fewer members and epochs where all don't fit into it; the schedule ends with them", unset="none",
        page="#time-limit")
    search: int | None = option(None, whole(1, below=1001), "training", "N",
        "try so many settings, the default first, and weigh their networks by answers for rows that they haven't seen",
        unset="1, the default alone", page="search.md", card="elsewhere")

    # ---- regularization

    weight_decay: float | None = option(None, number(0), "regularization", "X",
        "shrinks each weight in every step, decoupled from the loss",
        unset="with the recipe's Adam 0.05 for classes and 0.01 for numbers, else the optimizer's own", card="always")
    l1: float = option(0.0, number(0), "regularization", "X", "adds l1 · Σ|w| to the cost", card="always")
    l2: float = option(0.0, number(0), "regularization", "X", "adds l2/2 · Σw² to the cost", card="always")
    dropout: float | None = option(None, share(), "regularization", "SHARE", "of the hidden outputs, dropped in each step",
        unset="0.15 with the recipe for classes, else 0", card="elsewhere")
    regularization_schedule: str | None = option(None, free_text(strength), "regularization", "NAME",
        "of dropout and weight decay; constant if not given, flat_cosine ends them by and by; see {strengths}",
        unset="constant")
    clip_norm: float | None = option(None, positive(), "regularization", "X",
        "the longest gradient; a longer one is shortened", unset="any length", card="or null")
    # fmt: on

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class InputGroup:
    """Neighboring inputs that belong together: a number, a category's one-hot inputs and its ``levels``, or plain ones."""

    kind: GroupKind
    size: int = 1
    levels: int = 0

    @property
    def is_large(self) -> bool:
        """Whether it is a category of too many levels to be left one-hot by the recipe."""
        return self.kind == "category" and self.levels > MOST_ONE_HOT


@dataclass(frozen=True)
class Problem:
    """What the recipe looks at: the task, the training rows, the input neurons, the classes (0 for regression).

    ``groups`` says what the inputs are, in their order; without any they are all plain. ``validates``: whether the
    validation rows are given, instead of a share of these. ``n_targets``: of several, classes are two each. ``most_folds``:
    how many folds the rows can be dealt out to, None for any number. ``rarest``: the share of the rarest class in the rows.
    """

    task: Task
    n_rows: int
    n_inputs: int
    n_classes: int = 0
    groups: tuple[InputGroup, ...] = ()
    validates: bool = False
    n_targets: int = 1
    most_folds: int | None = None
    rarest: float = 1.0


MOST_ONE_HOT = 9
"""The most levels of a category that are left one-hot. RealMLP's 9 count missing cells as one, so it leaves 8."""
