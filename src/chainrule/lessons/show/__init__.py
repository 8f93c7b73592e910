"""Lessons as text, LaTeX and HTML."""
