"""A run's results in the cluster: kept, read again, and what a run is compared with."""
