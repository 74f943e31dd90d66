from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from auth.accounts.model import PersonsAddress
from auth.accounts.repository import PersonsAccount
from auth.accounts.sealing import Addresses
from auth.challenges.repository import ChallengeRepository
from kit.audit import SYSTEM, audited
from kit.db.database import Database, Transaction
from kit.errors import TransientError
from kit.privacy.holding import Erased, File, Rows
from kit.privacy.person import Person


class AccountInUse(TransientError):
    """Something came into being with this account while it was being forgotten."""

    code = "account-in-use"


@dataclass(frozen=True, slots=True)
class AccountHolding:
    """A user with all addresses. To be erased after all that leads to them: by these rows it is found."""

    database: Database
    addresses: Addresses
    tables: ClassVar[frozenset[str]] = frozenset({"users", "identities", "challenges"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        """The account, its addresses as they were typed, and when each was proven."""
        _ = organization_ids
        if person.kind != "user":
            return
        async with self.database.snapshot() as tx:
            account = PersonsAccount(tx)
            users, known = await account.user(person.id), await account.addresses(person.id)
            challenges = await ChallengeRepository(tx).of(person.id, _proven(known))
        opened = await self.addresses.open([each.address for each in known])
        yield Rows("users", [dict(row) for row in users])
        yield Rows(
            "identities",
            [
                {
                    "id": each.address.row_id,
                    each.kind: text,
                    "verified_at": each.verified_at,
                    "created_at": each.created_at,
                }
                for each, text in zip(known, opened, strict=True)
            ],
        )
        yield Rows("challenges", [dict(row) for row in challenges])

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        """The account goes, whichever way is wished; its address is free again.

        Raises:
            AccountInUse: somebody used it meanwhile; what that made goes in the next round.
        """
        _ = way
        if person.kind != "user":
            return Erased()
        account = PersonsAccount(tx)
        # Before the account is locked, as whoever uses one locks them; those that come meanwhile go after it.
        challenges = await ChallengeRepository(tx).delete(person.id, _proven(await account.addresses(person.id)))
        if not await account.lock(person.id):
            return Erased(removed={"challenges": challenges})
        if await account.is_in_use(person.id):
            raise AccountInUse
        blinds = _proven(await account.addresses(person.id))
        removed = await account.delete(person.id)
        removed["challenges"] = challenges + await ChallengeRepository(tx).delete(person.id, blinds)
        await tx.emit_of_platform(audited("auth.user.deleted", SYSTEM, "user", person.id))
        return Erased(removed=removed)


def _proven(known: Sequence[PersonsAddress]) -> list[bytes]:
    """By what is found what was sent to their addresses before these were theirs."""
    return [each.blind for each in known if each.verified_at is not None]
