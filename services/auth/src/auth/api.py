"""The doors of auth."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from auth.accounts.router import router as accounts
from auth.api_keys.router import internal as key_exchanges
from auth.api_keys.router import router as api_keys
from auth.devices.router import router as devices
from auth.enterprise.router import router as identity_providers
from auth.factors.router import router as factors
from auth.factors.router import showing
from auth.federation.linking_router import router as linked_accounts
from auth.federation.router import router as federation
from auth.flags.router import router as flags
from auth.flags.router import staff as staff_flags
from auth.impersonations.router import in_organization as organizations_impersonations
from auth.impersonations.router import own as own_impersonations
from auth.impersonations.router import router as impersonations
from auth.invitations.router import acceptance
from auth.invitations.router import router as invitations
from auth.keys.router import router as keys
from auth.members.router import router as members
from auth.organizations.router import router as organizations
from auth.ownership.router import router as ownership
from auth.passkeys.router import entering
from auth.passkeys.router import router as passkeys
from auth.preferences.router import router as preferences
from auth.roles.router import router as roles
from auth.scopes.router import router as scopes
from auth.sessions.router import internal
from auth.sessions.router import router as sessions
from auth.staff.router import enrolments as staff_enrolments
from auth.staff.router import router as staff
from auth.staff_sessions.router import router as staff_sessions
from auth.system.router import internal as maintenance
from auth.system.router import public as system
from auth.system.router import router as staff_settings

ROUTERS: Final[Sequence[APIRouter]] = (
    keys,
    accounts,
    sessions,
    federation,
    linked_accounts,
    identity_providers,
    devices,
    showing,
    entering,
    factors,
    passkeys,
    organizations,
    members,
    invitations,
    acceptance,
    ownership,
    preferences,
    roles,
    scopes,
    api_keys,
    key_exchanges,
    internal,
    own_impersonations,
    organizations_impersonations,
    impersonations,
    staff_sessions,
    staff_enrolments,
    staff,
    flags,
    staff_flags,
    system,
    staff_settings,
    maintenance,
)
