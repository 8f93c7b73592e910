"""What speaks against a training: leaks, rows that belong together, rows shared with the score, and the verdict."""
