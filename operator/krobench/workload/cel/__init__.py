"""Expressions that are measured in kro, each in its own RGD."""
