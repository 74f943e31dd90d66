from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from auth.directory.errors import NoSuchOrganization, UserNotFound
from auth.sessions.revoking import end_sessions
from auth.staff_sessions.fresh import insist_on_fresh_proof
from auth.suspensions.model import Reason, Suspension
from auth.suspensions.repository import SuspensionRepository
from auth.suspensions.sealing import Notes
from contracts.auth import (
    OrganizationRestored,
    OrganizationSuspended,
    SessionsRevoked,
    UserRestored,
    UserSuspended,
)
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.seal import KeyShredded

SHOWN: Final = 100


@dataclass(frozen=True, slots=True)
class SuspensionService:
    """Suspending and restoring users and organizations; who is suspended stays so, and who is not, likewise.

    A user's API keys are their organizations' and go on; an organization's stop with it.
    """

    database: Database
    notes: Notes

    async def suspend_user(self, user_id: UUID, reason: Reason, note: str | None, staff: StaffCaller) -> None:
        """Nobody uses this account any more: sessions and tokens end, signing in is refused."""
        suspension = await self._suspension(reason, note, staff, user_id=user_id)
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            suspensions = SuspensionRepository(tx)
            marked = await suspensions.mark_user(user_id, suspended=True)
            if marked is None:
                raise UserNotFound
            changed, version = marked
            if changed:
                await suspensions.add(suspension)
                await tx.emit(
                    UserSuspended(user_id=user_id, reason=reason.value, version=version),
                    audited("auth.user.suspended", staff, "user", user_id, reason=reason.value),
                )
                await end_sessions(tx, user_id)

    async def restore_user(self, user_id: UUID, staff: StaffCaller) -> None:
        """The account may be used again, by signing in."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            suspensions = SuspensionRepository(tx)
            marked = await suspensions.mark_user(user_id, suspended=False)
            if marked is None:
                raise UserNotFound
            changed, version = marked
            if changed:
                await suspensions.lift_of_user(user_id, staff.staff_id)
                await tx.emit(
                    UserRestored(user_id=user_id, version=version),
                    audited("auth.user.restored", staff, "user", user_id),
                )

    async def suspend_organization(
        self, organization_id: UUID, reason: Reason, note: str | None, staff: StaffCaller
    ) -> None:
        """Nobody acts in this organization any more, neither people nor keys; elsewhere its members go on."""
        suspension = await self._suspension(reason, note, staff, organization_id=organization_id)
        async with self.database.transaction(organization_id) as tx:
            await insist_on_fresh_proof(tx, staff)
            suspensions = SuspensionRepository(tx)
            marked = await suspensions.mark_organization(suspended=True)
            if marked is None:
                raise NoSuchOrganization
            changed, version = marked
            if changed:
                await suspensions.add(suspension)
                await tx.emit(
                    OrganizationSuspended(organization_id=organization_id, reason=reason.value, version=version),
                    audited(
                        "auth.organization.suspended", staff, "organization", organization_id, reason=reason.value
                    ),
                )
                await _void_tokens(tx)

    async def restore_organization(self, organization_id: UUID, staff: StaffCaller) -> None:
        """The organization may be acted in again, from the next refresh of each member on."""
        async with self.database.transaction(organization_id) as tx:
            await insist_on_fresh_proof(tx, staff)
            suspensions = SuspensionRepository(tx)
            marked = await suspensions.mark_organization(suspended=False)
            if marked is None:
                raise NoSuchOrganization
            changed, version = marked
            if changed:
                await suspensions.lift_of_organization(staff.staff_id)
                await tx.emit(
                    OrganizationRestored(organization_id=organization_id, version=version),
                    audited("auth.organization.restored", staff, "organization", organization_id),
                )

    async def of_user(self, user_id: UUID) -> Sequence[Suspension]:
        """The suspensions of a user with their notes, the newest first."""
        async with self.database.transaction() as tx:
            found = await SuspensionRepository(tx).of_user(user_id, SHOWN)
        return await self.notes.opened(found)

    async def of_organization(self, organization_id: UUID) -> Sequence[Suspension]:
        """The suspensions of an organization with their notes, the newest first."""
        async with self.database.transaction(organization_id) as tx:
            found = await SuspensionRepository(tx).of_organization(SHOWN)
        return await self.notes.opened(found)

    async def _suspension(
        self,
        reason: Reason,
        note: str | None,
        staff: StaffCaller,
        *,
        user_id: UUID | None = None,
        organization_id: UUID | None = None,
    ) -> Suspension:
        suspension_id = new_id()
        await self._insist_that_it_is_there(user_id, organization_id)
        try:
            sealed = await self.notes.seal(suspension_id, user_id, organization_id, note)
        except KeyShredded as forgotten:
            raise (NoSuchOrganization if user_id is None else UserNotFound) from forgotten
        return Suspension(
            suspension_id,
            user_id,
            organization_id,
            reason,
            sealed,
            staff.staff_id,
            self.database.clock.now(),
            None,
            None,
        )

    async def _insist_that_it_is_there(self, user_id: UUID | None, organization_id: UUID | None) -> None:
        """No key is made for whom there is not."""
        async with self.database.transaction(*(() if organization_id is None else (organization_id,))) as tx:
            if not await SuspensionRepository(tx).is_there(user_id):
                raise NoSuchOrganization if user_id is None else UserNotFound


async def _void_tokens(tx: Transaction) -> None:
    """The tokens of an organization's members and keys; members who act elsewhere refresh and go on there."""
    suspensions = SuspensionRepository(tx)
    revoked = [
        SessionsRevoked(user_id=row["user_id"], epoch=row["epoch"], version=row["version"])
        for row in await suspensions.void_tokens_of_members()
    ]
    revoked += [
        SessionsRevoked(user_id=row["key_id"], session_id=row["key_id"], epoch=0, version=row["version"])
        for row in await suspensions.void_keys()
    ]
    await tx.emit_of_platform(*revoked)
