"""One plot of each kind, from small arrays that are the same in every run."""

import math

import numpy as np

from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.boundary import boundary_chart
from chainrule.plots.kinds.calibration import calibration_chart
from chainrule.plots.kinds.classes import confusion_chart, precision_recall_chart, roc_chart
from chainrule.plots.kinds.columns import columns_chart
from chainrule.plots.kinds.curves import curves_chart
from chainrule.plots.kinds.effects import dependence_chart, interactions_chart, waterfall_chart
from chainrule.plots.kinds.function import function_chart
from chainrule.plots.kinds.layers import flow_chart, histograms_chart
from chainrule.plots.kinds.mountain import mountain_chart
from chainrule.plots.kinds.regression import predicted_chart, residuals_chart
from chainrule.plots.kinds.scores import ablation_chart, importance_chart, slices_chart
from chainrule.plots.kinds.search import learning_chart, search_chart
from chainrule.plots.kinds.step import step_chart
from chainrule.plots.kinds.surface import surface_chart
from chainrule.plots.network.draw import network_chart
from chainrule.plots.network.layers import DrawnLayer

CLASSES = ["Adelie", "Chinstrap", "Gentoo"]
COLUMNS = ["bill_length_mm", "flipper_length_mm", "bill_depth_mm", "body_mass_g", "island", "sex", "year"]
LONG = [f"a_rather_long_column_name_number_{i}" for i in range(40)]


def network(sizes, inputs=(), outputs=(), *, values=False, flags=False, block="", seed=1):
    """The layers of a network with drawn weights."""
    rng = np.random.default_rng(seed)
    row = tuple(rng.normal(size=sizes[0]).tolist()) if values else ()
    layers = [DrawnLayer(0, sizes[0], f"inputs\n{sizes[0]}", tuple(inputs), values=row, kind="x")]
    before = sizes[0]
    if block:
        before = 73
        layers.append(DrawnLayer(0, before, "layer 0", block=block))
    for number, size in enumerate(sizes[1:], 1):
        last = number == len(sizes) - 1
        weights = rng.normal(size=(before, size)) * np.exp(rng.normal(size=(before, size)))
        layers.append(
            DrawnLayer(
                number, size, f"layer {number}\n{size} {'softmax' if last else 'relu'}", tuple(outputs) if last else (), weights,
                tuple(rng.normal(size=size).tolist()), tuple(np.abs(rng.normal(size=size)).tolist()) if values else (),
                flags=tuple(["", "dead", "saturated"][i % 3] for i in range(size)) if flags and not last else (),
            )
        )  # fmt: skip
        before = size
    return layers


# Mazur's 2-2-2, "A Step by Step Backpropagation Example": weights, one bias a layer, the first row's values.
MAZUR = [
    DrawnLayer(0, 2, "inputs", ("x1", "x2"), values=(0.05, 0.1), kind="x"),
    DrawnLayer(
        1,
        2,
        "layer 1\nsigmoid",
        (),
        np.array([[0.15, 0.25], [0.2, 0.3]]),
        (0.35,),
        (0.593269992, 0.596884378),
    ),
    DrawnLayer(
        2,
        2,
        "layer 2\nsigmoid",
        ("o1", "o2"),
        np.array([[0.4, 0.5], [0.45, 0.55]]),
        (0.6,),
        (0.75136507, 0.772928465),
    ),
]


def networks(width: float) -> dict[str, Chart]:
    """Networks of all sizes, laid out for a width."""
    made = {
        "network 2-2-2": MAZUR,
        "network 4-8-3": network([4, 8, 3], COLUMNS[:4], CLASSES, values=True, flags=True),
        "network with a block": network(
            [7, 128, 64, 3], COLUMNS, CLASSES, block="feature stage\nperiodic 4 × 16"
        ),
        "network 784-256-128-10": network([784, 256, 128, 10], (), [str(i) for i in range(10)]),
        "network 2-3-1": network([2, 3, 1], ["a", "b"], ["xor"]),
    }
    return {name: network_chart(layers, width=width) for name, layers in made.items()}


