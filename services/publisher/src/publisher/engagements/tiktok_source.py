"""TikTok's webhooks: permissions that were taken back, and what became of posts.

What became of a post is asked for by its `publish_id` all the same, so those notifications change nothing: TikTok
sends them in no order, at least once, and only where an address was entered.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.db.database import Transaction
from kit.intake.model import Item, Received, Verdict
from kit.intake.signatures import timestamped_hmac_hex
from publisher.engagements.notices import WITHDRAWN, Notices, moment, name, read_object

REMOVED: Final = "authorization.removed"
TOLERANCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class TikTokSource:
    """The source `tiktok`; without the secret of our application nothing is genuine."""

    client_secret: str = field(repr=False)
    notices: Notices
    now: Callable[[], datetime]

    name: str = "tiktok"
    body_limit: int = 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """TikTok asks none."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether TikTok signed exactly these bytes, a short while ago."""
        return timestamped_hmac_hex(
            self.client_secret,
            body,
            headers.get("tiktok-signature"),
            now=self.now().timestamp(),
            tolerance=TOLERANCE,
            scheme="s",
        )

    def split(self, body: bytes) -> Sequence[Item]:
        """The one event of a delivery.

        Raises:
            Unreadable: it is no JSON object.
        """
        payload = read_object(body)
        kind, person = name(payload.get("event")) or "unknown", name(payload.get("user_openid"))
        return [
            Item(
                id=hashlib.sha256(body).hexdigest(),
                key=person or kind,
                tenant=f"{person} ",
                kind=WITHDRAWN if kind == REMOVED else kind,
                content=body,
                occurred_at=moment(payload.get("create_time")),
            )
        ]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who connected the account."""
        return await self.notices.organizations(tx, tenants)

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Follow permissions that were taken back."""
        return await self.notices.apply(tx, items)
