"""Tables in files and frames, read and written, whatever their format."""
