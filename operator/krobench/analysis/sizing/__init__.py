"""From what a run has measured at some sizes to what kro needs at another."""
