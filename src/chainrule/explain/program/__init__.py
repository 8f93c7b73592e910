"""A prediction as a program in plain Python, which imports nothing but math."""
