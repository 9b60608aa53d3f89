"""The exact trajectory of a convention, and how far rounding may lead from it."""
