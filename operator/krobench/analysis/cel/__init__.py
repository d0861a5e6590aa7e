"""What expressions cost."""
