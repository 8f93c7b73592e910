"""The sections of a report: each a record or two of what it shows, made of a model and its rows."""
