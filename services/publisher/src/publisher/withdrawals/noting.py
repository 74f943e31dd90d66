"""What platforms tell of permissions, noted to be carried out in every organization that it concerns."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.intake.model import Applied, Quarantined, Verdict
from postrules.limits import Platform
from publisher.accounts.sealing import AccountSeal
from publisher.withdrawals.model import Wish
from publisher.withdrawals.repository import TOPIC, WithdrawalRepository

NOBODYS: Final = UUID(int=0)
"""A notice names a person at a platform, and no organization of ours: whose accounts these are is found later."""


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """Notes what a person wants at one platform; the loop carries it out."""

    platform: Platform
    seal: AccountSeal

    async def note(self, tx: Transaction, wish: Wish, person: str, code: bytes, told_at: datetime) -> Verdict:
        """Note it once for each code, however often it is told."""
        blind = await self.seal.blind_of_grantor(self.platform, person)
        if blind is None:
            return Quarantined("It names nobody.")
        await WithdrawalRepository(tx).add(self.platform, wish, code, blind, told_at)
        tx.stir(TOPIC)
        return Applied()


def code_of_notice(platform: Platform, notice: str) -> bytes:
    """By what a notice is known that nobody asks about."""
    return hashlib.sha256(f"notice\0{platform}\0{notice}".encode("utf-8", "surrogatepass")).digest()
