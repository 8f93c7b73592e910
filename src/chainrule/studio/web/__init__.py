"""The page on this machine alone: what is served, to whom, and how."""
