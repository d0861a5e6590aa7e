"""Writes the dashboards."""

from scripts.dashboards.files import write

write()
