"""Texts and leaked passwords as they are asked for outside: at Telnyx in the sandbox, and at a range API."""

import hashlib
import threading
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import httpx
import pytest
from pydantic import SecretStr

from auth.passwords.breached import BreachedPasswords
from auth.passwords.hashing import Passwords
from auth.texts.telnyx import Telnyx
from kit.db.database import Database
from kit.http.client import Outbound
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from kit.testing.databases import TestDatabase
from kit.testing.outside import Sandbox
from kit.testing.ports import free_port

from .story import GOOD, Story, problem, settings

NUMBER, SENDER, KEY = "+4915123456789", "+15005550001", "sandbox-telnyx-key"


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=sandbox.url, trust_env=False, verify=False) as http:
        await http.put("/telnyx/control/account", json={})
        await http.delete("/telnyx/control/messages")
        yield http


@pytest.fixture
async def outbound() -> AsyncIterator[Outbound]:
    made = Outbound()
    yield made
    await made.close()


async def test_a_text_is_handed_in_and_read_on_the_phone(
    sandbox: Sandbox, control: httpx.AsyncClient, outbound: Outbound
) -> None:
    telnyx = Telnyx(outbound, f"{sandbox.url}/telnyx/v2", KEY, SENDER)
    receipt = await telnyx.send(NUMBER, "123456 is your code")
    (text,) = (await control.get("/telnyx/control/messages", params={"to": NUMBER})).json()["items"]
    assert (text["id"], text["text"], text["sender"]) == (receipt.external_id, "123456 is your code", SENDER)


async def test_what_telnyx_says_no_to_means_what_it_means(
    sandbox: Sandbox, control: httpx.AsyncClient, outbound: Outbound
) -> None:
    at = f"{sandbox.url}/telnyx/v2"
    with pytest.raises(Refused) as refused:
        await Telnyx(outbound, at, KEY, SENDER).send("4915123456789", "no plus")
    assert "40310" in refused.value.said
    assert "4915123456789" not in refused.value.said
    with pytest.raises(Parked):
        await Telnyx(outbound, at, "another-key", SENDER).send(NUMBER, "x")
    with pytest.raises(NotAccepted):
        await Telnyx(outbound, f"http://127.0.0.1:{free_port()}", KEY, SENDER).send(NUMBER, "x")
    await control.put("/telnyx/control/account", json={"per_second": 1})
    with pytest.raises(NotAccepted) as busy:
        for _ in range(3):
            await Telnyx(outbound, at, KEY, SENDER).send(NUMBER, "x")
    assert (busy.value.whole_lane, busy.value.retry_after) == (True, 1.0)


async def test_an_answer_without_a_message_proves_nothing(outbound: Outbound) -> None:
    with _Answering(b"{}") as url, pytest.raises(Unanswered):
        await Telnyx(outbound, url, KEY, SENDER).send(NUMBER, "x")


async def test_the_way_from_signing_up_to_the_phone(
    sandbox: Sandbox, control: httpx.AsyncClient, place: TestDatabase, database: Database, passwords: Passwords
) -> None:
    """As in production: nothing of ours stands in for the provider."""
    changed: dict[str, Any] = {
        "telnyx_url": f"{sandbox.url}/telnyx/v2",
        "telnyx_key": SecretStr(KEY),
        "telnyx_from": SENDER,
    }
    story = Story(place, database, passwords, settings(place, **changed), real_texts=True)
    await story.begin()
    asked = await story.http.post("/v1/accounts", json={"phone": NUMBER, "password": GOOD})
    await story.deliver()
    (text,) = (await control.get("/telnyx/control/messages", params={"to": NUMBER})).json()["items"]
    body = {"request_token": asked.json()["request_token"], "code": text["text"][:6]}
    assert (await story.http.post("/v1/accounts/verify-phone", json=body)).status_code == 200
    (row,) = await story.admin("SELECT status, message_id FROM outgoing_texts")
    assert (row["status"], row["message_id"]) == ("sent", text["id"])
    await story.end()


class _Range(BaseHTTPRequestHandler):
    """Answers every request with the same body, and remembers what was asked."""

    body: ClassVar[bytes] = b""
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("add-padding")))
        self.send_response(200)
        self.send_header("content-length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_POST = do_GET  # noqa: N815 - its name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
        """Nothing is logged."""


class _Answering:
    """A server that says one thing."""

    def __init__(self, body: bytes) -> None:
        self.handler: type[_Range] = type("Handler", (_Range,), {"body": body, "asked": []})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)

    def __enter__(self) -> str:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_address[1]}/range"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


def suffix(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()[5:]


async def test_a_leaked_password_is_refused_and_only_five_digits_of_it_leave(
    place: TestDatabase, database: Database, passwords: Passwords
) -> None:
    lines = f"{suffix(GOOD)}:42\r\n{suffix('walnut-ferry-copper-38-moss')}:0\r\n".encode()
    answering = _Answering(lines)
    with answering as url:
        story = Story(place, database, passwords, settings(place, breached_url=url))
        await story.begin()
        refused = await story.sign_up("ada@example.com")
        assert problem(refused) == (422, "password-refused")
        assert "leaked" in refused.json()["warning"]
        padded = await story.sign_up("ada@example.com", "walnut-ferry-copper-38-moss")
        assert padded.status_code == 202, "a count of 0 is padding"
        await story.end()
    whole = hashlib.sha1(GOOD.encode(), usedforsecurity=False).hexdigest().upper()
    assert answering.handler.asked[0] == (f"/range/{whole[:5]}", "true")


async def test_who_cannot_be_asked_refuses_nobody(outbound: Outbound) -> None:
    silent = BreachedPasswords(outbound, f"http://127.0.0.1:{free_port()}/range")
    assert not await silent.holds(GOOD)
