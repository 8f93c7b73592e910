"""What must not change when the house is rebuilt: recorded, and compared."""
