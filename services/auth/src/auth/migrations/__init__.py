"""Auth's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "users": "people exist before and beside organizations and may be members of several",
    "identities": "the addresses of people, looked up before anyone is signed in",
    "challenges": "what was sent to an address, of people without any organization yet, or without an account",
    "outgoing_texts": "text messages to people, who may have no organization or account yet",
    "sign_in_attempts": "keyed by what a stranger typed, which may belong to nobody",
    "sessions": "a person's sessions, which may switch from one organization to another",
    "sign_ins": "people who are not signed in yet",
    "totp_factors": "authenticator apps of people, shown before they act anywhere",
    "recovery_codes": "codes of people who have lost their second factors",
    "revocations": "what gateways must refuse now, of all people, for minutes",
    "signing_keys": "the platform's own keys, sealed under the master key",
    "security_notices": "what a person was told of their account, whichever organization they act in",
    "staff": "the platform's own people, who belong to no organization",
    "staff_sessions": "sessions of the platform's own people",
    "staff_attempts": "keyed by what somebody typed at the door of staff, who may be nobody",
    "mail_preferences": "what a person wants, whichever organization writes",
}
