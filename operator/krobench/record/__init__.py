"""The storage format: run records in ConfigMaps, and out of them again."""
