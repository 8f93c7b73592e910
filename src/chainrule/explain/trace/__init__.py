"""From an address to a number."""
