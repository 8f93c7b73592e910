"""Regularization as it enters a step: penalties, weight decay, clipping by norm, dropout masks.

All work on any array shape; ``decayed`` is 1 where a parameter is a weight and 0 where it is a bias.
"""

from __future__ import annotations

from chainrule._types import Array, Namespace
from chainrule.formula.differentiate import derivative
from chainrule.formula.evaluate import Formula
from chainrule.formula.parse import parse

PENALTY: Formula = parse("l1*abs(w) + l2*w^2/2", {"w", "l1", "l2"})
"""What each weight adds to the cost: l1 |w| + l2/2 w²; biases add nothing."""

PENALTY_SLOPE: Formula = derivative(PENALTY, "w")
"""What each weight adds to its own partial derivative: l1 sign(w) + l2 w."""

DECAY: Formula = parse("w - eta*decay*w", {"w", "eta", "decay"})
"""Decoupled weight decay (Loshchilov & Hutter 2019): w shrinks by eta · decay before the optimizer's update."""

CLIP: Formula = parse("g*min(1, limit/norm)", {"g", "limit", "norm"})
"""Clipping by norm (Pascanu et al. 2013): a gradient longer than ``limit`` is shortened to it."""

DROPOUT: Formula = parse("where(u >= p, 1/(1-p), 0)", {"u", "p"})
"""Inverted dropout (Srivastava et al. 2014): a neuron is dropped with probability p, the others are scaled up."""


def penalty(w: Array, decayed: Array, l1: float, l2: float, xp: Namespace) -> Array:
    """Return the penalty's part of the cost, summed over the last axis: shape (…,) for ``w`` (…, p)."""
    terms = PENALTY.evaluate_like({"w": w, "l1": l1, "l2": l2}, w, xp)
    return xp.sum(terms * decayed, axis=-1)


def penalized(g: Array, w: Array, decayed: Array, l1: float, l2: float, xp: Namespace) -> Array:
    """Return the gradient with the penalty's derivative added, of g's shape."""
    return g + PENALTY_SLOPE.evaluate_like({"w": w, "l1": l1, "l2": l2}, w, xp) * decayed


def clipped(g: Array, limit: float, xp: Namespace) -> Array:
    """Return ``g`` (…, p) shortened to at most ``limit`` in Euclidean norm over the last axis."""
    # The squares of a long gradient would overflow, those of a short one vanish: they are taken of g / its
    # largest part. Where that is 0 or not finite, g stays what it is.
    largest = xp.max(xp.abs(g), axis=-1, keepdims=True)
    unit = xp.where((largest > 0) & (largest < float("inf")), largest, xp.ones_like(largest))
    norm = unit * xp.sqrt(xp.sum((g / unit) ** 2, axis=-1, keepdims=True))
    # A gradient of norm 0 needs no division by it.
    return CLIP.evaluate({"g": g, "limit": limit, "norm": xp.maximum(norm, xp.full_like(norm, limit))}, xp)


def shrunk(w: Array, eta: Array | float, decay: float, decayed: Array, xp: Namespace) -> Array:
    """Return the parameters after decoupled weight decay, of w's shape; biases stay."""
    return DECAY.evaluate({"w": w, "eta": eta, "decay": decay * decayed}, xp)


def dropout_mask(u: Array, p: float, xp: Namespace) -> Array:
    """Return the mask, 0 or 1/(1-p), of uniform numbers ``u`` in [0, 1)."""
    return DROPOUT.evaluate_like({"u": u, "p": p}, u, xp)
