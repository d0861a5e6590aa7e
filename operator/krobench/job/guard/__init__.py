"""What keeps a load from running where it must not: what is missing, forbidden or in its way."""
