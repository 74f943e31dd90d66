"""The doors of auth."""

from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter

from auth.accounts.router import router as accounts
from auth.announcements.router import router as announcements
from auth.announcements.router import staff as staff_announcements
from auth.api_keys.router import internal as key_exchanges
from auth.api_keys.router import router as api_keys
from auth.changes.router import router as changes
from auth.delegations.router import of_agency, of_client
from auth.devices.router import router as devices
from auth.directory.router import organizations as staff_organizations
from auth.directory.router import users as staff_users
from auth.eligibility.router import claims as subscription_claims
from auth.eligibility.router import mine as subscription_eligibility
from auth.enterprise.router import router as identity_providers
from auth.exports.router import router as staff_exports
from auth.factor_recoveries.router import router as factor_recoveries
from auth.factor_recoveries.router import stopping
from auth.factors.router import router as factors
from auth.factors.router import showing
from auth.federation.linking_router import router as linked_accounts
from auth.federation.router import router as federation
from auth.flags.router import router as flags
from auth.flags.router import staff as staff_flags
from auth.grants.router import router as grants
from auth.impersonations.router import in_organization as organizations_impersonations
from auth.impersonations.router import own as own_impersonations
from auth.impersonations.router import router as impersonations
from auth.invitations.router import acceptance
from auth.invitations.router import router as invitations
from auth.keys.router import internal as key_removal
from auth.keys.router import router as keys
from auth.magic_links.router import router as magic_links
from auth.members.router import router as members
from auth.oauth.asking import router as authorization_requests
from auth.oauth.consent import router as consent
from auth.oauth.router import router as oauth
from auth.oauth_clients.router import router as oauth_clients
from auth.onboarding.router import choices as onboarding_choices
from auth.onboarding.router import router as onboarding
from auth.operations.doors import router as staff_jobs
from auth.operations.router import router as user_operations
from auth.organizations.router import router as organizations
from auth.ownership.router import router as ownership
from auth.passkeys.router import entering
from auth.passkeys.router import router as passkeys
from auth.passwords.router import router as passwords
from auth.preferences.router import router as preferences
from auth.roles.router import router as roles
from auth.scopes.router import router as scopes
from auth.sessions.router import internal
from auth.sessions.router import router as sessions
from auth.staff.router import enrolments as staff_enrolments
from auth.staff.router import router as staff
from auth.staff_sessions.router import router as staff_sessions
from auth.statistics.router import router as statistics
from auth.suspensions.router import router as suspensions
from auth.system.router import internal as maintenance
from auth.system.router import public as system
from auth.system.router import router as staff_settings
from auth.teams.router import router as teams

ROUTERS: Final[Sequence[APIRouter]] = (
    keys,
    key_removal,
    accounts,
    passwords,
    magic_links,
    changes,
    sessions,
    federation,
    linked_accounts,
    identity_providers,
    devices,
    showing,
    entering,
    factors,
    factor_recoveries,
    stopping,
    passkeys,
    organizations,
    members,
    invitations,
    acceptance,
    ownership,
    teams,
    of_client,
    of_agency,
    onboarding,
    onboarding_choices,
    subscription_claims,
    subscription_eligibility,
    preferences,
    roles,
    scopes,
    api_keys,
    oauth_clients,
    oauth,
    authorization_requests,
    consent,
    key_exchanges,
    internal,
    own_impersonations,
    organizations_impersonations,
    impersonations,
    staff_users,
    staff_organizations,
    suspensions,
    statistics,
    grants,
    staff_sessions,
    staff_enrolments,
    staff,
    flags,
    staff_flags,
    system,
    staff_settings,
    staff_jobs,
    user_operations,
    staff_announcements,
    announcements,
    staff_exports,
    maintenance,
)
