"""What a model does with the columns of a table: their importance, how answers depend on them, what a change would do."""
