"""The audit trail as a story sees it: lines arrive as messages, the sequencer works when told, doors are asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
import httpx

from compliance.api import ROUTERS
from compliance.bootstrap import Parts, build, endpoint_parts
from compliance.worker import SUBSCRIPTIONS
from contracts import decode
from contracts.audit import AuditEntry
from contracts.event import encode
from kit.audit import User, audited
from kit.db.database import Database, Row
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.seal import Keyring
from kit.testing.databases import TestDatabase
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer
from rostrum_verifier import Bundle, Checked, Checkpoint, Key, check, read

MASTER = "A" * 43
OPERATOR = "an operator's token of some length"
ORIGIN = "rostrum.test/audit"


@dataclass(slots=True)
class Trail:
    """One platform's audit trail."""

    place: TestDatabase
    database: Database
    keyring: Keyring
    issuer: Issuer = field(default_factory=Issuer)
    parts: Parts = field(init=False)
    _clients: list[httpx.AsyncClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.parts = build(self.database, self.keyring, ORIGIN, timedelta(days=30), {})

    async def restart(self) -> None:
        """As a new process does: with nothing in memory."""
        self.parts = build(self.database, self.keyring, ORIGIN, timedelta(days=30), {})
        await self.parts.log_keys.ensure()

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()

    def line(self, organization_id: UUID | None, action: str = "auth.member.removed", **details: Any) -> AuditEntry:
        """A line as a service emits it, by a user, about a target of its own."""
        made = audited(action, User(new_id()), "member", new_id(), organization_id=organization_id, **details)
        return made.stamped(time=self.database.clock.now())

    def lines(self, organization_id: UUID | None, count: int) -> list[AuditEntry]:
        return [self.line(organization_id, number=number) for number in range(count)]

    async def hear(self, *lines: AuditEntry, generation: int = 0) -> None:
        """Let these arrive in this order; neighbours of one type come as one batch."""
        for kind, batch in groupby(lines, key=lambda line: line.__class__):
            subscription = next(each for each in SUBSCRIPTIONS if each.event is kind)
            deliveries = [
                Delivery(tag, encode(event), event.id, event.type, generation, event=event)
                for tag, event in enumerate({event.id: event for event in batch}.values())
            ]
            await Applier(self.database, kind.type, kind.type, subscription).apply(deliveries)

    async def sequence(self) -> int:
        """Put whatever waits into the log."""
        count = 0
        while more := await self.parts.sequencer.step():
            count += more
        return count

    async def record(self, organization_id: UUID | None, count: int) -> list[AuditEntry]:
        """So many new entries of an organization, in the log."""
        made = self.lines(organization_id, count)
        await self.hear(*made)
        await self.sequence()
        return made

    def asking(self, organization_id: UUID | None, role: str = "owner", **claims: Any) -> httpx.AsyncClient:
        """A client of the real application, with the token of a member of that organization."""
        token = self.issuer.token(self.database.clock.now(), organization_id, role, **claims)
        return self.client(f"Bearer {token}")

    def client(self, authorization: str | None = None) -> httpx.AsyncClient:
        app = create_app(
            service="compliance",
            title="Compliance",
            routers=ROUTERS,
            parts=endpoint_parts(self.parts),
            verifier=TokenVerifier(self.issuer.jwks, ISSUER, AUDIENCE, self.database.clock),
            operator_token=OPERATOR,
        )
        headers = {} if authorization is None else {"authorization": authorization}
        transport = httpx.ASGITransport(app=app)
        self._clients.append(httpx.AsyncClient(transport=transport, base_url="http://test", headers=headers))
        return self._clients[-1]

    async def told(self) -> list[AuditEntry]:
        """What compliance itself says for the trail, as it waits in the outbox."""
        events = [decode(row["body"]) for row in await self.ask("SELECT body FROM outbox ORDER BY id")]
        return [event for event in events if isinstance(event, AuditEntry)]

    async def bundle(self, organization_id: UUID, **asked: int) -> str:
        answer = await self.asking(organization_id).get("/v1/audit/bundle", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def key(self) -> Key:
        answer = await self.client().get("/v1/audit/log/keys")
        (key,) = answer.json()["keys"]
        return Key.from_text(key)

    async def checkpoint(self) -> Checkpoint:
        note = (await self.client().get("/v1/audit/log/checkpoint")).text
        return Checkpoint.from_note(note, [await self.key()])

    async def checked(self, organization_id: UUID, older: Bundle | Checkpoint | None = None, **asked: int) -> Checked:
        """Export and verify, as a customer does."""
        text = await self.bundle(organization_id, **asked)
        key = await self.key()
        return check([text.splitlines()], [key], organization=str(organization_id), older=older)

    async def kept(self, organization_id: UUID) -> Bundle:
        """A bundle that the customer keeps."""
        return read((await self.bundle(organization_id)).splitlines(), [await self.key()])

    async def ask(self, sql: str, *args: object) -> Sequence[Row]:
        """Do as nobody may but who runs the database: across all tenants, and without any trigger."""
        connection = await asyncpg.connect(self.place.admin_url)
        try:
            await connection.execute("SET search_path = compliance, kit; SET session_replication_role = replica")
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()
