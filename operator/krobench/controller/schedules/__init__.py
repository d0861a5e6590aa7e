"""Schedules: when a run is due, which is created, and what is kept of those that ended."""
