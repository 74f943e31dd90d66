"""Builds auth's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from operator import attrgetter
from typing import Final

from auth import migrations, worker
from auth.accounts.address import AddressInvalid
from auth.accounts.privacy import AccountHolding
from auth.accounts.sealing import Addresses
from auth.accounts.service import AccountService
from auth.api import ROUTERS
from auth.api_keys.exchanging import KeyExchange
from auth.api_keys.privacy import ApiKeyHolding
from auth.api_keys.secrets import Secrets
from auth.api_keys.service import ApiKeyService
from auth.api_keys.uses import Uses
from auth.devices.names import DeviceNames
from auth.devices.privacy import DeviceHolding
from auth.devices.service import DeviceService
from auth.enterprise.enforcing import Enforcement
from auth.factors.privacy import FactorHolding
from auth.factors.proving import Codes
from auth.factors.sealing import FactorSeals
from auth.factors.service import FactorService
from auth.factors.showing import ShowingService
from auth.federation.parts import Client, Federation, Places, federation, outside
from auth.federation.privacy import FederationHolding
from auth.federation.sealing import Subjects
from auth.flags.privacy import FlagHolding
from auth.flags.service import FlagService
from auth.impersonations.privacy import ImpersonationHolding
from auth.impersonations.sealing import Reasons
from auth.impersonations.service import ImpersonationService
from auth.invitations.privacy import InvitationHolding
from auth.invitations.service import InvitationService
from auth.keys.service import KeyRing, KeyRotation
from auth.mails.composer import MailComposer
from auth.mails.model import CATEGORIES
from auth.mails.privacy import MailHolding
from auth.members.privacy import MemberHolding, known_in
from auth.members.service import MemberService
from auth.organizations.service import OrganizationService
from auth.ownership.service import OwnershipService
from auth.passkeys.ceremony import RelyingParty
from auth.passkeys.privacy import PasskeyHolding
from auth.passkeys.proving import PasskeyProofs
from auth.passkeys.service import PasskeyService
from auth.passwords.approving import Approval
from auth.passwords.breached import BreachedPasswords
from auth.passwords.common import KnownPasswords, NotAList
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy
from auth.preferences.privacy import PreferenceHolding
from auth.preferences.service import PreferenceService
from auth.sessions.access import AccessTokens
from auth.sessions.csrf import CsrfTokens
from auth.sessions.model import Limits
from auth.sessions.privacy import SessionHolding
from auth.sessions.service import SessionService
from auth.sessions.whereabouts import Whereabouts
from auth.settings import AuthSettings
from auth.sign_ins.service import Entrance
from auth.staff.enrolling import EnrolmentService
from auth.staff.permissions import StaffRole
from auth.staff.sealing import StaffSeals
from auth.staff.service import StaffService
from auth.staff_sessions.access import StaffAccess
from auth.staff_sessions.service import StaffSessionService
from auth.sweeping import Sweeper
from auth.system.current import EVERY, CurrentSettings
from auth.system.service import SystemService
from auth.throttle.service import Throttle
from auth.tokens.mints import Mints
from auth.worker import SUBSCRIPTIONS
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.http.peer import Peers
from kit.http.tokens import staff_audience
from kit.ledger.ledger import Ledger
from kit.mail import Mailer, MailServer, Post, SmtpServer, Templates, mail_kinds
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring, SealBroken, Sealer
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class StaffParts:
    """What serves the platform's own staff."""

    members: StaffService
    sessions: StaffSessionService
    enrolments: EnrolmentService
    impersonations: ImpersonationService


@dataclass(frozen=True, slots=True)
class OperationParts:
    """What staff runs the platform with."""

    current: CurrentSettings
    system: SystemService
    flags: FlagService


@dataclass(frozen=True, slots=True)
class Parts:
    """What auth is made of."""

    accounts: AccountService
    sessions: SessionService
    devices: DeviceService
    throttle: Throttle
    entrance: Entrance
    factors: FactorService
    showing: ShowingService
    passkeys: PasskeyService
    organizations: OrganizationService
    members: MemberService
    invitations: InvitationService
    ownership: OwnershipService
    keys: KeyRing
    rotation: KeyRotation
    preferences: PreferenceService
    staff: StaffParts
    operations: OperationParts
    api_keys: ApiKeyService
    key_exchange: KeyExchange
    federation: Federation
    uses: Uses
    peers: Peers
    mints: Mints
    mailer: Mailer
    ledger: Ledger
    sweeper: Sweeper
    holdings: Holdings


