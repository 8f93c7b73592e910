"""The settings of a training, and what becomes of them."""
