"""The identity providers of organizations, as sign-ins meet them."""

from dataclasses import dataclass
from uuid import UUID

from auth.enterprise.model import IdentityProvider
from auth.enterprise.repository import ProviderRepository, provider_of_domain
from auth.enterprise.service import secret_place
from auth.openid.provider import OpenId, OpenIdProvider
from kit.db.database import Database
from kit.seal import Keyring, KeyShredded


@dataclass(frozen=True, slots=True)
class EnterpriseDirectory:
    """Finds a provider by the domain of an address or by its id, and opens its secret."""

    database: Database
    keyring: Keyring
    openid: OpenId

    async def of_domain(self, domain: str) -> tuple[UUID, UUID] | None:
        """Organization and provider of a proven domain."""
        async with self.database.transaction() as tx:
            return await provider_of_domain(tx, domain)

    async def find(self, organization_id: UUID, provider_id: UUID) -> IdentityProvider | None:
        """A provider that is in use."""
        async with self.database.transaction(organization_id) as tx:
            found = await ProviderRepository(tx).find(provider_id)
        return found if found is not None and found.policy.active else None

    async def opened(self, provider: IdentityProvider) -> OpenIdProvider | None:
        """The provider with its secret; its subjects are those of this very provider, whatever issuer it names."""
        place = secret_place(provider.id)
        try:
            secret = await self.keyring.open(provider.organization_id, provider.secret_sealed, place)
        except KeyShredded:
            return None
        realm = f"organization:{provider.id}"
        return OpenIdProvider(self.openid, realm, provider.issuer, provider.policy.client_id, secret.decode())
