"""Tables to arrays and back: reading, column kinds, encoding, splitting; knows no network."""
