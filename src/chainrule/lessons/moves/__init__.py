"""What a lesson can do."""
