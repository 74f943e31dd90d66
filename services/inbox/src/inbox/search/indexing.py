"""The index follows what is written: triggers note what changed, this loop opens it and writes its tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, cast
from uuid import UUID

import structlog

from inbox.contacts.recognizing import IDENTITY, NAME
from inbox.contacts.repository import ContactRepository
from inbox.messages.content import Sealing
from inbox.messages.reading import opened, read_rows
from inbox.notes.content import NOTE
from inbox.search.repository import DueRepository, IndexRepository, Kind
from inbox.search.tokens import Tokens, tokens_of
from kit.db.database import Database, Row, Transaction
from kit.seal import KeyShredded

log = structlog.get_logger(__name__)

_BATCH: Final = 200
Found = tuple[UUID, UUID | None, datetime, Sequence[int]]
"""What is found: its id, its conversation, its time, its tokens."""


@dataclass(frozen=True, slots=True)
class Indexing:
    """Writes by what messages, notes and contacts are found; any number of workers share it.

    What was claimed, read and written is one commit. What is read is locked until then, so that neither an edit nor
    an erasure slips in between; what somebody else is just changing waits for the next turn.
    """

    database: Database
    sealing: Sealing

    async def run(self) -> bool:
        """A batch; true when there may be more."""
        async with self.database.transaction() as tx:
            due = await DueRepository(tx).claim(_BATCH)
            settled = 0
            by_place = sorted({(row["organization_id"], row["kind"], row["subject_id"]) for row in due})
            for (organization_id, kind), group in groupby(by_place, key=lambda each: each[:2]):
                await tx.bind(organization_id)
                settled += await self._index(tx, cast("Kind", kind), [subject_id for *_, subject_id in group])
        return settled > 0 and len(due) >= _BATCH

    async def _index(self, tx: Transaction, kind: Kind, ids: Sequence[UUID]) -> int:
        try:
            tokens = await tokens_of(self.sealing.keyring, tx.organization_id)
        except KeyShredded:
            return len(ids)
        index = IndexRepository(tx)
        match kind:
            case "message":
                found = await self._messages(tx, tokens, await index.messages(ids))
            case "note":
                found = await self._notes(tx, tokens, await index.notes(ids))
            case "contact":
                found = await self._contacts(tx, tokens, await index.contacts(ids))
        await index.save(kind, found)
        left = set(ids) - {each[0] for each in found}
        if left:
            await index.again(kind, left)
        return len(found)

    async def _messages(self, tx: Transaction, tokens: Tokens, rows: Sequence[Row]) -> list[Found]:
        found: list[Found] = []
        in_order = sorted(rows, key=lambda row: row["channel_id"])
        for _, group in groupby(in_order, key=lambda row: row["channel_id"]):
            belonging = await read_rows(tx, list(group))
            for each in await opened(self.sealing, tx.organization_id, belonging):
                text = (each.shown.text if each.shown is not None else None) or ""
                found.append((each.id, each.conversation_id, each.provider_time, tokens.of_text(text)))
        return found

    async def _notes(self, tx: Transaction, tokens: Tokens, rows: Sequence[Row]) -> list[Found]:
        texts = await self._opened(tx, [(row["content_sealed"], NOTE) for row in rows])
        return [
            (row["id"], row["conversation_id"], row["created_at"], tokens.of_text(text))
            for row, text in zip(rows, texts, strict=True)
        ]

    async def _contacts(self, tx: Transaction, tokens: Tokens, rows: Sequence[Row]) -> list[Found]:
        known = await ContactRepository(tx).known_as([row["id"] for row in rows])
        names = await self._opened(tx, [(row["name_sealed"] or b"", NAME) for row in rows])
        values = await self._opened(tx, [(row["sealed"] or b"", IDENTITY) for row in known])
        addresses: dict[UUID, list[str]] = {}
        for row, value in zip(known, values, strict=True):
            addresses.setdefault(row["contact_id"], []).append(value)
        return [
            (row["id"], None, row["created_at"], tokens.of_contact(name, addresses.get(row["id"], [])))
            for row, name in zip(rows, names, strict=True)
        ]

    async def _opened(self, tx: Transaction, sealed: Sequence[tuple[bytes, bytes]]) -> list[str]:
        """In the clear; empty where there is nothing, or where whom it is about was forgotten."""
        filled = [each for each in sealed if each[0]]
        told = iter(await self.sealing.keyring.open_many(tx.organization_id, filled) if filled else ())
        return [((next(told) or b"") if each[0] else b"").decode(errors="replace") for each in sealed]
