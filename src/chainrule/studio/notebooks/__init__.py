"""The studio in a notebook."""
