"""What writes a program: each language with its frame and its table of operations."""
