"""The bodies of WhatsApp's webhooks: messages that people wrote and what became of those the business sent."""

import base64
import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sandbox.json import Object, write
from sandbox.whatsapp import errors
from sandbox.whatsapp.world import NumberIn, PersonIn

Kind = Literal["messages", "statuses"]
Layout = Literal["messages", "changes", "entries"]
State = Literal["sent", "delivered", "read", "played", "failed"]

_HEAD = b"\x1d\x18\x0b"


@dataclass(frozen=True, slots=True)
class Item:
    """One message or status on its way to the business."""

    number: NumberIn
    kind: Kind
    content: Object
    contact: Object | None = None
    field: str = "messages"

    @property
    def topic(self) -> str:
        """What fault rules know it by: message.text, status.read and the like."""
        if self.kind == "messages":
            return f"message.{self.content.get('type')}"
        return f"status.{self.content.get('status')}"


def wamid() -> str:
    """A new id of a message."""
    return f"wamid.{base64.b64encode(_HEAD + secrets.token_hex(14).upper().encode()).decode()}"


def payload(items: Sequence[Item], layout: Layout) -> bytes:
    """One body for many items: as few changes as can be, or a change each, or an entry each."""
    entries: list[Object] = []
    open_changes: dict[tuple[str, str, str], Object] = {}
    open_entries: dict[str, list[object]] = {}
    for item in items:
        place = (item.number.waba_id, item.number.id, item.kind)
        value = open_changes.get(place) if layout == "messages" else None
        if value is None:
            value = open_changes[place] = _value(item.number)
            changes = open_entries.get(item.number.waba_id) if layout != "entries" else None
            if changes is None:
                changes = open_entries[item.number.waba_id] = []
                entries.append({"id": item.number.waba_id, "changes": changes})
            changes.append({"value": value, "field": item.field})
        _add(value, item)
    return write({"object": "whatsapp_business_account", "entry": entries})


def _value(number: NumberIn) -> Object:
    metadata = {"display_phone_number": number.display_phone_number, "phone_number_id": number.id}
    return {"messaging_product": "whatsapp", "metadata": metadata}


def _add(value: Object, item: Item) -> None:
    contacts = value.setdefault("contacts", [])
    if isinstance(contacts, list) and item.contact is not None and item.contact not in contacts:
        contacts.append(item.contact)
    if not contacts:
        value.pop("contacts")
    found = value.setdefault(item.kind, [])
    if isinstance(found, list):
        found.append(item.content)


def contact(person: PersonIn) -> Object:
    """A person as webhooks name it; who hides the number is known by user id alone."""
    profile: Object = {"name": person.name}
    if person.username:
        profile["username"] = person.username
    out: Object = {"profile": profile}
    if person.wa_id and not person.hides_phone:
        out["wa_id"] = person.wa_id
    if person.user_id:
        out["user_id"] = person.user_id
    if person.parent_user_id:
        out["parent_user_id"] = person.parent_user_id
    return out


def sender(person: PersonIn) -> Object:
    """The fields of a message that say who wrote it."""
    out: Object = {}
    if person.wa_id and not person.hides_phone:
        out["from"] = person.wa_id
    if person.user_id:
        out["from_user_id"] = person.user_id
    if person.parent_user_id:
        out["from_parent_user_id"] = person.parent_user_id
    return out


def receiver(person: PersonIn | None, recipient: str) -> Object:
    """The fields of a status that say whom it is about."""
    if person is None:
        return {"recipient_id": recipient}
    out: Object = {}
    if person.wa_id and not person.hides_phone:
        out["recipient_id"] = person.wa_id
    if person.user_id:
        out["recipient_user_id"] = person.user_id
    if person.parent_user_id:
        out["recipient_parent_user_id"] = person.parent_user_id
    return out


def accounted(message_id: str, state: State, category: str, at: float) -> Object:
    """Conversation and price, as they come with sent, delivered and read."""
    if state not in {"sent", "delivered", "read"}:
        return {}
    free = category == "service"
    number = hashlib.sha256(message_id.encode()).hexdigest()[:32]
    conversation: Object = {"id": number, "origin": {"type": category}}
    if state == "sent":
        conversation["expiration_timestamp"] = str(int(at) + 86_400)
    kind = "free_customer_service" if free else "regular"
    pricing = {"billable": not free, "pricing_model": "PMP", "type": kind, "category": category}
    return {"conversation": conversation, "pricing": pricing}


def failure(code: int) -> Object:
    """The error that comes with failed."""
    return {"errors": [errors.in_a_webhook(code)]}


def seconds(at: float | None = None) -> str:
    """A time as webhooks carry it: a string of whole Unix seconds."""
    return str(int(time.time() if at is None else at))
