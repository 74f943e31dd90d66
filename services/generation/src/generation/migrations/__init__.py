"""Generation's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {}
