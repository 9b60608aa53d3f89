"""A right optimizer in NumPy, from which every defect departs."""
