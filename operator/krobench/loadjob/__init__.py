"""What the load Job is: the place where load, collectors, record and analysis are put together."""
