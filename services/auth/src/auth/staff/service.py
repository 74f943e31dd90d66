from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.staff.errors import AlreadyStaff, LastAdmin, StaffNotFound, StaffSessionNotFound
from auth.staff.model import ENROLMENT_LIFE, Member, OpenSession
from auth.staff.permissions import StaffRole
from auth.staff.repository import StaffRepository
from auth.staff.sealing import StaffSeals
from auth.staff_sessions.ending import end_session, end_sessions
from auth.staff_sessions.fresh import insist_on_fresh_proof
from auth.staff_sessions.repository import StaffSessionRepository
from auth.tokens.model import TokenMint
from kit.audit import Operator, audited
from kit.db.database import Database, Transaction
from kit.http.etag import Condition
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id

MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class StaffService:
    """Who is of the staff. An enrolment link is shown once, to whoever asks for it, and stored nowhere."""

    database: Database
    seals: StaffSeals
    links: TokenMint
    public_url: str

    def link(self, token: str) -> str:
        """Where a member of staff enrols."""
        return f"{self.public_url}/staff/enrolment#token={token}"

    async def add(self, address: str, role: StaffRole, staff: StaffCaller) -> tuple[Member, str]:
        """A new member with the token of the enrolment link."""
        email, staff_id, enrolment_id = EmailAddress.parse(address), new_id(), new_id()
        blind, sealed = await self.seals.blind(email), await self.seals.seal_address(staff_id, email)
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            members = StaffRepository(tx)
            if not await members.add(staff_id, blind, sealed, role):
                raise AlreadyStaff
            await members.begin_enrolment(staff_id, enrolment_id, ENROLMENT_LIFE)
            await tx.emit(audited("auth.staff.added", staff, "staff", staff_id, role=role.value))
            made = await _found(tx, staff_id)
        return await self._shown(made), self.links.make(enrolment_id)

    async def add_by_operator(self, address: str, role: StaffRole) -> str:
        """Make somebody a member, or let a member enrol anew, from the command line; returns the link."""
        email, fresh_id, enrolment_id = EmailAddress.parse(address), new_id(), new_id()
        blind, sealed = await self.seals.blind(email), await self.seals.seal_address(fresh_id, email)
        async with self.database.transaction() as tx:
            members = StaffRepository(tx)
            await members.lock()
            known = await members.known(blind)
            if known is None:
                await members.add(fresh_id, blind, sealed, role)
                await tx.emit(audited("auth.staff.added", Operator(), "staff", fresh_id, role=role.value))
            else:
                await members.save_role(known, role)
                await end_sessions(tx, known, "enrolled-anew")
                await tx.emit(audited("auth.staff.enrolment_renewed", Operator(), "staff", known, role=role.value))
            await members.begin_enrolment(known or fresh_id, enrolment_id, ENROLMENT_LIFE)
        return self.link(self.links.make(enrolment_id))

    async def enrol_anew(self, staff_id: UUID, staff: StaffCaller) -> str:
        """Void password, code app and sessions of a member, who sets new ones by the link with this token."""
        enrolment_id = new_id()
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            held = await self._locked(tx, staff_id)
            await _insist_on_another_admin(tx, held)
            await end_sessions(tx, staff_id, "enrolled-anew")
            await StaffRepository(tx).begin_enrolment(staff_id, enrolment_id, ENROLMENT_LIFE)
            await tx.emit(audited("auth.staff.enrolment_renewed", staff, "staff", staff_id))
        return self.links.make(enrolment_id)

    async def change_role(self, staff_id: UUID, role: StaffRole, staff: StaffCaller, expected: Condition) -> Member:
        """Give a member another role, which takes effect at once: sessions end; the same role changes nothing."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            held = await self._locked(tx, staff_id)
            expected.check(held.version)
            if held.role is not role:
                await _insist_on_another_admin(tx, held)
                await StaffRepository(tx).save_role(staff_id, role)
                await end_sessions(tx, staff_id, "role-changed")
                await tx.emit(audited("auth.staff.role_changed", staff, "staff", staff_id, role=role.value))
            changed = await _found(tx, staff_id)
        return await self._shown(changed)

    async def remove(self, staff_id: UUID, staff: StaffCaller) -> None:
        """Remove a member: sessions end, and the address is forgotten."""
        async with self.database.transaction() as tx:
            await insist_on_fresh_proof(tx, staff)
            held = await self._locked(tx, staff_id)
            await _insist_on_another_admin(tx, held)
            await end_sessions(tx, staff_id, "removed")
            await StaffRepository(tx).remove(staff_id)
            await tx.emit(audited("auth.staff.removed", staff, "staff", staff_id))

    async def page(self, page: PageRequest) -> tuple[list[Member], str | None]:
        """Members in the order of their ids, and the next cursor."""
        after = page.after(UUID)
        async with self.database.transaction() as tx:
            rows = await StaffRepository(tx).page(after[0] if after else None, page.limit + 1)
        shown, cursor = page.cut(rows, lambda member: (member.id,))
        emails = await self.seals.addresses(shown)
        return [replace(each, email=email) for each, email in zip(shown, emails, strict=True)], cursor

    async def find(self, staff_id: UUID) -> Member:
        """One member."""
        async with self.database.transaction() as tx:
            found = await _found(tx, staff_id)
        return await self._shown(found)

    async def sessions(self, staff_id: UUID) -> Sequence[OpenSession]:
        """The sessions of a member that go on."""
        async with self.database.transaction() as tx:
            return await StaffSessionRepository(tx).open(staff_id, MOST_SESSIONS)

    async def end_session(self, staff_id: UUID, session_id: UUID, staff: StaffCaller) -> None:
        """End a session of a member, one's own or, for who manages the staff, anybody's."""
        async with self.database.transaction() as tx:
            if not await end_session(tx, session_id, staff_id, "ended-by-admin"):
                raise StaffSessionNotFound
            await tx.emit(audited("auth.staff.session_ended", staff, "session", session_id))

    async def _locked(self, tx: Transaction, staff_id: UUID) -> Member:
        await StaffRepository(tx).lock()
        return await _found(tx, staff_id)

    async def _shown(self, member: Member) -> Member:
        return replace(member, email=await self.seals.address(member.id, member.email_sealed))


async def _found(tx: Transaction, staff_id: UUID) -> Member:
    found = await StaffRepository(tx).find(staff_id)
    if found is None:
        raise StaffNotFound
    return found


async def _insist_on_another_admin(tx: Transaction, member: Member) -> None:
    """The last who manages the staff keeps the role; to be asked under the lock."""
    if member.role is StaffRole.ADMIN and member.enrolled and await StaffRepository(tx).count_admins() < 2:
        raise LastAdmin
