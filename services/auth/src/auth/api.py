"""The doors of auth."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from auth.accounts.router import router as accounts
from auth.api_keys.router import internal as key_exchanges
from auth.api_keys.router import router as api_keys
from auth.federation.linking_router import router as linked_accounts
from auth.federation.router import router as federation
from auth.invitations.router import acceptance
from auth.invitations.router import router as invitations
from auth.keys.router import router as keys
from auth.members.router import router as members
from auth.organizations.router import router as organizations
from auth.preferences.router import router as preferences
from auth.scopes.router import router as scopes
from auth.sessions.router import internal
from auth.sessions.router import router as sessions

ROUTERS: Final[Sequence[APIRouter]] = (
    keys,
    accounts,
    sessions,
    federation,
    linked_accounts,
    organizations,
    members,
    invitations,
    acceptance,
    preferences,
    scopes,
    api_keys,
    key_exchanges,
    internal,
)
