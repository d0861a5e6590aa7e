"""How values are written as text: flags, labels, numbers with units, YAML."""
