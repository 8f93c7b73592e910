"""The glass box: every number of a network as formula, with its numbers, and checked."""
