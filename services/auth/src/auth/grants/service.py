from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from auth.directory.errors import NoSuchOrganization
from auth.grants.errors import GrantNotFound, GrantOver, TooManyGrants, UntilRefused
from auth.grants.model import LONGEST, MOST_OPEN, Grant, GrantReason, months_later
from auth.grants.repository import GrantRepository
from auth.staff_sessions.fresh import insist_on_fresh_proof
from contracts.auth import SubscriptionGranted, SubscriptionRevoked
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.seal import Keyring

_PLACE: Final = b"subscription_grants.note_sealed:"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be granted: until a date, or for so many months."""

    plan: str
    until: datetime | None
    months: int | None
    reason: GrantReason
    note: str | None


@dataclass(frozen=True, slots=True)
class GrantService:
    """Giving organizations a plan, and taking it back; billing hears of it and says what follows."""

    database: Database
    keyring: Keyring

    async def grant(self, organization_id: UUID, wish: Wish, staff: StaffCaller, key: Idempotency) -> Grant:
        """Grant a plan; sent again with its key, it is the same grant."""
        grant_id, until = new_id(), self._until(wish)
        await self._insist_that_it_is_there(organization_id)
        sealed = None
        if wish.note is not None:
            sealed = await self.keyring.seal(organization_id, wish.note.encode(), _PLACE + grant_id.bytes)
        async with self.database.transaction(organization_id) as tx:
            await insist_on_fresh_proof(tx, staff)
            grants = GrantRepository(tx)
            await grants.lock_organization()
            earlier = await key.claim(tx)
            if earlier is None:
                await self._add(tx, grant_id, until, sealed, wish, staff)
                await key.remember(tx, grant_id, 1)
            found = await _found(tx, earlier.resource_id if earlier else grant_id)
        (shown,) = await self._opened([found])
        return shown

    async def revoke(self, organization_id: UUID, grant_id: UUID, staff: StaffCaller) -> None:
        """Take a grant back; one that was taken back stays so."""
        async with self.database.transaction(organization_id) as tx:
            await insist_on_fresh_proof(tx, staff)
            grants = GrantRepository(tx)
            await grants.lock_organization()
            held = await _found(tx, grant_id)
            if held.revoked_at is None and not held.active:
                raise GrantOver
            version = await grants.revoke(grant_id, staff.staff_id)
            if version is not None:
                await tx.emit(
                    SubscriptionRevoked(grant_id=grant_id, plan=held.plan, until=held.until, version=version),
                    audited("auth.subscription.revoked", staff, "grant", grant_id, plan=held.plan),
                )

    async def page(self, organization_id: UUID, page: PageRequest) -> tuple[Sequence[Grant], str | None]:
        """The grants of an organization with their notes, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await GrantRepository(tx).page(before[0] if before else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda grant: (grant.id,))
        return await self._opened(shown), cursor

    async def _add(  # noqa: PLR0917 - what is written down
        self, tx: Transaction, grant_id: UUID, until: datetime, sealed: bytes | None, wish: Wish, staff: StaffCaller
    ) -> None:
        grants = GrantRepository(tx)
        if await grants.count_active() >= MOST_OPEN:
            raise TooManyGrants
        now = self.database.clock.now()
        await grants.add(
            Grant(
                grant_id,
                tx.organization_id,
                wish.plan,
                until,
                wish.reason,
                sealed,
                staff.staff_id,
                1,
                now,
                None,
                None,
                active=True,
            )
        )
        await tx.emit(
            SubscriptionGranted(grant_id=grant_id, plan=wish.plan, until=until),
            audited("auth.subscription.granted", staff, "grant", grant_id, plan=wish.plan, reason=wish.reason.value),
        )

    def _until(self, wish: Wish) -> datetime:
        now = self.database.clock.now()
        if (wish.until is None) is (wish.months is None):
            raise UntilRefused
        until = wish.until if wish.until is not None else months_later(now, wish.months or 0)
        if not now < until <= now + LONGEST:
            raise UntilRefused
        return until

    async def _insist_that_it_is_there(self, organization_id: UUID) -> None:
        async with self.database.transaction(organization_id) as tx:
            if not await GrantRepository(tx).lock_organization():
                raise NoSuchOrganization

    async def _opened(self, grants: Sequence[Grant]) -> list[Grant]:
        """Grants of one organization with their notes."""
        noted = [each for each in grants if each.note_sealed is not None]
        if not noted:
            return list(grants)
        sealed = [(each.note_sealed or b"", _PLACE + each.id.bytes) for each in noted]
        opened = await self.keyring.open_many(noted[0].organization_id, sealed)
        notes = {each.id: None if note is None else note.decode() for each, note in zip(noted, opened, strict=True)}
        return [replace(each, note=notes.get(each.id)) for each in grants]


async def _found(tx: Transaction, grant_id: UUID) -> Grant:
    found = await GrantRepository(tx).find(grant_id)
    if found is None:
        raise GrantNotFound
    return found
