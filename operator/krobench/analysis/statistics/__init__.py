"""Pure statistics, in plain Python: the load Job compares too, and scipy would double its image."""
