"""The parts of signing in with providers, built from values; bootstrap reads these from the settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from urllib.parse import urlsplit

from auth.accounts.sealing import Addresses
from auth.enterprise.directory import EnterpriseDirectory
from auth.enterprise.dns import Resolver
from auth.enterprise.service import IdentityProviderService
from auth.federation.beginning import Beginning
from auth.federation.directory import Directory
from auth.federation.linking import LinkedAccounts
from auth.federation.model import FlowSecrets, ProviderKind
from auth.federation.sealing import Subjects
from auth.federation.service import FederatedSignIn
from auth.federation.travel import Travel
from auth.openid.github import GitHubProvider
from auth.openid.model import Provider
from auth.openid.provider import OpenId, OpenIdProvider
from auth.openid.web import Web
from auth.sign_ins.service import Entrance
from auth.tokens.mints import Mints
from kit.clock import SystemClock
from kit.db.database import Database
from kit.http.client import Outbound
from kit.http.guard import Rules
from kit.mail import Mailer
from kit.seal import Keyring, Sealer


@dataclass(frozen=True, slots=True)
class Client:
    """What a provider knows us by; without an id it is switched off."""

    id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Places:
    """Where we are met, and where others are."""

    public_url: str
    applications: Sequence[str]
    google: Client
    google_issuer: str
    github: Client
    github_url: str
    github_api_url: str
    github_consent_url: str
    sandbox_url: str
    """The origin of a sandbox whose providers organizations may use without TLS; empty in production."""
    dns_url: str


@dataclass(frozen=True, slots=True)
class Federation:
    """Signing in by the word of a provider."""

    beginning: Beginning
    travel: Travel
    sign_in: FederatedSignIn
    linked: LinkedAccounts
    identity_providers: IdentityProviderService

    @property
    def endpoints(self) -> Sequence[object]:
        """What endpoints ask for."""
        return (self.beginning, self.travel, self.sign_in, self.linked, self.identity_providers)


def federation(  # noqa: PLR0917 - what everything stands on
    database: Database,
    keyring: Keyring,
    sealer: Sealer,
    mints: Mints,
    entrance: Entrance,
    mailer: Mailer,
    outbound: Outbound,
    places: Places,
) -> Federation:
    """Build it; nothing of it needs closing."""
    openid = OpenId.on(Web(outbound, guarded=True, exempt=places.sandbox_url), SystemClock())
    directory = Directory(_providers(Web(outbound), places), EnterpriseDirectory(database, keyring, openid))
    secrets = FlowSecrets(sealer.derive("federation-flows"))
    travel = Travel(
        database, directory, mints.federation, secrets, sealer, places.public_url.rstrip("/"), places.applications
    )
    addresses, subjects = Addresses(keyring), Subjects(keyring)
    return Federation(
        beginning=Beginning(travel, directory),
        travel=travel,
        sign_in=FederatedSignIn(database, travel, addresses, subjects, entrance, mailer),
        linked=LinkedAccounts(database, travel, subjects, mailer),
        identity_providers=IdentityProviderService(
            database, keyring, openid.discovery, Resolver(Web(outbound), places.dns_url)
        ),
    )


def outside(sandbox_url: str) -> Rules:
    """What customers may have us call: https on the public internet; in development a sandbox, too."""
    if not sandbox_url:
        return Rules()
    parts = urlsplit(sandbox_url)
    return Rules(http=True, http_ports=frozenset({parts.port or 80}), exempt=(ip_network(f"{parts.hostname}/32"),))


def _providers(web: Web, places: Places) -> dict[ProviderKind, Provider]:
    """The platform's own."""
    found: dict[ProviderKind, Provider] = {}
    if places.google.id:
        issuer = places.google_issuer.rstrip("/")
        found[ProviderKind.GOOGLE] = OpenIdProvider(
            OpenId.on(web, SystemClock()),
            issuer,
            issuer,
            places.google.id,
            places.google.secret,
            (issuer.partition("://")[2],),
        )
    if places.github.id:
        url = places.github_url.rstrip("/")
        found[ProviderKind.GITHUB] = GitHubProvider(
            web,
            url,
            places.github_api_url.rstrip("/"),
            (places.github_consent_url or url).rstrip("/"),
            places.github.id,
            places.github.secret,
        )
    return found
