"""How many neurons of layer 1 may begin at splits of trees, and why none may."""

from __future__ import annotations

from chainrule._doors import setting
from chainrule.equations.network import Network


def neurons_at_splits(network: Network, share: float, sharing: str = "none") -> int:
    """Return how many of layer 1's neurons may begin at splits: ``share`` of them, or none where `why_no_splits` says why."""
    return 0 if why_no_splits(network, share, sharing) else _whole(share, network.layers[0].n_out)


def why_no_splits(network: Network, share: float, sharing: str = "none") -> str:
    """Return why no neuron may begin at a split, as a sentence's end with what to do; "" where some may."""
    first = network.layers[0]
    if len(network.layers) < 2:
        return f"there is no hidden layer; leave it out, or give {setting('hidden')}"
    if sharing != "none":
        return "members that share begin alike; leave it out"
    if network.features is None or not network.features.columns_of("number"):
        return f"no number is embedded; leave it out, or add {setting('numeric_embedding', 'periodic')}"
    if first.bias != "neuron":
        return f"a split needs a bias of each neuron; leave it out, or {setting('bias', 'neuron')}"
    if first.initial or first.frozen:
        return "parameters of layer 1 are set by hand; leave it out"
    if _whole(share, first.n_out) == 0:
        return f"it is less than one of layer 1's {first.n_out} neurons; leave it out, or give more"
    return ""


def _whole(share: float, neurons: int) -> int:
    """Return the whole neurons in a share; 0.29 of 100 are 29, whatever rounding makes of the product."""
    return int(share * neurons + 1e-9)
