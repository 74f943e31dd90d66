"""What owners and administrators do with the identity providers of their organization."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from auth.enterprise.dns import Resolver
from auth.enterprise.errors import (
    DomainNamedAlready,
    DomainNotFound,
    DomainNotProven,
    DomainTaken,
    IdentityProviderNotFound,
    IssuerUnusable,
    TooManyDomains,
    TooManyIdentityProviders,
)
from auth.enterprise.model import (
    AT_ONCE,
    MOST_DOMAINS,
    MOST_PROVIDERS,
    Domain,
    IdentityProvider,
    Policy,
    domain_named,
)
from auth.enterprise.repository import ProviderRepository
from auth.members.acting import insist
from auth.openid.discovery import Discovery, NotAProvider
from auth.openid.errors import ProviderUnreachable
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.revoking import end_session
from auth.sign_ins.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.ids import new_id
from kit.seal import Keyring, KeyShredded

PERMISSION: Final = "security.manage"


def secret_place(provider_id: UUID) -> bytes:
    """The place of a sealed client secret."""
    return b"identity_providers.secret_sealed:" + provider_id.bytes


@dataclass(frozen=True, slots=True)
class IdentityProviderService:
    """Connects providers and proves domains: others are asked outside of transactions, changes take a fresh proof."""

    database: Database
    keyring: Keyring
    discovery: Discovery
    resolver: Resolver

    async def create(  # noqa: PLR0917 - what a provider is made of
        self, organization_id: UUID, issuer: str, policy: Policy, secret: str, caller: Caller, key: Idempotency
    ) -> IdentityProvider:
        """Connect a provider; it vouches for nobody until a domain is proven.

        Raises:
            IssuerUnusable: it does not answer as a provider does.
        """
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
        await self._discover(issuer)
        provider_id = new_id()
        sealed = await self._sealed(organization_id, provider_id, secret)
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            earlier = await key.claim(tx)
            if earlier is None:
                await providers.lock_organization()
                if len(await providers.all()) >= MOST_PROVIDERS:
                    raise TooManyIdentityProviders
                await providers.add(provider_id, issuer, policy, sealed)
                await key.remember(tx, provider_id, 1)
                await tx.emit(audited("auth.identity_provider.created", caller, "identity_provider", provider_id))
            return await _found(providers, earlier.resource_id if earlier else provider_id)

    async def list(self, organization_id: UUID, caller: Caller) -> Sequence[IdentityProvider]:
        """All providers; there are never more than ten."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, PERMISSION)
            return await ProviderRepository(tx).all()

    async def read(self, organization_id: UUID, provider_id: UUID, caller: Caller) -> IdentityProvider:
        """One provider."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, PERMISSION)
            return await _found(ProviderRepository(tx), provider_id)

    async def change(  # noqa: PLR0917 - what may change
        self,
        organization_id: UUID,
        provider_id: UUID,
        changed: Mapping[str, Any],
        secret: str | None,
        caller: Caller,
        expected: Condition,
    ) -> IdentityProvider:
        """Change what a provider is used for; sessions by its word end when it is disabled."""
        sealed = None if secret is None else await self._sealed(organization_id, provider_id, secret)
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            held = await _found(providers, provider_id, lock=True)
            expected.check(held.version)
            policy = replace(held.policy, **changed)
            await providers.save(held, policy, sealed or held.secret_sealed)
            await tx.emit(
                audited(
                    "auth.identity_provider.changed",
                    caller,
                    "identity_provider",
                    provider_id,
                    active=policy.active,
                    enforced=policy.enforced,
                    joins=policy.joins,
                    default_role=policy.default_role.value,
                    secret=secret is not None,
                )
            )
            shown = await _found(providers, provider_id)
            if held.policy.active and not policy.active:
                await _end_sessions(tx, provider_id)
        return shown

    async def remove(self, organization_id: UUID, provider_id: UUID, caller: Caller) -> None:
        """Disconnect a provider: it vouches for nobody any more, and sessions by its word end."""
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            await _found(providers, provider_id, lock=True)
            await tx.emit(audited("auth.identity_provider.removed", caller, "identity_provider", provider_id))
            sessions = await providers.sessions(provider_id, AT_ONCE)
            await providers.remove(provider_id)
            for session_id, user_id in sessions:
                await end_session(tx, session_id, user_id, "ended")

    async def name_domain(self, organization_id: UUID, provider_id: UUID, domain: str, caller: Caller) -> Domain:
        """Say that a domain is theirs; it counts once its DNS says so, too."""
        named, domain_id = domain_named(domain), new_id()
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            held = await _found(providers, provider_id, lock=True)
            if len(held.domains) >= MOST_DOMAINS:
                raise TooManyDomains
            if not await providers.add_domain(domain_id, provider_id, named, secrets.token_hex(16)):
                raise DomainNamedAlready
            await providers.touch(provider_id)
            await tx.emit(audited("auth.domain.named", caller, "domain", domain_id))
            return _domain(await _found(providers, provider_id), domain_id)

    async def prove_domain(self, organization_id: UUID, provider_id: UUID, domain_id: UUID, caller: Caller) -> Domain:
        """Look into the DNS; when it holds the challenge, people of the domain are sent to this provider from now on.

        Raises:
            DomainNotProven: it does not.
            DomainTaken: somebody else has proven it.
        """
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            domain = _domain(await _found(ProviderRepository(tx), provider_id), domain_id)
        if domain.proven_at is not None:
            return domain
        if domain.record_value not in await self.resolver.texts(domain.record_name):
            raise DomainNotProven
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            if not await providers.prove_domain(domain):
                raise DomainTaken
            await providers.touch(provider_id)
            await tx.emit(audited("auth.domain.proven", caller, "domain", domain_id))
            return _domain(await _found(providers, provider_id), domain_id)

    async def release_domain(self, organization_id: UUID, provider_id: UUID, domain_id: UUID, caller: Caller) -> None:
        """Let go of a domain: the provider vouches for its people no more."""
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, caller)
            providers = ProviderRepository(tx)
            await _found(providers, provider_id, lock=True)
            if not await providers.remove_domain(domain_id, provider_id):
                raise DomainNotFound
            await providers.touch(provider_id)
            await tx.emit(audited("auth.domain.released", caller, "domain", domain_id))

    async def _discover(self, issuer: str) -> None:
        """What is not reachable is answered alike, whatever the reason: nobody explores our network by it."""
        try:
            await self.discovery.of(issuer, anew=True)
        except NotAProvider as trouble:
            raise IssuerUnusable(trouble.reason) from trouble
        except ProviderUnreachable as trouble:
            raise IssuerUnusable("unreachable") from trouble

    async def _sealed(self, organization_id: UUID, provider_id: UUID, secret: str) -> bytes:
        try:
            return await self.keyring.seal(organization_id, secret.encode(), secret_place(provider_id))
        except KeyShredded as forgotten:
            raise OrganizationNotFound from forgotten


async def _insist(tx: Transaction, caller: Caller) -> None:
    await insist(tx, caller, PERMISSION)
    await insist_on_fresh_proof(tx, caller)


async def _found(providers: ProviderRepository, provider_id: UUID, *, lock: bool = False) -> IdentityProvider:
    found = await providers.find(provider_id, lock=lock)
    if found is None:
        raise IdentityProviderNotFound
    return found


def _domain(provider: IdentityProvider, domain_id: UUID) -> Domain:
    found = provider.domain(domain_id)
    if found is None:
        raise DomainNotFound
    return found


async def _end_sessions(tx: Transaction, provider_id: UUID) -> None:
    """End sessions by its word; those that are too many for one transaction end at their next refresh."""
    for session_id, user_id in await ProviderRepository(tx).sessions(provider_id, AT_ONCE):
        await end_session(tx, session_id, user_id, "ended")
