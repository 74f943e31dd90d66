"""A whole inbox in this process, before the sandbox's WhatsApp: everything is done through a door."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts import decode
from contracts.audit import AuditEntry
from contracts.event import Event
from inbox.bootstrap import Parts
from kit.db.database import Database
from kit.ids import new_id
from kit.intake.desk import Choice, Desk
from kit.process import supervise
from kit.testing.databases import TestDatabase
from kit.testing.programs import eventually
from kit.testing.tokens import Issuer

from .hearing import added, hear

SECRET = "sandbox-app-secret"
TOKEN = "sandbox-whatsapp-token"
VERIFY = "sandbox-verify"
ACCOUNT = "200000000000001"
NUMBER = "100000000000001"
HOOK = "/v1/webhooks/whatsapp"
TELNYX_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"sandbox-telnyx").digest())
TELNYX_PUBLIC_KEY = base64.b64encode(TELNYX_KEY.public_key().public_bytes_raw()).decode()


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    return {"x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def wamid() -> str:
    return f"wamid.{new_id().hex}"


def value(number: str = NUMBER, **members: Any) -> dict[str, Any]:
    return {
        "field": "messages",
        "value": {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550001", "phone_number_id": number},
            **members,
        },
    }


def delivery(*changes: Mapping[str, Any], account: str = ACCOUNT) -> bytes:
    return orjson.dumps({"object": "whatsapp_business_account", "entry": [{"id": account, "changes": list(changes)}]})


@dataclass
class House:
    """The inbox with its doors, and what stands behind them."""

    place: TestDatabase
    database: Database
    parts: Parts
    client: httpx.AsyncClient
    sandbox: httpx.AsyncClient
    issuer: Issuer
    organization_id: UUID = field(default_factory=new_id)

    def headers(self, organization_id: UUID | None = None, role: str = "owner") -> dict[str, str]:
        token = self.issuer.token(self.database.clock.now(), organization_id or self.organization_id, role)
        return {"authorization": f"Bearer {token}"}

    async def ask(
        self, method: str, path: str, *, by: UUID | None = None, role: str = "owner", **more: Any
    ) -> httpx.Response:
        headers = self.headers(by, role) | more.pop("headers", {})
        return await self.client.request(method, path, headers=headers, **more)

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.ask("GET", path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def connect(
        self,
        number: str = NUMBER,
        *,
        account: str = ACCOUNT,
        by: UUID | None = None,
        token: str = TOKEN,
        rate: int = 80,
        **more: Any,
    ) -> httpx.Response:
        body = {
            "kind": "whatsapp",
            "phone_number_id": number,
            "waba_id": account,
            "access_token": token,
            "rate": rate,
        }
        return await self.ask("POST", "/v1/channels", by=by, json=body, **more)

    async def connected(self, number: str = NUMBER, by: UUID | None = None) -> dict[str, Any]:
        answer = await self.connect(number, by=by)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def hook(self, *changes: Mapping[str, Any], account: str = ACCOUNT) -> httpx.Response:
        body = delivery(*changes, account=account)
        return await self.client.post(HOOK, content=body, headers=signed(body))

    async def say(
        self,
        text: str = "Hello",
        *,
        person: str = "16505551234",
        number: str = NUMBER,
        name: str = "Sheena",
        **more: Any,
    ) -> str:
        """Somebody writes; the platform's id of what they wrote."""
        message = {
            "from": person,
            "id": wamid(),
            "timestamp": str(self.now()),
            "type": "text",
            "text": {"body": text},
        }
        message |= more
        profile = {"wa_id": person, "profile": {"name": name}}
        answer = await self.hook(value(number, contacts=[profile], messages=[message]))
        assert answer.status_code == 200, answer.text
        return str(message["id"])

    async def report(
        self, provider_id: str, status: str, *, ours: str | None = None, number: str = NUMBER, **more: Any
    ) -> None:
        """The platform reports what became of a message of ours."""
        told = {"id": provider_id, "status": status, "timestamp": str(self.now()), "recipient_id": "16505551234"}
        told |= {"biz_opaque_callback_data": ours} if ours else {}
        answer = await self.hook(value(number, statuses=[told | more]))
        assert answer.status_code == 200, answer.text

    def now(self) -> int:
        return int(self.database.clock.now().timestamp())

    async def hear(self, *events: Event, generation: int = 0) -> None:
        """Let facts of other services arrive in this order."""
        await hear(self.database, *events, generation=generation)

    async def member(self, role: str = "agent") -> UUID:
        """A new member; who they are."""
        event = added(self.organization_id, role)
        await self.hear(event)
        return event.user_id

    @asynccontextmanager
    async def working(self, workers: int = 1, *, outside: bool = True) -> AsyncIterator[None]:
        """So many workers, until the block ends; with `outside` one of them does what is to be done there."""
        loops = [loop for _ in range(workers) for loop in self.parts.intake.loops()]
        loops += self.parts.ledger.loops() if outside else ()
        stop = asyncio.Event()
        task = asyncio.create_task(supervise(loops, stop))
        try:
            yield
        finally:
            stop.set()
            await task

    async def reduced(self) -> bool:
        """Whether every delivery was taken apart and every item has its verdict."""
        return not await self.count(
            """
            SELECT (SELECT count(*) FROM intake_deliveries WHERE state = 'received')
                 + (SELECT count(*) FROM intake_items WHERE verdict IS NULL)
            """
        )

    async def settled(self) -> bool:
        """Whether the ledger has nothing left that is due."""
        return not await self.count("SELECT count(*) FROM ledger_entries WHERE status IN ('pending', 'calling')")

    async def work(self, *, workers: int = 1) -> None:
        """Let workers run until what came in is reduced and what was due outside is done."""

        async def done() -> bool:
            return await self.reduced() and await self.settled()

        async with self.working(workers):
            await eventually(done, within=60)

    async def settled_now(self) -> bool:
        """Whether nothing of the ledger is due at this moment."""
        return not await self.count(
            """
            SELECT count(*) FROM ledger_entries
            WHERE status = 'calling' OR (status = 'pending' AND due_at <= kit_now())
            """
        )

    async def reduce(self, *, workers: int = 1) -> None:
        """Let workers run until what came in is reduced; nothing is done outside."""
        async with self.working(workers, outside=False):
            await eventually(self.reduced, within=60)

    async def count(self, sql: str, *args: Any) -> int:
        found = await self.rows(sql, *args)
        counted: int = found[0][0] if found else 0
        return counted

    async def rows(self, sql: str, *args: Any) -> list[Any]:
        return await self.place.ask("inbox", sql, *args)

    async def replay(self) -> None:
        """Try again what was quarantined."""
        items = await self.rows("SELECT id FROM intake_items WHERE verdict = 'quarantined'")
        await Desk(self.database).replay(Choice(ids=[row["id"] for row in items]))

    async def forward(self, seconds: float) -> None:
        """Move the platform's time on."""
        await self.place.forward(seconds)
        await self.database.clock.synchronise()

    async def told(self, by: UUID | None = None) -> list[Event]:
        """The facts that leave about an organization, beside the lines of its audit trail."""
        return [each for each in await self._left_about(by) if not isinstance(each, AuditEntry)]

    async def audited(self, by: UUID | None = None) -> list[AuditEntry]:
        """The lines of the audit trail of an organization."""
        return [each for each in await self._left_about(by) if isinstance(each, AuditEntry)]

    async def _left_about(self, by: UUID | None) -> list[Event]:
        found = await self.rows(
            "SELECT body FROM outbox WHERE organization_id = $1 ORDER BY id", by or self.organization_id
        )
        return [decode(row["body"]) for row in found]

    async def names_told(self, by: UUID | None = None) -> list[str]:
        return [type(event).__name__ for event in await self.told(by)]

    async def conversation(self, by: UUID | None = None) -> dict[str, Any]:
        """The one conversation there is."""
        (found,) = (await self.get("/v1/conversations", by=by))["items"]
        shown: dict[str, Any] = found
        return shown

    async def messages(self, conversation_id: str, by: UUID | None = None) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (
            await self.get(f"/v1/conversations/{conversation_id}/messages?limit=100", by=by)
        )["items"]
        return found

    async def reply(self, conversation_id: str, text: str | None = "Hi", **more: Any) -> httpx.Response:
        key = more.pop("key", None)
        headers = {"idempotency-key": key} if key else {}
        body = {"type": "text", "text": text, **more}
        return await self.ask("POST", f"/v1/conversations/{conversation_id}/messages", json=body, headers=headers)

    async def open_conversation(self) -> dict[str, Any]:
        """A channel, and one contact who has just written."""
        await self.connected()
        await self.say()
        await self.reduce()
        return await self.conversation()

    async def message(self, message_id: str) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/v1/messages/{message_id}")
        return found

    async def left(self) -> list[dict[str, Any]]:
        """What WhatsApp took."""
        answer = await self.sandbox.get("/whatsapp/control/messages", params={"limit": 100})
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def faults(self, *rules: Mapping[str, Any]) -> None:
        answer = await self.sandbox.put("/control/whatsapp/faults", json=list(rules))
        assert answer.status_code < 300, answer.text

    async def number(self, number: str, account: str = ACCOUNT) -> None:
        """Let WhatsApp have another number."""
        answer = await self.sandbox.post("/whatsapp/control/numbers", json={"id": number, "waba_id": account})
        assert answer.status_code < 300, answer.text

    async def person(self, wa_id: str = "16505551234", **more: Any) -> None:
        told = {"wa_id": wa_id, "name": "Sheena", "window_open": True, **more}
        answer = await self.sandbox.post("/whatsapp/control/people", json=told)
        assert answer.status_code < 300, answer.text


def texts(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]
