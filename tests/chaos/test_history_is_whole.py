"""What the broker has confirmed stands in the history, also what was sent when it came back from a power cut."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from kit.ids import new_id
from kit.messaging import history
from kit.messaging.broker import Broker, OwnedConnection
from kit.messaging.errors import BrokerLost, PublishRefused
from kit.messaging.liveness import NAMES_KEPT
from kit.messaging.topology import Topology
from kit.messaging.wire import Message
from local.private_servers import PrivateRabbit

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]

TOPOLOGY, TYPE = Topology("whole"), "it.happened.v1"


@pytest.fixture
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbit]:
    with PrivateRabbit(tmp_path_factory.mktemp("private")) as server:
        yield server


async def test_what_was_confirmed_around_a_power_cut_is_in_the_history(rabbit: PrivateRabbit) -> None:
    async with await aio_pika.connect(rabbit.url, connection_class=OwnedConnection) as connection:
        await TOPOLOGY.declare(connection, {"somebody": [TYPE]})
    await asyncio.sleep(NAMES_KEPT)
    broker, confirmed, stop = Broker(rabbit.url, name="whole"), list[str](), asyncio.Event()
    senders = [asyncio.create_task(_send(broker, confirmed, stop)) for _ in range(2)]

    await _more(confirmed, 100)
    await asyncio.to_thread(rabbit.kill)
    await asyncio.to_thread(rabbit.start)
    await _more(confirmed, len(confirmed) + 200)
    stop.set()
    await asyncio.gather(*senders)
    await broker.close()

    missing = set(confirmed) - await _history(rabbit.url, set(confirmed))
    assert not missing, f"{len(missing)} of {len(confirmed)}"


async def _send(broker: Broker, confirmed: list[str], stop: asyncio.Event) -> None:
    """One small batch after the other, as a relay with little to do; what is not confirmed counts as not sent."""
    while not stop.is_set():
        ids = [str(new_id()) for _ in range(5)]
        with suppress(BrokerLost, PublishRefused):
            events = [Message(TOPOLOGY.events, TYPE, b'"%s"' % each.encode(), each, TYPE) for each in ids]
            await broker.publish([*events, *history.entries(TOPOLOGY, [event.body for event in events])])
            confirmed += ids
        await asyncio.sleep(0.01)


async def _more(confirmed: list[str], than: int) -> None:
    async with asyncio.timeout(120):
        while len(confirmed) < than:  # noqa: ASYNC110 - it grows while the broker is there
            await asyncio.sleep(0.05)


async def _history(url: str, expected: set[str]) -> set[str]:
    """What stands there, read until all that is expected was seen, or nothing more comes."""
    found: set[str] = set()
    box: asyncio.Queue[AbstractIncomingMessage] = asyncio.Queue()
    async with (
        await aio_pika.connect(url, connection_class=OwnedConnection) as connection,
        connection.channel() as channel,
    ):
        await channel.set_qos(prefetch_count=500)
        stream = await channel.get_queue(TOPOLOGY.history, ensure=False)
        await stream.consume(box.put, arguments={"x-stream-offset": "first"})
        with suppress(TimeoutError):
            while not found >= expected:
                async with asyncio.timeout(30):
                    message = await box.get()
                found.update(json.loads(body) for body in history.events_of(message.type, message.body))
                await message.ack()
    return found
