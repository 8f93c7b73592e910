"""What is wrong with a training, and where."""
