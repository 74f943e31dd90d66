"""The service as a process, before the sandbox's WhatsApp with its real webhooks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from contracts.event import Event, encode
from inbox import migrations
from inbox.bootstrap import SERVICE
from inbox.worker import SUBSCRIPTIONS
from kit.db.database import Database
from kit.ids import new_id
from kit.messaging.broker import Broker
from kit.messaging.subscription import types_of
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from kit.testing.databases import Databases
from kit.testing.listening import listening
from kit.testing.ports import free_port
from kit.testing.programs import Program, eventually
from kit.testing.tokens import AUDIENCE, ISSUER, Issuer

from .conftest import MASTER
from .hearing import added, removed
from .house import ACCOUNT, NUMBER, SECRET, TOKEN, VERIFY

PERSON = "16505551234"
CONSUMERS = SERVICE.heard_by() | {"inbox": types_of(SUBSCRIPTIONS)}


@dataclass
class Running:
    """The inbox as a process and a member of the organization before its doors."""

    program: Program
    client: httpx.AsyncClient
    sandbox: httpx.AsyncClient
    broker: Broker
    topology: Topology
    organization_id: UUID

    async def tell(self, event: Event) -> None:
        """Let another service's fact come over the broker."""
        wired = Message(self.topology.events, event.type, encode(event), str(event.id), event.type)
        await self.broker.publish([wired])

    async def hooked(self) -> None:
        """Let WhatsApp call our webhook, after its challenge."""
        told = {"url": f"http://127.0.0.1:{self.program.port}/v1/webhooks/whatsapp", "verify_token": VERIFY}
        answer = await self.sandbox.put(
            "/whatsapp/control/webhook", json=told | {"retry_seconds": [0.2, 0.5, 1, 2, *[5] * 12]}
        )
        assert answer.status_code < 300, answer.text

    async def conversations(self) -> list[dict[str, Any]]:
        """What is shown; nothing while the service is too busy to answer."""
        answer = await self.client.get("/v1/conversations")
        assert answer.status_code in (200, 503), answer.text
        found: list[dict[str, Any]] = answer.json().get("items", [])
        return found

    async def conversation(self) -> dict[str, Any]:
        """The one there is, once it is shown."""
        seen: list[dict[str, Any]] = []

        async def shown() -> bool:
            seen[:] = await self.conversations()
            return bool(seen)

        await eventually(shown, within=60)
        (found,) = seen
        return found

    async def status(self, message_id: str) -> str:
        return str((await self.client.get(f"/v1/messages/{message_id}")).json()["status"])


