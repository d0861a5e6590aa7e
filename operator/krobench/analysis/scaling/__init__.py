"""How far kro scales: limit, curves against size and predictions, from a scale test."""
