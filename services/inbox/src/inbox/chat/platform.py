"""Web chat as the inbox knows a platform: what is sent lies with us until the visitor's browser fetches it."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from inbox.channels.base import Account, Capabilities, Identity, Line, MediaPlace, Medium, Outgoing, Window, Wish
from inbox.channels.catalogue import Catalogue
from inbox.chat import topics
from inbox.chat.files import place_of
from inbox.chat.outcomes import ERRORS
from inbox.media.store import FileMissing, MediaStore
from kit.db.database import Database
from kit.ledger.model import Refused
from kit.seal import KeyShredded

WEB_CHAT: Final = "web_chat"
CAPABILITIES: Final = Capabilities(
    sends=frozenset({"text", "image", "audio", "video", "document"}),
    reached_by=("customer_id", "visitor"),
    window=Window(None),
    text_length=4096,
    rate=500,
    shows_read=True,
    shows_typing=True,
    local=True,
)


@dataclass(frozen=True, slots=True)
class WebChats:
    """Chats on pages. Nothing leaves: a message is sent when it may be fetched, and whoever waits for it is woken."""

    database: Database
    store: MediaStore | None = None
    on: bool = True
    kind: str = WEB_CHAT
    capabilities: Capabilities = CAPABILITIES
    errors: Catalogue = ERRORS

    async def account(self, wish: Wish, token: str, attempt: int) -> Account:
        """A web chat is made here (`inbox.sites`); there is nothing to connect to."""
        _ = wish, token, attempt
        raise Refused("A web chat is made at /v1/site-channels.")

    async def send(self, outgoing: Outgoing, attempt: int) -> str:
        """It lies in its row already; the commit that records this lets it be seen."""
        _ = attempt
        return provider_id(outgoing.message_id)

    async def mark_read(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Tell the visitor's browser, if it is there."""
        _ = provider_id, attempt
        self.database.hint(topics.of_reading(line.external_id, to.value))

    async def type(self, line: Line, to: Identity, provider_id: str, attempt: int) -> None:
        """Tell the visitor's browser, if it is there."""
        _ = provider_id, attempt
        self.database.hint(topics.of_typing(line.external_id, to.value))

    async def name(self, line: Line, of: Identity, attempt: int) -> str:
        """Nobody knows."""
        _ = line, of, attempt
        return ""

    async def place(self, line: Line, medium: Medium, attempt: int) -> MediaPlace:
        """It lies with us already."""
        _ = line, attempt
        return MediaPlace(medium.url)

    async def download(self, line: Line, place: MediaPlace, at_most: int, attempt: int) -> bytes:
        """Read what a visitor has sent; it was looked at before it was taken."""
        _ = line, attempt
        found = place_of(place.url)
        if found is None or self.store is None:
            raise Refused("It is nothing that a visitor has sent.")
        try:
            opened = await self.store.open(*found)
        except (FileMissing, KeyShredded) as gone:
            raise Refused("What was sent is not kept any more.", code="gone") from gone
        if opened.file.size > at_most:
            raise Refused("It is larger than is taken.", code="too-large")
        return b"".join([piece async for piece in opened.pieces(0, opened.file.size)])


def provider_id(message_id: UUID) -> str:
    """By what a browser's receipts name a message of ours."""
    return f"chat:{message_id}"
