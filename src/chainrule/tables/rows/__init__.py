"""Which rows belong together, and how rows are parted."""
