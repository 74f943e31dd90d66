"""The doors of auth."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from auth.accounts.router import router as accounts
from auth.changes.router import router as changes
from auth.invitations.router import acceptance
from auth.invitations.router import router as invitations
from auth.keys.router import router as keys
from auth.magic_links.router import router as magic_links
from auth.members.router import router as members
from auth.organizations.router import router as organizations
from auth.passwords.router import router as passwords
from auth.preferences.router import router as preferences
from auth.sessions.router import internal
from auth.sessions.router import router as sessions

ROUTERS: Final[Sequence[APIRouter]] = (
    keys,
    accounts,
    passwords,
    magic_links,
    changes,
    sessions,
    organizations,
    members,
    invitations,
    acceptance,
    preferences,
    internal,
)
