"""Sampling kro and the cluster around it while a load runs."""
