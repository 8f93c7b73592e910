"""Derivations as text, LaTeX, HTML and JSON."""
