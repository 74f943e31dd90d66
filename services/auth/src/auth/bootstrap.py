"""Builds auth's own parts; the only wiring."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from operator import attrgetter
from typing import Final
from urllib.parse import urlsplit

from auth import migrations, worker
from auth.accounts.privacy import AccountHolding
from auth.accounts.sealing import Addresses
from auth.accounts.service import AccountService
from auth.api import ROUTERS
from auth.api_keys.exchanging import KeyExchange
from auth.api_keys.privacy import ApiKeyHolding
from auth.api_keys.secrets import Secrets
from auth.api_keys.service import ApiKeyService
from auth.api_keys.uses import Uses
from auth.federation.beginning import Beginning
from auth.federation.directory import Directory
from auth.federation.linking import LinkedAccounts
from auth.federation.model import FlowSecrets, ProviderKind
from auth.federation.privacy import FederationHolding
from auth.federation.sealing import Subjects
from auth.federation.service import FederatedSignIn
from auth.federation.travel import Travel
from auth.invitations.privacy import InvitationHolding
from auth.invitations.service import InvitationService
from auth.keys.service import KeyRing, KeyRotation
from auth.mails.composer import MailComposer
from auth.mails.model import CATEGORIES
from auth.mails.privacy import MailHolding
from auth.members.privacy import MemberHolding, known_in
from auth.members.service import MemberService
from auth.openid.github import GitHubProvider
from auth.openid.model import Provider
from auth.openid.provider import OpenId, OpenIdProvider
from auth.openid.web import Web
from auth.organizations.service import OrganizationService
from auth.passwords.approving import Approval
from auth.passwords.breached import BreachedPasswords
from auth.passwords.common import KnownPasswords, NotAList
from auth.passwords.hashing import Passwords
from auth.passwords.policy import PasswordPolicy
from auth.preferences.privacy import PreferenceHolding
from auth.preferences.service import PreferenceService
from auth.sessions.access import AccessTokens
from auth.sessions.privacy import SessionHolding
from auth.sessions.service import SessionService
from auth.settings import AuthSettings
from auth.sign_ins.service import Entrance
from auth.sweeping import Sweeper
from auth.tokens.mints import Mints
from auth.worker import SUBSCRIPTIONS
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.consumers import CONSUMERS
from kit.clock import SystemClock
from kit.db.database import Database
from kit.http.client import Outbound
from kit.http.guard import Rules
from kit.http.peer import Peers
from kit.ledger.ledger import Ledger
from kit.mail import Mailer, MailServer, Post, SmtpServer, Templates, mail_kinds
from kit.privacy.holding import Holdings
from kit.privacy.requests import RequestKeys
from kit.process import Loop
from kit.seal import Keyring, SealBroken, Sealer
from kit.service import Backbone, Privacy, Service


@dataclass(frozen=True, slots=True)
class Federation:
    """Signing in by the word of a provider."""

    beginning: Beginning
    travel: Travel
    sign_in: FederatedSignIn
    linked: LinkedAccounts


@dataclass(frozen=True, slots=True)
class Parts:
    """What auth is made of."""

    accounts: AccountService
    sessions: SessionService
    entrance: Entrance
    organizations: OrganizationService
    members: MemberService
    invitations: InvitationService
    keys: KeyRing
    rotation: KeyRotation
    preferences: PreferenceService
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
    attempts_key = sealer.derive("sign-in-attempts")
    approval = _approval(passwords, outbound, settings)
    access_tokens = AccessTokens(settings.token_issuer, settings.token_audience)
    entrance = Entrance(database, keys, mints.refresh, access_tokens, mints.sign_in)
    secrets, uses = Secrets(sealer), Uses(database)
    return Parts(
        accounts=AccountService(database, addresses, passwords, approval, mints.verification, mailer),
        sessions=SessionService(database, addresses, passwords, entrance, attempts_key),
        entrance=entrance,
        organizations=OrganizationService(database),
        members=MemberService(database, addresses),
        invitations=InvitationService(database, addresses, mints.invitation, mailer),
        keys=keys,
        rotation=KeyRotation(database, sealer),
        preferences=PreferenceService(database, addresses, mailer),
        api_keys=ApiKeyService(database, secrets),
        key_exchange=KeyExchange(database, secrets, keys, access_tokens, uses),
        federation=_federation(database, keyring, mints, entrance, mailer, outbound, settings),
        uses=uses,
        peers=Peers(settings.clients()),
        mints=mints,
        mailer=mailer,
        ledger=mailer.ledger,
        sweeper=Sweeper(database),
        holdings=_holdings(database, addresses, mailer, attempts_key),
    )


def outside(settings: AuthSettings) -> Rules:
    """What customers may have us call: https on the public internet; in development a sandbox, too."""
    if not settings.sandbox_provider_url:
        return Rules()
    parts = urlsplit(settings.sandbox_provider_url)
    return Rules(http=True, http_ports=frozenset({parts.port or 80}), exempt=(ip_network(f"{parts.hostname}/32"),))


def _federation(  # noqa: PLR0917 - what everything stands on
    database: Database,
    keyring: Keyring,
    mints: Mints,
    entrance: Entrance,
    mailer: Mailer,
    outbound: Outbound,
    settings: AuthSettings,
) -> Federation:
    sealer = Sealer.from_text(settings.sealing_key.get_secret_value())
    directory = Directory(_providers(outbound, settings))
    secrets = FlowSecrets(sealer.derive("federation-flows"))
    origins = settings.origins()
    travel = Travel(database, directory, mints.federation, secrets, sealer, _public_url(settings), origins)
    addresses, subjects = Addresses(keyring), Subjects(keyring)
    return Federation(
        beginning=Beginning(travel, directory),
        travel=travel,
        sign_in=FederatedSignIn(database, travel, addresses, subjects, entrance, mailer),
        linked=LinkedAccounts(database, travel, subjects, mailer),
    )


def _providers(outbound: Outbound, settings: AuthSettings) -> dict[ProviderKind, Provider]:
    """The platform's own; one without client id is switched off."""
    web = Web(outbound)
    found: dict[ProviderKind, Provider] = {}
    if settings.google_client_id:
        issuer = settings.google_issuer.rstrip("/")
        found[ProviderKind.GOOGLE] = OpenIdProvider(
            OpenId.on(web, SystemClock()),
            issuer,
            issuer,
            settings.google_client_id,
            settings.google_client_secret.get_secret_value(),
            (issuer.partition("://")[2],),
        )
    if settings.github_client_id:
        url = settings.github_url.rstrip("/")
        found[ProviderKind.GITHUB] = GitHubProvider(
            web,
            url,
            settings.github_api_url.rstrip("/"),
            (settings.github_consent_url or url).rstrip("/"),
            settings.github_client_id,
            settings.github_client_secret.get_secret_value(),
        )
    return found


