"""What held kro back in a test; a module for each kind of cause."""
