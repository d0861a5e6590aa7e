"""Driving and observing a load: creating objects, timing their lives, deleting them."""
