"""Auth's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "users": "people exist before and beside organizations and may be members of several",
    "identities": "the addresses of people, looked up before anyone is signed in",
    "verifications": "proofs of an address under way, of people without any organization yet",
    "sign_in_attempts": "keyed by what a stranger typed, which may belong to nobody",
    "sessions": "a person's sessions, which may switch from one organization to another",
    "sign_ins": "people who are not signed in yet",
    "federated_identities": "people's accounts at providers, looked up before anyone is signed in",
    "federation_flows": "people who are on their way to a provider and back, mostly not signed in",
    "revocations": "what gateways must refuse now, of all people, for minutes",
    "signing_keys": "the platform's own keys, sealed under the master key",
    "security_notices": "what a person was told of their account, whichever organization they act in",
    "mail_preferences": "what a person wants, whichever organization writes",
}
