"""Views of a run record for people and for other tools."""
