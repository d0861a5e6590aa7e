"""Are these runs faster or slower than those? Estimates, fingerprints, verdicts."""
