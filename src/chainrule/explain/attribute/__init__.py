"""What each column adds to a prediction."""
