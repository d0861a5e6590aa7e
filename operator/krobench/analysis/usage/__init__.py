"""What phases of an iteration used, from the series that were sampled around them."""
