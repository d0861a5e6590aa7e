"""Figures: what was seen of an iteration or a test, and what it was seen in."""
