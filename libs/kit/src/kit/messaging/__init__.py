"""How facts travel: outbox → relay → exchange → a quorum queue per subscription → handler, each applied once."""
