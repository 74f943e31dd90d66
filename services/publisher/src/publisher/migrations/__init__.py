"""Publisher's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "project_limits": "what a platform says of our application, whoever publishes through it",
    "withdrawals": "names a person at a platform by a keyed hash, and no organization of ours",
}
