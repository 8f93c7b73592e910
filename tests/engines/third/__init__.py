"""A third engine, as a folder of its own: the tests plant it beside those of the package."""
