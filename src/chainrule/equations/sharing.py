"""Members that share their hidden layers' weights: from what is shared to ordinary members, and gradients back.

In every layer but the last the K members share one W (n_in, n_out), and member k has its own scalings of what enters
the layer, r_k, and of what leaves it, s_k, and its own bias::

    z_k = ((h_k ∘ r_k) W) ∘ s_k + b_k,   which is   z_k = h_k W_k + b_k   with   W_k = diag(r_k) W diag(s_k)

so each member is an ordinary network. The last layer is each member's own, a feature stage is the same for all.
Sources: Gorishniy, Kotelnikov & Babenko, "TabM: advancing tabular deep learning with parameter-efficient ensembling",
ICLR 2025; the scalings are those of Wen, Tran & Ba, "BatchEnsemble", ICLR 2020.
"""

from __future__ import annotations

from chainrule._types import Array, Namespace
from chainrule.equations.network import Network, Parameters
from chainrule.errors import SettingsError

SHARINGS = ("none", "tabm")
"""The ways in which members may share: not at all, or all layers but the last, with scalings of their own."""


def tabm_shapes(network: Network, members: int) -> dict[int, dict[str, tuple[int, ...]]]:
    """Return the shapes of what K members share and of their own arrays, for each layer by number and name.

    ``W`` (n_in, n_out), ``r`` (k, n_in) and ``s`` (k, n_out) in every layer but the last, whose ``W`` is
    (k, n_in, n_out); other arrays are as an ordinary member's, with a leading axis (k, …), and those of a feature
    stage, layer 0, without one. Raises SettingsError for fewer than two members, no hidden layer, or frozen parameters.
    """
    if members < 2:
        raise SettingsError(
            f"members {members}: sharing tabm is for at least 2 members; give more, or leave sharing out"
        )
    if len(network.layers) < 2:
        raise SettingsError(
            "sharing tabm shares the hidden layers, but there is none: give some, or leave sharing out"
        )
    for number, layer in enumerate(network.layers, 1):
        if layer.kind != "dense":
            raise SettingsError(
                f"layer {number} is of kind {layer.kind}: sharing tabm is for dense layers; leave sharing out"
            )
        if layer.frozen:
            raise SettingsError(
                f"frozen {layer.frozen[0]!r} of layer {number}: members that share can't have frozen parameters; "
                "leave frozen or sharing out"
            )
        if layer.initial:
            raise SettingsError(
                f"initial {layer.initial[0][0]!r} of layer {number}: members that share begin with shared weights; "
                "leave initial or sharing out"
            )
    made: dict[int, dict[str, tuple[int, ...]]] = {}
    for number, shapes in network.shapes().items():
        if number == 0:
            made[number] = shapes
            continue
        n_in, n_out = shapes["W"]
        hidden = number < len(network.layers)
        own = {name: (members, *shape) for name, shape in shapes.items() if not (hidden and name == "W")}
        shared = {"W": (n_in, n_out), "r": (members, n_in), "s": (members, n_out)} if hidden else {}
        made[number] = shared | own
    return made


def expand(theta: Parameters, xp: Namespace) -> dict[int, dict[str, Array]]:
    """Return the members' arrays (k, …) for each layer by name: W_k = diag(r_k) W diag(s_k); the others are their own.

    ``theta``: arrays of the shapes that `tabm_shapes` gives.
    """
    made: dict[int, dict[str, Array]] = {}
    members = theta[1]["r"].shape[0]
    for number, layer in theta.items():
        if number == 0:
            made[0] = {name: xp.broadcast_to(array, (members, *array.shape)) for name, array in layer.items()}
            continue
        own = {name: array for name, array in layer.items() if name not in ("r", "s")}
        if "r" in layer:
            rows, cols = xp.expand_dims(layer["r"], axis=-1), xp.expand_dims(layer["s"], axis=-2)
            own["W"] = rows * layer["W"] * cols
        made[number] = own
    return made


def fold(gradients: Parameters, theta: Parameters, xp: Namespace) -> dict[int, dict[str, Array]]:
    """Return the gradient of the members' mean cost by ``theta``, of its shapes, from G_k = dC_k/dW_k and the like.

    By the chain rule dC/dW = 1/K Σ_k diag(r_k) G_k diag(s_k), dC/dr_k[i] = 1/K Σ_j G_k[i,j] W[i,j] s_k[j],
    dC/ds_k[j] = 1/K Σ_i r_k[i] G_k[i,j] W[i,j], and 1/K of a member's gradient for what is its own. ``gradients``:
    the arrays (k, …) of each layer by name, as `expand` gives the parameters.
    """
    made: dict[int, dict[str, Array]] = {}
    share = 1 / theta[1]["r"].shape[0]
    for number, layer in theta.items():
        own = gradients[number]
        if number == 0:
            made[0] = {name: xp.sum(array, axis=0) * share for name, array in own.items()}
            continue
        folded = {name: array * share for name, array in own.items()}
        if "r" in layer:
            rows, cols = xp.expand_dims(layer["r"], axis=-1), xp.expand_dims(layer["s"], axis=-2)
            by_product = own["W"] * layer["W"]
            folded["W"] = xp.sum(rows * own["W"] * cols, axis=0) * share
            folded["r"] = xp.sum(by_product * cols, axis=-1) * share
            folded["s"] = xp.sum(rows * by_product, axis=-2) * share
        made[number] = folded
    return made
