"""What users write: the specs of the custom resources."""
