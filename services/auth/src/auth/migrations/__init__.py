"""Auth's tables, oldest first; schema.sql is their sum."""

from collections.abc import Mapping

TENANT_FREE: Mapping[str, str] = {
    "users": "people exist before and beside organizations and may be members of several",
    "identities": "the addresses of people, looked up before anyone is signed in",
    "verifications": "proofs of an address under way, of people without any organization yet",
    "devices": "a person's devices, known before anyone is signed in",
    "throttles": "keyed by what a stranger typed or whence it came, which may belong to nobody",
    "sessions": "a person's sessions, which may switch from one organization to another",
    "sign_ins": "people who are not signed in yet",
    "federated_identities": "people's accounts at providers, looked up before anyone is signed in",
    "federation_flows": "people who are on their way to a provider and back, mostly not signed in",
    "passkeys": "passkeys of people, by which they are known before they act anywhere",
    "passkey_challenges": "questions to authenticators of people, many of whom are not known yet",
    "totp_factors": "authenticator apps of people, shown before they act anywhere",
    "recovery_codes": "codes of people who have lost their second factors",
    "revocations": "what gateways must refuse now, of all people, for minutes",
    "signing_keys": "the platform's own keys, sealed under the master key",
    "security_notices": "what a person was told of their account, whichever organization they act in",
    "impersonations": "acts of staff for one person, who reads them whichever organization it was in",
    "staff": "the platform's own people, who belong to no organization",
    "staff_sessions": "sessions of the platform's own people",
    "staff_attempts": "keyed by what somebody typed at the door of staff, who may be nobody",
    "system_settings": "the platform's own settings",
    "system_setting_changes": "what the platform's own settings were",
    "flags": "the platform's own switches, which name organizations and plans",
    "flag_users": "people for whom a switch is on, whichever organization they act in",
    "mail_preferences": "what a person wants, whichever organization writes",
}
