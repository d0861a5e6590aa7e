"""Programs: which iteration of a run comes next, decided from the results so far. Pure."""
