"""What is worked out over many points: the plane of two columns, the mountain, lines through it."""
