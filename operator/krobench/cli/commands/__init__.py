"""The commands, in groups: what each takes, and how it ends; the work is done elsewhere."""
