"""Migrations of a made-up service called `bench`: one tenant's table for the handlers that are measured."""

TENANT_FREE: dict[str, str] = {}
