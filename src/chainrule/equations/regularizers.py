"""Regularization that enters the passes and the cost: penalties and dropout masks; `update` has what a step does."""

from __future__ import annotations

from chainrule._types import Array, Namespace
from chainrule.formula.differentiate import derivative
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse

PENALTY: Formula = parse("l1*abs(w) + l2*w^2/2", {"w", "l1", "l2"})
"""What each weight adds to the cost: l1 |w| + l2/2 w²; biases add nothing."""

PENALTY_SLOPE: Formula = derivative(PENALTY, "w")
"""What each weight adds to its own partial derivative: l1 sign(w) + l2 w."""

DROPOUT: Formula = parse("where(u >= p, 1/(1-p), 0)", {"u", "p"})
"""Inverted dropout (Srivastava et al. 2014): a neuron is dropped with probability p, the others are scaled up."""


def penalty(w: Array, decayed: Array, l1: float, l2: float, xp: Namespace) -> Array:
    """Return the penalty's part of the cost, summed over the last axis: shape (…,) for ``w`` (…, p).

    ``decayed`` is 1 where a parameter is a weight and 0 where it is a bias.
    """
    terms = PENALTY.evaluate_like({"w": w, "l1": l1, "l2": l2}, w, xp)
    return xp.sum(terms * decayed, axis=-1)


def dropout_mask(u: Array, p: float, xp: Namespace) -> Array:
    """Return the mask, 0 or 1/(1-p), of uniform numbers ``u`` in [0, 1)."""
    return DROPOUT.evaluate_like({"u": u, "p": p}, u, xp)
