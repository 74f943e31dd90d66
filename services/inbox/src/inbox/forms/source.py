"""What comes through forms, as intake knows it: our own door has checked it, and has it stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from inbox.channels.applying import Applying, Told
from inbox.channels.base import Identity, Said
from inbox.channels.repository import organizations_of
from inbox.forms.model import Submission
from inbox.messages.model import Content
from inbox.whatsapp.payload import Hide, key_of, message_item
from kit.db.database import Transaction
from kit.intake.model import Item, Quarantined, Received, Unreadable, Verdict

SOURCE: Final = "contact_form"


@dataclass(frozen=True, slots=True)
class FormSource:
    """Messages through contact forms."""

    hide: Hide = field(repr=False)
    applying: Applying
    name: str = SOURCE
    body_limit: int = 128 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Nobody asks."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Nobody delivers here but our own door, which does not ask this."""
        _ = headers, body
        return False

    def split(self, body: bytes) -> Sequence[Item]:
        """The one message of a delivery."""
        try:
            told: dict[str, Any] = orjson.loads(body)
            said, at = Submission.read(told), datetime.fromisoformat(told["at"])
            item = message_item(str(told["id"]), self.hide)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise Unreadable("not a message through a form") from None
        key = key_of(said.key, said.known_as[1], self.hide)
        return [Item(item, key=key, tenant=said.key, kind="message", content=body, occurred_at=at)]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these forms are."""
        return {end: organization_id for _, end, organization_id in await organizations_of(tx, tenants, ())}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order."""
        return await self.applying.apply(tx, items, told)


def told(received: Received) -> Told:
    """What an item says, in our words."""
    content: dict[str, Any] = orjson.loads(received.item.content)
    said = Submission.read(content)
    kind, value = said.known_as
    if kind == "email":
        known = (Identity("email", value.casefold()),)
    elif kind == "phone":
        known = (Identity("phone", value),)
    else:
        return Quarantined("a message without a sender")
    detail = {name: content[name] for name in ("name", "email", "phone", "subject", "fields") if content.get(name)}
    return Said(
        provider_id=str(content["id"]),
        kind="text",
        time=datetime.fromisoformat(content["at"]),
        known_as=known,
        name=said.name,
        content=Content(said.message, detail),
        proven=False,
    )
