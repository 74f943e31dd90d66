"""Compliance as its tests meet it: doors, events, loops, and a clock that can be moved."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import httpx
import orjson
import pyzipper

from compliance.bootstrap import Parts
from compliance.worker import SUBSCRIPTIONS
from contracts import decode
from contracts.auth import AuthErasureAnswered, AuthExportPartReady
from contracts.billing import BillingErasureAnswered, BillingExportPartReady
from contracts.event import Event, encode
from contracts.generation import GenerationErasureAnswered, GenerationExportPartReady
from contracts.inbox import InboxErasureAnswered, InboxExportPartReady
from contracts.privacy import AnswersErasure, AnswersExport
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.http.peer import token_of
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.privacy.handover import place as place_of_piece
from kit.seal import Keyring, Sealer
from kit.testing.databases import TestDatabase
from kit.testing.mortal import Mortal
from kit.testing.tokens import Issuer

GRACE: Final = timedelta(days=30)
SECRETS: Final = {
    "auth": "B" * 43,
    "billing": "F" * 43,
    "generation": "G" * 43,
    "inbox": "C" * 43,
    "publisher": "D" * 43,
}
PARTS: Final[Mapping[str, type[AnswersExport]]] = {
    "auth": AuthExportPartReady,
    "inbox": InboxExportPartReady,
    "billing": BillingExportPartReady,
    "generation": GenerationExportPartReady,
    "publisher": PublisherExportPartReady,
}
ANSWERS: Final[Mapping[str, type[AnswersErasure]]] = {
    "auth": AuthErasureAnswered,
    "inbox": InboxErasureAnswered,
    "billing": BillingErasureAnswered,
    "generation": GenerationErasureAnswered,
    "publisher": PublisherErasureAnswered,
}
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """A contact, or a user with the token to ask about themselves."""

    kind: str
    id: UUID
    organization_id: UUID | None = None

    @property
    def body(self) -> Json:
        return {"kind": self.kind, "id": str(self.id)}


@dataclass(frozen=True, slots=True)
class Office:
    """What a test does with compliance."""

    place: TestDatabase
    database: Mortal
    keyring: Keyring
    parts: Parts
    client: httpx.AsyncClient
    issuer: Issuer

    def headers(self, organization_id: UUID | None, role: str = "owner", **claims: Any) -> dict[str, str]:
        token = self.issuer.token(self.database.clock.now(), organization_id, role, **claims)
        return {"authorization": f"Bearer {token}"}

    def of(self, person: Person) -> dict[str, str]:
        """The headers of whoever may ask about this person."""
        if person.organization_id is None:
            return self.headers(None, sub=str(person.id))
        return self.headers(person.organization_id)

    async def post(self, path: str, headers: Mapping[str, str], body: Json | None = None) -> httpx.Response:
        return await self.client.post(path, json=body, headers=dict(headers))

    async def get(self, path: str, headers: Mapping[str, str]) -> httpx.Response:
        return await self.client.get(path, headers=dict(headers))

    async def export(self, person: Person, **headers: str) -> Json:
        """Ask for an export; its password is in the answer."""
        answer = await self.post("/v1/privacy/exports", {**self.of(person), **headers}, {"person": person.body})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def erasure(self, person: Person, **more: Any) -> Json:
        """Ask for an erasure."""
        answer = await self.post("/v1/privacy/erasures", self.of(person), {"person": person.body, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def seen(self, what: str, request: Json, person: Person) -> Json:
        """An export or erasure as it is now."""
        answer = await self.get(f"/v1/privacy/{what}/{request['id']}", self.of(person))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def put(
        self, export: Json, person: Person, service: str, number: int, lines: list[Json], attempt: int = 1
    ) -> httpx.Response:
        """Hand a piece over as a service does."""
        export_id = UUID(export["id"])
        sealed = await self.keyring.seal(
            person.organization_id,
            b"".join(orjson.dumps(line) + b"\n" for line in lines),
            place_of_piece(export_id, service, attempt, number),
            subject=f"{person.kind}:{person.id}",
        )
        return await self.put_raw(f"/internal/exports/{export_id}/pieces/{attempt}-{number}", service, sealed)

    async def put_raw(self, path: str, service: str, body: bytes, secret: str = "") -> httpx.Response:
        token = token_of(service, Sealer.from_text(secret or SECRETS[service]))
        headers = {"authorization": f"Bearer {token}", "content-type": "application/octet-stream"}
        return await self.client.put(path, content=body, headers=headers)

    async def part_ready(
        self,
        export: Json,
        person: Person,
        service: str,
        pieces: int = 0,
        attempt: int = 1,
        rows: Mapping[str, int] | None = None,
    ) -> None:
        await self.hear(
            PARTS[service](
                organization_id=person.organization_id,
                time=self.database.clock.now(),
                export_id=UUID(export["id"]),
                attempt=attempt,
                pieces=pieces,
                rows=dict(rows or {}),
            )
        )

    async def answer(self, erasure: Json, person: Person, service: str, version: int = 1, **said: Any) -> None:
        await self.hear(self.answered(erasure, person, service, version, **said))

    def answered(self, erasure: Json, person: Person, service: str, version: int = 1, **said: Any) -> AnswersErasure:
        facts: Json = {"outcome": "done", "removed": {}, "anonymised": {}, "kept": {}, "kept_because": {}, "keys": []}
        return ANSWERS[service](
            organization_id=person.organization_id,
            time=self.database.clock.now(),
            version=version,
            erasure_id=UUID(erasure["id"]),
            **{**facts, **said},
        )

    async def hear(self, event: Event, generation: int = 0) -> None:
        """Let this arrive as the consumer hands it on."""
        subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
        delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
        await Applier(self.database, event.type, event.type, subscription).apply([delivery])

    async def work(self) -> None:
        """Let the loops do what is due."""
        while await self.parts.assembling.work() or await self.parts.working.work():
            pass

    async def forward(self, **delta: float) -> None:
        """Move the platform's time."""
        await self.place.forward(timedelta(**delta).total_seconds())
        await self.database.clock.synchronise()

    async def archive(self, export: Json, person: Person) -> dict[str, bytes]:
        """The entries of the archive, opened with the password."""
        answer = await self.get(f"/v1/privacy/exports/{export['id']}/archive", self.of(person))
        assert answer.status_code == 200, answer.text
        with pyzipper.AESZipFile(io.BytesIO(answer.content)) as archive:
            archive.setpassword(export["password"].encode())
            return {name: archive.read(name) for name in archive.namelist()}

    async def told(self, *kinds: type[Event]) -> list[Event]:
        """The facts of these kinds that leave."""
        async with self.database.transaction() as tx:
            found = await tx.fetch("SELECT body FROM outbox ORDER BY id")
        return [event for event in (decode(row["body"]) for row in found) if isinstance(event, kinds)]

    async def rows(self, table: str) -> int:
        """How many rows there are, whosever they are."""
        ((count,),) = await self.place.ask("compliance", f"SELECT count(*) FROM {table}")
        return int(count)


def contact() -> Person:
    return Person("contact", new_id(), new_id())


def user() -> Person:
    return Person("user", new_id())
