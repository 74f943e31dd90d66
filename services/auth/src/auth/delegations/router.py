from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, status

from auth.delegations.errors import (
    AssignmentNotAcceptable,
    DelegatedAlready,
    DelegationGone,
    DelegationNotFound,
    EndNotAcceptable,
    NotInForce,
    NotYoursToAccept,
    OtherSideNotFound,
    TooManyProposals,
)
from auth.delegations.schemas import (
    AskDelegation,
    Assign,
    AssignmentOut,
    AssignmentsOut,
    DelegationOut,
    OfferDelegation,
)
from auth.delegations.service import DelegationService
from auth.members.errors import NotAllowed
from auth.organizations.errors import OrganizationNotFound
from auth.sign_ins.errors import AccountSuspended, StepUpNeeded
from kit.http.app import part
from kit.http.caller import Caller, TokenRefused, permitted_by_rows
from kit.http.etag import Changed, ConditionMissing, Expected, Versioned
from kit.http.idempotency import IdempotencyKey, IdempotencyKeyReused
from kit.http.pagination import BadCursor, Page, Paging
from kit.http.problem import problems

_REFUSALS = problems(TokenRefused, OrganizationNotFound, NotAllowed, AccountSuspended)
_PROPOSED = problems(EndNotAcceptable, OtherSideNotFound, DelegatedAlready, TooManyProposals, IdempotencyKeyReused)

of_client = APIRouter(
    prefix="/v1/organizations/{organization_id}/delegations", tags=["delegations"], responses=_REFUSALS
)
of_agency = APIRouter(prefix="/v1/organizations/{organization_id}/clients", tags=["delegations"], responses=_REFUSALS)

Delegations = Annotated[DelegationService, Depends(part(DelegationService))]
Reader = Annotated[Caller, Depends(permitted_by_rows("delegations.read"))]
Client = Annotated[Caller, Depends(permitted_by_rows("delegations.manage"))]
Agency = Annotated[Caller, Depends(permitted_by_rows("clients.manage"))]


@of_client.post("", status_code=status.HTTP_201_CREATED, responses=_PROPOSED | problems(StepUpNeeded))
async def offer_delegation(
    organization_id: UUID, body: OfferDelegation, caller: Client, delegations: Delegations, key: IdempotencyKey
) -> DelegationOut:
    """Let an agency act in your organization; in force once it accepts."""
    return DelegationOut.of(
        await delegations.propose("client", organization_id, body.agency_id, body.roles, body.ends_at, caller, key)
    )


@of_client.get("", responses=problems(BadCursor))
async def list_delegations(
    organization_id: UUID, caller: Reader, delegations: Delegations, page: Paging
) -> Page[DelegationOut]:
    """Which agencies act, acted or would act in your organization, oldest first."""
    found, cursor = await delegations.page("client", organization_id, caller, page)
    return Page(items=[DelegationOut.of(each) for each in found], next_cursor=cursor)


@of_client.post(
    "/{delegation_id}/acceptance",
    responses=problems(StepUpNeeded, DelegationNotFound, DelegationGone, NotYoursToAccept),
)
async def accept_agency(
    organization_id: UUID, delegation_id: UUID, caller: Client, delegations: Delegations
) -> DelegationOut:
    """Let the agency act that has asked."""
    return DelegationOut.of(await delegations.accept("client", organization_id, delegation_id, caller))


@of_client.delete("/{delegation_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(DelegationNotFound))
async def end_delegation(
    organization_id: UUID, delegation_id: UUID, caller: Client, delegations: Delegations
) -> None:
    """End it, withdraw the offer, or decline: at once nobody of the agency acts any more."""
    await delegations.end("client", organization_id, delegation_id, caller)


@of_agency.post("", status_code=status.HTTP_201_CREATED, responses=_PROPOSED)
async def ask_client(
    organization_id: UUID, body: AskDelegation, caller: Agency, delegations: Delegations, key: IdempotencyKey
) -> DelegationOut:
    """Ask a client to let you act; in force once one of its owners accepts."""
    return DelegationOut.of(
        await delegations.propose("agency", organization_id, body.client_id, body.roles, body.ends_at, caller, key)
    )


@of_agency.get("", responses=problems(BadCursor))
async def list_clients(
    organization_id: UUID, caller: Agency, delegations: Delegations, page: Paging
) -> Page[DelegationOut]:
    """For whom your agency acts, acted or would act, oldest first."""
    found, cursor = await delegations.page("agency", organization_id, caller, page)
    return Page(items=[DelegationOut.of(each) for each in found], next_cursor=cursor)


@of_agency.post(
    "/{delegation_id}/acceptance", responses=problems(DelegationNotFound, DelegationGone, NotYoursToAccept)
)
async def accept_client(
    organization_id: UUID, delegation_id: UUID, caller: Agency, delegations: Delegations
) -> DelegationOut:
    """Accept what a client offers; then say whom you send."""
    return DelegationOut.of(await delegations.accept("agency", organization_id, delegation_id, caller))


@of_agency.delete("/{delegation_id}", status_code=status.HTTP_204_NO_CONTENT, responses=problems(DelegationNotFound))
async def end_client(organization_id: UUID, delegation_id: UUID, caller: Agency, delegations: Delegations) -> None:
    """End it, withdraw what was asked, or decline."""
    await delegations.end("agency", organization_id, delegation_id, caller)


@of_agency.get("/{delegation_id}/assignments", responses=problems(DelegationNotFound))
async def list_assignments(
    organization_id: UUID, delegation_id: UUID, caller: Agency, delegations: Delegations, versions: Versioned
) -> AssignmentsOut:
    """Whom you send to a client."""
    held, found = await delegations.assignments(organization_id, delegation_id, caller)
    versions.tag(held.version)
    return AssignmentsOut(items=[AssignmentOut.model_validate(each) for each in found], version=held.version)


@of_agency.put(
    "/{delegation_id}/assignments",
    responses=problems(DelegationNotFound, NotInForce, AssignmentNotAcceptable, Changed, ConditionMissing),
)
async def assign(
    organization_id: UUID,
    delegation_id: UUID,
    body: Assign,
    caller: Agency,
    delegations: Delegations,
    *,
    expected: Expected,
    versions: Versioned,
) -> AssignmentsOut:
    """Say whom you send, and in which of the given roles: these and nobody else, at once."""
    wanted = [each.said() for each in body.items]
    held, found = await delegations.assign(organization_id, delegation_id, wanted, caller, expected)
    versions.tag(held.version)
    return AssignmentsOut(items=[AssignmentOut.model_validate(each) for each in found], version=held.version)
