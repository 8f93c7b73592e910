"""Laws of notations: names are unique, and an address survives the way there and back in every one of them."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import Notation, notation, notation_names
from chainrule.explain.trace.address import Address

SEVEN_STEPS = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
EXPERIMENTS = Network([3, Dense(4, "sigmoid", bias="none"), Dense(1, "sigmoid", bias="none")])
ONE_NEURON = Network([2, Dense(1, "sigmoid")])


def layers(sizes: list[int], biases: list[str]) -> Network:
    """Return a network of these sizes."""
    made = [Dense(size, "tanh", bias=bias) for size, bias in zip(sizes[1:], biases, strict=False)]
    return Network([sizes[0], *made])


def addresses(network: Network) -> list[str]:
    """Return every kind of address that a network's numbers and arrays can have."""
    found = [*"C C_new loss eta t share norm x y".split(), "dC/dx"]
    found += [f"{name}[{i}]" for name in ("x", "dC/dx") for i in range(1, network.n_inputs + 1)]
    found += [f"{name}[{j}]" for name in ("y", "mean_a") for j in range(1, network.sizes[-1] + 1)]
    for layer, shapes in network.shapes().items():
        neurons = ["z", "a", "h", "r", "f'", "delta", "dC/da", "dC/dh"]
        arrays = {name: (network.sizes[layer],) for name in neurons}
        for name, shape in shapes.items():
            forms = ("{}", "dC/d{}", "{}_new", "{}_decayed", "m/d{}", "v_hat/d{}")
            arrays |= {form.format(name): shape for form in forms}
        for name, shape in arrays.items():
            found.append(f"{name}[{layer}]")
            places = itertools.product(*(range(1, size + 1) for size in shape))
            found += [f"{name}[{layer}][{','.join(map(str, place))}]" for place in places]
    return found


NETWORKS = st.builds(
    layers,
    st.lists(st.integers(1, 12), min_size=2, max_size=5),
    st.lists(st.sampled_from(["neuron", "layer", "none"]), min_size=4, max_size=4),
)


@pytest.mark.parametrize("name", notation_names())
@given(network=NETWORKS, data=st.data())
@settings(max_examples=25, deadline=None)
def test_an_address_survives_the_way_there_and_back(name, network, data):
    names = Naming(notation(name), network)
    place = data.draw(st.sampled_from(addresses(network)))
    place += data.draw(st.sampled_from(["", "", "@row=4", "@step=12@row=3", "@step=2@member=3"]))
    text = names.text(place)
    assert str(names.read(text)) == place, text


@pytest.mark.parametrize("name", notation_names())
@pytest.mark.parametrize(
    "network", [SEVEN_STEPS, EXPERIMENTS, ONE_NEURON, layers([12, 11, 1, 13, 2], ["neuron"] * 4)], ids=str
)
def test_names_are_unique(name, network):
    names = Naming(notation(name), network)
    written = {}
    for place in addresses(network):
        text = names.text(place)
        assert written.setdefault(text, place) == place, text
