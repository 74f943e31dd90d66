"""X's webhooks: its hourly challenge, permissions that were taken back, and what people did to posts."""

import base64
import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import orjson

from kit.db.database import Transaction
from kit.intake.model import Item, Received, Verdict
from kit.intake.signatures import hmac_sha256_base64
from publisher.engagements.notices import LONGEST, WITHDRAWN, Notices, name, read_object
from publisher.platforms.speaking import at
from publisher.platforms.windows import moment

ACTIONS: Final = {"post.reply.create": "COMMENT", "like.create": "LIKE", "post.repost.create": "SHARE"}
"""What X calls what people do, and by what name it is counted."""


@dataclass(frozen=True, slots=True)
class XSource:
    """The source `x`; without the consumer secret of our application nothing is genuine."""

    consumer_secret: str = field(repr=False)
    notices: Notices

    name: str = "x"
    body_limit: int = 1024 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """The answer to the CRC, which X asks when an address is entered and every hour."""
        token = query.get("crc_token", "")
        if not self.consumer_secret or not 0 < len(token) <= LONGEST:
            return None
        digest = hmac.new(self.consumer_secret.encode(), token.encode("utf-8", "replace"), hashlib.sha256).digest()
        return orjson.dumps({"response_token": "sha256=" + base64.b64encode(digest).decode()}).decode()

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether X signed exactly these bytes."""
        return hmac_sha256_base64(
            self.consumer_secret, body, headers.get("x-twitter-webhooks-signature"), prefix="sha256="
        )

    def split(self, body: bytes) -> Sequence[Item]:
        """The one event of a delivery; what else X may send is an item of its own kind.

        Raises:
            Unreadable: it is no JSON object.
        """
        payload = read_object(body)
        revoke = at(payload, "user_event", "revoke")
        if isinstance(revoke, dict):
            person = name(at(revoke, "source", "user_id"))
            told = moment(revoke.get("date_time"))
            return [Item(hashlib.sha256(body).hexdigest(), person, f"{person} ", WITHDRAWN, body, told)]
        return [_event(at(payload, "data"), body)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who published the post, else who connected the account."""
        return await self.notices.organizations(tx, tenants)

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Count what was done to posts of ours, and follow permissions that were taken back."""
        return await self.notices.apply(tx, items)


def _event(event: Any, body: bytes) -> Item:
    """One event of the Activity API; its key is the post, so that what is done to one post is counted in order."""
    kind, person = name(at(event, "event_type")), name(at(event, "filter", "user_id"))
    post = _post(at(event, "payload"))
    return Item(
        id=name(at(event, "event_uuid")) or hashlib.sha256(body).hexdigest(),
        key=post or person or kind or "unknown",
        tenant=f"{person} {post}",
        kind=ACTIONS.get(kind, kind or "unknown"),
        content=body,
        occurred_at=moment(at(event, "payload", "created_at")) if at(event, "payload", "created_at") else None,
    )


def _post(payload: Any) -> str:
    """The post that something was done to."""
    liked = name(at(payload, "liked_tweet_id"))
    referred = at(payload, "referenced_tweets", 0, "id")
    return liked or name(at(payload, "in_reply_to_tweet_id")) or name(referred)
