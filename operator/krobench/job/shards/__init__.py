"""A sharded load: its leader, the shards that follow, and how they talk."""
