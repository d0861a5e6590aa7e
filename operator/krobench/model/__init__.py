"""The data of krobench: custom resources, their status, and the run record.

This package is the single source for ``crds/``, for validation and for the storage
format. It imports nothing else of krobench.
"""
