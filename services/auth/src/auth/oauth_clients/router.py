from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.members.errors import NotAllowed
from auth.oauth_clients.errors import (
    ClientIsPublic,
    ClientNotFound,
    ClientRoleTooHigh,
    ClientUseless,
    TooManyClients,
)
from auth.oauth_clients.model import Registration
from auth.oauth_clients.schemas import ChangeClient, ClientOut, NewClientOut, RegisterClient, RotateSecret, shown
from auth.oauth_clients.service import ClientService
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.router import never_kept
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/oauth-clients",
    tags=["OAuth clients"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed),
)

Clients = Annotated[ClientService, Depends(part(ClientService))]
Keeper = Annotated[Caller, Depends(permitted_by_rows("oauth_clients.manage"))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(StepUpNeeded, ClientRoleTooHigh, ClientUseless, TooManyClients, IdempotencyKeyReused),
)
async def register_client(
    organization_id: UUID, body: RegisterClient, caller: Keeper, clients: Clients, key: IdempotencyKey
) -> NewClientOut:
    """Register a program that acts for people or, as a part of this organization, for itself."""
    registration = Registration(body.name, body.redirect_uris, body.scopes, body.role)
    made = await clients.register(organization_id, registration, caller, key, public=body.public)
    return NewClientOut.made(made)


@router.get("", responses=problems(BadCursor))
async def list_clients(organization_id: UUID, caller: Keeper, clients: Clients, page: Paging) -> Page[ClientOut]:
    """The registered programs, oldest first."""
    found, cursor = await clients.page(organization_id, caller, page)
    return Page(items=[shown(each) for each in found], next_cursor=cursor)


@router.get("/{client_id}", responses=problems(ClientNotFound))
async def read_client(
    organization_id: UUID, client_id: UUID, caller: Keeper, clients: Clients, versions: Versioned
) -> ClientOut:
    """One program, without its secret."""
    found = await clients.read(organization_id, client_id, caller)
    versions.tag(found.version)
    return shown(found)


@router.put(
    "/{client_id}",
    responses=problems(StepUpNeeded, ClientNotFound, ClientRoleTooHigh, ClientUseless, Changed, ConditionMissing),
)
async def change_client(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    client_id: UUID,
    body: ChangeClient,
    caller: Keeper,
    clients: Clients,
    expected: Expected,
    versions: Versioned,
) -> ClientOut:
    """Change what is registered of a program."""
    registration = Registration(body.name, body.redirect_uris, body.scopes, body.role)
    changed = await clients.change(organization_id, client_id, registration, caller, expected)
    versions.tag(changed.version)
    return shown(changed)


@router.post(
    "/{client_id}/secrets",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(StepUpNeeded, ClientNotFound, ClientIsPublic),
)
async def rotate_client_secret(
    organization_id: UUID, client_id: UUID, body: RotateSecret, caller: Keeper, clients: Clients
) -> NewClientOut:
    """Make another secret; the one before stays good for the overlap, at most seven days."""
    overlap = timedelta(seconds=body.overlap_seconds)
    return NewClientOut.made(await clients.rotate(organization_id, client_id, overlap, caller))


@router.delete("/{client_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ClientNotFound))
async def end_client(organization_id: UUID, client_id: UUID, caller: Keeper, clients: Clients) -> None:
    """End a program: none of its tokens is taken any more, within seconds, everywhere."""
    await clients.end(organization_id, client_id, caller)
