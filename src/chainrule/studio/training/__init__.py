"""A training that can be made, wound, asked and branched, and the place in it where one looks."""
