"""Webhooks that members send: signed, tried again, and on demand late, twice, lost or out of order."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import uuid4

from pydantic import BaseModel
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError

from sandbox.faults import Faults
from sandbox.ring import Ring
from sandbox.rules import Occurrence, WebhookDelay, WebhookDuplicate, WebhookLose, WebhookReorder

log = logging.getLogger(__name__)

KEPT_ATTEMPTS = 1_000
KEPT_ANSWER = 4 * 1024


@dataclass(frozen=True, slots=True)
class Webhook:
    """One notification, the same bytes and id at every delivery."""

    topic: str
    body: bytes
    id: str = field(default_factory=lambda: uuid4().hex)


Sign = Callable[[Webhook, datetime], Mapping[str, str]]
"""Makes the headers of one attempt: signature, time stamp, id, content type, as the third party does."""
Ended = Callable[[Webhook, bool], None]
"""Hears when a delivery was accepted, or given up."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How long to wait before each further attempt, and for one answer."""

    waits: tuple[float, ...] = (1.0, 5.0, 30.0)
    timeout: float = 10.0


class Attempt(BaseModel):
    """One try to deliver a webhook and what came of it; `status` is null where no answer came or none was sent."""

    webhook_id: str
    topic: str
    url: str
    number: int
    at: datetime
    headers: dict[str, str]
    status: int | None
    answer: str
    error: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class _Delivery:
    url: str
    webhook: Webhook
    number: int = 1


