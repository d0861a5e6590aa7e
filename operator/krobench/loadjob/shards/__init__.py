"""A load that several pods send: one coordinator, its workers, and the mailbox between them."""
