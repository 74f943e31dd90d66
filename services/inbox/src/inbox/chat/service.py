"""What a visitor does: come, write, read; each step bound to the channel that the page names and to one visitor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from inbox.channels.base import Identity
from inbox.channels.viewing.repository import seeing
from inbox.chat import topics
from inbox.chat.errors import ProofNeeded, ProofRefused, TooFast, VisitorUnknown
from inbox.chat.model import (
    BURST,
    EVERY,
    FORGOTTEN_AFTER,
    ROTATED_AFTER,
    STILL_GOOD,
    Visitor,
    hashed,
    new_token,
    proves,
)
from inbox.chat.passing import NOBODY, Passing
from inbox.chat.repository import NewVisitor, VisitorRepository, purge
from inbox.chat.schemas import BeginVisit, FileOut, Identified, Say, ShownOut
from inbox.chat.source import SOURCE, message, receipts
from inbox.contacts.blind import Blind, blind_of
from inbox.media.fetching import FILENAME
from inbox.media.repository import MediaRepository
from inbox.messages.content import Sealing
from inbox.messages.model import Content
from inbox.sites.errors import OriginNotAllowed
from inbox.sites.service import Entered, SiteService
from kit.db.database import Database, Row, Transaction
from kit.errors import FieldError, Invalid
from kit.ids import new_id
from kit.intake.intake import Intake

CUSTOMER: Final = b"chat_visitors.customer_sealed"
PAGE: Final = 50
"""How many messages are told at once."""
_AT_ONCE: Final = 1000
_BELOW: Final[Mapping[str, Sequence[str]]] = {"delivered": ["sent"], "read": ["sent", "delivered"]}


@dataclass(frozen=True, slots=True)
class Present:
    """A visitor who is here, where, and how what they are known by is hashed."""

    entered: Entered
    visitor: Visitor
    blind: Blind

    @property
    def key(self) -> str:
        """The public key of the channel."""
        return self.entered.site.key

    @property
    def hashes(self) -> list[tuple[str, bytes]]:
        """By what their conversations are found."""
        return [(each.kind, self.blind(each.kind, each.value)) for each in self.visitor.known_as]


@dataclass(frozen=True, slots=True)
class ChatService:
    """Visitors of web chats."""

    database: Database
    sealing: Sealing
    sites: SiteService
    intake: Intake
    passing: Passing = NOBODY

    async def enter(self, key: str, origin: str) -> Entered:
        """The chat that a page names.

        Raises:
            SiteNotFound: there is none.
            OriginNotAllowed: it is a page of somebody else, or does not say whose it is.
        """
        entered = await self.sites.enter("web_chat", key)
        if not entered.site.allows(origin):
            raise OriginNotAllowed
        return entered

    async def contact_types(self, organization_id: UUID, conversation_id: UUID) -> None:
        """Tell those of the team who see a conversation that its contact writes."""
        viewers = await seeing(self.database, organization_id, conversation_id)
        await self.passing.contact_types(organization_id, conversation_id, viewers)

    async def begin(self, entered: Entered, wanted: BeginVisit) -> tuple[Present, str]:
        """A browser comes: it is known again by its token, or is new; with the token to keep from now on.

        Whoever was proven once is never shown to somebody else: when the page proves another user, or none, this is
        another visitor.

        Raises:
            ProofRefused: the proof does not fit.
            ProofNeeded: here only visitors who are proven may write.
        """
        identity = wanted.identity
        if identity is not None:
            await self._check(entered, identity)
        elif entered.site.options.get("proof") == "required":
            raise ProofNeeded
        blind = await blind_of(self.sealing.keyring, entered.organization_id)
        customer = identity.user_id if identity else ""
        async with self.database.transaction(entered.organization_id) as tx:
            visitors = VisitorRepository(tx)
            row = await visitors.by_token(entered.site.channel_id, hashed(wanted.token)) if wanted.token else None
            if row is None or not _is(row, blind, entered, customer):
                visitor, token = await self._new(tx, entered, blind, customer)
            else:
                visitor, token = await self._again(tx, entered, row, blind, customer), str(wanted.token)
                fresh = new_token()
                if (
                    row["present"]
                    and self.database.clock.now() - visitor.token_at > ROTATED_AFTER
                    and await visitors.rotate(visitor.id, hashed(token), hashed(fresh), STILL_GOOD)
                ):
                    token = fresh
                await visitors.seen(visitor.id)
        return Present(entered, visitor, blind), token

    async def known(self, entered: Entered, token: str) -> Present:
        """The visitor with this token.

        Raises:
            VisitorUnknown: nobody has it.
        """
        blind = await blind_of(self.sealing.keyring, entered.organization_id)
        async with self.database.snapshot(entered.organization_id) as tx:
            row = await VisitorRepository(tx).by_token(entered.site.channel_id, hashed(token)) if token else None
        if row is None:
            raise VisitorUnknown
        return Present(entered, await self._visitor(entered.organization_id, row), blind)

    async def say(self, present: Present, said: Say) -> None:
        """Store what they wrote; whatever comes after, it is not lost any more.

        Raises:
            TooFast: they write too much.
            Invalid: something that is asked before one writes was not answered.
        """
        visitor, site = present.visitor, present.entered.site
        fields = _answers(site.options.get("fields", []), said.fields, introduced=visitor.introduced)
        async with self.database.transaction(present.entered.organization_id) as tx:
            visitors = VisitorRepository(tx)
            if not await visitors.take_turn(visitor.id, EVERY, BURST):
                raise TooFast(retry_after=EVERY.total_seconds())
            if not visitor.introduced:
                await visitors.introduce(visitor.id)
        told = {"id": str(said.id), "text": said.text, "page": said.page, "fields": fields}
        await self.intake.take(SOURCE, message(visitor, site.key, told, self.database.clock.now()))

    async def acknowledge(
        self, present: Present, status: Literal["delivered", "read"], message_ids: Sequence[UUID]
    ) -> None:
        """They have received or read these; what is not theirs, or is known already, changes nothing."""
        async with self.database.snapshot(present.entered.organization_id) as tx:
            visitors = VisitorRepository(tx)
            own = await visitors.own(present.visitor.channel_id, present.hashes)
            known = await visitors.theirs(own, message_ids, _BELOW[status], since(present))
        if known:
            now = self.database.clock.now()
            await self.intake.take(SOURCE, receipts(present.visitor, present.key, status, known, now))

    async def history(self, present: Present, after: UUID | None) -> tuple[list[ShownOut], list[UUID]]:
        """What they may see after a message, or the newest; with the conversations in which it stands."""
        organization_id = present.entered.organization_id
        async with self.database.snapshot(organization_id) as tx:
            visitors, start = VisitorRepository(tx), since(present)
            own = await visitors.own(present.visitor.channel_id, present.hashes)
            place = await visitors.place(own, after) if after else None
            if place is None:
                rows = await visitors.newest(own, start, PAGE)
            else:
                rows = await visitors.beyond(own, place, start, PAGE)
            media = await MediaRepository(tx).of_messages([row["id"] for row in rows]) if rows else []
        contents = await self.sealing.contents(organization_id, [row["content_sealed"] for row in rows])
        files = await self._files(organization_id, media)
        shown = [_shown(row, content, files.get(row["id"], [])) for row, content in zip(rows, contents, strict=True)]
        return shown, own.conversations

    async def _files(self, organization_id: UUID, media: Sequence[Row]) -> Mapping[UUID, list[FileOut]]:
        """Files by message, each under the name that it was given."""
        sealed = [(row["filename_sealed"], FILENAME) for row in media if row["filename_sealed"] is not None]
        names = iter(await self.sealing.keyring.open_many(organization_id, sealed) if sealed else ())
        found: dict[UUID, list[FileOut]] = {}
        for row in media:
            name = None if row["filename_sealed"] is None else next(names)
            told = {part: row[part] for part in ("id", "kind", "media_type", "size", "state")}
            shown = FileOut(name="" if name is None else name.decode(errors="replace"), **told)
            found.setdefault(row["message_id"], []).append(shown)
        return found

    def topics(self, present: Present) -> list[str]:
        """What wakes a window of theirs, beside their conversations."""
        return [topics.of_visitor(present.key, each.value) for each in present.visitor.known_as]

    async def purge(self) -> bool:
        """Forget browsers that have not come for long; True when there are more."""
        async with self.database.transaction() as tx:
            return await purge(tx, FORGOTTEN_AFTER, _AT_ONCE) >= _AT_ONCE

    async def _check(self, entered: Entered, identity: Identified) -> None:
        secrets = await self.sites.secrets(entered)
        if not proves(identity.proof, identity.user_id, secrets.good):
            raise ProofRefused

    async def _new(self, tx: Transaction, entered: Entered, blind: Blind, customer: str) -> tuple[Visitor, str]:
        visitor_id, token, organization_id = new_id(), new_token(), entered.organization_id
        sealed = await self._sealed(organization_id, customer)
        row = await VisitorRepository(tx).add(
            NewVisitor(
                id=visitor_id,
                channel_id=entered.site.channel_id,
                token_hash=hashed(token),
                visitor_blind=blind("visitor", str(visitor_id)),
                customer_blind=_customer_blind(blind, entered, customer),
                customer_sealed=sealed,
            )
        )
        return _visitor(row, customer), token

    async def _again(self, tx: Transaction, entered: Entered, row: Row, blind: Blind, customer: str) -> Visitor:
        """They come again; whose browser it is may be known only now."""
        hashed_customer = _customer_blind(blind, entered, customer)
        if hashed_customer is not None and row["customer_blind"] is None:
            sealed = await self._sealed(entered.organization_id, customer)
            await VisitorRepository(tx).prove(row["id"], hashed_customer, sealed or b"")
        return _visitor(row, customer)

    async def _sealed(self, organization_id: UUID, customer: str) -> bytes | None:
        if not customer:
            return None
        return await self.sealing.keyring.seal(organization_id, customer.encode(errors="surrogatepass"), CUSTOMER)

    async def _visitor(self, organization_id: UUID, row: Row) -> Visitor:
        customer = b""
        if row["customer_sealed"] is not None:
            customer = await self.sealing.keyring.open(organization_id, row["customer_sealed"], CUSTOMER)
        return _visitor(row, customer.decode(errors="surrogatepass"))


def _visitor(row: Row, customer: str) -> Visitor:
    return Visitor(
        id=row["id"],
        channel_id=row["channel_id"],
        customer=customer,
        introduced=row["introduced"],
        token_at=row["token_at"],
        created_at=row["created_at"],
    )


def _customer_blind(blind: Blind, entered: Entered, customer: str) -> bytes | None:
    return blind("customer_id", f"{entered.site.channel_id}:{customer}") if customer else None


def _is(row: Row, blind: Blind, entered: Entered, customer: str) -> bool:
    """Whether a browser that is known still belongs to the same: a proven one only with the same proof."""
    held = row["customer_blind"]
    return held is None or bool(held == _customer_blind(blind, entered, customer))


def since(present: Present) -> datetime:
    """From when on they may see what was said: one who is not proven sees nothing older than their visit."""
    return (
        datetime.min.replace(tzinfo=present.visitor.created_at.tzinfo)
        if present.visitor.customer
        else (present.visitor.created_at)
    )


def _answers(asked: Sequence[Mapping[str, Any]], given: Mapping[str, str], *, introduced: bool) -> dict[str, str]:
    """What they answered of what is asked, once.

    Raises:
        Invalid: something that is needed is missing, or something was answered that nobody asked.
    """
    known = {str(each["name"]): each for each in asked}
    wrong = [FieldError(f"#/fields/{name}", "Nobody asked this.") for name in given if name not in known]
    if not introduced:
        wrong += [
            FieldError(f"#/fields/{name}", "This is needed before you can write.")
            for name, each in known.items()
            if each.get("required") and not given.get(name, "").strip()
        ]
    if wrong:
        raise Invalid(errors=wrong)
    return {name: value.strip() for name, value in given.items() if value.strip()}


def _shown(row: Row, content: Content | None, files: list[FileOut]) -> ShownOut:
    """A message as a visitor sees it; a medium that somebody linked to is told as its link."""
    detail: Mapping[str, Any] = {} if content is None else content.detail
    linked, text = detail.get(row["kind"]), None if content is None else content.text
    if not files and not text and isinstance(linked, Mapping) and linked.get("link"):
        text = str(linked["link"])
    return ShownOut(
        id=row["id"],
        mine=row["direction"] == "in",
        client_id=_client_id(detail),
        text=text,
        at=row["provider_time"],
        status=row["status"],
        files=files,
    )


def _client_id(detail: Mapping[str, Any]) -> UUID | None:
    try:
        return UUID(str(detail.get("client_id", "")))
    except ValueError:
        return None


def identity_of(present: Present) -> Identity:
    """By what they are reached."""
    return present.visitor.known_as[0]
