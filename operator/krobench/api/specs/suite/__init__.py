"""A suite's tests: when each is repeated, what loads it, and what it is compared with."""
