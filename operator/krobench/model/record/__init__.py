"""What is stored of a run: the run, its tests, their iterations, and the raw lines."""
