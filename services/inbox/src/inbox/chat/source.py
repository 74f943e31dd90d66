"""What visitors send, as intake knows it: our own door has proven who they are, and has it stored."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from inbox.channels.applying import Applying, Told
from inbox.channels.base import Identity, IdentityKind, Medium, Report, Said
from inbox.channels.repository import organizations_of
from inbox.chat import topics
from inbox.chat.model import Visitor
from inbox.chat.platform import provider_id
from inbox.messages.model import Content
from inbox.whatsapp.payload import Hide, key_of, message_item, status_item
from kit.db.database import Transaction
from kit.intake.model import Item, Quarantined, Received, Unreadable, Verdict

SOURCE: Final = "web_chat"
_KINDS: Final[Mapping[str, IdentityKind]] = {"customer_id": "customer_id", "visitor": "visitor"}


@dataclass(frozen=True, slots=True)
class WebChatSource:
    """Messages and receipts of visitors."""

    hide: Hide = field(repr=False)
    applying: Applying
    name: str = SOURCE
    body_limit: int = 64 * 1024

    def challenge(self, query: Mapping[str, str]) -> str | None:
        """Nobody asks."""
        _ = query
        return None

    def genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Nobody delivers here but our own door, which does not ask this."""
        _ = headers, body
        return False

    def split(self, body: bytes) -> Sequence[Item]:
        """A message, or receipts of several messages of ours."""
        try:
            told: dict[str, Any] = orjson.loads(body)
            at, key = datetime.fromisoformat(told["at"]), str(told["key"])
            lane = key_of(key, str(told["known_as"][0][1]), self.hide)
            if told["kind"] == "message":
                ids = [message_item(str(told["id"]), self.hide)]
                contents = [body]
            else:
                seen, second = str(told["status"]), str(int(at.timestamp()))
                ids = [status_item(provider_id(UUID(each)), seen, second, self.hide) for each in told["messages"]]
                contents = [orjson.dumps({**told, "messages": [each]}) for each in told["messages"]]
        except (orjson.JSONDecodeError, KeyError, IndexError, TypeError, ValueError):
            raise Unreadable("nothing that a visitor sends") from None
        return [
            Item(identity, key=lane, tenant=key, kind=told["kind"], content=content, occurred_at=at)
            for identity, content in zip(ids, contents, strict=True)
        ]

    async def organizations(self, tx: Transaction, tenants: Collection[str]) -> Mapping[str, UUID]:
        """Whose these chats are."""
        return {end: organization_id for _, end, organization_id in await organizations_of(tx, tenants, ())}

    async def apply(self, tx: Transaction, items: Sequence[Received]) -> Sequence[Verdict]:
        """Apply items in order; the visitor's windows are woken by the commit."""
        verdicts = await self.applying.apply(tx, items, told)
        for each in items:
            content = orjson.loads(each.item.content)
            for _, value in content["known_as"]:
                tx.stir(topics.of_visitor(content["key"], value))
        return verdicts


def message(visitor: Visitor, key: str, said: Mapping[str, Any], at: datetime) -> bytes:
    """A message of a visitor as it is stored."""
    return orjson.dumps(
        {
            "kind": "message",
            "key": key,
            "id": f"{visitor.id}:{said['id']}",
            "at": at.isoformat(),
            "known_as": [(each.kind, each.value) for each in visitor.known_as],
            **said,
            "client_id": said["id"],
        }
        | {"id": f"{visitor.id}:{said['id']}"}
    )


def receipts(
    visitor: Visitor, key: str, status: Literal["delivered", "read"], messages: Sequence[UUID], at: datetime
) -> bytes:
    """That a visitor has received or read messages of ours, as it is stored."""
    return orjson.dumps(
        {
            "kind": "status",
            "key": key,
            "at": at.isoformat(),
            "known_as": [(each.kind, each.value) for each in visitor.known_as],
            "status": status,
            "messages": [str(each) for each in messages],
        }
    )


def told(received: Received) -> Told:
    """What an item says, in our words."""
    content: dict[str, Any] = orjson.loads(received.item.content)
    at = datetime.fromisoformat(content["at"])
    if received.item.kind == "status":
        (message_id,) = content["messages"]
        return Report(provider_id(UUID(message_id)), content["status"], at, message_id)
    known = tuple(Identity(_KINDS[kind], value) for kind, value in content["known_as"] if kind in _KINDS)
    if not known:
        return Quarantined("a message without a sender")
    fields = content.get("fields") or {}
    detail = {"client_id": content["client_id"]}
    detail |= {name: content[name] for name in ("page", "fields") if content.get(name)}
    file = content.get("file")
    return Said(
        provider_id=str(content["id"]),
        kind="text" if file is None else str(file["kind"]),
        time=at,
        known_as=known,
        name=str(fields.get("name", ""))[:200],
        content=Content(str(content["text"]) or None, detail),
        media=() if file is None else (_medium(file),),
        proven=known[0].kind == "customer_id",
    )


def _medium(file: Mapping[str, Any]) -> Medium:
    """A file as any medium: it is fetched from where it lies with us."""
    where = str(file["place"])
    return Medium(where.split("/")[1], file["kind"], file["type"], file["sha256"], file["name"], where)
