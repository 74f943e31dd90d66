"""WhatsApp as the inbox knows a platform."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from inbox.channels.base import (
    Account,
    Capabilities,
    Identity,
    Line,
    MediaPlace,
    Medium,
    Outgoing,
    Pair,
    Window,
    Wish,
)
from inbox.channels.catalogue import Catalogue
from inbox.channels.errors import ACCOUNT_REFUSED
from inbox.messages.model import Content
from inbox.whatsapp.graph import Graph
from inbox.whatsapp.outcomes import ERRORS
from inbox.whatsapp.pacing import PAIR_BURST, PAIR_WITHIN, standing_of
from kit.ledger.model import Parked, Refused

WHATSAPP: Final = "whatsapp"
CAPABILITIES: Final = Capabilities(
    sends=frozenset(
        {
            "text",
            "template",
            "image",
            "video",
            "audio",
            "document",
            "sticker",
            "location",
            "contacts",
            "reaction",
            "interactive",
        }
    ),
    reached_by=("whatsapp_id", "bsuid"),
    window=Window(timedelta(hours=24), beyond=frozenset({"template"})),
    text_length=4096,
    rate=80,
    quotes=True,
    shows_read=True,
    shows_typing=True,
    pair=Pair(PAIR_BURST, PAIR_WITHIN),
)
_PLACES: Final[Mapping[str, str]] = {"whatsapp_id": "to", "bsuid": "recipient"}
_INTERACTIVE: Final[Mapping[str, str]] = {"buttons": "button", "list": "list", "link": "cta_url"}


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """Numbers of the Cloud API. Off without the app's secret and verify token."""

    graph: Graph
    on: bool
    kind: str = WHATSAPP
    capabilities: Capabilities = CAPABILITIES
    errors: Catalogue = ERRORS

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """The number, which must be in the account: what is told of an account goes to who has its numbers."""
        number = await self.graph.number(wish.external_id, token, attempt)
        try:
            found = await self.graph.holds(wish.account_id, wish.external_id, token, attempt)
        except (Refused, Parked) as trouble:
            if ERRORS.health_of(trouble.code) == "restricted":
                raise
            reason = "WhatsApp does not let this token read this business account."
            raise Refused(reason, code=ACCOUNT_REFUSED, said=trouble.said) from trouble
        if not found:
            raise Refused("This number is not in this WhatsApp business account.", code=ACCOUNT_REFUSED)
        told = await self.graph.pace(wish.external_id, token, attempt)
        owner = await self.graph.owner(wish.account_id, token, attempt)
        return Account(number.name, number.display_number, standing_of(told, owner))

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """Send it; a reaction names its message in itself, everything else quotes it."""
        body = envelope(outgoing.message_id, outgoing.kind, outgoing.content)
        body[_PLACES[outgoing.to.kind]] = outgoing.to.value
        if outgoing.kind == "reaction":
            body["reaction"] = {"message_id": outgoing.quoted, "emoji": outgoing.content.text or ""}
        elif outgoing.quoted:
            body["context"] = {"message_id": outgoing.quoted}
        return await self.graph.send(outgoing.line.external_id, outgoing.line.token, body, attempt)

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Mark the message, and with it all before it."""
        _ = to
        await self.graph.mark_read(line.external_id, line.token, provider_id, attempt)

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """WhatsApp shows it with the mark that the message was read."""
        _ = to
        await self.graph.mark_read(line.external_id, line.token, provider_id, attempt, typing=True)

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """It comes with each message."""
        _ = line, of, attempt
        return ""

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """Where it can be fetched for the next five minutes."""
        return await self.graph.media_place(medium.id, line.external_id, line.token, attempt)

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """Its bytes, by the token."""
        return await self.graph.download(place, line.token, at_most, attempt)


def envelope(message_id: UUID, kind: str, content: Content) -> dict[str, Any]:
    """The request without its recipient. What comes back in reports is our id of the message and nothing else."""
    part: Any = content.detail.get(kind, {})
    if kind == "text":
        part = {"body": content.text, "preview_url": False}
    elif kind == "interactive":
        part = interactive(part)
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "type": kind,
        kind: part,
        "biz_opaque_callback_data": str(message_id),
    }


def interactive(told: Mapping[str, Any]) -> dict[str, Any]:
    """Buttons, a list or a link in WhatsApp's words."""
    kind: str = told["type"]
    made: dict[str, Any] = {"type": _INTERACTIVE[kind], "body": {"text": told["body"]}}
    if kind == "buttons":
        buttons = [{"id": each["id"], "title": each["title"]} for each in told["buttons"]]
        made["action"] = {"buttons": [{"type": "reply", "reply": each} for each in buttons]}
    elif kind == "list":
        made["action"] = {"button": told["label"], "sections": told["sections"]}
    else:
        link = {"display_text": told["link"]["label"], "url": told["link"]["url"]}
        made["action"] = {"name": "cta_url", "parameters": link}
    if "header" in told:
        made["header"] = {"type": "text", "text": told["header"]}
    if "footer" in told:
        made["footer"] = {"text": told["footer"]}
    return made
