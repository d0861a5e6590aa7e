"""The operator: from custom resources to Jobs, and from run records to statuses."""
