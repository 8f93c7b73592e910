"""Features 8 and 9: the places of an update come in an order in which every number follows those that it is made of."""

import itertools

import pytest

from chainrule import Dense, Network
from chainrule.studio.training.walk import GRAINS, UpdateWalk

NETWORKS = {
    "2-2-2": Network([2, Dense(2, "sigmoid"), Dense(2, "sigmoid")]),
    "softmax": Network([3, Dense(4, "relu", dropout=0.5), Dense(3, "softmax")], "categorical_cross_entropy"),
    "deep": Network([2, Dense(3, "tanh", bias="layer"), Dense(2, "relu", bias="none"), Dense(1)]),
    "linear path": Network([2, Dense(3, "tanh"), Dense(1, linear_path=True)]),
    "mixed": Network([2, Dense(3, "tanh", mix=True, parametrization="ntk"), Dense(1, "sigmoid")]),
}
walks = pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)


@walks
def test_every_place_is_found_by_arithmetic_and_each_once(network):
    walk = UpdateWalk(network, encoded=True)
    places = [walk.at(index) for index in range(len(walk))]
    assert [place.index for place in places] == [*range(len(walk))]
    told = [(p.phase, p.layer, p.what, p.neuron, p.term, p.step) for p in places]
    assert len(set(told)) == len(told)
    assert places[0].phase == "rest"
    assert places[-1].step == "C_new"


@walks
def test_every_parameter_is_met_on_the_way_back_and_in_the_update(network):
    walk = UpdateWalk(network, encoded=False)
    places = [walk.at(index) for index in range(len(walk))]
    for step in ("gradient", "sum", "new"):
        assert sum(place.step == step for place in places) == network.n_parameters


@walks
@pytest.mark.parametrize("grain", GRAINS[:4])
def test_before_undoes_after(network, grain):
    walk = UpdateWalk(network, encoded=True)
    index, met = 0, [0]
    while (index := walk.after(met[-1], grain)) is not None:
        assert index > met[-1]
        met.append(index)
    assert met[-1] == len(walk) - 1
    assert [walk.before(index, grain) for index in met] == [None, *met[:-1]]


def test_grains_nest():
    walk = UpdateWalk(NETWORKS["softmax"], encoded=True)
    found = []
    for grain in GRAINS[:4]:
        index, met = 0, {0}
        while (index := walk.after(index, grain)) is not None:
            met.add(index)
        found.append(met)
    assert all(coarser < finer for finer, coarser in itertools.pairwise(found))
    passes = [walk.at(index).phase for index in sorted(found[-1])]
    assert passes == ["rest", "cell", "forward", "answer", "loss", "backward", "update"]


def test_a_network_of_200_000_parameters_has_its_places_at_once():
    network = Network(
        [784, Dense(256, "relu"), Dense(128, "relu"), Dense(10, "softmax")], "categorical_cross_entropy"
    )
    walk = UpdateWalk(network, encoded=False)
    assert len(walk) > 4 * network.n_parameters - 2000
    assert len(walk.sections) < 30
    assert walk.at(len(walk) // 2).phase in ("backward", "update")
