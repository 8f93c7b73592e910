"""Notations: how an article, a book or a teacher writes the numbers of a network; each a record, read from a file."""
