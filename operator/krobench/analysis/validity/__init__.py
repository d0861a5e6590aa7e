"""Whether a run is valid: a module for each kind of cause that makes it invalid."""
