"""A made-up service that keeps pages and stickers of people, and what compliance asks of it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

import pytest

from contracts.event import Decoder
from contracts.privacy import AnswersErasure, AnswersExport, AsksForErasure, AsksForExport
from kit.db.database import Database, Transaction
from kit.ids import new_id
from kit.privacy.answering import Answering, on_erasure_begun, on_export_requested
from kit.privacy.counting import Count
from kit.privacy.datamap import read
from kit.privacy.holding import ERASE, Blocked, Erased, File, Holding, Holdings, Rows
from kit.privacy.person import Person
from kit.seal import Keyring, LocalMasterKey
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase
from kit.testing.handing_over import Collected

MAP = read(
    """
[pages]
purpose = "Keeps what people write."
retention = "account"
subject.contact = "person_id"
subject.user = "person_id"

[pages.columns]
id = "identifier"
organization_id = "technical"
person_id = "identifier"
text = { class = "content", why = "made-up words of nobody" }

[stickers]
purpose = "Keeps what is glued to pages."
retention = "account"
subject.contact = "page_text -> pages.text"
subject.user = "page_text -> pages.text"

[stickers.columns]
id = "identifier"
organization_id = "technical"
page_text = "identifier"

[idempotency_keys]
purpose = "Makes a repeated request harmless."
retention = "request keys"
subject.user = "principal"

[idempotency_keys.columns]
principal = "identifier"
""",
    "data.toml",
)


class ExportWanted(AsksForExport):
    """Somebody asks for their pages."""

    type: ClassVar[str] = "elsewhere.export.requested.v1"


class ErasureWanted(AsksForErasure):
    """Somebody's pages are to go."""

    type: ClassVar[str] = "elsewhere.erasure.begun.v1"


class PartReady(AnswersExport):
    """The pages are handed over."""

    type: ClassVar[str] = "sample.export.part_ready.v1"


class Answered(AnswersErasure):
    """What became of the pages."""

    type: ClassVar[str] = "sample.erasure.answered.v1"


Happens = Callable[[str], Awaitable[None]]


async def nothing(_moment: str) -> None:
    """The usual case."""


@dataclass(slots=True)
class Pages:
    """Pages with their stickers, a few at a time; `happens` is told of each moment and may do anything."""

    database: Database
    happens: Happens = nothing
    batch: int = 2
    in_the_way: list[str] = field(default_factory=list)
    files: list[tuple[str, list[bytes]]] = field(default_factory=list)
    tables: ClassVar[frozenset[str]] = frozenset({"pages", "stickers"})

    async def export(self, person: Person, organization_ids: Sequence[UUID]) -> AsyncIterator[Rows | File]:
        for organization_id in organization_ids:
            async with self.database.transaction(organization_id) as tx:
                rows = await tx.fetch("SELECT id, text FROM pages WHERE person_id = $1 ORDER BY id", person.id)
            for at in range(0, len(rows), self.batch):
                await self.happens(f"export {at}")
                yield Rows("pages", [dict(row) for row in rows[at : at + self.batch]])
        for name, pieces in self.files:
            yield File(name, "text/plain", _each(pieces))

    async def erase(self, tx: Transaction, person: Person, way: str) -> Erased:
        if self.in_the_way:
            raise Blocked(self.in_the_way[0])
        await self.happens("begin")
        ids = [
            row["id"]
            for row in await tx.fetch(
                "SELECT id FROM pages WHERE person_id = $1 AND ($2 OR text <> '') LIMIT $3",
                person.id,
                way == ERASE,
                self.batch,
            )
        ]
        stickers = await tx.execute(
            "DELETE FROM stickers WHERE page_text IN (SELECT text FROM pages WHERE id = ANY ($1))", ids
        )
        removed, more = {"stickers": stickers}, len(ids) == self.batch
        if way == ERASE:
            removed["pages"] = await tx.execute("DELETE FROM pages WHERE id = ANY ($1)", ids)
            await self.happens("end")
            return Erased(removed=removed, more=more)
        await tx.execute("UPDATE pages SET text = '' WHERE id = ANY ($1)", ids)
        await self.happens("end")
        left: int = await tx.fetchval("SELECT count(*) FROM pages WHERE person_id = $1 AND text = ''", person.id)
        return Erased(removed=removed, anonymised={"pages": left}, more=more)


async def _each(pieces: Sequence[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def organizations(tx: Transaction, person: Person) -> Sequence[UUID]:
    rows = await tx.fetch("SELECT organization_id FROM organizations_of_writer($1) ORDER BY 1", person.id)
    return [row["organization_id"] for row in rows]


@dataclass(slots=True)
class House:
    """The service with its database, and what a test does to it."""

    place: TestDatabase
    database: Database
    keyring: Keyring
    pages: Pages
    handover: Collected = field(default_factory=Collected)
    organization_id: UUID = field(default_factory=new_id)
    others: list[Holding] = field(default_factory=list)

    def answering(self, *holdings: Holding) -> Answering:
        return Answering(
            self.database,
            self.keyring,
            "sample",
            Holdings(holdings or (self.pages, *self.others), organizations),
            Count(MAP),
            self.handover,
            PartReady,
            Answered,
        )

    def contact(self) -> Person:
        return Person("contact", new_id(), self.organization_id)

    async def writes(
        self, person: Person, texts: Sequence[str], *, by: UUID | None = None, stickers: bool = False
    ) -> None:
        async with self.database.transaction(by or self.organization_id) as tx:
            for text in texts:
                await tx.execute(
                    "INSERT INTO pages (id, organization_id, person_id, text) VALUES ($1, $2, $3, $4)",
                    new_id(),
                    tx.organization_id,
                    person.id,
                    text,
                )
                if stickers:
                    await tx.execute(
                        "INSERT INTO stickers (id, organization_id, page_text) VALUES ($1, $2, $3)",
                        new_id(),
                        tx.organization_id,
                        text,
                    )

    async def wants_export(self, person: Person, times: int = 1) -> UUID:
        event = ExportWanted(
            organization_id=person.organization_id, export_id=new_id(), person_kind=person.kind, person_id=person.id
        )
        for _ in range(times):
            async with self.database.transaction() as tx:
                await on_export_requested(event, tx)
        return event.export_id

    async def wants_erasure(self, person: Person, way: str = "erase", times: int = 1) -> UUID:
        event = ErasureWanted(
            organization_id=person.organization_id,
            erasure_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
            way=way,
        )
        for _ in range(times):
            async with self.database.transaction() as tx:
                await on_erasure_begun(event, tx)
        return event.erasure_id

    async def work(self) -> None:
        """Work until nothing is due."""
        answering = self.answering()
        while await answering.work():
            pass

    async def forward(self, seconds: float) -> None:
        await self.place.forward(seconds)
        await self.database.clock.synchronise()

    async def ask(self, sql: str, *args: object) -> list[Any]:
        return await self.place.ask("sample", sql, *args)

    async def answers(self) -> list[Any]:
        """What was answered so far."""
        decode = Decoder((PartReady, Answered))
        return [decode(row["body"]) for row in await self.ask("SELECT body FROM outbox ORDER BY id")]

    async def state(self, task_id: UUID) -> str:
        (row,) = await self.ask("SELECT state FROM privacy_tasks WHERE id = $1", task_id)
        return str(row["state"])


@pytest.fixture
async def house(databases: Databases) -> AsyncIterator[House]:
    place = await databases.clone({"sample": sample})
    database = await Database.open(place.url("sample"), name="privacy test", pool_size=8, acquire_within=30)
    try:
        keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
        yield House(place, database, keyring, Pages(database))
    finally:
        await database.close()
