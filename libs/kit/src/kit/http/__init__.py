"""HTTP at the edge: the application, its problems, its callers, and calls to the outside."""
