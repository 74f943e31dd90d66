"""Agencies that act for their clients: proposed by either side, accepted by the other, ended by both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from auth.delegations.ending import people_changed
from auth.delegations.errors import (
    AssignmentNotAcceptable,
    DelegatedAlready,
    DelegationNotFound,
    NotInForce,
    OtherSideNotFound,
    TooManyProposals,
)
from auth.delegations.model import (
    MOST_PROPOSALS,
    Assignment,
    Because,
    Delegation,
    DelegationState,
    Side,
    check_assignments,
    check_end,
)
from auth.delegations.repository import AssignmentRepository, DelegationRepository, due, made
from auth.mails.notices import Notice, notify
from auth.members.acting import insist
from auth.members.permissions import Role
from auth.members.repository import MemberRepository
from auth.sessions.revoking import void_tokens_of
from auth.sign_ins.fresh import insist_on_fresh_proof
from contracts.auth import DelegationGranted, DelegationProposed, DelegationRevoked
from kit.audit import SYSTEM, Actor, audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.etag import Condition
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.mail import Mailer

PERMISSIONS: Final[dict[Side, str]] = {"client": "delegations.manage", "agency": "clients.manage"}
AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class DelegationService:
    """What a client lets an agency do; the side is the one of the organization in the path."""

    database: Database
    mailer: Mailer

    async def propose(  # noqa: PLR0917 - what a proposal is made of
        self,
        side: Side,
        organization_id: UUID,
        other_id: UUID,
        roles: Sequence[Role],
        ends_at: datetime,
        caller: Caller,
        key: Idempotency,
    ) -> Delegation:
        """Ask a client, or offer oneself to an agency; in force once the other side accepts."""
        client, agency = (organization_id, other_id) if side == "client" else (other_id, organization_id)
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, side, caller)
            earlier = await key.claim(tx)
            if earlier is not None:
                return await self._shown(tx, side, await _found(tx, side, organization_id, earlier.resource_id))
            now = self.database.clock.now()
            check_end(ends_at, now)
            delegations = DelegationRepository(tx)
            await MemberRepository(tx).lock_organization()
            if await delegations.count_proposals(side, organization_id) >= MOST_PROPOSALS:
                raise TooManyProposals
            await tx.bind(organization_id, other_id)
            if client == agency or not await delegations.is_there(other_id):
                raise OtherSideNotFound
            await delegations.end_expired(client, agency)
            state = DelegationState.OFFERED if side == "client" else DelegationState.ASKED
            proposal = made(client, agency, roles, state, ends_at, now)
            if not await delegations.add(proposal):
                raise DelegatedAlready
            await key.remember(tx, proposal.id, 1)
            await tx.emit(DelegationProposed(organization_id=other_id, delegation_id=proposal.id, by=side))
            await _tell(tx, "auth.delegation.proposed", caller, proposal, side=side)
            return await self._shown(tx, side, proposal)

    async def page(
        self, side: Side, organization_id: UUID, caller: Caller, page: PageRequest
    ) -> tuple[list[Delegation], str | None]:
        """A page of delegations and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "delegations.read" if side == "client" else PERMISSIONS[side])
            delegations = DelegationRepository(tx)
            rows = await delegations.page(side, organization_id, after[0] if after else None, page.limit + 1)
            shown, cursor = page.cut(rows, lambda delegation: (delegation.id,))
            return await delegations.named(side, shown), cursor

    async def accept(self, side: Side, organization_id: UUID, delegation_id: UUID, caller: Caller) -> Delegation:
        """Agree to what the other side has proposed; accepting twice is accepting once."""
        async with self.database.transaction(organization_id) as tx:
            await _insist(tx, side, caller)
            held = await _locked(tx, side, organization_id, delegation_id)
            held.check_acceptance(side)
            if held.state is not DelegationState.ACTIVE:
                await DelegationRepository(tx).grant(delegation_id)
                await tx.bind(held.organization_id, held.agency_id)
                await tx.emit(
                    DelegationGranted(
                        organization_id=held.organization_id,
                        delegation_id=delegation_id,
                        agency_id=held.agency_id,
                        roles=list(held.roles),
                        ends_at=held.ends_at,
                        version=held.version + 1,
                    )
                )
                await _tell(tx, "auth.delegation.granted", caller, held)
                for owner in await MemberRepository(tx).owners_of(held.organization_id):
                    await notify(tx, self.mailer, owner, Notice.DELEGATION_GRANTED, delegation_id)
                await tx.bind(organization_id)
            return await self._shown(tx, side, await _found(tx, side, organization_id, delegation_id))

    async def end(self, side: Side, organization_id: UUID, delegation_id: UUID, caller: Caller) -> None:
        """End it, decline or withdraw: at once nobody acts in the client any more; one that has ended stays so."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, PERMISSIONS[side])
            held = await _locked(tx, side, organization_id, delegation_id)
            await _end(tx, held, side, caller)

    async def end_due(self) -> bool:
        """Mark what has expired; True when there may be more. Nobody could act by it since its last second."""
        async with self.database.transaction() as tx:
            found = await due(tx, AT_ONCE)
        for delegation_id, client, _ in found:
            async with self.database.transaction(client) as tx:
                held = await DelegationRepository(tx).lock("client", client, delegation_id)
                if held is not None and held.ended_because == "expired":
                    await _end(tx, held, "expired", SYSTEM)
        return len(found) >= AT_ONCE

    async def assignments(
        self, agency_id: UUID, delegation_id: UUID, caller: Caller
    ) -> tuple[Delegation, list[Assignment]]:
        """Whom the agency sends."""
        async with self.database.snapshot(agency_id) as tx:
            await insist(tx, caller, PERMISSIONS["agency"])
            held = await _found(tx, "agency", agency_id, delegation_id)
            return held, await AssignmentRepository(tx).of(delegation_id)

    async def assign(
        self,
        agency_id: UUID,
        delegation_id: UUID,
        wanted: Sequence[Assignment],
        caller: Caller,
        expected: Condition,
    ) -> tuple[Delegation, list[Assignment]]:
        """Send these and nobody else; the tokens of all who were or are sent are void at once."""
        async with self.database.transaction(agency_id) as tx:
            await insist(tx, caller, PERMISSIONS["agency"])
            held = await _locked(tx, "agency", agency_id, delegation_id)
            expected.check(held.version)
            if held.state is not DelegationState.ACTIVE:
                raise NotInForce
            check_assignments(wanted, held.roles)
            assignments = AssignmentRepository(tx)
            before = await assignments.users_of(delegation_id)
            if await assignments.put(delegation_id, agency_id, wanted) != len(wanted):
                raise AssignmentNotAcceptable
            after = await assignments.users_of(delegation_id)
            await tx.emit(
                audited("auth.delegation.assigned", caller, "delegation", delegation_id, assignments=len(wanted))
            )
            await people_changed(tx, [(delegation_id, held.organization_id)])
            shown = await _found(tx, "agency", agency_id, delegation_id), await assignments.of(delegation_id)
            await void_tokens_of(tx, {*before, *after})
        return shown

    async def _shown(self, tx: Transaction, side: Side, delegation: Delegation) -> Delegation:
        (shown,) = await DelegationRepository(tx).named(side, [delegation])
        return shown


async def _insist(tx: Transaction, side: Side, caller: Caller) -> None:
    """Who opens an organization to others proves anew who they are; an agency opens nothing of its own."""
    await insist(tx, caller, PERMISSIONS[side])
    if side == "client":
        await insist_on_fresh_proof(tx, caller)


async def _end(tx: Transaction, held: Delegation, because: Because, by: Actor) -> None:
    await tx.bind(held.organization_id, held.agency_id)
    sent = await AssignmentRepository(tx).users_of(held.id)
    version = await DelegationRepository(tx).end(held.id, because)
    if version is None:
        return
    await tx.emit(
        DelegationRevoked(
            organization_id=held.organization_id,
            delegation_id=held.id,
            agency_id=held.agency_id,
            because=because,
            version=version,
        )
    )
    await _tell(tx, "auth.delegation.ended", by, held, because=because)
    if held.granted_at is not None:
        await void_tokens_of(tx, sent)


async def _tell(tx: Transaction, action: str, by: Actor, held: Delegation, **details: str) -> None:
    """A line in the trails of both sides."""
    for organization_id, other in ((held.organization_id, held.agency_id), (held.agency_id, held.organization_id)):
        await tx.emit(
            audited(
                action,
                by,
                "delegation",
                held.id,
                organization_id=organization_id,
                other=str(other),
                roles=len(held.roles),
                **details,
            )
        )


async def _locked(tx: Transaction, side: Side, organization_id: UUID, delegation_id: UUID) -> Delegation:
    found = await DelegationRepository(tx).lock(side, organization_id, delegation_id)
    if found is None:
        raise DelegationNotFound
    return found


async def _found(tx: Transaction, side: Side, organization_id: UUID, delegation_id: UUID) -> Delegation:
    found = await DelegationRepository(tx).find(side, organization_id, delegation_id)
    if found is None:
        raise DelegationNotFound
    return found
