from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from billing.credits.errors import LotEndsInThePast, LotNotFound, SpendDiffers, SpendNotFound
from billing.credits.model import Balance, Lot, Movement, Spend, Take, gives_back, takes
from billing.credits.repository import CreditRepository
from contracts.money import CreditsExpired, CreditsGranted, CreditsReturned, CreditsSpent
from kit.audit import SYSTEM, Actor, audited
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller
from kit.http.idempotency import Idempotency
from kit.http.pagination import PageRequest
from kit.http.staff import StaffCaller
from kit.ids import new_id


@dataclass(frozen=True, slots=True)
class Wish:
    """A lot as it is asked for."""

    amount: int
    reason: str
    priority: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class CreditService:
    """Grants, spends, gives back and lets expire; an organization's changes happen one after the other."""

    database: Database

    async def balance(self, organization_id: UUID) -> Balance:
        """What can be spent now."""
        async with self.database.transaction(organization_id) as tx:
            return await CreditRepository(tx).balance()

    async def lots(self, organization_id: UUID, page: PageRequest) -> tuple[list[Lot], str | None]:
        """Lots, the newest first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await CreditRepository(tx).lots(before[0] if before else None, page.limit + 1)
        return page.cut(rows, lambda lot: (lot.id,))

    async def movements(self, organization_id: UUID, page: PageRequest) -> tuple[list[Movement], str | None]:
        """The books, the newest line first."""
        before = page.after(UUID)
        async with self.database.transaction(organization_id) as tx:
            rows = await CreditRepository(tx).movements(before[0] if before else None, page.limit + 1)
        return page.cut(rows, lambda line: (line.id,))

    async def grant(self, organization_id: UUID, wish: Wish, staff: StaffCaller, key: Idempotency) -> Lot:
        """Issue a lot.

        Raises:
            LotEndsInThePast: it would be over already.
        """
        async with self.database.transaction(organization_id) as tx:
            books = CreditRepository(tx)
            if earlier := await key.claim(tx):
                return (await books.named([earlier.resource_id]))[0]
            await books.lock()
            if wish.expires_at is not None and wish.expires_at <= await books.now():
                raise LotEndsInThePast
            lot_id = new_id()
            await books.add(lot_id, wish.reason, wish.priority, wish.expires_at, wish.amount)
            await key.remember(tx, lot_id)
            version, balance = await books.turn(), await books.balance()
            await tx.emit(
                CreditsGranted(
                    version=version,
                    lot_id=lot_id,
                    amount=wish.amount,
                    expires_at=wish.expires_at,
                    available=balance.available,
                ),
                audited(
                    "billing.credits.granted", staff, "credit_lot", lot_id, amount=wish.amount, reason=wish.reason
                ),
            )
            return (await books.named([lot_id]))[0]

    async def spend(self, caller: MemberCaller, spend_id: UUID, purpose: str, amount: int) -> Spend:
        """Spend, once per id, whatever ends first of what comes first.

        Raises:
            CreditsInsufficient: there is not as much; nothing was spent, and the id is free.
            SpendDiffers: the id stands for another spend.
        """
        async with self.database.transaction(caller.organization_id) as tx:
            books = CreditRepository(tx)
            await books.lock()
            if earlier := await books.spend(spend_id):
                if (earlier.purpose, earlier.amount) != (purpose, amount):
                    raise SpendDiffers
                return earlier
            parts = takes(await books.spendable(), amount, await books.now())
            await books.add_spend(spend_id, purpose, amount)
            await books.move("spend", parts, spend_id)
            version, balance = await books.turn(), await books.balance()
            await tx.emit(
                CreditsSpent(
                    version=version, spend_id=spend_id, amount=amount, purpose=purpose, available=balance.available
                ),
                audited("billing.credits.spent", caller, "credit_spend", spend_id, amount=amount, purpose=purpose),
            )
            return await _spend(books, spend_id)

    async def give_back(
        self, organization_id: UUID, spend_id: UUID, amount: int, staff: StaffCaller, key: Idempotency
    ) -> Spend:
        """Undo a spend, or part of it; what comes back into a lot that has ended expires again at once.

        Raises:
            SpendNotFound: nothing was spent under this id.
            ReturnTooLarge: less than that is out.
        """
        async with self.database.transaction(organization_id) as tx:
            books = CreditRepository(tx)
            if await key.claim(tx):
                return await _spend(books, spend_id)
            await books.lock()
            if await books.spend(spend_id) is None:
                raise SpendNotFound
            taken, returned = await books.movements_of(spend_id)
            await books.move("return", gives_back(taken, returned, amount), spend_id)
            await books.raise_returned(spend_id, amount)
            await key.remember(tx, spend_id)
            version, balance = await books.turn(), await books.balance()
            await tx.emit(
                CreditsReturned(version=version, spend_id=spend_id, amount=amount, available=balance.available),
                audited("billing.credits.returned", staff, "credit_spend", spend_id, amount=amount),
            )
            return await _spend(books, spend_id)

    async def expire(self, organization_id: UUID, lot_ids: Sequence[UUID], staff: StaffCaller) -> list[Lot]:
        """End these lots now; what is spent of them stays spent, and one that has ended already stays as it is.

        Raises:
            LotNotFound: one of them is not the organization's; nothing was changed.
        """
        async with self.database.transaction(organization_id) as tx:
            books = CreditRepository(tx)
            await books.lock()
            lots = await books.named(lot_ids)
            if len(lots) != len(set(lot_ids)):
                raise LotNotFound
            await expire(tx, lots, staff)
            return await books.named(lot_ids)


async def expire(tx: Transaction, lots: Sequence[Lot], actor: Actor = SYSTEM) -> None:
    """Move what is left of these lots out of reach, under `CreditRepository.lock`."""
    books = CreditRepository(tx)
    left = [Take(lot.id, lot.available) for lot in lots if lot.available]
    if not left:
        return
    await books.move("expire", left)
    version, balance = await books.turn(), await books.balance()
    for part in left:
        await tx.emit(
            CreditsExpired(version=version, lot_id=part.lot_id, amount=part.amount, available=balance.available),
            audited("billing.credits.expired", actor, "credit_lot", part.lot_id, amount=part.amount),
        )


async def _spend(books: CreditRepository, spend_id: UUID) -> Spend:
    found = await books.spend(spend_id)
    if found is None:
        raise SpendNotFound
    return found
