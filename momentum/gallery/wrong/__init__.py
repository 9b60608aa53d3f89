"""Optimizers that are wrong on purpose, one family a file."""
