"""What is taken along: the model, one file that plays, pictures, tables."""
