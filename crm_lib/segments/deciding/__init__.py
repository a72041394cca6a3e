"""What to do with each segment, and the lists of whom to do it with."""
