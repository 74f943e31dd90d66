"""Builds auth's own parts; the only wiring."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Final

from auth import migrations, worker
from auth.accounts.address import AddressInvalid
from auth.accounts.handle import Handles, domains
from auth.accounts.importing import UserImport
from auth.accounts.phone import NumberRules
from auth.accounts.privacy import AccountHolding
from auth.accounts.sealing import Addresses
from auth.accounts.service import AccountService
from auth.activity.privacy import ActivityHolding
from auth.api import ROUTERS
from auth.api_keys.exchanging import KeyExchange
from auth.api_keys.repository import PersonsApiKeys
from auth.api_keys.secrets import Secrets
from auth.api_keys.service import ApiKeyService
from auth.api_keys.uses import Uses
from auth.challenges.model import TextCodes
from auth.challenges.service import Challenges
from auth.changes.service import AddressChangeService
from auth.delegations.service import DelegationService
from auth.devices.names import DeviceNames
from auth.devices.privacy import DeviceHolding
from auth.devices.service import DeviceService
from auth.eligibility.service import EligibilityService
from auth.enterprise.enforcing import Enforcement
from auth.factors.privacy import FactorHolding
from auth.factors.proving import Codes
from auth.factors.sealing import FactorSeals
from auth.factors.service import FactorService
from auth.factors.showing import ShowingService
from auth.federation.parts import Federation, federation, outside
from auth.federation.privacy import FederationHolding
from auth.federation.sealing import Subjects
from auth.invitations.privacy import InvitationHolding
from auth.invitations.service import InvitationService
from auth.keys.service import KeyRing, KeyRotation
from auth.magic_links.service import MagicLinkService
from auth.mails.composer import MailComposer
from auth.mails.model import CATEGORIES
from auth.mails.privacy import MailHolding
from auth.members.privacy import MemberHolding, known_in
from auth.members.service import MemberService
from auth.oauth.parts import OAuthParts
from auth.oauth.privacy import GrantHolding
from auth.oauth_clients.repository import PersonsClients
from auth.onboarding.service import OnboardingService
from auth.operations.parts import OperationParts, operation_holdings
from auth.organizations.service import OrganizationService
from auth.ownership.service import OwnershipService
from auth.passkeys.ceremony import RelyingParty
from auth.passkeys.privacy import PasskeyHolding
from auth.passkeys.proving import PasskeyProofs
from auth.passkeys.service import PasskeyService
from auth.passwords.approving import approval_of
from auth.passwords.hashing import Passwords
from auth.passwords.service import PasswordService
from auth.preferences.privacy import PreferenceHolding
from auth.preferences.service import PreferenceService
from auth.sessions.access import AccessTokens
from auth.sessions.csrf import CsrfTokens
from auth.sessions.model import Limits
from auth.sessions.overview import SessionOverview
from auth.sessions.privacy import SessionHolding
from auth.sessions.service import SessionService
from auth.sessions.whereabouts import Whereabouts
from auth.settings import AuthSettings
from auth.sign_ins.service import Entrance
from auth.staff.parts import StaffParts, staff_holdings
from auth.staff.permissions import StaffRole
from auth.sweeping import Sweeper
from auth.system.current import CurrentSettings
from auth.teams.service import TeamService
from auth.texts.kind import TextKind, TextSender
from auth.texts.model import TextLimits
from auth.texts.privacy import TextHolding
from auth.texts.service import Texts
from auth.texts.telnyx import Telnyx
from auth.throttle.service import Throttle
from auth.tokens.mints import Mints
from auth.worker import SUBSCRIPTIONS
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.consumers import CONSUMERS
from kit.db.database import Database
from kit.db.wakeups import CROWD
from kit.http.acting import Acting
from kit.http.client import Outbound
from kit.http.peer import Peers
from kit.ledger.ledger import Ledger
from kit.mail import Mailer, MailServer, Post, SmtpServer, Templates, mail_kinds
from kit.privacy.holding import Holding, Holdings
from kit.privacy.kept_rows import KeptRows
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring, SealBroken, Sealer
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What auth is made of."""

    accounts: AccountService
    user_import: UserImport
    passwords: PasswordService
    magic_links: MagicLinkService
    changes: AddressChangeService
    sessions: SessionService
    overview: SessionOverview
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
    teams: TeamService
    delegations: DelegationService
    onboarding: OnboardingService
    eligibility: EligibilityService
    keys: KeyRing
    rotation: KeyRotation
    preferences: PreferenceService
    staff: StaffParts
    operations: OperationParts
    api_keys: ApiKeyService
    key_exchange: KeyExchange
    federation: Federation
    uses: Uses
    oauth: OAuthParts
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
    sender: TextSender | None = None,
) -> Parts:
    """The parts, on a database; without servers of its own, mails and texts go to those in the settings."""
    sealer = Sealer.from_text(settings.sealing_key.get_secret_value())
    mints = Mints.under(sealer)
    keys = KeyRing(database, sealer)
    addresses = Addresses(keyring)
    text_codes, handles = TextCodes(sealer.derive("text-codes")), _handles(settings)
    composer = MailComposer(addresses, mints, _public_url(settings))
    telnyx = sender or Telnyx(outbound, settings.telnyx_url.rstrip("/"), _telnyx_key(settings), settings.telnyx_from)
    text_kind = TextKind(addresses, text_codes, mints.challenge, telnyx, _public_url(settings))
    mailer = _mailer(database, keyring, composer, text_kind, settings, server)
    limits = TextLimits(network=settings.texts_per_network_and_hour, all=settings.texts_per_hour)
    texts = Texts(database, mailer.ledger, limits, settings.texts_per_second)
    challenges = Challenges(database, addresses, mints, text_codes, mailer, texts)
    current = CurrentSettings(database)
    approval = approval_of(passwords, outbound, settings, current.passwords_are_strict)
    throttle = Throttle(database, sealer.derive("sign-in-attempts"), mailer, mints.unlock)
    access_tokens = AccessTokens(settings.token_issuer, settings.token_audience)
    entrance = _entrance(database, sealer, keyring, keys, mints, mailer, access_tokens, settings)
    names = DeviceNames(keyring)
    seals, codes_key = FactorSeals(keyring), sealer.derive("recovery-codes")
    party = RelyingParty(settings.rp_id, settings.product_name, settings.origins, settings.webauthn_user_verification)
    proofs = PasskeyProofs(database, party, mailer)
    secrets, uses = Secrets(sealer), Uses(database)
    sessions = SessionService(database, addresses, handles, passwords, entrance, throttle)
    codes = Codes(database, seals, codes_key)
    showing = ShowingService(database, entrance, codes, proofs, passwords, mailer, throttle)
    reset = PasswordService(database, addresses, handles, passwords, approval, challenges, mailer, throttle)
    return Parts(
        accounts=AccountService(database, addresses, handles, passwords, approval, challenges),
        user_import=UserImport(database, addresses, challenges),
        passwords=reset,
        magic_links=MagicLinkService(database, handles, challenges, entrance),
        changes=AddressChangeService(database, addresses, handles, challenges, mailer),
        sessions=sessions,
        overview=SessionOverview(
            database, entrance.whereabouts, names, entrance.csrf_tokens, entrance.limits, mailer
        ),
        devices=DeviceService(database, names),
        throttle=throttle,
        entrance=entrance,
        factors=FactorService(database, seals, mailer, addresses, settings.product_name, codes_key),
        showing=showing,
        passkeys=PasskeyService(database, party, proofs, entrance, seals, addresses, mailer, codes_key),
        organizations=OrganizationService(database),
        members=MemberService(database, addresses),
        invitations=InvitationService(database, addresses, mints.invitation, mailer),
        ownership=OwnershipService(database, mailer),
        teams=TeamService(database),
        delegations=DelegationService(database, mailer),
        onboarding=OnboardingService(database),
        eligibility=EligibilityService(database),
        keys=keys,
        rotation=KeyRotation(database, sealer),
        preferences=PreferenceService(database, addresses, mailer),
        operations=OperationParts.build(database, addresses, mailer, current),
        staff=StaffParts.build(
            addresses, keys, mints, reset, access_tokens, _public_url(settings), entrance.limits.idle
        ),
        api_keys=ApiKeyService(database, secrets),
        key_exchange=KeyExchange(database, secrets, keys, access_tokens, uses),
        federation=federation(database, keyring, sealer, mints, entrance, mailer, outbound, settings),
        uses=uses,
        oauth=OAuthParts.build(sealer, mints, addresses, entrance, sessions, showing, _public_url(settings)),
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


def _handles(settings: AuthSettings) -> Handles:
    """Which addresses and numbers are taken; a list that cannot be read is noticed before anybody signs up."""
    numbers = NumberRules(
        settings.phone_region,
        settings.phone_countries,
        settings.phone_types_refused,
        open=settings.telnyx_key is not None,
    )
    if settings.disposable_domains is None:
        return Handles(numbers)
    try:
        return Handles(numbers, domains(settings.disposable_domains.read_text("utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"AUTH_DISPOSABLE_DOMAINS: {error}") from error


def _telnyx_key(settings: AuthSettings) -> str:
    return "" if settings.telnyx_key is None else settings.telnyx_key.get_secret_value()


def _holdings(  # noqa: PLR0917 - whatever holds something about people
    database: Database,
    addresses: Addresses,
    seals: FactorSeals,
    mailer: Mailer,
    sessions: SessionHolding,
    devices: DeviceHolding,
) -> Holdings:
    """What is held about people, in the order in which it is let go of."""
    holdings: tuple[Holding, ...] = (
        MemberHolding(database),
        MailHolding(database, addresses, mailer),
        TextHolding(database, mailer.ledger),
        InvitationHolding(database, addresses),
        PreferenceHolding(database),
        *operation_holdings(database),
        FactorHolding(database, seals),
        PasskeyHolding(database, seals),
        KeptRows(database, "api_keys", PersonsApiKeys),
        FederationHolding(database, Subjects(addresses.keyring)),
        KeptRows(database, "oauth_clients", PersonsClients),
        GrantHolding(database),
        *staff_holdings(database, addresses.keyring),
        sessions,
        devices,
        ActivityHolding(database),
        AccountHolding(database, addresses),
        RequestKeys(database),
    )
    return Holdings(holdings, known_in)


def _mailer(  # noqa: PLR0917 - what mails are made of
    database: Database,
    keyring: Keyring,
    composer: MailComposer,
    texts: TextKind,
    settings: AuthSettings,
    server: MailServer | None,
) -> Mailer:
    post = Post(settings.mail_from, CATEGORIES, f"{_public_url(settings)}/v1/unsubscribe")
    kinds = mail_kinds(
        keyring,
        server or SmtpServer.at(settings.smtp_url.get_secret_value()),
        Templates("auth"),
        post,
        composer,
    )
    return Mailer(database, keyring, Ledger(database, [*kinds, texts]), post)


def _public_url(settings: AuthSettings) -> str:
    return settings.public_url.rstrip("/")


@asynccontextmanager
async def open_parts(backbone: Backbone[AuthSettings]) -> AsyncIterator[Parts]:
    """Build the parts, see to it that there is a signing key, and end the hashing threads at the end."""
    passwords = Passwords()
    passwords.crowded = partial(backbone.database.hint, CROWD)
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
        parts.passwords,
        parts.magic_links,
        parts.changes,
        parts.sessions,
        parts.overview,
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
        parts.teams,
        parts.delegations,
        parts.onboarding,
        parts.eligibility,
        parts.preferences,
        parts.keys,
        *parts.federation.endpoints,
        parts.rotation,
        *parts.operations.for_endpoints(),
        *parts.staff.for_endpoints(),
        parts.api_keys,
        parts.key_exchange,
        parts.peers,
        *parts.oauth.endpoints(),
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What a worker does beside relaying."""
    return worker.loops(
        parts.mailer,
        parts.rotation,
        parts.sweeper,
        exports=parts.operations.exports,
        delegations=parts.delegations,
        statistics=parts.staff.statistics,
        recoveries=parts.staff.recoveries,
    )


def serving(parts: Parts) -> Sequence[Loop]:
    """What a process does beside answering."""
    return (
        Loop("uses of API keys", parts.uses.run),
        *parts.operations.serving(),
    )


def privacy(parts: Parts) -> Privacy:
    """What is held about people."""
    return Privacy(parts.holdings, AuthExportPartReady, AuthErasureAnswered)


async def rotate_keys(parts: Parts) -> None:
    """Announce a new signing key, which signs a quarter of an hour later."""
    await parts.rotation.rotate()


async def remove_key(parts: Parts, kid: str) -> None:
    """Take a signing key away in an emergency: what it has signed is refused everywhere within seconds."""
    if not await parts.rotation.remove(kid):
        raise SystemExit(f"remove-key: there is no signing key {kid}; /.well-known/jwks.json names them")


async def import_users(parts: Parts, file: str) -> None:
    """Open accounts from a file of JSON lines: email, hash (bcrypt or argon2), verified, and perhaps locale."""
    counted: Counter[str] = Counter()
    try:
        with Path(file).open(encoding="utf-8") as lines:  # noqa: ASYNC230 - a command that does nothing else
            async for told in parts.user_import.run(lines):
                counted[told.outcome.partition(":")[0]] += 1
                if told.outcome.startswith("refused"):
                    print(f"line {told.number}: {told.outcome}")  # noqa: T201 - for whoever runs the command
    except (OSError, UnicodeDecodeError) as error:
        raise SystemExit(f"import-users: {error}") from None
    print(", ".join(f"{count} {outcome}" for outcome, count in sorted(counted.items())))  # noqa: T201 - likewise


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
    jobs=attrgetter("operations.jobs"),
    privacy=privacy,
    subscriptions=SUBSCRIPTIONS,
    consumers=CONSUMERS,
    commands={
        "rotate-keys": rotate_keys,
        "remove-key": remove_key,
        "add-staff": add_staff,
        "import-users": import_users,
    },
    acting=Acting("auth.request.impersonated", changes=False),
)
