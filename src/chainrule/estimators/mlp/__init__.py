"""The multilayer perceptrons with scikit-learn's words."""
