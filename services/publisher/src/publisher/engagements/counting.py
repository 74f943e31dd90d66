"""What every platform's notifications about posts come to: figures of deliveries of ours."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from contracts.publisher import PostEngaged
from kit.db.database import Transaction
from kit.intake.model import Applied, Received, Verdict
from postrules.limits import Platform
from publisher.accounts.sealing import AccountSeal
from publisher.engagements.model import Change, change_of
from publisher.engagements.repository import EngagementRepository, owners_of


@dataclass(frozen=True, slots=True)
class Counting:
    """Counts what was done to posts on one platform.

    A source says whose an item is by the tenant `<account> <post>`, in ids of the platform, either of them empty
    where it is not known; the kind of the item is what was done (`engagements.model.COUNTED`).
    """

    platform: Platform
    seal: AccountSeal

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who published the post, else who connected the account first."""
        asked = list(tenants)
        pairs = [tenant.partition(" ") for tenant in asked]
        pages = [await self.seal.blind_of_page(self.platform, page) if page else None for page, _, _ in pairs]
        owners = await owners_of(tx, self.platform, [post for _, _, post in pairs], pages)
        return {tenant: owner for tenant, owner in zip(asked, owners, strict=True) if owner is not None}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Count what was done to posts of ours; what is about others, or unknown, is kept and changes nothing."""
        for tenant, run in groupby(items, key=lambda each: each.item.tenant):
            await self._count(tx, tenant.partition(" ")[2], _change(run))
        return [Applied() for _ in items]

    async def _count(self, tx: Transaction, post: str, change: Change) -> None:
        engagements = EngagementRepository(tx)
        delivery = await engagements.published(self.platform, post) if post and change else None
        if delivery is None:
            return
        figures = await engagements.add(delivery["id"], change)
        await tx.emit(
            PostEngaged(
                organization_id=tx.organization_id,
                post_id=delivery["post_id"],
                delivery_id=delivery["id"],
                reactions=figures["reactions"],
                comments=figures["comments"],
                shares=figures["shares"],
                version=figures["version"],
            )
        )


def _change(items: Iterable[Received]) -> Change:
    return change_of(each.item.kind for each in items)
