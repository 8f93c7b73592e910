"""The language of formulas: trees, values, derivatives, and how they are written."""
