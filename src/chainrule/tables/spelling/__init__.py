"""How numbers, dates, times and missing cells are written, and reading them."""
