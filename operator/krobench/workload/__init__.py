"""What a run creates, as data: nothing here talks to a cluster."""
