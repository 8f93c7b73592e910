"""From a number to the lines of its calculation."""
