"""Results outside of ConfigMaps: in S3 or on a volume, in the same folders and files."""
