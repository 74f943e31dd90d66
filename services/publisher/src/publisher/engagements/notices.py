"""What several sources of webhooks share: reading, and acting on what was told of people and of posts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from kit.db.database import Transaction
from kit.intake.model import Applied, Received, Unreadable, Verdict
from publisher.engagements.counting import Counting
from publisher.withdrawals.model import Wish
from publisher.withdrawals.noting import NOBODYS, Withdrawals, code_of_notice

WITHDRAWN: Final = "permission.withdrawn"
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Notices:
    """Counts what was done to posts, and notes permissions that were taken back.

    A tenant is `<person> <post>`, in ids of the platform, the post empty where none is meant.
    """

    withdrawals: Withdrawals
    counting: Counting

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Who published the post; what is about a person, or about a post of nobody's here, is of no organization."""
        posts = [tenant for tenant in tenants if tenant.partition(" ")[2]]
        found = await self.counting.organizations(tx, posts) if posts else {}
        return {tenant: found.get(tenant, NOBODYS) for tenant in tenants}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Do what each asks for; what is about nothing of ours is kept and changes nothing."""
        others = [received for received in items if received.item.kind != WITHDRAWN]
        if others:
            await self.counting.apply(tx, others)
        return [await self._noted(tx, each) if each.item.kind == WITHDRAWN else Applied() for each in items]

    async def _noted(self, tx: Transaction, received: Received) -> Verdict:
        """The time that counts is when we were told: what is asked for must not be older than what it is about."""
        item, platform = received.item, self.withdrawals.platform
        person, code = item.tenant.partition(" ")[0], code_of_notice(platform, item.id)
        return await self.withdrawals.note(tx, Wish.DEAUTHORIZE, person, code, received.received_at)


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a delivery.

    Raises:
        Unreadable: it is none.
    """
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable("It is not JSON.") from error
    if not isinstance(payload, dict):
        raise Unreadable("It is not a JSON object.")
    return payload


def name(value: object) -> str:
    """An id or name of theirs: without white space, of bounded length; anything else is none."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST or not value.isprintable() or " " in value:
        return ""
    return value


def moment(seconds: object) -> datetime | None:
    """A time in Unix seconds."""
    if not isinstance(seconds, int) or not 0 < seconds < 10**11:
        return None
    return datetime.fromtimestamp(seconds, UTC)
