"""From where on something is a finding: every threshold of the diagnosis, with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Threshold(NamedTuple):
    """A limit: its value, what is compared with it, and where it comes from."""

    value: float
    what: str
    reason: str


THRESHOLDS: Mapping[str, Threshold] = {
    "flat": Threshold(
        0.01,
        "size of f'(z) relative to the largest slope of f, below which a neuron is flat on a row",
        "its gradient is then a hundredth of what it could be; leaky ReLU's usual 0.01 is not below it",
    ),
    "dead": Threshold(
        0.4,
        "share of a layer's neurons that are flat on every row, on the low side of f",
        "single dead neurons are common in networks that work (up to 1 in 4 in small ones); Stanford CS231n, "
        '"Neural networks 1", names 40 % as what a learning rate too high does',
    ),
    "inactive": Threshold(
        0.5,
        "share of a layer's neurons that are flat on all rows of a batch, though not on every row",
        "most of the layer then gets no gradient from the batch",
    ),
    "saturated": Threshold(
        0.5,
        "share of a layer's outputs (neurons times rows) that are flat, for an f that is flat on both sides",
        "more than half of the layer doesn't learn; Glorot & Bengio 2010 show layers that stop there",
    ),
    "vanishing": Threshold(
        1e-3,
        "length of delta in the first layer relative to the output layer's",
        "the first layer then learns a thousand times slower; five layers of sigmoids, whose slope is at most 1/4, "
        "are enough",
    ),
    "exploding": Threshold(
        1e3,
        "length of delta in the first layer relative to the output layer's",
        "the same factor in the other direction; healthy networks of this size have 0.1 to 50",
    ),
    "weights": Threshold(
        100.0,
        "root mean square of W times sqrt(n_in), by which a layer stretches its inputs",
        "He's initial weights have 1.4, trained networks 1 to 10",
    ),
    "identical": Threshold(
        1e-6,
        "largest difference of two neurons' incoming weights and biases, relative to the largest of one of them",
        "some roundings of float32: neurons that begin alike stay alike (Goodfellow et al., Deep Learning, 8.4)",
    ),
    "inputs": Threshold(
        10.0,
        "root mean square of an input neuron over the rows",
        "LeCun et al. 1998 (Efficient BackProp, 4.3) want about 1; with 10 the cost is a hundred times more curved "
        "in that direction",
    ),
    "update_high": Threshold(
        0.1,
        "median length of a step in W relative to W",
        'about 1e-3 is healthy (Stanford CS231n, "Neural networks 3"); this is a hundred times more',
    ),
    "update_low": Threshold(
        1e-4,
        "median length of a step in W relative to W, in every layer",
        "a tenth of what is healthy, by the same source; only a finding together with `gain`",
    ),
    "rise": Threshold(
        0.1,
        "rise of the cost in the trial steps, in units of a constant prediction's cost",
        "from where training ended, steps of a good length keep the cost; healthy runs rise by at most 0.03",
    ),
    "gain": Threshold(
        0.05,
        "how much lower the cost gets in the trial steps with a higher learning rate, in the same units",
        "a network that has learned what it can doesn't get 5 % better in so few steps",
    ),
    "constant": Threshold(
        0.01,
        "standard deviation of the predictions relative to the targets' (of a class's probability: itself)",
        "a hundredth of the variation can't be told from none",
    ),
    "class": Threshold(
        0.1,
        "share of the rows that belong to a class that is never predicted",
        "rarer classes may rightly never be the most probable one",
    ),
    "accuracy_gap": Threshold(
        0.1,
        "accuracy on the training rows less that on the rows held out, if it is also 3 standard errors",
        "a tenth of the rows; healthy runs on penguins have up to 0.09",
    ),
    "error_ratio": Threshold(
        1.5,
        "RMSE on the rows held out relative to that on the training rows, if it is also 3 standard errors above 1",
        "what was learned by heart has next to no error; healthy runs on penguins have up to 1.4",
    ),
}


def limit(name: str) -> float:
    """Return a threshold's value."""
    return THRESHOLDS[name].value
