"""Neural networks for tables, fast, with every number in the open."""

__version__ = "0.1.0"
