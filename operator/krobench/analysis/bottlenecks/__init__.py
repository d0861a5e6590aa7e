"""What held kro back in a test: a module for each place in which a cause can lie."""
