"""Files over a web chat, both ways: a visitor's lie sealed until their message is read, an agent's go with theirs."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from inbox.channels.base import Platforms
from inbox.channels.repository import ChannelRepository
from inbox.chat.errors import FileNotThere, FileRefused, TooFast
from inbox.chat.files import FILE_EVERY, FILES_AT_ONCE, check_signed, kind_of, signed_path, told_place
from inbox.chat.repository import VisitorRepository
from inbox.chat.service import ChatService, Present, since
from inbox.chat.source import SOURCE, message
from inbox.contacts.recognizing import subject
from inbox.conversations.repository import ConversationRepository
from inbox.media.fetching import FILENAME
from inbox.media.repository import MediaRepository, NewMedia, StoredMedia
from inbox.media.service import MediaFile, MediaService
from inbox.media.store import MediaStore
from inbox.messages.errors import ContactForgotten
from inbox.messages.schemas import LinkedMedia, SendMessage
from inbox.messages.service import MessageService
from kit.db.database import Database, Row, Transaction
from kit.errors import FieldError, Invalid
from kit.http.caller import MemberCaller
from kit.seal import KeyShredded


@dataclass(frozen=True, slots=True)
class Sharing:
    """Files of web chats."""

    database: Database
    chats: ChatService
    store: MediaStore
    media: MediaService
    messages: MessageService
    platforms: Platforms
    secret: str = field(repr=False)

    async def take(self, present: Present, client_id: UUID, name: str, content: bytes) -> None:
        """Store what a visitor sends: first the file, under the organization's key, then the message that names it.

        Raises:
            FileRefused: it is too large, or nothing that is taken.
            TooFast: they send too much.
            Invalid: something that is asked before one writes was not answered.
        """
        kind, media_type = kind_of(content)
        site, visitor = present.entered.site, present.visitor
        if not visitor.introduced and any(each.get("required") for each in site.options.get("fields", [])):
            raise Invalid(errors=[FieldError("#", "Write a message first.")])
        organization_id = present.entered.organization_id
        async with self.database.transaction(organization_id) as tx:
            if not await VisitorRepository(tx).take_turn(visitor.id, FILE_EVERY, FILES_AT_ONCE):
                raise TooFast(retry_after=FILE_EVERY.total_seconds())
        kept = await self.store.keep(organization_id, content, None)
        file = {
            "kind": kind,
            "type": media_type,
            "sha256": hashlib.sha256(content).hexdigest(),
            "name": name,
            "size": len(content),
            "place": told_place(organization_id, kept),
        }
        told = {"id": str(client_id), "text": "", "file": file}
        await self.chats.intake.take(SOURCE, message(visitor, site.key, told, self.database.clock.now()))

    async def address(self, present: Present, media_id: UUID) -> tuple[str, datetime]:
        """Where a file of the visitor's own conversation is to be had for a few minutes, and until when.

        Raises:
            FileNotThere: it is none of theirs.
        """
        async with self.database.snapshot(present.entered.organization_id) as tx:
            visitors = VisitorRepository(tx)
            own = await visitors.own(present.visitor.channel_id, present.hashes)
            if not await visitors.sees_file(own, media_id, since(present)):
                raise FileNotThere
        return signed_path(self.secret, present.key, media_id, self.database.clock.now())

    async def open(self, key: str, media_id: UUID, expires: int, signature: str) -> MediaFile:
        """The file to which an address leads.

        Raises:
            AddressExpired: it leads to nothing any more.
            MediaNotFound, MediaNotReady, MediaLost: it is not there, not yet, or never.
        """
        now = self.database.clock.now()
        check_signed(self.secret, key, media_id, expires=expires, signature=signature, now=now)
        entered = await self.chats.sites.enter("web_chat", key)
        return await self.media.held(entered.organization_id, media_id)

    async def share(
        self, caller: MemberCaller, conversation_id: UUID, message_id: UUID, name: str, content: bytes
    ) -> Row:
        """Send a file to a visitor as a message of its own; the same again is the same message.

        Raises:
            FileRefused: it is too large, nothing that is taken, or the channel takes none from here.
            ContactForgotten: the contact's key was destroyed.
        """
        kind, media_type = kind_of(content)
        async with self.database.snapshot(caller.organization_id) as tx:
            conversation = await ConversationRepository(tx).find(conversation_id)
            channel = await ChannelRepository(tx).find(conversation.channel_id)
        can = self.platforms[channel.kind].capabilities
        if not can.local or kind not in can.sends:
            raise FileRefused("Files are sent from here over web chats alone; elsewhere give a link to one.")
        media_id = uuid5(message_id, hashlib.sha256(content).hexdigest())
        try:
            kept = await self.store.keep(caller.organization_id, content, subject(conversation.speaker))
            sealed = await self.media.keyring.seal(
                caller.organization_id, name.encode(), FILENAME, subject=subject(conversation.speaker)
            )
        except KeyShredded as shredded:
            raise ContactForgotten from shredded
        stored = StoredMedia(media_type, len(content), kept.file_id, kept.key_sealed)
        medium = NewMedia(
            media_id, message_id, conversation_id, channel.id, kind, str(kept.file_id), media_type, "", sealed
        )
        link = LinkedMedia.model_construct(link=f"/v1/media/{media_id}", caption=None, filename=name or None)
        wanted = SendMessage.model_construct(id=message_id, type=kind, media=link)
        async with self.database.transaction(caller.organization_id) as tx:
            row = await self.messages.write(tx, caller, conversation_id, wanted)
            await _attach(tx, medium, stored)
        return row


async def _attach(tx: Transaction, medium: NewMedia, stored: StoredMedia) -> None:
    """Let the message have its file; one that it has already stays."""
    media = MediaRepository(tx)
    if await media.find(medium.id) is None:
        await media.add(medium)
        await media.ready(medium.id, stored)
