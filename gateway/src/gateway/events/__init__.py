"""Real time: the facts of an organization, from the broker to its open browsers."""