def build(  # noqa: PLR0917 - what everything stands on
    database: Database,
    keyring: Keyring,
    passwords: Passwords,
    outbound: Outbound,
    settings: AuthSettings,
    server: MailServer | None = None,
) -> Parts:
    """The parts, on a database; without a mail server of its own, mails go to the one in the settings."""
    sealer = Sealer.from_text(settings.sealing_key.get_secret_value())
    mints = Mints.under(sealer)
    keys = KeyRing(database, sealer)
    addresses = Addresses(keyring)
    mailer = _mailer(database, keyring, MailComposer(addresses, mints, _public_url(settings)), settings, server)
    current = CurrentSettings(database)
    approval = _approval(passwords, outbound, settings, current)
    throttle = Throttle(database, sealer.derive("sign-in-attempts"), mailer, mints.unlock)
    access_tokens = AccessTokens(settings.token_issuer, settings.token_audience)
    entrance = _entrance(database, sealer, keyring, keys, mints, mailer, access_tokens, settings)
    names = DeviceNames(keyring)
    seals, codes_key = FactorSeals(keyring), sealer.derive("recovery-codes")
    party = RelyingParty(settings.rp_id, settings.product_name, settings.origins, settings.webauthn_user_verification)
    proofs = PasskeyProofs(database, party, mailer)
    secrets, uses = Secrets(sealer), Uses(database)
    codes = Codes(database, seals, codes_key)
    return Parts(
        accounts=AccountService(database, addresses, passwords, approval, mints.verification, mailer),
        sessions=SessionService(database, addresses, passwords, entrance, throttle),
        devices=DeviceService(database, names),
        throttle=throttle,
        entrance=entrance,
        factors=FactorService(database, seals, mailer, addresses, settings.product_name, codes_key),
        showing=ShowingService(database, entrance, codes, proofs, passwords, mailer, throttle),
        passkeys=PasskeyService(database, party, proofs, entrance, seals, addresses, mailer, codes_key),
        organizations=OrganizationService(database),
        members=MemberService(database, addresses),
        invitations=InvitationService(database, addresses, mints.invitation, mailer),
        ownership=OwnershipService(database, mailer),
        keys=keys,
        rotation=KeyRotation(database, sealer),
        preferences=PreferenceService(database, addresses, mailer),
        operations=OperationParts(current, SystemService(database, current), FlagService(database)),
        staff=_staff(database, keyring, approval, keys, mints, mailer, settings),
        api_keys=ApiKeyService(database, secrets),
        key_exchange=KeyExchange(database, secrets, keys, access_tokens, uses),
        federation=federation(database, keyring, sealer, mints, entrance, mailer, outbound, _places(settings)),
        uses=uses,
        peers=Peers(settings.clients()),
        mints=mints,
        mailer=mailer,
        ledger=mailer.ledger,
        sweeper=Sweeper(database),
        holdings=_holdings(
            database,
            addresses,
            seals,
            mailer,
            SessionHolding(database, throttle, entrance.whereabouts),
            DeviceHolding(database, names),
        ),
    )


def _places(settings: AuthSettings) -> Places:
    """Where we and the providers are."""
    return Places(
        public_url=settings.public_url,
        applications=settings.applications,
        google=Client(settings.google_client_id, settings.google_client_secret.get_secret_value()),
        google_issuer=settings.google_issuer,
        github=Client(settings.github_client_id, settings.github_client_secret.get_secret_value()),
        github_url=settings.github_url,
        github_api_url=settings.github_api_url,
        github_consent_url=settings.github_consent_url,
        sandbox_url=settings.sandbox_provider_url,
        dns_url=settings.dns_url,
    )


def _entrance(  # noqa: PLR0917 - what letting people in needs
    database: Database,
    sealer: Sealer,
    keyring: Keyring,
    keys: KeyRing,
    mints: Mints,
    mailer: Mailer,
    access_tokens: AccessTokens,
    settings: AuthSettings,
) -> Entrance:
    """The one way in."""
    return Entrance(
        database,
        keys,
        mints.refresh,
        access_tokens,
        mints.sign_in,
        mints.device,
        CsrfTokens(sealer.derive("csrf")),
        Whereabouts(keyring),
        Limits(timedelta(days=settings.session_days), timedelta(days=settings.session_idle_days)),
        mailer,
        Enforcement(Addresses(keyring)),
    )


def _staff(  # noqa: PLR0917 - what staff are served with
    database: Database,
    keyring: Keyring,
    approval: Approval,
    keys: KeyRing,
    mints: Mints,
    mailer: Mailer,
    settings: AuthSettings,
) -> StaffParts:
    """Parts of staff, with tokens for their own audience."""
    seals = StaffSeals(keyring)
    access_tokens = AccessTokens(settings.token_issuer, staff_audience(settings.token_audience))
    access = StaffAccess(keys, access_tokens, mints.staff_refresh, database.clock)
    return StaffParts(
        members=StaffService(database, seals, mints.staff_enrolment, _public_url(settings)),
        sessions=StaffSessionService(database, seals, approval.passwords, access),
        enrolments=EnrolmentService(database, seals, approval, mints.staff_enrolment),
        impersonations=ImpersonationService(
            database,
            Reasons(keyring),
            keys,
            AccessTokens(settings.token_issuer, settings.token_audience),
            mailer,
        ),
    )


def _approval(passwords: Passwords, outbound: Outbound, settings: AuthSettings, current: CurrentSettings) -> Approval:
    """What is asked of passwords; a list that cannot be used is noticed before anybody signs up."""
    more = [] if settings.breached_passwords is None else [settings.breached_passwords]
    try:
        known = KnownPasswords.shipped(*more)
    except (NotAList, OSError) as error:
        raise SystemExit(f"AUTH_BREACHED_PASSWORDS: {error}") from error
    breached = None if settings.breached_url is None else BreachedPasswords(outbound, settings.breached_url)
    return Approval(
        passwords, PasswordPolicy(settings.password_policy, known=known), breached, current.passwords_are_strict
    )


