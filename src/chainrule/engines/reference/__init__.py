"""The reference engine: for reading and checking."""
