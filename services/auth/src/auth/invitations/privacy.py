from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final
from uuid import UUID

from auth.accounts.address import SealedAddress
from auth.accounts.sealing import Addresses
from auth.invitations.repository import PersonsInvitations
from contracts.auth import InvitationRevoked
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Row, Transaction
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class InvitationHolding:
    """Invitations to a user, and those that they wrote. To be erased after the mails about them."""

    database: Database
    addresses: Addresses
    tables: ClassVar[frozenset[str]] = frozenset({"invitations"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """What they were offered at which address, and what they offered; to whom, is not theirs to read."""
        if person.kind != "user":
            return
        after: UUID | None
        for organization_id in organization_ids:
            after = None
            while True:
                async with self.database.snapshot(organization_id) as tx:
                    rows = await PersonsInvitations(tx).to(person.id, after, _PAGE)
                yield Rows("invitations", await self._opened(organization_id, rows))
                if len(rows) < _PAGE:
                    break
                after = rows[-1]["id"]
        after = None
        while organization_ids:
            async with self.database.snapshot(*organization_ids) as tx:
                rows = await PersonsInvitations(tx).by(person.id, after, _PAGE)
            yield Rows("invitations", [{"direction": "sent", **row} for row in rows])
            if len(rows) < _PAGE:
                return
            after = rows[-1]["id"]

    async def _opened(self, organization_id: UUID, rows: Sequence[Row]) -> list[dict[str, Any]]:
        sealed = [SealedAddress(row["id"], row["email_sealed"]) for row in rows]
        emails = await self.addresses.open_invited(organization_id, sealed) if sealed else []
        return [
            {"direction": "received", "email": email}
            | {name: value for name, value in row.items() if name != "email_sealed"}
            for row, email in zip(rows, emails, strict=True)
        ]

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """Those to them go, with the keys that sealed their address; those that they wrote stay, as nobody's."""
        _ = way
        if person.kind != "user":
            return Erased()
        invitations = PersonsInvitations(tx)
        found = await invitations.to(person.id, None, _PAGE)
        rows = await invitations.delete([row["id"] for row in found]) if found else []
        for row in rows:
            if row["state"] == "pending":
                await _tell_revoked(tx, row)
        unlinked = await invitations.unlink(person.id, _PAGE)
        return Erased(
            removed={"invitations": len(rows)},
            unlinked={"invitations": unlinked},
            keys=[f"{row['organization_id']}/invitation:{row['id']}" for row in rows],
            more=_PAGE in (len(found), unlinked),
        )


async def _tell_revoked(tx: Transaction, row: Row) -> None:
    organization_id = row["organization_id"]
    await tx.emit(
        InvitationRevoked(organization_id=organization_id, invitation_id=row["id"], version=row["version"] + 1),
        audited("auth.invitation.revoked", SYSTEM, "invitation", row["id"], organization_id=organization_id),
    )
