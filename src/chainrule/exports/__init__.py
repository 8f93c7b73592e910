"""A model as a program in another language, from the cells of a row to the answer, each with its certificate."""