def cost(x, y):
    """A bent valley."""
    return 0.12 * (x**2 + 2 * (y - 0.3 * x**2) ** 2) + 0.1


def descent():
    """Forty steps down `cost`."""
    place, path = np.array([-2.5, 2.6]), []
    for _ in range(41):
        path.append(place)
        x, y = place
        place = place - 0.5 * 0.12 * np.array([2 * x - 2.4 * x * (y - 0.3 * x * x), 4 * (y - 0.3 * x * x)])
    return np.array(path)


def gallery() -> dict[str, Chart | Charts]:
    """All kinds but networks."""
    rng = np.random.default_rng(3)
    made: dict[str, Chart | Charts] = {}
    epochs = np.arange(1, 61)
    train = 1.1 * np.exp(-epochs / 12) + 0.12 + 0.01 * rng.normal(size=60)
    valid = 1.1 * np.exp(-epochs / 11) + 0.2 + 0.012 * rng.normal(size=60)
    band = (valid - 0.04, valid + 0.05)
    made["curves"] = curves_chart(
        {"train": train, "validation": valid},
        bands={"validation": band},
        best=27,
        addresses={"train": "C"},
    )
    made["curves, logarithmic"] = curves_chart(
        {"norm": 10 * np.exp(-epochs / 8) + 1e-3}, title="Gradient norm"
    )
    folds = {f"fold {i}": 0.3 + np.exp(-np.arange(5000) / 600) + 0.01 * i for i in range(1, 6)}
    made["curves, many"] = curves_chart(
        folds, title="The loss of five folds over five thousand epochs, in a title of two lines"
    )
    truth = rng.integers(0, 3, 344)
    guess = np.where(rng.random(344) < 0.9, truth, rng.integers(0, 3, 344))
    made["confusion"] = confusion_chart(truth, guess, CLASSES)
    many = rng.integers(0, 12, 3000)
    made["confusion, many"] = confusion_chart(many, (many + (rng.random(3000) < 0.2)) % 12, LONG[:12])
    two = rng.integers(0, 2, 800)
    score = 1 / (1 + np.exp(-(2 * two - 1 + rng.normal(size=800))))
    shares = np.eye(3)[truth] + 0.9 * rng.random((344, 3))
    made["roc"] = roc_chart(truth, shares / shares.sum(1, keepdims=True), CLASSES)
    made["precision and recall"] = precision_recall_chart(two, score, ["no", "yes"])
    made["calibration"] = calibration_chart(two, score)
    mass = rng.normal(4200, 800, 344)
    made["residuals"] = residuals_chart(mass, mass + rng.normal(0, 310, 344), target="body mass in g")
    price = 2 * rng.normal(size=20_000)
    made["residuals, many"] = residuals_chart(price, price + rng.normal(size=20_000), target="price")
    made["predicted"] = predicted_chart(mass, mass + rng.normal(0, 310, 344), target="body mass in g")
    made["slices"] = slices_chart(
        ["island Biscoe", "island Dream", "sex missing"], [0.97, 0.95, 0.7], [0.95, 0.9, 0.4], [0.99, 0.98, 0.9], overall=0.965,
        counts=[168, 124, 11], score="accuracy",
    )  # fmt: skip
    means = np.array([0.62, 0.41, 0.3, 0.12, 0.08, 0.03, -0.002])
    made["importance"] = importance_chart(COLUMNS, means, means - 0.03, means + 0.04)
    made["importance, many"] = importance_chart(LONG, np.exp(-np.arange(40) / 8))
    made["ablation"] = ablation_chart(
        ["bagging", "dropout", "clamp"], [3.4, -0.8, 0.0], [0.5, -3, -0.1], [6.3, 1.4, 0.1]
    )
    counts, edges = np.histogram(mass, 16)
    made["columns"] = columns_chart(
        {"species": (["Adelie", "Gentoo", "3 others"], [152, 124, 68]), "body_mass_g": (edges, counts)},
        missing={"body_mass_g": 2}, marked=["species"],
    )  # fmt: skip
    made["flow"] = flow_chart({f"layer {i}": 10.0**-i * rng.normal(size=400) for i in range(1, 6)})
    made["histograms"] = histograms_chart({f"layer {i}": rng.normal(0, 1 / i, 2000) for i in range(1, 6)})
    z = np.linspace(-6, 6, 121)
    a = 1 / (1 + np.exp(-z))
    here = 1 / (1 + math.exp(-1.2))
    made["function"] = function_chart(
        z, a, a * (1 - a), name="sigmoid", at=(1.2, here, here * (1 - here)), address="a[1][2]"
    )
    w = np.linspace(-2, 2, 81)
    made["step"] = step_chart(
        w,
        (w - 1) ** 2 / 2,
        start=(-1.5, 3.125),
        slope=-2.5,
        landing=(-0.25, 0.78125),
        x_name="W[1][1,1]",
        addresses=("C", "C_new"),
    )
    x, y = np.linspace(32, 60, 40), np.linspace(13, 22, 30)
    xs, ys = np.meshgrid(x, y)
    second = 1 / (1 + np.exp(-((xs - 44) / 3 + (ys - 17) * 0.9)))
    rows = (rng.normal(45, 5, 200), rng.normal(17, 2, 200))
    made["boundary of two"] = boundary_chart(
        x, y, np.stack([1 - second, second], 2), x_name="bill length in mm", y_name="bill depth in mm",
        classes=["Adelie", "Gentoo"], points=(*rows, rows[0] > 44), held="Other columns are held at their medians.",
    )  # fmt: skip
    sums = np.exp(
        np.stack([-((xs - c) ** 2) / 40 - (ys - d) ** 2 for c, d in ((38, 18), (48, 18.5), (47, 15))], 2)
    )
    made["boundary of three"] = boundary_chart(
        x,
        y,
        sums / sums.sum(2, keepdims=True),
        x_name="bill length in mm",
        y_name="bill depth in mm",
        classes=CLASSES,
    )
    wx, wy = np.linspace(-3, 3, 21), np.linspace(-2, 3, 21)
    costs, path = cost(*np.meshgrid(wx, wy)), descent()
    on = cost(*path.T)
    made["mountain"] = mountain_chart(wx, wy, costs, path=(path[:, 0], path[:, 1]))
    made["surface"] = surface_chart(wx, wy, costs, path=(path[:, 0], path[:, 1], on + 0.2), on_surface=on)
    made["waterfall"] = waterfall_chart(
        ["bill_length_mm = 39.1", "sex = male", "island = Torgersen"], [0.31, -0.09, 0.04], 0.33, unit="probability of Adelie"
    )  # fmt: skip
    made["waterfall, many"] = waterfall_chart(LONG[:30], rng.normal(size=30), 4200.0, unit="body mass in g")
    grid = np.linspace(30, 60, 40)
    each = np.array([1 / (1 + np.exp(-(grid - 45 + shift) / 3)) for shift in rng.normal(0, 4, 150)])
    made["dependence"] = dependence_chart(
        grid, each.mean(0), rows=each, values=rng.normal(44, 5, 344), column="bill length in mm"
    )
    made["interactions"] = interactions_chart(
        [35.0, 40.0, 45.0],
        ["Biscoe", "Dream"],
        rng.random((2, 3)),
        x_name="bill",
        y_name="island",
        center=0.4,
    )
    sizes = np.array([50, 100, 200, 400, 800, 1600])
    mean = 0.1 + 0.5 / np.sqrt(sizes)
    made["learning"] = learning_chart(
        sizes,
        {"train": (mean * 0.6, mean * 0.5, mean * 0.7), "validation": (mean * 1.5, mean * 1.3, mean * 1.7)},
    )
    rate = 10 ** rng.uniform(-4, -1, 24)
    made["search"] = search_chart(
        {"rate": rate.tolist(), "hidden": [16, 32, 64] * 8, "activation": ["relu", "tanh"] * 12},
        (np.log10(rate) + 2.3) ** 2
    )  # fmt: skip
    return made
