import asyncio
import hashlib
import hmac
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from sandbox.faults import Faults
from sandbox.rules import (
    Match,
    WebhookDelay,
    WebhookDuplicate,
    WebhookLose,
    WebhookReorder,
)
from sandbox.webhooks import Attempt, Retries, Webhook, WebhookSender

SECRET = b"whsec"


def sign(webhook: Webhook, at: datetime) -> Mapping[str, str]:
    signed = f"{webhook.id}.{int(at.timestamp())}.".encode() + webhook.body
    return {
        "content-type": "application/json",
        "webhook-id": webhook.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": hmac.new(SECRET, signed, hashlib.sha256).hexdigest(),
    }


@dataclass
class Receiver:
    """A tiny HTTP server that notes what it gets and answers what it is told to."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    silent: bool = False

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head)}
        self.got.append((headers, await reader.readexactly(int(headers["content-length"]))))
        answer = self.answers.pop(0) if self.answers else b"200 OK"
        if self.silent:
            await reader.read()
        elif answer:
            writer.write(b"HTTP/1.1 " + answer + b"\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok")


@pytest.fixture
async def receiver(listen: Callable[[Any], int]) -> Receiver:
    receiver = Receiver()
    receiver.url = f"http://127.0.0.1:{listen(receiver.serve)}/hook"
    return receiver


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
async def sender(faults: Faults) -> AsyncIterator[WebhookSender]:
    sender = WebhookSender(sign, faults, retries=Retries(waits=(0.02, 0.02), timeout=60))
    yield sender
    await sender.close()


def numbered(count: int, topic: str = "order.paid") -> list[Webhook]:
    return [Webhook(topic, b'{"n": %d}' % number, id=f"wh_{number}") for number in range(count)]


def attempts(sender: WebhookSender) -> list[Attempt]:
    return sender.attempts.page(limit=1000).items[::-1]


async def test_a_webhook_arrives_signed_and_unchanged(sender: WebhookSender, receiver: Receiver) -> None:
    sender.send(receiver.url, Webhook("order.paid", b'{"a": "\xc3\xa4"}'))
    await sender.settle()
    [(headers, body)] = receiver.got
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    assert headers["webhook-signature"] == hmac.new(SECRET, signed, hashlib.sha256).hexdigest()
    assert body == b'{"a": "\xc3\xa4"}'
    [attempt] = attempts(sender)
    assert (attempt.status, attempt.answer, attempt.error, attempt.number) == (200, "ok", None, 1)


async def test_without_a_rule_they_arrive_once_and_in_order(sender: WebhookSender, receiver: Receiver) -> None:
    for webhook in numbered(20):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert receiver.ids == [f"wh_{number}" for number in range(20)]


async def test_a_refused_webhook_is_tried_again_until_it_is_taken(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [b"500 Oops", b"", b"204 No Content"]
    sender.send(receiver.url, Webhook("order.paid", b"{}", id="wh_1"))
    await sender.settle()
    assert receiver.ids == ["wh_1"] * 3
    seen = attempts(sender)
    assert [(attempt.number, attempt.status) for attempt in seen] == [(1, 500), (2, None), (3, 204)]
    assert seen[1].error


async def test_retries_are_bounded(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [b"500 Oops"] * 10
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    await sender.settle()
    assert len(receiver.got) == 3


async def test_a_redirect_is_not_followed_and_counts_as_refused(sender: WebhookSender, receiver: Receiver) -> None:
    receiver.answers = [b"302 Found\r\nlocation: " + receiver.url.encode()]
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    await sender.settle()
    assert [attempt.status for attempt in attempts(sender)] == [302, 200]


async def test_a_receiver_that_is_not_there_is_recorded(sender: WebhookSender) -> None:
    for url in ("http://127.0.0.1:1/hook", "not a url"):
        sender.send(url, Webhook("order.paid", b"{}"))
    await sender.settle()
    seen = attempts(sender)
    assert len(seen) == 6
    assert all(attempt.error and attempt.status is None for attempt in seen)


async def test_a_receiver_that_never_answers_is_given_up(faults: Faults, receiver: Receiver) -> None:
    receiver.silent = True
    sender = WebhookSender(sign, faults, retries=Retries(waits=(), timeout=0.2))
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    async with asyncio.timeout(60):
        await sender.settle()
    [attempt] = attempts(sender)
    assert attempt.status is None
    assert attempt.error is not None
    assert "Timeout" in attempt.error
    await sender.close()


async def test_a_bug_in_signing_is_recorded_and_stops_nothing(faults: Faults, receiver: Receiver) -> None:
    def cannot(webhook: Webhook, at: datetime) -> Mapping[str, str]:
        if webhook.topic == "bad":
            raise LookupError("no key")
        return sign(webhook, at)

    sender = WebhookSender(cannot, faults, retries=Retries(waits=()))
    sender.send(receiver.url, Webhook("bad", b"{}"))
    sender.send(receiver.url, Webhook("good", b"{}", id="wh_good"))
    await sender.settle()
    assert receiver.ids == ["wh_good"]
    assert attempts(sender)[0].error == "LookupError: no key"
    await sender.close()


async def test_duplicates_carry_the_same_id_and_body(
    sender: WebhookSender, receiver: Receiver, faults: Faults
) -> None:
    faults.replace([WebhookDuplicate(kind="webhook_duplicate", copies=2, times=1)])
    for webhook in numbered(2):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert receiver.ids == ["wh_0", "wh_0", "wh_0", "wh_1"]
    assert len({body for headers, body in receiver.got if headers["webhook-id"] == "wh_0"}) == 1


async def test_a_full_window_leaves_in_another_order_with_nothing_lost(
    sender: WebhookSender, receiver: Receiver, faults: Faults
) -> None:
    faults.replace([WebhookReorder(kind="webhook_reorder", window=8, seconds=60, seed=1)])
    for webhook in numbered(8):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert receiver.ids != [f"wh_{number}" for number in range(8)]
    assert sorted(receiver.ids) == [f"wh_{number}" for number in range(8)]


async def test_a_window_that_never_fills_leaves_when_its_time_is_over(
    sender: WebhookSender, receiver: Receiver, faults: Faults
) -> None:
    faults.replace([WebhookReorder(kind="webhook_reorder", window=100, seconds=0.1)])
    for webhook in numbered(2):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert receiver.ids == ["wh_1", "wh_0"]


async def test_duplicates_and_disorder_combine(sender: WebhookSender, receiver: Receiver, faults: Faults) -> None:
    faults.replace(
        [
            WebhookDuplicate(kind="webhook_duplicate"),
            WebhookReorder(kind="webhook_reorder", window=10, seed=3),
        ]
    )
    for webhook in numbered(5):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert Counter(receiver.ids) == {f"wh_{number}": 2 for number in range(5)}


async def test_a_delayed_webhook_is_overtaken(sender: WebhookSender, receiver: Receiver, faults: Faults) -> None:
    faults.replace([WebhookDelay(kind="webhook_delay", seconds=3, times=1)])
    for webhook in numbered(3):
        sender.send(receiver.url, webhook)
    await sender.settle()
    assert receiver.ids == ["wh_1", "wh_2", "wh_0"]


async def test_a_lost_webhook_is_recorded_but_never_sent(
    sender: WebhookSender, receiver: Receiver, faults: Faults
) -> None:
    faults.replace([WebhookLose(kind="webhook_lose", match=Match(topic="order."))])
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    sender.send(receiver.url, Webhook("invoice.paid", b"{}", id="wh_kept"))
    await sender.settle()
    assert receiver.ids == ["wh_kept"]
    assert attempts(sender)[0].error == "lost by a fault rule"


async def test_a_reset_forgets_what_was_still_to_be_delivered(
    sender: WebhookSender, receiver: Receiver, faults: Faults
) -> None:
    faults.replace([WebhookDelay(kind="webhook_delay", seconds=0.1)])
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    faults.replace([WebhookReorder(kind="webhook_reorder", seconds=0.1)])
    sender.send(receiver.url, Webhook("order.paid", b"{}"))
    sender.reset()
    await sender.settle()
    await asyncio.sleep(0.2)
    assert receiver.got == []

    faults.clear()
    sender.send(receiver.url, Webhook("order.paid", b"{}", id="wh_new"))
    await sender.settle()
    assert receiver.ids == ["wh_new"]
