"""Layer 1 begins at splits of boosted trees: the trees against scikit-learn's, the neurons against what their docstring says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeRegressor
from tests.effort import many

import chainrule
from chainrule._random import Purpose, random_words
from chainrule.engines.base import Data
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.fitting.search.space import trial_of
from chainrule.tables.encoding import encoded_rows
from chainrule.training.initial import initial_parameters
from chainrule.training.settings.record import InputGroup, Problem, Settings
from chainrule.training.settings.resolve import resolve
from chainrule.training.starts import splits, trees
from chainrule.training.starts.begin import by_rows
from chainrule.training.starts.splits import KEPT, STEEPEST, STEEPEST_JUMP, on_splits
from chainrule.training.starts.trees import FEWEST, JUMP, RATE, ROUNDS, ROWS, SLOPE, boosted


def cuts(*rows, **drawn):
    return boosted(*rows, **drawn).cuts


def stage(numbers=2, plain=0):
    return Features([*[("number", 1)] * numbers, *([("plain", plain)] if plain else [])])


def network(**words):
    return Network([2, Dense(8, "relu", **words), Dense(4, "relu"), Dense(1)], features=stage())


def stepped(draws, n=200):
    x = draws.normal(size=(n, 2))
    return x, np.where(x[:, :1] > 0.5, 2.0, 0.0) + 0.1 * draws.normal(size=(n, 1))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("outputs", [1, 3])
def test_trees_are_scikit_learns(outputs, weighted):
    draws = np.random.default_rng(outputs)
    x = draws.normal(size=(120, 4))  # fewer values than bins, fewer columns than are drawn from
    y = np.stack([np.sin(3 * x[:, k]) + (x[:, 0] > 0.3) * k for k in range(outputs)], axis=1)
    y += 0.3 * draws.normal(size=y.shape)
    w = draws.uniform(0.2, 3, 120) if weighted else np.ones(120)
    left = y - np.average(y, axis=0, weights=w)
    left /= np.sqrt(np.average(left**2, axis=0, weights=w))
    judged: dict[tuple[int, float], float] = {}
    middles = [(np.sort(column)[1:] + np.sort(column)[:-1]) / 2 for column in x.T]
    for turn in range(ROUNDS):
        picked = random_words(7, Purpose.SPLITS, 0, turn, 2, 31)[:120] < ROWS * 2**32
        tree = DecisionTreeRegressor(max_depth=2, min_samples_leaf=FEWEST, random_state=0)
        tree.fit(x[picked], left[picked], sample_weight=w[picked] / w.mean())
        made, at = tree.tree_, np.zeros(120, int)
        while (made.feature[at] >= 0).any():
            for node in np.unique(at[made.feature[at] >= 0]):
                column, own = int(made.feature[node]), at == node
                # Ours lies right above the last value below, among all rows; a tree's in the middle to the next it sees.
                last = x[picked & own & (x[:, column] <= made.threshold[node]), column].max()
                threshold = middles[column][middles[column] > last].min()
                at[own] = np.where(
                    x[own, column] <= threshold, made.children_left[node], made.children_right[node]
                )
                squares = made.impurity * made.weighted_n_node_samples * outputs
                ends = [made.children_left[node], made.children_right[node]]
                key = column, round(float(threshold), 9)
                judged[key] = judged.get(key, 0.0) + squares[node] - squares[ends].sum()
        left = left - RATE * made.value[at][:, :, 0]
    made = boosted(x, y, w if weighted else None, seed=7, member=2)
    found = made.cuts
    np.testing.assert_allclose(made.target - made.answers(made.binned.codes), left, atol=1e-6)
    assert len(judged) > 20
    assert {(cut.column, round(cut.threshold, 9)) for cut in found} == set(judged)
    for cut in found:
        assert cut.gain == pytest.approx(judged[cut.column, round(cut.threshold, 9)], rel=1e-6)
    assert [cut.gain for cut in found] == sorted((cut.gain for cut in found), reverse=True)


@settings(max_examples=many(20))
@given(st.integers(0, 2**32 - 1))
def test_what_only_stretches_a_column_divides_the_same_rows(seed):
    draws = np.random.default_rng(seed)
    x, y = stepped(draws, 60)
    found, other = cuts(x, y, seed=seed), cuts(np.exp(x), 5 * y - 3, seed=seed)

    def sides(columns, every):
        return {(cut.column, int((columns[:, cut.column] < cut.threshold).sum())) for cut in every}

    assert sides(x, found) == sides(np.exp(x), other)


def test_few_rows_equal_rows_and_equal_targets_are_not_divided():
    x = np.arange(100.0)[:, None]
    assert cuts(x[:39], x[:39]) == []
    assert cuts(np.ones((100, 1)), x) == []
    assert cuts(x, np.ones((100, 1))) == []
    found = cuts(x, (x > 49).astype(float))
    near = sum(cut.gain for cut in found if 45 < cut.threshold < 55)
    assert near > 0.99 * sum(cut.gain for cut in found)


def test_columns_are_drawn_where_there_are_many():
    draws = np.random.default_rng(3)
    x = draws.normal(size=(300, 20))
    y = x[:, [4]] + (x[:, [11]] > 0) + 0.1 * draws.normal(size=(300, 1))
    found = cuts(x, y)
    assert {cut.column for cut in found[:2]} <= {4, 11}
    assert len({cut.column for cut in found}) > 2  # a tree that sees neither takes another


def test_a_tree_whose_columns_divide_nothing_is_passed_over():
    draws = np.random.default_rng(0)
    x = np.concatenate([draws.normal(size=(500, 1)), np.arange(500)[:, None] % 63 == np.arange(8)], axis=1)
    y = np.sin(4 * x[:, :1])
    for seed in range(5):
        found = cuts(x, y, seed=seed)
        assert len(found) > 20
        assert {cut.column for cut in found} == {0}


def test_many_values_are_told_apart_by_quantiles():
    draws = np.random.default_rng(1)
    x = draws.lognormal(size=(1000, 1))
    best, *_ = cuts(x, (x > 1.2).astype(float))
    assert (x < best.threshold).mean() == pytest.approx((x < 1.2).mean(), abs=2 / trees.BINS)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_jump_is_told_from_a_slope_to_a_few_rows(weighted):
    draws = np.random.default_rng(5)
    x = draws.uniform(size=(2000, 3))
    others = np.sin(6 * x[:, 1]) + x[:, 2] * x[:, 1]
    w = draws.uniform(0.5, 2, 2000) if weighted else None
    found = {}
    for name, own in {
        "jump": x[:, 0] > 0.37,
        "slope": np.clip((x[:, 0] - 0.37) / (2 * SLOPE) + 0.5, 0, 1),
        "line": 3 * x[:, 0],
        "wave": np.sin(9 * x[:, 0]),
        "nothing": 0.0,
    }.items():
        trees = boosted(x, (own + others + 0.2 * draws.normal(size=2000))[:, None], w)
        places = [(cut.column, trees.jump(cut.column, cut.threshold)) for cut in trees.cuts[:40]]
        found[name] = [(column, place) for column, place in places if place is not None]
    assert [found[name] for name in ("slope", "line", "wave", "nothing")] == [[]] * 4
    assert {column for column, _ in found["jump"]} == {0}
    below = [np.sum((x[:, 0] > 0.37) & (x[:, 0] < place)) - np.sum((x[:, 0] <= 0.37) & (x[:, 0] > place))
             for _, place in found["jump"]]  # fmt: skip
    assert max(map(abs, below)) <= 3


def test_rises_leave_the_squares_of_least_squares():
    draws = np.random.default_rng(8)
    ranks, left, w = draws.uniform(-0.06, 0.06, 90), draws.normal(size=(90, 2)), draws.uniform(0.5, 2, 90)
    left -= w @ left / w.sum()
    places = np.linspace(-0.006, 0.006, 13)
    for reach in (SLOPE, JUMP):
        judged = []
        for place in places:
            rise = np.interp(ranks, [place - reach, place + reach], [0, 1])
            basis = np.stack([np.ones(90), rise], axis=1) * np.sqrt(w)[:, None]
            judged.append(np.linalg.lstsq(basis, left * np.sqrt(w)[:, None], rcond=None)[1].sum())
        squares, best = trees._rise(ranks, left, w, places, reach)
        assert squares == pytest.approx(min(judged), rel=1e-9)
        assert best == int(np.argmin(judged))


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("tied", [20, 92])
def test_a_jump_to_values_that_are_alike_stands_between_them_and_the_others(tied, side):
    draws = np.random.default_rng(tied)
    x = draws.normal(size=2000)
    cap = np.sort(x)[-tied]
    x = side * np.minimum(x, cap)
    y = (side * x == cap) + 0.05 * draws.normal(size=2000)
    made = boosted(x[:, None], y[:, None])
    found = {made.jump(0, cut.threshold) for cut in made.cuts[:3]} - {None}
    below = np.sort(np.unique(side * x))[-2]
    assert found == {side * (below + (cap - below) / 2)}


def test_a_jump_between_whole_values_stands_at_the_tree_s_threshold():
    draws = np.random.default_rng(3)
    for values in (100, 110, 128):
        for seed in range(5):
            x = draws.integers(values, size=(2000, 1)).astype(float)
            y = (x > 60) + 0.1 * draws.normal(size=(2000, 1))
            made = boosted(x, y, seed=seed)
            assert made.cuts[0].threshold == 60.5
            assert made.jump(0, 60.5) == 60.5


@pytest.mark.parametrize("few", ["lognormal", "one in twenty"])
def test_uneven_weights_make_no_jumps(few):
    draws = np.random.default_rng(4)
    x = draws.uniform(size=(2000, 1))
    y = np.sin(6 * x) + 0.5 * draws.normal(size=(2000, 1))
    w = (
        draws.lognormal(sigma=2, size=2000)
        if few == "lognormal"
        else np.where(draws.random(2000) < 0.05, 50.0, 1.0)
    )
    made = boosted(x, y, w)
    assert [made.jump(0, cut.threshold) for cut in made.cuts[:40]] == [None] * 40


def test_only_a_jump_that_is_near_is_found():
    draws = np.random.default_rng(12)
    x = np.sort(draws.uniform(size=(2000, 1)), axis=0)
    made = boosted(x, (np.arange(2000)[:, None] >= 800) + 0.1 * draws.normal(size=(2000, 1)))
    between = {rows: float(x[rows - 1, 0] + x[rows, 0]) / 2 for rows in (775, 780, 792, 800, 810, 822, 828)}
    edges = made.binned.thresholds[0]
    asked = {
        rows: made.jump(0, float(edges[np.argmin(np.abs(edges - place))])) for rows, place in between.items()
    }
    assert (x < asked[800]).sum() == pytest.approx(800, abs=3)
    assert {asked[rows] for rows in (775, 780, 822, 828)} == {None}


def test_few_values_beside_a_split_tell_no_jump():
    draws = np.random.default_rng(9)
    for x in (np.arange(2000.0)[:, None] // 250, draws.normal(size=(300, 1))):
        made = boosted(x, (x > x[len(x) // 2]) + 0.01 * draws.normal(size=x.shape))
        assert made.jump(0, made.cuts[0].threshold) is None


def test_a_neuron_at_a_jump_is_steep_and_stands_where_it_is():
    draws = np.random.default_rng(10)
    x = draws.normal(size=(1000, 2))
    y = np.where(x[:, :1] > 0.5, 2.0, 0.0) + np.sin(3 * x[:, 1:]) + 0.1 * draws.normal(size=(1000, 1))
    made = network()
    start = initial_parameters(made, 1, 0)
    own = Layout(made).unflatten(
        on_splits(made, start, Data(x, y, np.arange(1000), np.arange(0)), "none", 0.5, 0)
    )[1]
    slopes = {(j, -float(own["b"][0][k] / own["W"][0][4 * j, k])): abs(float(own["W"][0][4 * j, k])) for k in range(4)
              for j in [int(np.argmax(np.abs(own["W"][0][[0, 4], k])))]}  # fmt: skip
    steep = {key: slope for key, slope in slopes.items() if slope > STEEPEST}
    assert [column for column, _ in steep] == [0]
    assert next(iter(steep))[1] == pytest.approx(0.5, abs=0.01)
    values = np.sort(x[:, 0])
    at = int((x[:, 0] < next(iter(steep))[1]).sum())
    within = values[at + 3] - values[at - 3]
    assert next(iter(steep.values())) == pytest.approx(min(STEEPEST_JUMP, 1 / within), rel=0.2)
    assert all(column == 1 for column, _ in slopes if slopes[column, _] <= STEEPEST)


def test_neurons_begin_at_the_splits_of_their_own_rows():
    draws = np.random.default_rng(0)
    x, y = stepped(draws)
    made = network()
    folds = np.stack([np.arange(150), np.arange(50, 200)])
    data = Data(x, y, folds, np.stack([np.arange(150, 200), np.arange(50)]))
    start = initial_parameters(made, 2, 0)
    layout = Layout(made)
    before = layout.unflatten(start)
    flat = on_splits(made, start, data, "none", 0.5, 3)
    own = layout.unflatten(flat)
    place = {0: 0, 1: 4}  # each number is followed by its three sums
    for member, rows in enumerate(folds):
        taken = []
        for cut in cuts(x[rows], y[rows], seed=3, member=member):
            rank = (x[rows, cut.column] < cut.threshold).mean()
            if all(c != cut.column or abs(rank - r) >= 0.01 for c, r in taken):
                taken.append((cut.column, rank))
                neuron = len(taken) - 1
                w, b = own[1]["W"][member][:, neuron], own[1]["b"][member][neuron]
                slope = w[place[cut.column]]
                assert np.sign(slope) == (-1) ** neuron
                assert -b / slope == pytest.approx(cut.threshold)
                values = np.sort(x[rows, cut.column])
                low, high = (values[min(149, max(0, int(150 * r)))] for r in (rank - 0.03, rank + 0.03))
                assert abs(slope) == pytest.approx(min(STEEPEST, 1 / (high - low)))
                others = np.arange(8) != place[cut.column]
                np.testing.assert_array_equal(w[others], KEPT * before[1]["W"][member][others, neuron])
            if len(taken) == 4:
                break
        assert len(taken) == 4
        assert taken[0][0] == 0
        assert -own[1]["b"][member][0] / own[1]["W"][member][0, 0] == pytest.approx(0.5, abs=0.2)
        np.testing.assert_array_equal(own[1]["W"][member][:, 4:], before[1]["W"][member][:, 4:])
    # What is held out has no part in it.
    moved = Data(x.copy(), y.copy(), folds, data.validation)
    moved.x[150:], moved.y[150:] = 9.0, -9.0
    again = on_splits(made, start, moved, "none", 0.5, 3)
    np.testing.assert_array_equal(again[0], flat[0])
    assert (again[1] != flat[1]).any()


def test_rows_that_count_nothing_change_nothing():
    draws = np.random.default_rng(1)
    x, y = stepped(draws)
    weights = np.repeat([1.0, 0.0], [150, 50])
    start = initial_parameters(network(), 1, 0)
    found = []
    for far in (0.0, 50.0):
        x[150:], y[150:] = far, -far
        found.append(
            on_splits(network(), start, Data(x, y, np.arange(200), np.arange(0), weights), "none", 0.5, 0)
        )
    np.testing.assert_array_equal(*found)
    assert (found[0] != start).any()


def test_trees_are_of_what_the_linear_path_leaves():
    draws = np.random.default_rng(2)
    x = draws.normal(size=(400, 2))
    y = 10 * x[:, 1:] + (x[:, :1] > 0.5) + 0.05 * draws.normal(size=(400, 1))
    lined = Network([2, Dense(8, "relu"), Dense(1, linear_path=True)], features=stage())
    plain = Network([2, Dense(8, "relu"), Dense(1)], features=stage())
    first = {}
    for made in (lined, plain):
        data = Data(x, y, np.arange(400), np.arange(0))
        flat = by_rows(made, initial_parameters(made, 1, 0), data, stage=False, splits=0.5, seed=0)
        W = Layout(made).unflatten(flat)[1]["W"][0]
        first[made] = int(np.argmax(np.abs(W[[0, 4], 0])))
    assert (first[lined], first[plain]) == (0, 1)


def test_weighted_sums_begin_alike_in_the_parametrization_ntk():
    x, y = stepped(np.random.default_rng(0))
    found = []
    for how in ("standard", "ntk"):
        made = network(parametrization=how)
        start = np.zeros_like(initial_parameters(made, 1, 0))  # so that nothing that was drawn is kept
        flat = on_splits(made, start, Data(x, y, np.arange(200), np.arange(0)), "none", 0.5, 0)
        found.append(made.forward(Layout(made).unflatten(flat[0]), x, np).layers[0].z)
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert np.abs(found[0][:, :4]).max() > 1


def test_a_scaling_layer_is_divided_out_and_what_it_leaves_out_has_no_neuron():
    x, y = stepped(np.random.default_rng(0))
    data = Data(x, y, np.arange(200), np.arange(0))
    features = Features([("number", 1)] * 2, scale=True)
    made = Network([2, Dense(8, "relu"), Dense(1)], features=features)
    start = np.zeros_like(initial_parameters(made, 1, 0))
    layout, found = Layout(made), []
    for scales in ([1.0, 1.0], [0.25, 0.5], [0.0, 1.0]):
        layout.unflatten(start)[0]["s"][:] = np.repeat(scales, 4)
        flat = on_splits(made, start, data, "none", 0.5, 0)
        found.append(
            (made.forward(layout.unflatten(flat[0]), x, np).layers[0].z, layout.unflatten(flat[0])[1]["W"])
        )
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-12, atol=1e-12)
    assert (found[0][1][0] != 0).any()
    assert (found[2][1][0] == 0).all()
    assert (found[2][1][4] != 0).any()


def test_of_classes_trees_are_of_what_the_path_leaves_of_the_probabilities():
    draws = np.random.default_rng(4)
    x = draws.normal(size=(600, 2))
    y = (draws.random((600, 1)) < 1 / (1 + np.exp(-6 * x[:, 1:] - 3 * (x[:, :1] > 0.5)))).astype(float)
    made = Network(
        [2, Dense(8, "relu"), Dense(1, "sigmoid", linear_path=True)], "binary_cross_entropy", features=stage()
    )
    data = Data(x, y, np.arange(600), np.arange(0))
    flat = by_rows(made, initial_parameters(made, 1, 0), data, stage=False, splits=0.5, seed=0)
    own = Layout(made).unflatten(flat[0])
    p = 1 / (1 + np.exp(-(x @ own[2]["S"] + own[2]["b"])))
    (best, *_), (plain, *_) = (cuts(x, target) for target in (y - p, y))
    number = int(np.argmax(np.abs(own[1]["W"][[0, 4], 0])))
    assert (number, -own[1]["b"][0] / own[1]["W"][4 * number, 0]) == pytest.approx(
        (best.column, best.threshold)
    )
    assert plain.column == 1


def test_only_what_weights_are_to_each_other_counts():
    draws = np.random.default_rng(6)
    x, y = stepped(draws, 100)
    weights = draws.integers(1, 3, 100).astype(float)
    found, huge, alike = (cuts(x, y, each) for each in (weights, 1e307 * weights, np.ones(100)))
    assert [cut[:2] for cut in found] == [cut[:2] for cut in huge]
    assert [cut[:2] for cut in found] != [cut[:2] for cut in alike]


def test_rows_made_when_they_are_asked_for_give_the_same(monkeypatch):
    draws = np.random.default_rng(7)
    x, y = stepped(draws, 120)
    table = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y[:, 0].tolist()}
    found = []
    for large in (encoded_rows.LARGE, 1):
        monkeypatch.setattr(encoded_rows, "LARGE", large)
        found.append(chainrule.train(table, "y", epochs=2, members=2, linear_path=False).model.parameters)
    np.testing.assert_array_equal(*found)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"sharing": "tabm"}, "members that share begin alike"),
        ({"bias": "layer"}, "a split needs a bias of each neuron"),
        ({"frozen": ["W[1]"]}, "parameters of layer 1 are set by hand"),
        ({"initial": {"b[1]": 0.5}}, "parameters of layer 1 are set by hand"),
        ({"split_start": 0.001}, "it is less than one of layer 1's 128 neurons"),
        ({"numeric_embedding": "none"}, "no number is embedded"),
        ({"hidden": [], "recipe": True}, "there is no hidden layer"),
    ],
)
def test_what_leaves_no_room_for_them_is_refused_and_else_left_out(words, reason):
    x, y = stepped(np.random.default_rng(5), 120)
    table = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y[:, 0].tolist()}
    with pytest.raises(SettingsError, match=f"split_start would have no effect: {reason}"):
        chainrule.train(table, "y", epochs=1, **{"split_start": 0.25, **words})
    if "split_start" not in words:
        card = chainrule.train(table, "y", epochs=1, members=2, **words).model.card
        assert not card.get("split_start")


def test_a_search_leaves_them_out_of_trials_without_embedded_numbers():
    numbers = (InputGroup("number", 1),) * 2
    problem = Problem("regression", n_rows=200, n_inputs=2, n_classes=0, groups=numbers)
    asked = Settings(search=60, split_start=0.25, fitted_start=True)
    trials = [trial_of(asked, problem, number) for number in range(60)]
    without = [one for one in trials if one.settings.numeric_embedding == "none"]
    assert without
    for one in trials:
        found = resolve(one.settings, problem).settings
        assert bool(found.split_start) is (one not in without)


def test_where_there_is_nothing_to_begin_with_nothing_is_changed():
    x, y = stepped(np.random.default_rng(0))
    data = Data(x, y, np.arange(200), np.arange(0))
    bare = Network([2, Dense(8), Dense(1)])
    others = (
        (network(), "none", 0.0),
        (network(), "none", 0.1),  # less than one neuron
        (network(), "tabm", 0.5),
        (network(bias="layer"), "none", 0.5),
        (network(frozen=("W",)), "none", 0.5),
        (network(initial={"b[1]": 0.5}), "none", 0.5),
        (bare, "none", 0.5),
    )
    for made, sharing, share in others:
        start = initial_parameters(made, 1, 0)
        assert on_splits(made, start, data, sharing, share, 0) is start


def test_wide_categories_are_no_columns_of_trees():
    groups = Features([("number", 1), ("plain", 3), ("category", 80), ("category", 12)])
    assert splits._others(groups).tolist() == [1, 2, 3, *range(84, 96)]
    assert splits._others(Features([("number", 1), ("plain", 201)])).tolist() == []


def test_the_recipe_has_them():
    x, y = stepped(np.random.default_rng(5), 120)
    table = {"a": x[:, 0].tolist(), "b": x[:, 1].tolist(), "y": y[:, 0].tolist()}
    trained = chainrule.train(table, "y", epochs=2, members=2)
    assert trained.model.card["split_start"] == 0.25
    plain = chainrule.train(table, "y", epochs=2, members=2, split_start=0.0)
    assert "split_start" not in plain.model.card or not plain.model.card["split_start"]
    assert (plain.model.parameters != trained.model.parameters).any()
