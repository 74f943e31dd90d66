from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from auth.impersonations.ending import end_impersonation
from auth.impersonations.errors import ImpersonationNotFound, ImpersonationOver, NotAMember, UserUnavailable
from auth.impersonations.model import ActingToken, EndedBy, Impersonation, token_life
from auth.impersonations.repository import ImpersonationRepository
from auth.impersonations.sealing import Reasons
from auth.keys.service import KeyRing
from auth.mails.notices import Notice, notify
from auth.members.acting import insist
from auth.sessions.access import AccessTokens, claims_of
from auth.sessions.model import Standing
from auth.sessions.repository import SessionRepository
from auth.sign_ins.service import bound
from auth.staff.errors import StaffSessionEnded
from auth.staff_sessions.fresh import insist_on_fresh_proof
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.caller import Caller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id
from kit.mail import Mailer
from kit.seal import KeyShredded

Listed = tuple[Sequence[Impersonation], str | None]


@dataclass(frozen=True, slots=True)
class ImpersonationService:
    """Staff in a person's place: for a stated reason, for a limited time, seen by whom it concerns."""

    database: Database
    reasons: Reasons
    keys: KeyRing
    access_tokens: AccessTokens
    mailer: Mailer

    async def begin(  # noqa: PLR0917 - what a member of staff must say
        self,
        user_id: UUID,
        organization_id: UUID | None,
        reason: str,
        life: timedelta,
        staff: StaffCaller,
        key: Idempotency,
    ) -> ActingToken:
        """Begin to act for somebody, who is told by mail; sent again with its key, it is the same one."""
        impersonation_id = new_id()
        sealed = await self._sealed(impersonation_id, user_id, reason)
        async with self.database.transaction(*bound(organization_id)) as tx:
            await insist_on_fresh_proof(tx, staff)
            earlier = await key.claim(tx)
            standing = await _standing(tx, user_id, organization_id)
            if earlier is not None:
                begun = await _own(tx, earlier.resource_id, staff)
            else:
                begun = await self._begun(tx, impersonation_id, sealed, user_id, organization_id, life, staff)
                await key.remember(tx, begun.id)
        return await self._token(begun, standing, staff)

    async def renew(self, impersonation_id: UUID, staff: StaffCaller) -> ActingToken:
        """Another access token, while it goes on, in the session of staff that began it."""
        async with self.database.transaction() as tx:
            held = await _own(tx, impersonation_id, staff)
            if held.over or held.staff_session_id != staff.session_id:
                raise ImpersonationOver
            await tx.bind(*bound(held.organization_id))
            standing = await _standing(tx, held.user_id, held.organization_id)
        return await self._token(held, standing, staff)

    async def end(self, impersonation_id: UUID, staff: StaffCaller) -> None:
        """No longer act for somebody; what is over stays as it is."""
        async with self.database.transaction() as tx:
            await end_impersonation(tx, await _own(tx, impersonation_id, staff), EndedBy.STAFF, staff)

    async def end_by_user(self, impersonation_id: UUID, caller: Caller) -> None:
        """Send somebody away who acts in the caller's place."""
        async with self.database.transaction() as tx:
            held = await ImpersonationRepository(tx).find(impersonation_id)
            if held is None or held.user_id != caller.user_id:
                raise ImpersonationNotFound
            await end_impersonation(tx, held, EndedBy.USER, caller)

    async def end_by_organization(self, impersonation_id: UUID, organization_id: UUID, caller: Caller) -> None:
        """Send somebody away who acts in the organization, as one of its owners or administrators."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "impersonations.manage")
            held = await ImpersonationRepository(tx).find(impersonation_id)
            if held is None or held.organization_id != organization_id:
                raise ImpersonationNotFound
            await end_impersonation(tx, held, EndedBy.ORGANIZATION, caller)

    async def of_staff(self, staff: StaffCaller, page: PageRequest) -> Listed:
        """Those that the member of staff began, the newest first."""
        async with self.database.transaction() as tx:
            impersonations = ImpersonationRepository(tx)
            return await self._page(lambda before, n: impersonations.of_staff(staff.staff_id, before, n), page)

    async def of_user(self, caller: Caller, page: PageRequest) -> Listed:
        """Those in the caller's place, the newest first."""
        async with self.database.transaction() as tx:
            impersonations = ImpersonationRepository(tx)
            return await self._page(lambda before, n: impersonations.of_user(caller.user_id, before, n), page)

    async def of_organization(self, organization_id: UUID, caller: Caller, page: PageRequest) -> Listed:
        """Those in the organization, the newest first, for its owners and administrators."""
        async with self.database.transaction(organization_id) as tx:
            await insist(tx, caller, "impersonations.manage")
            return await self._page(ImpersonationRepository(tx).of_organization, page)

    async def _page(
        self, fetch: Callable[[UUID | None, int], Awaitable[list[Impersonation]]], page: PageRequest
    ) -> Listed:
        before = page.after(UUID)
        rows = await fetch(before[0] if before else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda each: (each.id,))
        return await self.reasons.opened(shown), cursor

    async def _sealed(self, impersonation_id: UUID, user_id: UUID, reason: str) -> bytes:
        async with self.database.transaction() as tx:
            if await SessionRepository(tx).standing(user_id, None) is None:
                raise UserUnavailable
        try:
            return await self.reasons.seal(impersonation_id, user_id, reason)
        except KeyShredded as forgotten:
            raise UserUnavailable from forgotten

    async def _begun(  # noqa: PLR0917 - what is written down
        self,
        tx: Transaction,
        impersonation_id: UUID,
        sealed: bytes,
        user_id: UUID,
        organization_id: UUID | None,
        life: timedelta,
        staff: StaffCaller,
    ) -> Impersonation:
        begun = await ImpersonationRepository(tx).add(
            impersonation_id, staff.staff_id, staff.session_id, user_id, organization_id, sealed, life
        )
        if begun is None:
            raise StaffSessionEnded
        minutes = int(life.total_seconds()) // 60
        await tx.emit(
            audited("auth.impersonation.begun", staff, "user", user_id, impersonation=str(begun.id), minutes=minutes)
        )
        await notify(tx, self.mailer, user_id, Notice.IMPERSONATED, cause=begun.id)
        return begun

    async def _token(self, held: Impersonation, standing: Standing, staff: StaffCaller) -> ActingToken:
        (shown,) = await self.reasons.opened([held])
        now = self.database.clock.now()
        life = standing.bounded(token_life(held.ends_at, now), now)
        if held.over or life < timedelta(seconds=1):
            raise ImpersonationOver
        claims = claims_of(held.user_id, held.id, standing) | {"act": {"sub": str(staff.staff_id)}}
        token = self.access_tokens.sign(await self.keys.signer(), claims, now, life)
        return ActingToken(shown, token, int(life.total_seconds()))


async def _own(tx: Transaction, impersonation_id: UUID, staff: StaffCaller) -> Impersonation:
    held = await ImpersonationRepository(tx).find(impersonation_id)
    if held is None or held.staff_id != staff.staff_id:
        raise ImpersonationNotFound
    return held


async def _standing(tx: Transaction, user_id: UUID, organization_id: UUID | None) -> Standing:
    """Where the person stands, in a transaction that is bound to the organization."""
    standing = await SessionRepository(tx).standing(user_id, organization_id)
    if standing is None or standing.suspended:
        raise UserUnavailable
    if organization_id is not None and standing.organization_id is None:  # or it is suspended
        raise NotAMember
    return standing