@pytest.fixture
async def running(
    databases: Databases,
    sandbox: httpx.AsyncClient,
    sandbox_url: str,
    broker_url: str,
    namespace: str,
    tmp_path: Path,
) -> AsyncIterator[Running]:
    place, port, issuer = await databases.clone({"inbox": migrations}), free_port(), Issuer()

    async def keys(reader: Any, writer: Any) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = orjson.dumps(await issuer.jwks())
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async with listening(keys) as jwks:
        told = {
            "HTTP_PORT": str(port),
            "DATABASE_URL": place.url("inbox"),
            "BROKER_URL": broker_url,
            "NAMESPACE": namespace,
            "JWKS_URL": f"http://127.0.0.1:{jwks}/keys",
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            "ROLE_PREFIX": place.role_prefix,
            "SEALING_KEY": MASTER,
            "META_GRAPH_URL": f"{sandbox_url}/whatsapp/graph",
            "META_APP_SECRET": SECRET,
            "META_VERIFY_TOKEN": VERIFY,
            "MEDIA_FOLDER": str(tmp_path / "media"),
        }
        environment = {f"INBOX_{name}": value for name, value in told.items()}
        topology, broker = Topology(namespace), Broker(broker_url, name="inbox test")
        connection = await broker.connect("topology")
        await topology.declare(connection, CONSUMERS)
        program = Program(("inbox", "all"), environment, tmp_path / "log", port)
        database = await Database.open(place.url("inbox"), name="inbox test", pool_size=1)
        organization_id = new_id()
        token = issuer.token(database.clock.now(), organization_id)
        await database.close()
        try:
            await program.start()
            headers = {"authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60) as client:
                yield Running(program, client, sandbox, broker, topology, organization_id)
        finally:
            await program.kill()
            await topology.delete(connection, CONSUMERS)
            await connection.close()
            await broker.close()


async def test_somebody_writes_is_answered_and_reads_it(running: Running) -> None:
    await running.hooked()
    body = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN}
    assert (await running.client.post("/v1/channels", json=body)).status_code == 201
    person = {"wa_id": PERSON, "name": "Sheena", "window_open": True, "reads": True, "shuffled_statuses": True}
    await running.sandbox.post("/whatsapp/control/people", json=person)
    await running.sandbox.put("/control/whatsapp/faults", json=[{"kind": "webhook_duplicate", "copies": 2}])
    await running.sandbox.post(f"/whatsapp/control/people/{PERSON}/say", json={"text": "Anybody there?"})
    conversation = await running.conversation()
    answer = await running.client.post(f"/v1/conversations/{conversation['id']}/messages", json={"text": "Yes!"})
    message_id = answer.json()["id"]

    async def read() -> bool:
        return await running.status(message_id) == "read"

    await eventually(read)
    assert (await running.conversation())["unread_count"] == 1
    assert len((await running.sandbox.get("/whatsapp/control/messages")).json()["items"]) == 1


async def test_killed_during_the_call_it_neither_repeats_nor_loses_the_message(running: Running) -> None:
    await running.hooked()
    body = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN}
    await running.client.post("/v1/channels", json=body)
    await running.sandbox.post("/whatsapp/control/people", json={"wa_id": PERSON, "name": "S", "window_open": True})
    await running.sandbox.post(f"/whatsapp/control/people/{PERSON}/say", json={"text": "Anybody there?"})
    conversation = await running.conversation()
    slow = {"kind": "delay", "seconds": 2, "match": {"method": "POST", "path": "/whatsapp/graph"}}
    await running.sandbox.put("/control/whatsapp/faults", json=[slow])
    answer = await running.client.post(f"/v1/conversations/{conversation['id']}/messages", json={"text": "Yes!"})
    message_id = answer.json()["id"]

    async def under_way() -> bool:
        received = (await running.sandbox.get("/control/whatsapp/received", params={"limit": 50})).json()["items"]
        return any(each["method"] == "POST" and each["path"].endswith("/messages") for each in received)

    await eventually(under_way)
    await running.program.kill()
    await running.program.start()

    async def arrived() -> bool:
        return await running.status(message_id) in ("delivered", "read")

    await eventually(arrived, within=60)
    assert len((await running.sandbox.get("/whatsapp/control/messages")).json()["items"]) == 1


async def test_who_is_a_member_is_heard_over_the_broker(running: Running) -> None:
    await running.hooked()
    body = {"kind": "whatsapp", "phone_number_id": NUMBER, "waba_id": ACCOUNT, "access_token": TOKEN}
    await running.client.post("/v1/channels", json=body)
    await running.sandbox.post("/whatsapp/control/people", json={"wa_id": PERSON, "name": "S", "window_open": True})
    await running.sandbox.post(f"/whatsapp/control/people/{PERSON}/say", json={"text": "Anybody there?"})
    await running.conversation()
    member = added(running.organization_id)
    await running.tell(member)

    async def assigned() -> bool:
        conversation = await running.conversation()
        tag = {"if-match": f'"v{conversation["version"]}"'}
        told = {"assignee_id": str(member.user_id)}
        path = f"/v1/conversations/{conversation['id']}"
        return (await running.client.patch(path, json=told, headers=tag)).status_code == 200

    await eventually(assigned)
    await running.tell(removed(member))

    async def free() -> bool:
        return (await running.conversation())["assignee_id"] is None

    await eventually(free)
