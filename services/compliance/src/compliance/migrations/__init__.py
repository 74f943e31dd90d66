"""Compliance's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "audit_pending": "a queue of all tenants, sequenced together within a second; no door reads it",
    "audit_tiles": "hashes over the entries of all tenants, which tell nothing of them",
    "audit_checkpoints": "what was signed about the log of all tenants, for everybody to see",
    "audit_keys": "the platform's own keys, sealed",
}
