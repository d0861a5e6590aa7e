"""What a test creates."""
