"""Where kro's CPU time and memory go, from its profiles."""
