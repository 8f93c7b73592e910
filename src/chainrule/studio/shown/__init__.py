"""What there is to see at a place: the drawing, its numbers, explanations and pictures."""
