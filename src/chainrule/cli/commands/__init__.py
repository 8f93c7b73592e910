"""The commands of the command line: each file has the parser of its words and the function that runs them."""
