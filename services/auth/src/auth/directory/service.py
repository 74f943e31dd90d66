from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from auth.accounts.address import EmailAddress
from auth.accounts.phone import PhoneNumber
from auth.accounts.sealing import Addresses
from auth.directory.errors import NoMailAddress, NoSuchOrganization, UserNotFound
from auth.directory.model import (
    Found,
    FoundOrganization,
    KnownAddress,
    OrganizationPage,
    ShownAddress,
    UserPage,
    Wanted,
    masked,
)
from auth.directory.repository import DirectoryRepository
from auth.factors.enrolled import enrolled
from auth.organizations.repository import OrganizationRepository
from auth.passwords.service import PasswordService
from auth.sessions.revoking import end_sessions
from auth.sign_ins.service import bound
from kit.audit import audited
from kit.db.database import Database, Transaction
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller

MEMBERSHIPS_SHOWN: Final = 100
Mask = Callable[[str, str | None], str | None]


@dataclass(frozen=True, slots=True)
class DirectoryService:
    """What staff look up. Whom they looked at, and each address they opened, is on record before they see it."""

    database: Database
    addresses: Addresses
    passwords: PasswordService

    async def search(
        self, wanted: Wanted, page: PageRequest, staff: StaffCaller
    ) -> tuple[Sequence[Found], str | None]:
        """Users with masked addresses, the newest first; by an address, whole and exact, at most one."""
        blinds = await self._blinds(wanted)
        before = page.after(datetime, UUID)
        async with self.database.transaction(*bound(wanted.organization_id)) as tx:
            directory = DirectoryRepository(tx)
            await tx.emit_of_platform(audited("auth.user.searched", staff, "staff", staff.staff_id, by=wanted.by))
            asked = {wanted.id} - {None} | {await directory.owner_of(kind, blind) for kind, blind in blinds}
            if len(asked) > 1 or None in asked:
                return [], None
            user_id = next(iter(asked), None)
            rows = await directory.page(wanted, user_id, (before[0], before[1]) if before else None, page.limit + 1)
            shown, cursor = page.cut(rows, lambda user: (user.created_at, user.id))
            known = await directory.addresses([user.id for user in shown])
        return await self._with_addresses(shown, known), cursor

    async def read(self, user_id: UUID, staff: StaffCaller) -> UserPage:
        """One user."""
        async with self.database.transaction() as tx:
            directory = DirectoryRepository(tx)
            found = await _found(tx, user_id)
            await tx.emit(audited("auth.user.read", staff, "user", user_id))
            known = await directory.addresses([user_id])
            memberships = await OrganizationRepository(tx).of(user_id, None, MEMBERSHIPS_SHOWN)
            factors = await enrolled(tx, user_id)
            sight = await directory.sight(user_id)
        (user,) = await self._with_addresses([found], known)
        return UserPage(user, memberships, factors, sight)

    async def open_addresses(self, user_id: UUID, staff: StaffCaller) -> Sequence[ShownAddress]:
        """The addresses of one user as they were typed; the line is committed before they are opened."""
        async with self.database.transaction() as tx:
            await _found(tx, user_id)
            known = await DirectoryRepository(tx).addresses([user_id])
            await tx.emit(audited("auth.user.addresses_opened", staff, "user", user_id, count=len(known)))
        return await self._opened(known, lambda _kind, address: address)

    async def start_reset(self, user_id: UUID, staff: StaffCaller) -> None:
        """Send a user the mail by which they choose another password, as if they had asked for it themselves.

        Nobody chooses a password for somebody else, and staff see neither the link nor the address (ASVS 6.4.6).
        """
        async with self.database.transaction() as tx:
            await _found(tx, user_id)
            locale = await DirectoryRepository(tx).locale(user_id)
            known = await DirectoryRepository(tx).addresses([user_id])
            await tx.emit(audited("auth.user.reset_started", staff, "user", user_id))
        mails = [each.address for each in known if each.kind == "email" and each.verified]
        opened = await self.addresses.open(mails[:1])
        if not opened or opened[0] is None:
            raise NoMailAddress
        await self.passwords.ask_for_reset(opened[0], None, locale)

    async def end_sessions(self, user_id: UUID, staff: StaffCaller) -> None:
        """Sign a user out everywhere."""
        async with self.database.transaction() as tx:
            await _found(tx, user_id)
            await end_sessions(tx, user_id)
            await tx.emit(audited("auth.session.all_revoked", staff, "user", user_id))

    async def organizations(
        self, *, name: str | None, suspended: bool, page: PageRequest
    ) -> tuple[Sequence[FoundOrganization], str | None]:
        """Organizations, the newest first; by the beginning of their name at most one page."""
        before = page.after(UUID)
        async with self.database.transaction() as tx:
            directory = DirectoryRepository(tx)
            if name is not None:
                return await directory.named(name, page.limit), None
            rows = await directory.organizations(
                only_suspended=suspended, before=before[0] if before else None, at_most=page.limit + 1
            )
        return page.cut(rows, lambda organization: (organization.id,))

    async def organization(self, organization_id: UUID, staff: StaffCaller) -> OrganizationPage:
        """One organization."""
        async with self.database.transaction(organization_id) as tx:
            found = await DirectoryRepository(tx).organization()
            if found is None:
                raise NoSuchOrganization
            await tx.emit(audited("auth.organization.read", staff, "organization", organization_id))
        return found

    async def _blinds(self, wanted: Wanted) -> list[tuple[str, bytes]]:
        blinds = []
        if wanted.email is not None:
            blinds.append(("email", await self.addresses.blind(EmailAddress.parse(wanted.email))))
        if wanted.phone is not None:
            blinds.append(("phone", await self.addresses.blind(PhoneNumber.parse(wanted.phone))))
        return blinds

    async def _with_addresses(self, users: Sequence[Found], known: Sequence[KnownAddress]) -> list[Found]:
        shown = await self._opened(known, masked)
        by_user: dict[UUID, list[ShownAddress]] = {user.id: [] for user in users}
        for each, address in zip(known, shown, strict=True):
            by_user[each.user_id].append(address)
        return [replace(user, addresses=by_user[user.id]) for user in users]

    async def _opened(self, known: Sequence[KnownAddress], mask: Mask) -> list[ShownAddress]:
        opened = await self.addresses.open([each.address for each in known])
        return [
            ShownAddress(each.kind, mask(each.kind, address), each.verified)
            for each, address in zip(known, opened, strict=True)
        ]


async def _found(tx: Transaction, user_id: UUID) -> Found:
    found = await DirectoryRepository(tx).find(user_id)
    if found is None:
        raise UserNotFound
    return found