def _approval(passwords: Passwords, outbound: Outbound, settings: AuthSettings) -> Approval:
    """What is asked of passwords; a list that cannot be used is noticed before anybody signs up."""
    more = [] if settings.breached_passwords is None else [settings.breached_passwords]
    try:
        known = KnownPasswords.shipped(*more)
    except (NotAList, OSError) as error:
        raise SystemExit(f"AUTH_BREACHED_PASSWORDS: {error}") from error
    breached = None if settings.breached_url is None else BreachedPasswords(outbound, settings.breached_url)
    return Approval(passwords, PasswordPolicy(settings.password_policy, known=known), breached)


def _holdings(database: Database, addresses: Addresses, mailer: Mailer, attempts_key: bytes) -> Holdings:
    """What is held about people, in the order in which it is let go of."""
    holdings = (
        MemberHolding(database),
        MailHolding(database, addresses, mailer),
        InvitationHolding(database, addresses),
        PreferenceHolding(database),
        ApiKeyHolding(database),
        FederationHolding(database, Subjects(addresses.keyring)),
        SessionHolding(database, attempts_key),
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
    outbound = Outbound(clock=backbone.database.clock, rules=outside(backbone.settings))
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
        parts.organizations,
        parts.members,
        parts.invitations,
        parts.preferences,
        parts.keys,
        parts.federation.beginning,
        parts.federation.travel,
        parts.federation.sign_in,
        parts.federation.linked,
        parts.api_keys,
        parts.key_exchange,
        parts.peers,
    )


def loops(parts: Parts) -> Sequence[Loop]:
    """What a worker does beside relaying."""
    return worker.loops(parts.mailer, parts.rotation, parts.sweeper)


def serving(parts: Parts) -> Sequence[Loop]:
    """What a process does beside answering."""
    return (Loop("uses of API keys", parts.uses.run),)


def privacy(parts: Parts) -> Privacy:
    """What is held about people."""
    return Privacy(parts.holdings, AuthExportPartReady, AuthErasureAnswered)


async def rotate_keys(parts: Parts) -> None:
    """Announce a new signing key, which signs a quarter of an hour later."""
    await parts.rotation.rotate()


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
    commands={"rotate-keys": rotate_keys},
)
