"""Migrations of a made-up service called `sample`, with which kit tests itself."""

TENANT_FREE = {"kinds": "a catalogue, the same for all"}
