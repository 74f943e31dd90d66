"""What connected accounts say about notifications."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from kit.db.database import Row, Transaction
from publisher.accounts.model import Account
from publisher.notifications.model import Notifications


@dataclass(frozen=True, slots=True)
class NotificationRepository:
    """The wishes of the transaction's organizations."""

    tx: Transaction

    async def wish(self, account: Account, notifications: Notifications, wish_id: UUID) -> None:
        """From now on this is wished for; an older wish finds itself replaced."""
        await self.tx.execute(
            """
            UPDATE connected_accounts
            SET notifications = $3, notifications_reason = '', notifications_id = $4
            WHERE id = $1 AND organization_id = $2
            """,
            account.id,
            account.organization_id,
            notifications,
            wish_id,
        )

    async def needed_elsewhere(self, account: Account) -> bool:
        """Whether another organization has connected the same account."""
        needed: bool = await self.tx.fetchval(
            "SELECT connected_elsewhere($1, $2, $3)",
            account.platform,
            account.external_blind,
            account.organization_id,
        )
        return needed

    async def outgoing(self, wish_ids: Collection[UUID]) -> list[Row]:
        """What is needed to fulfil these wishes, without those that were replaced or have no token any more."""
        return await self.tx.fetch(
            """
            SELECT notifications_id, id, platform, external_sealed, notifications, access_token
            FROM connected_accounts
            WHERE notifications_id = ANY ($1) AND state <> 'disconnected' AND access_token IS NOT NULL
            """,
            list(wish_ids),
        )

    async def standing(self, wish_ids: Collection[UUID]) -> list[Row]:
        """The accounts whose last wishes these are, without waiting for their writers."""
        return await self.tx.fetch(
            """
            SELECT notifications_id, id, organization_id, platform, notifications FROM connected_accounts
            WHERE notifications_id = ANY ($1) ORDER BY id
            """,
            list(wish_ids),
        )

    async def carry(self, changes: Mapping[UUID, tuple[Notifications, str]]) -> None:
        """What came of these wishes, with the reason in plain words."""
        await self.tx.execute(
            """
            UPDATE connected_accounts AS one
            SET notifications = t.notifications, notifications_reason = t.reason, version = one.version + 1,
                changed_at = kit_now()
            FROM unnest($1::uuid[], $2::text[], $3::text[]) AS t (id, notifications, reason)
            WHERE one.notifications_id = t.id
              AND (one.notifications, one.notifications_reason) IS DISTINCT FROM (t.notifications, t.reason)
            """,
            list(changes),
            [notifications for notifications, _ in changes.values()],
            [reason for _, reason in changes.values()],
        )