class WebhookSender:
    """Delivers in order per address unless a rule says otherwise; anything but a 2xx is tried again, boundedly."""

    def __init__(
        self, sign: Sign, faults: Faults, *, retries: Retries | None = None, ended: Ended | None = None
    ) -> None:
        self._sign = sign
        self._ended = ended
        self._faults = faults
        self._retries = retries or Retries()
        self._client: Client | None = None
        self._lanes: dict[tuple[str, int], asyncio.Queue[_Delivery]] = {}
        self._width = 1
        self._turn = 0
        self._held: list[_Delivery] = []
        self._release_timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pending = 0
        self._settled = asyncio.Event()
        self._settled.set()
        self.ahead = timedelta()
        """How far the clock is ahead by which signatures are dated."""
        self.attempts: Ring[Attempt] = Ring(most=KEPT_ATTEMPTS)

    def send(self, url: str, webhook: Webhook) -> None:
        """Take a webhook for delivery in the background, as the rules of the moment say."""
        seen = Occurrence(topic=webhook.topic)
        if self._faults.take(seen, WebhookLose):
            self._record(_Delivery(url, webhook), {}, 0.0, error="lost by a fault rule")
            return
        duplicate = self._faults.take(seen, WebhookDuplicate)
        deliveries = [_Delivery(url, webhook)] * (1 + (duplicate.copies if duplicate else 0))
        self._count(len(deliveries))
        if reorder := self._faults.take(seen, WebhookReorder):
            self._hold(deliveries, reorder)
        elif delay := self._faults.take(seen, WebhookDelay):
            self._spawn(self._later(delay.seconds, deliveries))
        else:
            self._line_up(deliveries)

    def spread(self, width: int) -> None:
        """From now on deliver so many at a time to each address; with more than one there is no order."""
        self._width = width

    def retry_as(self, retries: Retries) -> None:
        """From now on wait this long before each further attempt; how long one answer may take stays as it was."""
        self._retries = Retries(retries.waits, self._retries.timeout)

    async def ask(self, url: str) -> tuple[int, str]:
        """One GET, as a third party does before it trusts an address; status and beginning of the answer.

        Raises:
            PyreqwestError: No answer came.
        """
        async with self._open_client().get(url).build_streamed() as response:
            answer = await response.body_reader.read(KEPT_ANSWER)
            return response.status, bytes(answer or b"").decode("utf-8", "replace")

    async def settle(self) -> None:
        """Wait until every webhook taken so far is delivered or given up."""
        await self._settled.wait()

    def reset(self) -> None:
        """Forget attempts and whatever is still to be delivered."""
        for task in self._tasks:
            task.cancel()
        self._stop_release_timer()
        self._lanes.clear()
        self._held.clear()
        self.attempts.clear()
        self._count(-self._pending)

    async def close(self) -> None:
        """Stop delivering and let go of the connections."""
        self.reset()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _hold(self, deliveries: list[_Delivery], rule: WebhookReorder) -> None:
        if not self._held:
            loop = asyncio.get_running_loop()
            self._release_timer = loop.call_later(rule.seconds, self._release, rule)
        self._held += deliveries
        if len(self._held) >= rule.window:
            self._release(rule)

    def _release(self, rule: WebhookReorder) -> None:
        self._stop_release_timer()
        held, self._held = self._held, []
        self._line_up(in_another_order(held, Random(rule.seed)))

    def _stop_release_timer(self) -> None:
        if self._release_timer is not None:
            self._release_timer.cancel()
            self._release_timer = None

    async def _later(self, seconds: float, deliveries: list[_Delivery]) -> None:
        await asyncio.sleep(seconds)
        self._line_up(deliveries)

    def _line_up(self, deliveries: list[_Delivery]) -> None:
        for delivery in deliveries:
            self._turn = (self._turn + 1) % self._width
            lane = (delivery.url, self._turn)
            if lane not in self._lanes:
                self._lanes[lane] = asyncio.Queue()
                self._spawn(self._work(self._lanes[lane]))
            self._lanes[lane].put_nowait(delivery)

    async def _work(self, lane: asyncio.Queue[_Delivery]) -> None:
        while True:
            delivery = await lane.get()
            accepted = await self._attempt(delivery)
            if accepted or delivery.number > len(self._retries.waits):
                if self._ended is not None:
                    self._ended(delivery.webhook, accepted)
                self._count(-1)
                continue
            again = _Delivery(delivery.url, delivery.webhook, delivery.number + 1)
            self._spawn(self._later(self._retries.waits[delivery.number - 1], [again]))

    async def _attempt(self, delivery: _Delivery) -> bool:
        headers: dict[str, str] = {}
        began = time.monotonic()
        try:
            headers.update(self._sign(delivery.webhook, datetime.now(UTC) + self.ahead))
            status, answer = await self._post(delivery, headers)
        except PyreqwestError as trouble:
            self._record(delivery, headers, began, error=f"{type(trouble).__name__}: {trouble.message}")
            return False
        except Exception as bug:
            log.exception("a webhook could not be made")
            self._record(delivery, headers, began, error=f"{type(bug).__name__}: {bug}")
            return False
        self._record(delivery, headers, began, status=status, answer=answer)
        return 200 <= status < 300

    async def _post(self, delivery: _Delivery, headers: dict[str, str]) -> tuple[int, str]:
        request = self._open_client().post(delivery.url).headers(headers).body_bytes(delivery.webhook.body)
        async with request.build_streamed() as response:
            answer = await response.body_reader.read(KEPT_ANSWER)
            return response.status, bytes(answer or b"").decode("utf-8", "replace")

    def _open_client(self) -> Client:
        if self._client is None:
            timeout = timedelta(seconds=self._retries.timeout)
            self._client = ClientBuilder().timeout(timeout).follow_redirects(False).no_proxy().build()
        return self._client

    def _record(
        self,
        delivery: _Delivery,
        headers: dict[str, str],
        began: float,
        *,
        status: int | None = None,
        answer: str = "",
        error: str | None = None,
    ) -> None:
        self.attempts.add(
            Attempt(
                webhook_id=delivery.webhook.id,
                topic=delivery.webhook.topic,
                url=delivery.url,
                number=delivery.number,
                at=datetime.now(UTC),
                headers=headers,
                status=status,
                answer=answer,
                error=error,
                seconds=round(time.monotonic() - began, 4) if began else 0.0,
            )
        )

    def _count(self, change: int) -> None:
        self._pending += change
        if self._pending:
            self._settled.clear()
        else:
            self._settled.set()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def in_another_order(deliveries: list[_Delivery], random: Random) -> list[_Delivery]:
    """A shuffle that is never the order it began with, if there is more than one order."""
    shuffled = list(deliveries)
    random.shuffle(shuffled)
    return shuffled if shuffled != deliveries else [*shuffled[1:], *shuffled[:1]]
