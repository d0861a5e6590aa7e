"""A test: its iterations, turn by turn, and the books that are kept of them."""
