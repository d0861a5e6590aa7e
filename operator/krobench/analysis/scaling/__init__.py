"""How far kro goes: limit, curves against size and predictions, from a scale test's steps."""
