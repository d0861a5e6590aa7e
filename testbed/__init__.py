"""A real one-node Kubernetes with kro on it, for benchmarks on a bare Linux machine.

Standard library only: ``python3 -m testbed`` must run before any virtual environment exists.
"""
