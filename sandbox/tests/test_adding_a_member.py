"""What a new member has to bring, shown by one: a bank that takes payments and tells of them by webhook."""

from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from fastapi import APIRouter

from sandbox.doors import VisibleAfterSeconds
from sandbox.faults import Door, Faults
from sandbox.member import Server
from sandbox.process import Sandbox
from sandbox.received import Received
from sandbox.ring import Ring
from sandbox.webhooks import Retries, Webhook, WebhookSender


class Bank:
    """Takes payments."""

    name = "bank"
    about = "A bank."
    door: Door = "http"
    doors: Sequence[str] = ("/bank",)
    servers: Sequence[Server] = ()

    def __init__(self) -> None:
        self.faults = Faults()
        self.received = Received()
        self.webhooks = WebhookSender(lambda webhook, _: {"id": webhook.id}, self.faults, retries=Retries(()))
        self.payments: Ring[dict[str, int]] = Ring(most=10)
        self.router = APIRouter()
        self.router.add_api_route("/bank/payments", self.pay, methods=["POST"])
        self.router.add_api_route("/bank/broken", self.broken, methods=["POST"])

    async def pay(self, payment: dict[str, int], visible_after: VisibleAfterSeconds) -> dict[str, int]:
        self.payments.add(payment, visible_after=visible_after)
        self.webhooks.send("http://127.0.0.1:1/hook", Webhook("payment.taken", b"{}"))
        return payment

    async def broken(self) -> None:
        raise ZeroDivisionError

    def reset(self) -> None:
        self.payments.clear()


@pytest.fixture
async def bank() -> AsyncIterator[tuple[Bank, httpx.AsyncClient]]:
    bank = Bank()
    async with (
        Sandbox([bank], host="127.0.0.1", port=0) as sandbox,
        httpx.AsyncClient(base_url=sandbox.http_url, timeout=60) as client,
    ):
        yield bank, client


async def test_it_is_listed_recorded_faulted_and_reset(bank: tuple[Bank, httpx.AsyncClient]) -> None:
    member, client = bank
    [listed] = (await client.get("/control")).json()["items"]
    assert (listed["name"], listed["sends_webhooks"]) == ("bank", True)

    rules = [{"kind": "drop_after_effect", "match": {"path": "/bank/pay"}}]
    assert (await client.put("/control/bank/faults", json=rules)).status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post("/bank/payments", json={"amount": 5})
    assert member.payments.page(limit=10).items == [{"amount": 5}]

    await member.webhooks.settle()
    [attempt] = (await client.get("/control/bank/webhooks")).json()["items"]
    assert (attempt["topic"], attempt["status"]) == ("payment.taken", None)

    assert (await client.post("/control/reset")).status_code == 204
    assert member.payments.page(limit=10).items == []
    assert (await client.get("/control/bank/webhooks")).json()["items"] == []


async def test_it_can_lose_its_webhooks_but_a_rule_must_fit(bank: tuple[Bank, httpx.AsyncClient]) -> None:
    member, client = bank
    wrong = [{"kind": "webhook_lose", "match": {"path": "/bank"}}]
    refused = await client.put("/control/bank/faults", json=wrong)
    assert refused.json()["errors"][0]["pointer"] == "/0/match/path"

    rules = [{"kind": "webhook_lose", "match": {"topic": "payment."}}]
    assert (await client.put("/control/bank/faults", json=rules)).status_code == 200
    await client.post("/bank/payments", json={"amount": 5})
    await member.webhooks.settle()
    [attempt] = (await client.get("/control/bank/webhooks")).json()["items"]
    assert attempt["error"] == "lost by a fault rule"


async def test_its_bugs_are_answered_as_bugs_and_recorded_as_failed(
    bank: tuple[Bank, httpx.AsyncClient],
) -> None:
    _, client = bank
    answer = await client.post("/bank/broken")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    [seen] = (await client.get("/control/bank/received")).json()["items"]
    assert seen["outcome"] == "failed"
