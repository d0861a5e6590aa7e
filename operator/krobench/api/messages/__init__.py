"""What krobench writes on objects of a cluster for another of its pods to read."""
