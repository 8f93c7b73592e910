"""Plots as SVG of our own: layout from the widths of texts, marks, and the style sheet of a page."""
