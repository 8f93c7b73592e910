"""What is said of tables, networks and scores in every document, in the same words."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from chainrule._types import Array
from chainrule.equations.layout import Layout
from chainrule.training.scores.baselines import TRIVIAL
from chainrule.training.scores.metrics import METRICS
from chainrule.training.settings.at_splits import neurons_at_splits
from chainrule.training.settings.recipe import MANY_LEVELS

if TYPE_CHECKING:
    from chainrule.equations.network import Network
    from chainrule.model.model import Model
    from chainrule.tables.encoding.target import TargetEncoder

SCORE_NAMES = {name: record.words for name, record in METRICS.items()}
"""Every metric by its name in words, in the order in which they are shown."""

STOPPED = {
    "early stopping": "stopped as the watched {watched} no longer got better",
    "converged": "converged",
    "callback": "stopped by a callback",
    "interrupted": "interrupted",
    "diverged": "diverged",
    "time limit": "ended by the time limit",
}


def stopped_words(stopped: str, watched: str = "loss") -> str:
    """Say what ended a training that watched a loss or a score; "" where it came to its end."""
    return STOPPED.get(stopped, "").format(watched=SCORE_NAMES.get(watched, watched))


def baseline_words(name: str) -> str:
    """Say what a baseline does, in a sentence."""
    return TRIVIAL.get(name, name)


def rows_shown(n: int) -> str:
    """Say how many rows: 1 row, 1,024 rows."""
    return f"{n:,} row{'s' * (n != 1)}"


def training_words(told: Mapping[str, Any], network: Network, n: int) -> Iterator[str]:
    """Say how a network is trained on ``n`` rows: what a card has, before the training or after it."""
    yield from (told["optimizer"], f"learning rate {told['learning_rate']:g}")
    if told["schedule"] != "constant":
        yield f"schedule {told['schedule']}"
    if told["batch_size"] >= n:
        yield "all rows in each step"
    else:
        yield "row by row" if told["batch_size"] == 1 else f"batches of {told['batch_size']:,} rows"
    dropout = max(layer.dropout for layer in network.layers)
    amounts = {"weight decay": told["weight_decay"], "L1": told["l1"], "L2": told["l2"], "dropout": dropout}
    yield from (f"{name} {amount:g}" for name, amount in amounts.items() if amount)
    if told.get("regularization_schedule", "constant") != "constant":
        yield f"regularization schedule {told['regularization_schedule']}"
    if told["clip_norm"] is not None:
        yield f"gradients no longer than {told['clip_norm']:g}"
    if told.get("sharing", "none") != "none":
        yield f"members share the hidden layers' weights ({told['sharing']})"


def scores_shown(scores: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield the scores that there are, in the order to be shown, by name and in words: accuracy last where classes are uneven."""
    late = ["accuracy"] if "f1" in scores and "accuracy" in scores else []
    names = [name for name in SCORE_NAMES if name in scores and name not in late]
    yield from ((name, SCORE_NAMES[name]) for name in (*names, *late))


def rarer_words(model: Model, scores: Collection[str], confusion: Array | None) -> str:
    """Say which class F1 and its kin are of, where they are shown; "" where not."""
    if "f1" not in scores or confusion is None:
        return ""
    if len(confusion) > 2:
        return "classes are uneven: F1, precision, recall and average precision are means over the classes"
    rows = confusion.sum(axis=1)
    name = model.target.labels[int(rows[1] <= rows[0])]
    return f"classes are uneven: F1, precision, recall and average precision are of {name}, the rarer one"


def score_words(scores: Mapping[str, float]) -> str:
    """Say scores in a line, those that there are."""
    return ", ".join(f"{words} {number_shown(scores[name])}" for name, words in scores_shown(scores))


def class_weight_words(labels: Collection[object], weights: Collection[float]) -> str:
    """Say what rows of each class count in training."""
    shown = [f"{label} {weight:.4g}" for label, weight in zip(labels, weights, strict=True)]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return f"rows count in training by their class: {', '.join(shown[:12])}{more}"


THRESHOLDS = {
    "given": "as given",
    "f1": "where F1 is largest",
    "balanced_accuracy": "where balanced accuracy is largest",
    "accuracy": "where accuracy is largest",
}
"""How a threshold was found, by its rule."""


def threshold_words(model: Model) -> str:
    """Say from which probability on a class is answered, and why."""
    found = model.threshold
    assert found is not None
    how = THRESHOLDS.get(found.rule, found.rule)
    seen = "" if found.rule == "given" else " for rows that were not trained on"
    return f"{model.target.labels[found.place]} is answered from a probability of {found.least:.4g} on, {how}{seen}"


def clamp_words(target: TargetEncoder) -> str:
    """Say what a target's answers are clamped to."""
    low, high = (f"{(target.clamp or {})[name]:.6g}" for name in ("lowest", "highest"))
    return f"clamped to {low} … {high}, the range of the training rows"


def shape_of(network: Network, members: int) -> str:
    """Say in words what a network is: its sizes, activations, biases and loss, and how many there are."""
    sizes = "-".join(str(size) for size in network.sizes)
    if network.features is not None and network.n_inputs != network.sizes[0]:
        sizes = f"{network.n_inputs} inputs embedded as {network.sizes[0]}; {sizes}"
    activations = ", ".join(layer.activation.spec for layer in network.layers)
    bias = {layer.bias for layer in network.layers}
    special = {"layer": ", a bias for each layer", "none": ", no biases"}
    biases = "".join(special[which] for which in sorted(bias & set(special)))
    inits = {layer.init for layer in network.layers if isinstance(layer.init, str)} - {"auto"}
    biases += "".join(f", initial weights {init}" for init in sorted(inits))
    biases += _by_hand(network)
    biases += ", a linear path from the inputs to the output" if network.output.linear_path else ""
    times = f"; {members} members, averaged" if members > 1 else ""
    return f"{sizes}, {activations}{biases}; loss {network.loss.spec}{times}"


def start_words(told: Mapping[str, Any], network: Network) -> str:
    """Say what of a start is by the rows, from settings' or a card's ``fitted_start`` and ``split_start``; "" for nothing."""
    groups = () if network.features is None else network.features.groups
    kinds = {group.kind for group in groups}
    found = []
    if told.get("fitted_start"):
        found += ["cosines that swing with the target"] if "number" in kinds else []
        found += ["rare levels near 0"] if any(group.size >= MANY_LEVELS for group in groups) else []
    if neurons := neurons_at_splits(network, told.get("split_start") or 0.0, told.get("sharing", "none")):
        found.append(f"up to {neurons} neurons of layer 1 at splits of boosted trees")
    return ", ".join(found)


def _by_hand(network: Network) -> str:
    """Say how many parameters are set by hand, and how many training leaves alone."""
    layout = Layout(network)
    frozen = int((layout.free == 0).sum())
    found = f", {layout.n_initial} parameters set by hand" if layout.n_initial else ""
    return found + (f", {frozen} frozen" if frozen else "")


def number_shown(value: float) -> str:
    """Write a score with four decimals; large ones with fewer, tiny ones with two digits that count."""
    value += 0.0  # no -0
    if abs(value) >= 1e12:
        return f"{value:.4g}"
    if value and abs(value) < 1e-3:
        return f"{value:.2g}"
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.0f}"


def seconds_shown(value: float) -> str:
    """Write seconds: two decimals below ten, one from there on."""
    return f"{value:.2f}" if value < 10 else f"{value:,.1f}"
