"""What runs a program on rows of cells, and the rows that are made for it."""
