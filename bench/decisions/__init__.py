"""Whole decisions between real kros: how often they are wrong, and how long they take."""
