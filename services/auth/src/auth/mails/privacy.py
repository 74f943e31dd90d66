from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final
from uuid import UUID

from auth.accounts.repository import PersonsAccount
from auth.accounts.sealing import Addresses
from auth.invitations.repository import PersonsInvitations
from auth.mails.repository import NoticeRepository
from kit.db.database import Database, Transaction
from kit.mail import Mailer
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class MailHolding:
    """Mails to a user, and what they said of being mailed. To be erased before what mails are about."""

    database: Database
    addresses: Addresses
    mailer: Mailer
    tables: ClassVar[frozenset[str]] = frozenset({"outgoing_mails", "mail_suppressions", "security_notices"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """Which mails went where and when, what of them the ledger knows, and why none go."""
        if person.kind != "user":
            return
        async with self.database.snapshot(*organization_ids) as tx:
            proven, about = await self._theirs(tx, person.id)
            wishes = await self.mailer.wishes_of(tx, proven)
            notices = await NoticeRepository(tx).of(person.id)
        yield Rows("mail_suppressions", wishes)
        yield Rows("security_notices", [dict(row) for row in notices])
        after: UUID | None = None
        while True:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await self.mailer.mails_to(tx, proven, about, after, _PAGE)
            yield Rows("outgoing_mails", rows)
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Mails go, and those that wait never leave; that they do not want any, or that none arrive, stays.

        Raises:
            UnderWay: one is being handed in just now.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        proven, about = await self._theirs(tx, person.id)
        removed = await self.mailer.let_go(tx, proven, about, _PAGE)
        removed["security_notices"] = await NoticeRepository(tx).delete(person.id)
        kept = len(await self.mailer.wishes_of(tx, proven))
        return Erased(
            removed=removed,
            kept={"mail_suppressions": kept} if kept else {},
            because={"mail_suppressions": "wish"} if kept else {},
            more=removed.get("outgoing_mails") == _PAGE,
        )

    async def _theirs(self, tx: Transaction, user_id: UUID) -> tuple[list[str], list[UUID]]:
        """Their proven addresses, opened, and what mails to them are about; forgotten ones open as nothing."""
        known = await PersonsAccount(tx).addresses(user_id)
        opened = await self.addresses.open([each.address for each in known if each.verified_at is not None])
        about = [each.address.row_id for each in known] + await PersonsInvitations(tx).ids_to(user_id)
        return [each for each in opened if each is not None], about
