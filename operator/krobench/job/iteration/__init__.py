"""From what was seen of one iteration to its record and its validity."""
