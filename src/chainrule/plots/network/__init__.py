"""A network drawn: layers as plain data, one layout, and marks with addresses."""
