import base64
from collections.abc import AsyncIterator

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .hook import Hook, listening

KEY = {"authorization": "Bearer sandbox-telnyx-key"}
PUBLIC_KEY = "lx50SmGac5yQbFEvaLXwvGSvu+6KmI3xunsKDwyhdmU="
OURS, ANN = "+15005550001", "+4915123456789"


@pytest.fixture
async def hook(http: httpx.AsyncClient) -> AsyncIterator[Hook]:
    async with listening(lambda _: "") as hook:
        assert (await http.put("/telnyx/control/webhook", json={"url": hook.url})).status_code == 204
        yield hook


async def test_what_becomes_of_a_message_is_reported_and_signed(http: httpx.AsyncClient, hook: Hook) -> None:
    body = {"from": OURS, "to": ANN, "text": "Hi", "media_urls": ["https://example.com/a.jpg"], "tags": ["ours"]}
    sent = (await http.post("/telnyx/v2/messages", json=body, headers=KEY)).json()["data"]
    assert (sent["type"], sent["media"][0]["url"]) == ("MMS", "https://example.com/a.jpg")
    got = await hook.wait(2)
    events = [each.json["data"] for each in got]
    assert [each["event_type"] for each in events] == ["message.sent", "message.finalized"]
    assert [each["payload"]["to"][0]["status"] for each in events] == ["sent", "delivered"]
    assert {(each["payload"]["id"], *each["payload"]["tags"]) for each in events} == {(sent["id"], "ours")}
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC_KEY))
    for each in got:
        signed = each.headers["telnyx-timestamp"].encode() + b"|" + each.body
        key.verify(base64.b64decode(each.headers["telnyx-signature-ed25519"]), signed)


async def test_somebody_writes_and_stops_and_starts(http: httpx.AsyncClient, hook: Hook) -> None:
    async def send() -> int:
        body = {"from": OURS, "to": ANN, "text": "Hi"}
        return (await http.post("/telnyx/v2/messages", json=body, headers=KEY)).status_code

    said = {"sender": ANN, "text": "STOP"}
    assert (await http.post("/telnyx/control/say", json=said)).status_code == 201
    payload = (await hook.wait(1))[0].json["data"]["payload"]
    assert (payload["from"]["phone_number"], payload["text"]) == (ANN, "STOP")
    assert await send() == 400
    await http.post("/telnyx/control/say", json=said | {"text": "START"})
    assert await send() == 200


async def test_the_numbers_of_the_account_are_listed(http: httpx.AsyncClient) -> None:
    path = "/telnyx/v2/phone_numbers"
    found = (await http.get(path, params={"filter[phone_number]": OURS}, headers=KEY)).json()["data"]
    assert [each["phone_number"] for each in found] == [OURS]
    assert (await http.get(path)).status_code == 401
