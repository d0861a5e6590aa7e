"""Whether what was measured may be believed: one module for each kind of cause against it."""
