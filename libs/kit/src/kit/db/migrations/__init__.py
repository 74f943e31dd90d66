"""Kit's own tables, made first in every service's schema."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "aggregate_versions": "ids and versions of other services' aggregates, of many tenants in one batch",
    "dead_letters": "messages of all tenants that an operator must see; tenants have no door to it",
    "idempotency_keys": "keyed by the principal, who may act before belonging to an organization",
    "intake_deliveries": "sealed, stored before anybody knows whose they are; tenants have no door to it",
    "intake_items": "sealed, stored before anybody knows whose they are; tenants have no door to it",
    "intake_keys": "digests of keys and times, claimed across tenants",
    "intake_sources": "names of senders of webhooks and which worker reads them, of no tenant",
    "ledger_blocks": "ids of effects that were claimed and not begun, across tenants; rows live for milliseconds",
    "mail_suppressions": "keyed hashes of addresses that must not be mailed, by whichever organization",
    "migrations": "about the schema itself",
    "outbox": "the relay sends the events of all tenants; rows live for milliseconds",
    "privacy_tasks": "ids and counts; a user, whom no tenant owns, may be asked about, too",
    "processed_messages": "message ids of all tenants, deduplicated in one statement per batch",
    "suspect_messages": "message ids only, counted before a tenant is known",
}
