"""What follows from a rule on paper."""
