"""What analysis makes of figures: verdicts, causes, comparisons and advice."""
