from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.api_keys.errors import ApiKeyNotFound, ApiKeyOver, ApiKeyRefused, ApiKeyRoleTooHigh, TooManyApiKeys
from auth.api_keys.exchanging import KeyExchange
from auth.api_keys.model import Grant
from auth.api_keys.schemas import ApiKeyOut, Exchange, ExchangedOut, MakeApiKey, NewApiKeyOut, RotateApiKey
from auth.api_keys.service import ApiKeyService
from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.sessions.router import never_kept
from auth.sign_ins.errors import StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.peer import CallingService
from kit.http.problem import problems

router = APIRouter(
    prefix="/v1/organizations/{organization_id}/api-keys",
    tags=["API keys"],
    responses=problems(TokenRefused, OrganizationNotFound, NotAllowed),
)
internal = APIRouter(prefix="/internal/api-keys", include_in_schema=False)

ApiKeys = Annotated[ApiKeyService, Depends(part(ApiKeyService))]
Keeper = Annotated[Caller, Depends(permitted_by_rows("api_keys.manage"))]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(StepUpNeeded, ApiKeyRoleTooHigh, TooManyApiKeys, IdempotencyKeyReused),
)
async def make_api_key(
    organization_id: UUID, body: MakeApiKey, caller: Keeper, api_keys: ApiKeys, key: IdempotencyKey
) -> NewApiKeyOut:
    """Make a key for a program of the organization's own; the answer is the only place where it is shown."""
    grant = Grant(body.role, body.scopes, body.allowed_addresses)
    made = await api_keys.make(organization_id, body.name, grant, body.expires_in_days, caller, key)
    return NewApiKeyOut.made(made)


@router.get("", responses=problems(BadCursor))
async def list_api_keys(organization_id: UUID, caller: Keeper, api_keys: ApiKeys, page: Paging) -> Page[ApiKeyOut]:
    """The keys, oldest first; those that are over are shown for 90 days."""
    found, cursor = await api_keys.page(organization_id, caller, page)
    return Page(items=[ApiKeyOut.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/{key_id}", responses=problems(ApiKeyNotFound))
async def read_api_key(organization_id: UUID, key_id: UUID, caller: Keeper, api_keys: ApiKeys) -> ApiKeyOut:
    """One key, without itself."""
    return ApiKeyOut.model_validate(await api_keys.read(organization_id, key_id, caller))


@router.post(
    "/{key_id}/rotations",
    status_code=status.HTTP_201_CREATED,
    dependencies=[Depends(never_kept)],
    responses=problems(StepUpNeeded, ApiKeyNotFound, ApiKeyOver, ApiKeyRoleTooHigh, IdempotencyKeyReused),
)
async def rotate_api_key(  # noqa: PLR0917 - FastAPI passes them all by name
    organization_id: UUID,
    key_id: UUID,
    body: RotateApiKey,
    caller: Keeper,
    api_keys: ApiKeys,
    key: IdempotencyKey,
) -> NewApiKeyOut:
    """Make another key with the same rights; the old one stays good for the overlap, at most seven days."""
    overlap = timedelta(seconds=body.overlap_seconds)
    made = await api_keys.rotate(organization_id, key_id, overlap, body.expires_in_days, caller, key)
    return NewApiKeyOut.made(made)


@router.delete("/{key_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(ApiKeyNotFound))
async def end_api_key(organization_id: UUID, key_id: UUID, caller: Keeper, api_keys: ApiKeys) -> None:
    """End a key; it is refused everywhere within seconds."""
    await api_keys.end(organization_id, key_id, caller)


@internal.post("/exchanges", dependencies=[Depends(never_kept)], responses=problems(ApiKeyRefused))
async def exchange_api_key(
    body: Exchange, exchange: Annotated[KeyExchange, Depends(part(KeyExchange))], _service: CallingService
) -> ExchangedOut:
    """An access token for a key that somebody shows at a gateway."""
    exchanged = await exchange.exchange(body.key.get_secret_value(), body.address)
    return ExchangedOut.model_validate(exchanged)
