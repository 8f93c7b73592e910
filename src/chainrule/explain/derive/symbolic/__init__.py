"""Derivations in symbols: of a formula, rule by rule, and of backpropagation for networks of any size."""
