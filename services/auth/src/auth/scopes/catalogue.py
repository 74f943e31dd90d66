"""What keys and programs can be given: the whole catalogue, as data.

A scope is `resource:read` or `resource:write`; the resource is the first segment of a path after the version (see
`kit.http.caller.in_scope`). What is not here nobody can be given: neither sessions nor factors, neither members nor
keys, neither the platform's own administration nor anybody's personal data as a whole.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Final

SCOPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "audit:read": "Read the audit trail.",
        "billing:read": "See the plan and what it includes.",
        "channels:read": "See the connected channels.",
        "channels:write": "Connect and disconnect channels.",
        "connected-accounts:read": "See the connected accounts on platforms.",
        "connected-accounts:write": "Connect and disconnect accounts on platforms.",
        "contacts:read": "Read contacts.",
        "contacts:write": "Add, change and delete contacts.",
        "conversations:read": "Read conversations with contacts.",
        "conversations:write": "Assign, answer and resolve conversations.",
        "events:read": "Hear at once what happens in the organization.",
        "media:read": "Fetch pictures, videos and documents.",
        "media:write": "Upload pictures, videos and documents.",
        "messages:read": "Read messages.",
        "messages:write": "Send messages.",
        "partner-queue:read": "See the queue through which a partner hears what happens.",
        "partner-queue:write": "Open and close the queue through which a partner hears what happens.",
        "posts:read": "Read posts.",
        "posts:write": "Write, schedule, change and withdraw posts.",
    }
)
"""Every scope, with what it lets one do in a sentence that is shown to whoever is asked to grant it."""


IDENTITY: Final[Mapping[str, str]] = MappingProxyType(
    {
        "email": "See the mail address that you sign in with.",
        "openid": "Know which account is yours.",
    }
)
"""What only people can grant, about themselves; it opens no resource."""


def unknown(scopes: Collection[str], known: Collection[str] = SCOPES.keys()) -> list[str]:
    """Those that are not in the catalogue."""
    return sorted(set(scopes) - set(known))


def says(scope: str) -> str:
    """What a scope lets one do."""
    return SCOPES.get(scope) or IDENTITY[scope]


def opening(scopes: Collection[str]) -> str:
    """The resources that these scopes open, as the claim of an access token."""
    return " ".join(sorted(set(scopes) & SCOPES.keys()))
