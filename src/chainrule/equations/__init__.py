"""The mathematics: pure functions over any array namespace; no input or output, no clock, no randomness, no state."""
