"""What page and studio say to each other: names, shapes, and how numbers and documents are sent."""
