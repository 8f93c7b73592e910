"""From cells to the numbers of input neurons, and from target columns to what outputs should say, and back."""
