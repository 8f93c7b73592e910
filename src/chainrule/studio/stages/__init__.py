"""What each kind of place shows: terms that flow into a sum, the line worked out there, the addresses it is about."""
