"""Tests of CEL expressions: making kro evaluate them, and reading its counters."""
