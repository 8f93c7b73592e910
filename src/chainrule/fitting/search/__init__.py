"""Search: trials of other settings on the same folds, and weights for their networks by answers out of fold."""
