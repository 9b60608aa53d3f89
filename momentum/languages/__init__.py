"""Optimizers in any language: test vectors to take away, and what became of them."""
