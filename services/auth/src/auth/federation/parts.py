"""The parts of signing in with providers, built from what the settings say."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

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


class Places(Protocol):
    """Where we are met and where others are, as the settings say; a provider without a client id is switched off."""

    @property
    def public_url(self) -> str:
        """Where browsers meet the gateway."""

    @property
    def applications(self) -> Sequence[str]:
        """Where browsers may be sent back to."""

    @property
    def google_client_id(self) -> str:
        """Google knows us by it."""

    @property
    def google_client_secret(self) -> SecretStr:
        """What proves it."""

    @property
    def google_issuer(self) -> str:
        """Where Google is."""

    @property
    def github_client_id(self) -> str:
        """GitHub knows us by it."""

    @property
    def github_client_secret(self) -> SecretStr:
        """What proves it."""

    @property
    def github_url(self) -> str:
        """Where GitHub is."""

    @property
    def github_api_url(self) -> str:
        """Where its API is."""

    @property
    def github_consent_url(self) -> str:
        """Where browsers find it, if elsewhere."""

    @property
    def sandbox_provider_url(self) -> str:
        """The origin of a sandbox whose providers organizations may use without TLS; empty in production."""

    @property
    def dns_url(self) -> str:
        """Where the DNS is asked."""


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
    openid = OpenId.on(Web(outbound, guarded=True, exempt=places.sandbox_provider_url), SystemClock())
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
    if places.google_client_id:
        issuer = places.google_issuer.rstrip("/")
        found[ProviderKind.GOOGLE] = OpenIdProvider(
            OpenId.on(web, SystemClock()),
            issuer,
            issuer,
            places.google_client_id,
            places.google_client_secret.get_secret_value(),
            (issuer.partition("://")[2],),
        )
    if places.github_client_id:
        url = places.github_url.rstrip("/")
        found[ProviderKind.GITHUB] = GitHubProvider(
            web,
            url,
            places.github_api_url.rstrip("/"),
            (places.github_consent_url or url).rstrip("/"),
            places.github_client_id,
            places.github_client_secret.get_secret_value(),
        )
    return found
