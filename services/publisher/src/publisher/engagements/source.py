"""LinkedIn's webhooks: notifications of what people did on the pages of organizations.

LinkedIn has no webhook for a permission that was taken back: that shows by 401 at the next call, and is dealt with
there.
"""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from kit.db.database import Transaction
from kit.intake.model import Item, Received, Unreadable, Verdict
from kit.intake.signatures import linkedin
from publisher.engagements.counting import Counting

NOTIFICATIONS: Final = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
LONGEST: Final = 200
_ENTITY: Final = "organizationalEntity"
_POST: Final = "sourcePost"


@dataclass(frozen=True, slots=True)
class LinkedInSource:
    """The source `linkedin`; without the secret of our application nothing is genuine."""

    client_secret: str = field(repr=False)
    counting: Counting

    name: str = "linkedin"
    body_limit: int = 4 * 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Proof that we hold the application's secret."""
        code = query.get("challengeCode", "")
        if not self.client_secret or not 0 < len(code) <= LONGEST:
            return None
        answer = hmac.new(self.client_secret.encode(), code.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return orjson.dumps({"challengeCode": code, "challengeResponse": answer}).decode()

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether LinkedIn signed exactly these bytes."""
        return linkedin(self.client_secret, body, headers.get("x-li-signature"))

    def split(self, body: bytes) -> Sequence[Item]:
        """Each notification; what else LinkedIn may send one day is one item of its own kind.

        Raises:
            Unreadable: it is no JSON object, or notifications are not what is documented.
        """
        try:
            payload = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise Unreadable("It is not JSON.") from error
        if not isinstance(payload, dict):
            raise Unreadable("It is not a JSON object.")
        if payload.get("type") != NOTIFICATIONS:
            return [_unknown(payload, body)]
        notifications = payload.get("notifications")
        if not isinstance(notifications, list) or not all(isinstance(one, dict) for one in notifications):
            raise Unreadable("Its notifications are not a list of objects.")
        return [_item(one) for one in notifications]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who published the post, else who connected the page first."""
        return await self.counting.organizations(tx, tenants)

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Count what was done to posts of ours."""
        return await self.counting.apply(tx, items)


def _item(notification: dict[str, Any]) -> Item:
    """One notification; its key is the post, so that what is done to one post is counted in order."""
    entity, post = _text(notification.get(_ENTITY)), _text(notification.get(_POST))
    number = notification.get("notificationId")
    return Item(
        id=str(number) if isinstance(number, int | str) and number != "" else "",
        key=post or entity,
        tenant=f"{entity} {post}",
        kind=_text(notification.get("action")) or "unknown",
        content=orjson.dumps(notification),
        occurred_at=_moment(notification.get("lastModifiedAt")),
    )


def _unknown(payload: dict[str, Any], body: bytes) -> Item:
    owner = _text(payload.get(_ENTITY)) or _text(payload.get("owner"))
    kind = _text(payload.get("type")) or "unknown"
    return Item(hashlib.sha256(body).hexdigest(), owner or kind, f"{owner} ", kind, body)


def _text(value: object) -> str:
    """A name of theirs, such as a URN: without white space, of bounded length; anything else is no name."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable() or " " in value:
        return ""
    return value


def _moment(milliseconds: object) -> datetime | None:
    if not isinstance(milliseconds, int) or not 0 < milliseconds < 10**14:
        return None
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
