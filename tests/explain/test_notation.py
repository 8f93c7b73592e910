"""Laws of notations: names are unique, and an address survives the way there and back in every one of them."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import notation, notation_names

SEVEN_STEPS = Network([2, Dense(2, "sigmoid", bias="layer"), Dense(2, "sigmoid", bias="layer")])
EXPERIMENTS = Network([3, Dense(4, "sigmoid", bias="none"), Dense(1, "sigmoid", bias="none")])
ONE_NEURON = Network([2, Dense(1, "sigmoid")])


def layers(sizes: list[int], biases: list[str]) -> Network:
    """Return a network of these sizes."""
    made = [Dense(size, "tanh", bias=bias) for size, bias in zip(sizes[1:], biases, strict=False)]
    return Network([sizes[0], *made])


def addresses(network: Network) -> list[str]:
    """Return every kind of address that a network's numbers and arrays can have."""
    found = [*["C", "C_new", "loss", "eta", "t", "share", "norm", "x", "y"], "dC/dx"]
    found += [f"{name}[{i}]" for name in ("x", "dC/dx") for i in range(1, network.n_inputs + 1)]
    found += [f"{name}[{j}]" for name in ("y", "mean_a") for j in range(1, network.sizes[-1] + 1)]
    for layer, shapes in network.shapes().items():
        neurons = ["z", "a", "h", "r", "f'", "delta", "dC/da", "dC/dh"]
        arrays = dict.fromkeys(neurons, (network.sizes[layer],))
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


@pytest.mark.parametrize(
    ("name", "network", "said"),
    [
        (
            "article-5",
            SEVEN_STEPS,
            "i1 w5 net_h1 out_o1 target_o2 E_total b1 ∂E_total/∂w5 ∂E_total/∂net_o1 w5⁺",
        ),
        ("mazur", SEVEN_STEPS, "i1 w5 net_h1 out_o1 target_o2 E_total b1 ∂E_total/∂w5 δ_o1 w5⁺"),
        (
            "article-4",
            SEVEN_STEPS,
            "a_1^1 w_{1,1}^{2,3} z_1^2 a_1^3 y_2 C - ∂C/∂w_{1,1}^{2,3} ∂C/∂z_1^3 w_{1,1}^{2,3,new}",
        ),
        ("nielsen", SEVEN_STEPS, "a^1_1 w^3_{11} z^2_1 a^3_1 y_2 C - ∂C/∂w^3_{11} δ^3_1 w^{3'}_{11}"),
        (
            "goodfellow",
            SEVEN_STEPS,
            "x_1 W^{(2)}_{1,1} a^{(1)}_1 ŷ_1 y_2 J - ∂J/∂W^{(2)}_{1,1} ∂J/∂a^{(2)}_1 W^{(2),new}_{1,1}",
        ),
        (
            "bishop",
            SEVEN_STEPS,
            "x_1 w_{11}^{(2)} a_1^{(1)} y_1 t_2 E - ∂E/∂w_{11}^{(2)} δ_1^{(2)} w_{11}^{(2),τ+1}",
        ),
        (
            "article-1",
            EXPERIMENTS,
            "X_1 W2_{11} Y_{in,1} Output - Error - ∂Error/∂W2_{11} ∂Error/∂Z_in W2_{11}^new",
        ),
        ("article-2", EXPERIMENTS, "X1 W13 Y_h1 - - E - ∂E/∂W13 ∂E/∂Y_o1 W13^new"),
    ],
)
def test_names_are_the_authors(name, network, said):
    places = "x[1] W[2][1,1] z[1][1] a[2][1] y[2] C b[1][1] dC/dW[2][1,1] delta[2][1] W_new[2][1,1]"
    names = Naming(notation(name), network)
    for place, text in zip(places.split(), said.split(), strict=True):
        if text != "-":
            assert names.text(place) == text


