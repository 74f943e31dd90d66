"""What data there is, about whom, for what, and for how long: the map that export and erasure walk."""
