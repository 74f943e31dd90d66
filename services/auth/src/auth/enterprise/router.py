from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.enterprise.errors import (
    DomainInvalid,
    DomainNamedAlready,
    DomainNotFound,
    DomainNotProven,
    DomainTaken,
    IdentityProviderNotFound,
    IssuerUnusable,
    TooManyDomains,
    TooManyIdentityProviders,
)
from auth.enterprise.model import IdentityProvider
from auth.enterprise.schemas import (
    ChangeIdentityProvider,
    ConnectIdentityProvider,
    DomainOut,
    IdentityProviderOut,
    IdentityProvidersOut,
    NameDomain,
    domain_out,
)
from auth.enterprise.service import PERMISSION, IdentityProviderService
from auth.federation.model import CALLBACK
from auth.federation.router import Travels
from auth.federation.travel import Travel
from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/identity-providers",
    tags=["identity providers"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed, StepUpNeeded),
)

Providers = Annotated[IdentityProviderService, Depends(part(IdentityProviderService))]
Administrator = Annotated[Caller, Depends(permitted_by_rows(PERMISSION))]


def _shown(held: IdentityProvider, travel: Travel) -> IdentityProviderOut:
    return IdentityProviderOut.of(held, f"{travel.public_url}{CALLBACK}/{held.id}")


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    responses=problems(IssuerUnusable, TooManyIdentityProviders, IdempotencyKeyReused),
)
async def connect_identity_provider(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    body: ConnectIdentityProvider,
    caller: Administrator,
    providers: Providers,
    travel: Travels,
    key: IdempotencyKey,
    versions: Versioned,
) -> IdentityProviderOut:
    """Connect an OpenID Connect provider; it vouches for nobody until a domain is proven."""
    secret = body.client_secret.get_secret_value()
    held = await providers.create(organization_id, body.issuer, body.policy(), secret, caller, key)
    versions.tag(held.version)
    return _shown(held, travel)


@router.get("")
async def list_identity_providers(
    organization_id: UUID, caller: Administrator, providers: Providers, travel: Travels
) -> IdentityProvidersOut:
    """The identity providers of the organization."""
    found = await providers.list(organization_id, caller)
    return IdentityProvidersOut(items=[_shown(each, travel) for each in found])


@router.get("/{provider_id}", responses=problems(IdentityProviderNotFound))
async def read_identity_provider(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    provider_id: UUID,
    caller: Administrator,
    providers: Providers,
    travel: Travels,
    versions: Versioned,
) -> IdentityProviderOut:
    """One identity provider; its secret is shown to nobody."""
    held = await providers.read(organization_id, provider_id, caller)
    versions.tag(held.version)
    return _shown(held, travel)


@router.patch("/{provider_id}", responses=problems(IdentityProviderNotFound, Changed, ConditionMissing))
async def change_identity_provider(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    provider_id: UUID,
    body: ChangeIdentityProvider,
    caller: Administrator,
    providers: Providers,
    travel: Travels,
    expected: Expected,
    versions: Versioned,
) -> IdentityProviderOut:
    """Change one; when it is disabled, sessions that began by its word end."""
    secret = None if body.client_secret is None else body.client_secret.get_secret_value()
    held = await providers.change(organization_id, provider_id, body.changed(), secret, caller, expected)
    versions.tag(held.version)
    return _shown(held, travel)


@router.delete("/{provider_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(IdentityProviderNotFound))
async def disconnect_identity_provider(
    organization_id: UUID, provider_id: UUID, caller: Administrator, providers: Providers
) -> None:
    """Disconnect one: it vouches for nobody any more, and sessions that began by its word end."""
    await providers.remove(organization_id, provider_id, caller)


@router.post(
    "/{provider_id}/domains",
    status_code=status.HTTP_201_CREATED,
    responses=problems(IdentityProviderNotFound, DomainInvalid, DomainNamedAlready, TooManyDomains),
)
async def name_domain(
    organization_id: UUID, provider_id: UUID, body: NameDomain, caller: Administrator, providers: Providers
) -> DomainOut:
    """Name a domain; put the record of the answer into its DNS, and then prove it."""
    return domain_out(await providers.name_domain(organization_id, provider_id, body.domain, caller))


@router.post(
    "/{provider_id}/domains/{domain_id}/proof",
    responses=problems(IdentityProviderNotFound, DomainNotFound, DomainNotProven, DomainTaken),
)
async def prove_domain(
    organization_id: UUID, provider_id: UUID, domain_id: UUID, caller: Administrator, providers: Providers
) -> DomainOut:
    """Prove a domain by the record in its DNS; from then on its people are sent to this provider."""
    return domain_out(await providers.prove_domain(organization_id, provider_id, domain_id, caller))


@router.delete(
    "/{provider_id}/domains/{domain_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    responses=problems(IdentityProviderNotFound, DomainNotFound),
)
async def release_domain(
    organization_id: UUID, provider_id: UUID, domain_id: UUID, caller: Administrator, providers: Providers
) -> None:
    """Let go of a domain: the provider vouches for its people no more."""
    await providers.release_domain(organization_id, provider_id, domain_id, caller)
