"""Tests of expressions: how kro is made to evaluate them, and its counters read."""
