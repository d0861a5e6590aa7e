"""What looks at kro while a load runs, beside the samples of it."""