def _holdings(  # noqa: PLR0917 - whatever holds something about people
    database: Database,
    addresses: Addresses,
    seals: FactorSeals,
    mailer: Mailer,
    sessions: SessionHolding,
    devices: DeviceHolding,
) -> Holdings:
    """What is held about people, in the order in which it is let go of."""
    holdings = (
        MemberHolding(database),
        MailHolding(database, addresses, mailer),
        InvitationHolding(database, addresses),
        PreferenceHolding(database),
        FlagHolding(database),
        FactorHolding(database, seals),
        PasskeyHolding(database, seals),
        ApiKeyHolding(database),
        FederationHolding(database, Subjects(addresses.keyring)),
        ImpersonationHolding(database, Reasons(addresses.keyring)),
        sessions,
        devices,
        AccountHolding(database, addresses),
        RequestKeys(database),
    )
    return Holdings(holdings, known_in)


def _mailer(
    database: Database, keyring: Keyring, composer: MailComposer, settings: AuthSettings, server: MailServer | None
) -> Mailer:
    post = Post(settings.mail_from, CATEGORIES, f"{_public_url(settings)}/v1/unsubscribe")
    kinds = mail_kinds(
        keyring,
        server or SmtpServer.at(settings.smtp_url.get_secret_value()),
        Templates("auth"),
        post,
        composer,
    )
    return Mailer(database, keyring, Ledger(database, kinds), post)


def _public_url(settings: AuthSettings) -> str:
    return settings.public_url.rstrip("/")


@asynccontextmanager
async def open_parts(backbone: Backbone[AuthSettings]) -> AsyncIterator[Parts]:
    """Build the parts, see to it that there is a signing key, and end the hashing threads at the end."""
    passwords = Passwords()
    outbound = Outbound(clock=backbone.database.clock, rules=outside(backbone.settings.sandbox_provider_url))
    try:
        parts = build(backbone.database, backbone.keyring, passwords, outbound, backbone.settings)
        await _prove_keys(parts)
        yield parts
    finally:
        passwords.close()
        await outbound.close()


async def _prove_keys(parts: Parts) -> None:
    """See to it that there is a key and that the sealing key opens it, before anybody relies on either."""
    await parts.rotation.ensure()
    try:
        await parts.keys.signer()
    except SealBroken:
        raise SystemExit(
            "AUTH_SEALING_KEY: does not open the signing keys in the database; they were sealed with another key"
        ) from None


def endpoint_parts(parts: Parts) -> Sequence[object]:
    """What endpoints ask for."""
    return (
        parts.accounts,
        parts.sessions,
        parts.devices,
        parts.throttle,
        parts.mints,
        parts.factors,
        parts.showing,
        parts.passkeys,
        parts.organizations,
        parts.members,
        parts.invitations,
        parts.ownership,
        parts.preferences,
        parts.keys,
        *parts.federation.endpoints,
        parts.staff.members,
        parts.staff.sessions,
        parts.staff.enrolments,
        parts.operations.current,
        parts.operations.system,
        parts.operations.flags,
        parts.staff.impersonations,
        parts.api_keys,
        parts.key_exchange,
        parts.peers,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What a worker does beside relaying."""
    return worker.loops(parts.mailer, parts.rotation, parts.sweeper)


def serving(parts: Parts) -> Sequence[Loop]:
    """What a process does beside answering."""
    return (
        Loop("uses of API keys", parts.uses.run),
        Loop("settings", parts.operations.current.refresh, every=EVERY),
    )


def privacy(parts: Parts) -> Privacy:
    """What is held about people."""
    return Privacy(parts.holdings, AuthExportPartReady, AuthErasureAnswered)


async def rotate_keys(parts: Parts) -> None:
    """Announce a new signing key, which signs a quarter of an hour later."""
    await parts.rotation.rotate()


async def add_staff(parts: Parts, address: str, role: str = StaffRole.ADMIN.value) -> None:
    """Add a member of staff (support, operator or admin), or let one enrol anew, and print the link for it."""
    try:
        link = await parts.staff.members.add_by_operator(address, StaffRole(role))
    except (AddressInvalid, ValueError) as wrong:
        raise SystemExit(f"add-staff: {wrong}") from None
    print(f"Good once, for 24 hours: {link}")  # noqa: T201 - it is for whoever runs the command, and for no log


SERVICE: Final = Service(
    name="auth",
    title="Auth",
    settings=AuthSettings,
    migrations=migrations,
    open_parts=open_parts,
    routers=ROUTERS,
    endpoint_parts=endpoint_parts,
    loops=loops,
    serving=serving,
    ledger=attrgetter("ledger"),
    privacy=privacy,
    subscriptions=SUBSCRIPTIONS,
    consumers=CONSUMERS,
    commands={"rotate-keys": rotate_keys, "add-staff": add_staff},
    acting=Acting("auth.request.impersonated", changes=False),
)