def test_one_neuron_is_written_as_article_3_has_it():
    names = Naming(notation("article-3"), ONE_NEURON)
    places = ("x[2]", "W[1][2,1]", "z[1][1]", "a[1][1]", "y[1]", "b[1][1]", "delta[1][1]", "f'[1][1]", "eta")
    assert [names.text(place) for place in places] == [
        "x_2",
        "w_2",
        "z",
        "ŷ",
        "y",
        "b",
        "∂C/∂z",
        "∂ŷ/∂z",
        "α",
    ]


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("article-5", "dE_total/dw5", "dC/dW[2][1,1]"),
        ("article-5", " w5 + ", "W_new[2][1,1]"),
        ("article-5", "W[2][1,1]", "W[2][1,1]"),
        ("article-5", "net_h2@row=3", "z[1][2]@row=3"),
        ("article-4", "a^1_2", "x[2]"),
        ("article-4", "w^{1,2}_{2,1}", "W[1][2,1]"),
        ("mazur", "delta_o1", "delta[2][1]"),
        ("nielsen", "w^2_{1,2}", "W[1][2,1]"),
        ("nielsen", "x_2", "x[2]"),
    ],
)
def test_what_somebody_types_is_understood(name, text, place):
    assert str(Naming(notation(name), SEVEN_STEPS).read(text)) == place


def test_w111_is_understood_in_article_1():
    assert str(Naming(notation("article-1"), EXPERIMENTS).read("W111")) == "W[1][1,1]"


def test_what_an_author_cannot_tell_apart_is_written_as_ours():
    deep = layers([2, 3, 3, 1], ["neuron"] * 3)
    names = Naming(notation("article-1"), deep)
    assert names.text("z[1][2]") == "z[1][2]"  # Y_in is of the only hidden layer
    assert names.text("W[2][1,2]") == "W2_{12}"
    assert Naming(notation("article-5"), deep).text("z[2][1]") == "net_h4"


def test_indices_of_two_digits_are_parted():
    names = Naming(notation("article-1"), layers([12, 11, 1], ["neuron"] * 2))
    assert names.text("W[1][12,3]") == "W1_{12,3}"
    assert names.text("W[1][1,2]") == "W1_{12}"
    with pytest.raises(SettingsError):
        names.read("W1_{123}")


def test_a_wrong_name_is_answered_with_the_names_that_are_there():
    names = Naming(notation("article-5"), SEVEN_STEPS)
    with pytest.raises(
        SettingsError, match=r"'w99' is no name in the notation article-5, and no address; did you mean w1 "
    ):
        names.read("w99")
    with pytest.raises(SettingsError, match=r"there is no notation 'article-9'; did you mean article-"):
        notation("article-9")


def test_a_teachers_own_notation(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text(
        'like = "nielsen"\nsummary = "mine"\nsource = "class"\n[names]\nz = "n^<l>_<j>"\n', "utf-8"
    )
    names = Naming(notation(own), SEVEN_STEPS)
    assert names.text("z[1][2]") == "n^2_2"
    assert names.text("a[1][2]") == "a^2_2"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            '[names]\nz = "n^<k>"',
            "mine.toml: names.z: <k> is no field; there are <l>, <l-1>, <i>, <j>, <n>, <w>",
        ),
        ('[names]\nx = "x_<j>"', "mine.toml: names.x: x has no <j> here; its fields are <i>, <l>"),
        ('[names]\nzz = "n"', "mine.toml: names.zz: no such quantity has a name here; did you mean z?"),
        ('[names]\nz = "n m"', "mine.toml: names.z: 'n m' is no template: write a letter and its scripts"),
        ('[names]\nz = "net_<n>"', "mine.toml: names.z: <n> needs the letters of neurons"),
        ("first_layer = 2", "mine.toml: first_layer: the input is layer 0 or 1, not 2"),
        ('delta = "none"', "mine.toml: delta: "),
        ('like = "mazr"', "mine.toml: like: there is no notation 'mazr'; did you mean mazur?"),
        ("colums = true", "mine.toml: "),
        ("[names", "mine.toml: this is not TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_key(tmp_path, lines, message):
    own = tmp_path / "mine.toml"
    own.write_text(f'summary = "mine"\nsource = "class"\n{lines}\n', "utf-8")
    with pytest.raises(SettingsError) as caught:
        notation(own)
    assert str(caught.value).startswith(message)


def test_two_quantities_of_one_name_are_found(tmp_path):
    own = tmp_path / "mine.toml"
    own.write_text('summary = "mine"\nsource = "class"\n[names]\nz = "n^<l>_<j>"\na = "n^<l>_<j>"\n', "utf-8")
    with pytest.raises(SettingsError, match=r"names: z and a are both called n"):
        notation(own)
