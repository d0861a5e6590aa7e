"""A run as a whole, for each kind of custom resource, from its first check to its clean-up."""
