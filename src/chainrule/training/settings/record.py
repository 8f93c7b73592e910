"""What a user may set, and the problem that it is for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from chainrule.equations.dense import BIAS_MODES, PARAMETRIZATIONS, BiasMode, Parametrization
from chainrule.equations.features import CategoryEmbedding, GroupKind, NumericEmbedding
from chainrule.equations.initializers import initializer
from chainrule.equations.schedules import strength
from chainrule.equations.sharing import check_sharing
from chainrule.errors import SettingsError
from chainrule.training.initial import DATA
from chainrule.training.scores.watch import WATCHED

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
        return self.kind == "category" and self.levels > MOST_ONE_HOT


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


MOST_ONE_HOT = 9
"""The most levels of a category that are left one-hot. RealMLP's 9 count missing cells as one, so it leaves 8."""


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _at_least(name: str, value: Any, low: float, *, whole: bool) -> None:
    if not _is_number(value) or value < low or (whole and not isinstance(value, int)):
        kind = "a whole number" if whole else "a number"
        raise SettingsError(f"{name} {value!r} must be {kind}, at least {low}")
