"""Plots drawn by Matplotlib, the extra ``[plots]``: the same numbers from the same records."""
