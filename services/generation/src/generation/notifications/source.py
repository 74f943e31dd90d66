"""OpenAI's webhook as intake knows it: what it tells is a hint, and what counts is read back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import orjson

from generation.batches.repository import BatchRepository, organizations_named
from kit.clock import Clock
from kit.db.database import Transaction
from kit.intake.model import Applied, Item, Received, Unreadable, Verdict
from kit.intake.signatures import standard_webhooks

NAME: Final = "openai"
TOLERANCE: Final = 300.0
"""Seconds that a signature is good for, as Standard Webhooks recommends."""

NOBODY: Final = "nobody"
_NO_ORGANIZATION: Final = UUID(int=0)
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class OpenAiSource:
    """Everything that OpenAI tells our project.

    Only ends of batches concern us, and of those we look after every minute anyway: a hint that is lost, or comes
    before we know the batch by its name, costs a minute. Several secrets are good while one is being changed for
    another; without any it believes nobody.
    """

    secrets: Sequence[str] = field(repr=False)
    clock: Clock
    name: str = NAME
    body_limit: int = 256 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """OpenAI asks for none."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Whether one of the secrets signed id, time and exactly these bytes, lately."""
        given = {
            "webhook_id": headers.get("webhook-id"),
            "timestamp": headers.get("webhook-timestamp"),
            "header": headers.get("webhook-signature"),
        }
        now = self.clock.timestamp()
        fits = [standard_webhooks(each, body, **given, now=now, tolerance=TOLERANCE) for each in self.secrets]
        return any(fits)

    def split(self, body: bytes) -> Sequence[Item]:
        """The one event of a delivery; it names a thing and says no more of it."""
        try:
            event = orjson.loads(body)
            event_id, kind, about = event["id"], event["type"], event["data"]["id"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise Unreadable("not an event of OpenAI") from None
        if not all(isinstance(each, str) and 0 < len(each) <= _LONGEST for each in (event_id, kind, about)):
            raise Unreadable("not an event of OpenAI")
        batch = kind.startswith("batch.")
        named = "".join(each if each.isalnum() or each in "._" else "_" for each in kind)[:60]
        content = orjson.dumps({"id": about})
        at = _moment(event.get("created_at"))
        return [Item(event_id, about, about if batch else NOBODY, named, content, at)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these batches are; those that are not known, and all else, are nobody's."""
        return dict.fromkeys(tenants, _NO_ORGANIZATION) | dict(await organizations_named(tx, tenants))

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Have these batches looked at now."""
        if tx.organization_id != _NO_ORGANIZATION:
            named = [orjson.loads(each.item.content)["id"] for each in items]
            await BatchRepository(tx).look_now(named)
        return [Applied()] * len(items)


def _moment(told: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(told, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
