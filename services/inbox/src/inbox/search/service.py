from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar
from uuid import UUID

from inbox.contacts.recognizing import NAME
from inbox.contacts.repository import ContactRepository
from inbox.messages.content import Sealing
from inbox.messages.reading import opened, read_rows
from inbox.notes.content import NOTE
from inbox.search.errors import NothingToFind
from inbox.search.repository import FindRepository, Kind, Place
from inbox.search.schemas import (
    ExcerptOut,
    FoundContactOut,
    FoundMessageOut,
    FoundNoteOut,
    Search,
    SearchContacts,
)
from inbox.search.tokens import tokens_of
from inbox.search.words import Query, excerpt, pieces, query
from kit.db.database import Database, Transaction
from kit.http.caller import MemberCaller

T = TypeVar("T")
_ROUNDS: Final = 5
"""How often the index is asked for one page.

Beginnings of words are hashed to a few lengths, so some of what it finds is found out to be something else when it is
opened; the page is then shorter, and its cursor goes on."""

_AT_ONCE: Final = 100

Read = Callable[[Transaction, Sequence[UUID]], Awaitable[dict[UUID, T]]]


@dataclass(frozen=True, slots=True)
class Results:
    """What was found, the newest first, and where to go on; None where there is nothing more."""

    items: list[FoundMessageOut] | list[FoundNoteOut] | list[FoundContactOut]
    place: Place | None


@dataclass(frozen=True, slots=True)
class SearchService:
    """Finds words in what is sealed: by keyed hashes first, then by looking at what was opened."""

    database: Database
    sealing: Sealing

    async def messages(self, caller: MemberCaller, wanted: Search, after: Place | None, limit: int) -> Results:
        """Messages in which all of the words stand.

        Raises:
            NothingToFind: there is no word.
        """
        searched = _query(wanted.text)

        async def read(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, FoundMessageOut]:
            return await self._read_messages(tx, ids, searched)

        tokens = (await tokens_of(self.sealing.keyring, caller.organization_id)).of_query(searched)
        async with self.database.snapshot(caller.organization_id) as tx:
            items, place = await _collect(tx, ("message", tokens, wanted.conversation_id), after, limit, read)
        return Results(items, place)

    async def notes(self, caller: MemberCaller, wanted: Search, after: Place | None, limit: int) -> Results:
        """Notes in which all of the words stand.

        Raises:
            NothingToFind: there is no word.
        """
        searched = _query(wanted.text)

        async def read(tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, FoundNoteOut]:
            return await self._read_notes(tx, ids, searched)

        tokens = (await tokens_of(self.sealing.keyring, caller.organization_id)).of_query(searched)
        async with self.database.snapshot(caller.organization_id) as tx:
            items, place = await _collect(tx, ("note", tokens, wanted.conversation_id), after, limit, read)
        return Results(items, place)

    async def contacts(
        self, caller: MemberCaller, wanted: SearchContacts, after: Place | None, limit: int
    ) -> Results:
        """Contacts whose name and addresses begin with all of the words, or whose number ends or begins so.

        Raises:
            NothingToFind: there is neither a word nor a number.
        """
        tokens = (await tokens_of(self.sealing.keyring, caller.organization_id)).of_contact_query(wanted.text)
        if not tokens:
            raise NothingToFind
        async with self.database.snapshot(caller.organization_id) as tx:
            items, place = await _collect(tx, ("contact", tokens, None), after, limit, self._read_contacts)
        return Results(items, place)

    async def _read_messages(
        self, tx: Transaction, ids: Sequence[UUID], searched: Query
    ) -> dict[UUID, FoundMessageOut]:
        rows = await FindRepository(tx).messages(ids)
        contacts = {row["id"]: row["contact_id"] for row in rows}
        in_order = sorted(rows, key=lambda row: row["channel_id"])
        found: dict[UUID, FoundMessageOut] = {}
        names = await self._names(tx, [row["contact_id"] for row in rows])
        for _, group in groupby(in_order, key=lambda row: row["channel_id"]):
            for each in await opened(self.sealing, tx.organization_id, await read_rows(tx, list(group))):
                text = (each.shown.text if each.shown is not None else None) or ""
                if searched.found_in(pieces(text)):
                    contact_id = contacts[each.id]
                    found[each.id] = FoundMessageOut(
                        message_id=each.id,
                        conversation_id=each.conversation_id,
                        contact_id=contact_id,
                        contact_name=names.get(contact_id),
                        direction=each.direction,
                        at=each.provider_time,
                        excerpt=ExcerptOut.of(excerpt(text, searched)),
                    )
        return found

    async def _read_notes(self, tx: Transaction, ids: Sequence[UUID], searched: Query) -> dict[UUID, FoundNoteOut]:
        rows = await FindRepository(tx).notes(ids)
        texts = await self._opened(tx, [row["content_sealed"] for row in rows], NOTE)
        names = await self._names(tx, [row["contact_id"] for row in rows])
        return {
            row["id"]: FoundNoteOut(
                note_id=row["id"],
                conversation_id=row["conversation_id"],
                contact_id=row["contact_id"],
                contact_name=names.get(row["contact_id"]),
                author_id=row["author_id"],
                at=row["created_at"],
                excerpt=ExcerptOut.of(excerpt(text, searched)),
            )
            for row, text in zip(rows, texts, strict=True)
            if text is not None and searched.found_in(pieces(text))
        }

    async def _read_contacts(self, tx: Transaction, ids: Sequence[UUID]) -> dict[UUID, FoundContactOut]:
        rows = await FindRepository(tx).contacts(ids)
        names = await self._opened(tx, [row["name_sealed"] or b"" for row in rows], NAME)
        return {
            row["id"]: FoundContactOut(contact_id=row["id"], name=name, created_at=row["created_at"])
            for row, name in zip(rows, names, strict=True)
        }

    async def _names(self, tx: Transaction, contact_ids: Sequence[UUID]) -> dict[UUID, str]:
        sealed = await ContactRepository(tx).names(sorted(set(contact_ids)))
        names = await self._opened(tx, list(sealed.values()), NAME)
        return {contact_id: name for contact_id, name in zip(sealed, names, strict=True) if name is not None}

    async def _opened(self, tx: Transaction, sealed: Sequence[bytes], place: bytes) -> list[str | None]:
        filled = [(each, place) for each in sealed if each]
        told = iter(await self.sealing.keyring.open_many(tx.organization_id, filled) if filled else ())
        return [_text(next(told)) if each else None for each in sealed]


async def _collect(
    tx: Transaction, asked: tuple[Kind, Sequence[int], UUID | None], after: Place | None, limit: int, read: Read[T]
) -> tuple[list[T], Place | None]:
    """As many as are wanted, and where to go on."""
    items: list[tuple[T, Place]] = []
    for turn in range(_ROUNDS):
        most = limit + 1 if turn == 0 else _AT_ONCE  # nearly always enough, and what is not shown is not opened
        rows = await FindRepository(tx).find(*asked, after, most)
        found = await read(tx, [row["id"] for row in rows]) if rows else {}
        items += [(found[row["id"]], (row["at"], row["id"])) for row in rows if row["id"] in found]
        if len(items) > limit:
            return [each for each, _ in items[:limit]], items[limit - 1][1]
        if len(rows) < most:
            return [each for each, _ in items], None
        after = (rows[-1]["at"], rows[-1]["id"])
    return [each for each, _ in items], after


def _query(text: str) -> Query:
    searched = query(text)
    if not searched:
        raise NothingToFind
    return searched


def _text(opened_bytes: bytes | None) -> str | None:
    return None if opened_bytes is None else opened_bytes.decode(errors="replace")
