"""Checks of a network's gradients and predictions."""
