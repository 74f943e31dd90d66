import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aio_pika
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header

from kit.messaging import wire
from kit.messaging.address import BrokerAddress
from kit.messaging.delivery import Delivery
from kit.messaging.errors import BrokerLost
from kit.messaging.reader import Reader, Reading
from kit.messaging.wire import Message
from kit.testing.proxy import proxied

from .conftest import ADDED, CREATED, Bus, until

SHORT = st.text(max_size=20)
PROPERTIES = st.fixed_dictionaries(
    {},
    optional={
        "content_type": SHORT.filter(bool),
        "content_encoding": SHORT.filter(bool),
        "headers": st.dictionaries(SHORT.filter(bool), st.integers(0, 2**40) | SHORT, min_size=1, max_size=3),
        "delivery_mode": st.sampled_from([1, 2]),
        "priority": st.integers(0, 9),
        "correlation_id": SHORT.filter(bool),
        "reply_to": SHORT.filter(bool),
        "expiration": st.integers(1, 10**6).map(str),
        "message_id": SHORT.filter(bool),
        "timestamp": st.just(datetime(2026, 1, 2, tzinfo=UTC)),
        "message_type": SHORT.filter(bool),
        "user_id": SHORT.filter(bool),
        "app_id": SHORT.filter(bool),
    },
)


class Heard:
    """What a reading handed over, and why it ended."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.reasons: list[str] = []

    async def so_many(self, count: int) -> list[Delivery]:
        await until(lambda: asyncio.sleep(0, len(self.deliveries) >= count))
        return self.deliveries

    async def read(self, reader: Reader, queue: str, prefetch: int = 500) -> Reading:
        return await reader.read(queue, prefetch, self.deliveries.append, self.reasons.append)


@asynccontextmanager
async def reading_from(url: str) -> AsyncIterator[Reader]:
    reader = await Reader.connect(BrokerAddress.parse(url), name="test")
    try:
        yield reader
    finally:
        await reader.close()


async def test_deliveries_come_in_order_with_what_their_headers_say(bus: Bus, broker_url: str) -> None:
    ids = [f"019bc1a2-7f00-7000-8000-{number:012}" for number in range(300)]
    told = {"generation": 7, "attempt": 2, "first_failed_at": 5, "not_before": 2**40}
    await bus.broker.publish(
        [Message(bus.topology.events, ADDED, b"body " + each.encode(), each, ADDED) for each in ids]
    )
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"", ids[0], ADDED, told)])
    heard = Heard()
    async with reading_from(broker_url) as reader:
        reading = await heard.read(reader, bus.queue(ADDED))
        *plain, last = await heard.so_many(301)
        assert [str(each.message_id) for each in plain] == ids
        assert [each.body.decode() for each in plain] == [f"body {each}" for each in ids]
        assert {(each.type, each.generation, each.attempt, each.returned) for each in plain} == {(ADDED, 0, 0, 0)}
        assert (last.generation, last.attempt, last.first_failed_at, last.not_before) == (7, 2, 5, 2**40)
        reading.acknowledge(plain[9].tag)
        reading.acknowledge(last.tag, multiple=True)
        await reading.close()
        await reading.close()
        with pytest.raises(BrokerLost):
            reading.acknowledge(last.tag)
    assert heard.reasons == []
    assert await bus.depth(bus.queue(ADDED)) == 0


async def test_a_body_of_many_frames_comes_back_whole(bus: Bus, broker_url: str) -> None:
    bodies = [b"a" * 131_064, b"b" * 131_065, b"c" * 1_000_000, b""]
    await bus.broker.publish([Message(bus.topology.events, CREATED, each) for each in bodies])
    heard = Heard()
    async with reading_from(broker_url) as reader:
        await heard.read(reader, bus.queue(CREATED))
        assert [each.body for each in await heard.so_many(4)] == bodies


async def test_what_is_not_acknowledged_goes_back_and_is_counted(bus: Bus, broker_url: str) -> None:
    await bus.broker.publish([Message(bus.topology.events, ADDED, b"%d" % number) for number in range(3)])
    first, second = Heard(), Heard()
    async with reading_from(broker_url) as reader:
        reading = await first.read(reader, bus.queue(ADDED), prefetch=2)
        await first.so_many(2)
        await asyncio.sleep(0.1)
        assert len(first.deliveries) == 2
        await reading.close()
        again = await second.read(reader, bus.queue(ADDED))
        assert again.channel == reading.channel
        await second.so_many(3)
        assert {each.body: each.returned for each in second.deliveries} == {b"0": 1, b"1": 1, b"2": 0}


async def test_a_channel_that_the_broker_closes_takes_no_other_with_it(bus: Bus, broker_url: str) -> None:
    wrong, right = Heard(), Heard()
    async with reading_from(broker_url) as reader:
        reading = await wrong.read(reader, bus.queue(CREATED))
        await right.read(reader, bus.queue(ADDED))
        reading.acknowledge(4711)
        await until(lambda: asyncio.sleep(0, bool(wrong.reasons)))
        with pytest.raises(BrokerLost):
            reading.acknowledge(1)
        await bus.broker.publish([Message(bus.topology.events, ADDED, b"1")])
        await right.so_many(1)
    assert "PRECONDITION_FAILED" in wrong.reasons[0]
    assert right.reasons == ["the connection is lost"]


async def test_a_queue_that_does_not_exist_is_said_plainly(bus: Bus, broker_url: str) -> None:
    heard = Heard()
    async with reading_from(broker_url) as reader:
        with pytest.raises(BrokerLost, match="NOT_FOUND"):
            await heard.read(reader, f"{bus.topology.namespace}/nowhere")
        await heard.read(reader, bus.queue(ADDED))
        assert not reader.lost


async def test_a_deleted_queue_and_a_cut_connection_are_told(bus: Bus) -> None:
    address = bus.broker.address
    deleted, cut = Heard(), Heard()
    async with proxied(address.host, address.port) as proxy:
        reader = await Reader.connect(BrokerAddress.parse(f"amqp://127.0.0.1:{proxy.listening_on}/"), name="cut")
        first = await deleted.read(reader, bus.queue(CREATED))
        await cut.read(reader, bus.queue(ADDED))
        async with bus.connection.channel() as channel:
            await channel.queue_delete(bus.queue(CREATED))
        await until(lambda: asyncio.sleep(0, deleted.reasons), equals=["the broker cancelled the consumer"])
        await first.close()
        again = await deleted.read(reader, bus.queue(ADDED))
        assert again.channel == first.channel
        proxy.cut()
        await asyncio.wait_for(reader.ended.wait(), 30)
        with pytest.raises(BrokerLost):
            await cut.read(reader, bus.queue(ADDED))
        await reader.close()
    assert cut.reasons == ["the connection is lost"]
    assert deleted.reasons == ["the broker cancelled the consumer", "the connection is lost"]


async def test_an_answer_that_comes_too_late_takes_no_other_reading_with_it(bus: Bus) -> None:
    address = bus.broker.address
    late, other = Heard(), Heard()
    async with (
        proxied(address.host, address.port) as proxy,
        reading_from(f"amqp://127.0.0.1:{proxy.listening_on}/") as reader,
    ):
        await other.read(reader, bus.queue(ADDED))
        consume_ok = proxy.hold("to_client", b"\x00\x3c\x00\x15")
        asked = asyncio.ensure_future(late.read(reader, bus.queue(CREATED)))
        await asyncio.wait_for(consume_ok.reached.wait(), 30)
        asked.cancel()
        await asyncio.sleep(0)
        consume_ok.release()
        with pytest.raises(asyncio.CancelledError):
            await asked
        proxy.holds.clear()
        await bus.broker.publish([Message(bus.topology.events, each, b"1") for each in (ADDED, CREATED)])
        await other.so_many(1)
        assert (late.deliveries, other.reasons, reader.lost) == ([], [], False)
        await late.read(reader, bus.queue(CREATED))
        await late.so_many(1)


async def test_what_strangers_write_is_read_with_all_its_properties(bus: Bus, broker_url: str) -> None:
    stranger = aio_pika.Message(
        b"hello",
        content_type="text/plain",
        content_encoding="identity",
        headers={"generation": "many", "attempt": -1, "deep": {"list": [1, None, 2.5]}},
        priority=3,
        correlation_id="c",
        reply_to="r",
        expiration=60,
        message_id="not an id",
        timestamp=datetime(2026, 1, 2, tzinfo=UTC),
        type="strange",
        app_id="a",
    )
    heard = Heard()
    async with bus.connection.channel() as channel, reading_from(broker_url) as reader:
        await channel.default_exchange.publish(stranger, bus.queue(ADDED))
        await heard.read(reader, bus.queue(ADDED))
        (delivery,) = await heard.so_many(1)
    assert (delivery.body, delivery.type, delivery.generation, delivery.attempt) == (b"hello", "strange", 0, 0)
    assert delivery.message_id.version == 5


async def test_frames_may_be_torn_anywhere(bus: Bus, broker_url: str) -> None:
    heard = Heard()
    async with reading_from(broker_url) as reader:
        reading = await heard.read(reader, bus.queue(ADDED))
        deliver = commands.Basic.Deliver(reading.consumer_tag, 1, redelivered=False, exchange="e", routing_key="r")
        parts = (deliver, header.ContentHeader(0, 6, commands.Basic.Properties()), body.ContentBody(b"abc"))
        whole = b"".join(frame.marshal(each, reading.channel) for each in (*parts, body.ContentBody(b"def")))
        for place in range(len(whole) + 1):
            reader.data_received(whole[:place])
            reader.data_received(whole[place:])
        for place in range(len(whole)):
            reader.data_received(whole[place : place + 1])
    assert [each.body for each in heard.deliveries] == [b"abcdef"] * (len(whole) + 2)


@given(PROPERTIES)
def test_properties_are_read_as_the_library_writes_them(properties: dict[str, Any]) -> None:
    data = frame.marshal(header.ContentHeader(0, 5, commands.Basic.Properties(**properties)), 1)
    read = wire.read_properties(data)
    assert read.message_id == properties.get("message_id", "")
    assert read.type == properties.get("message_type", "")
    assert dict(read.headers) == properties.get("headers", {})


def test_text_and_headers_that_cannot_be_read_count_as_absent() -> None:
    """One message must not end the connection again and again."""
    table = b"\x00\x00\x00\x05\x02\xff\xfeI\x00"
    data = bytes(19) + b"\x20\xa0" + table + b"\x02\xff\xfe" + b"\x01t" + b"\xce"
    read = wire.read_properties(data)
    assert (dict(read.headers), read.type) == ({}, "t")
    assert Delivery.of(1, b"body", read).message_id == Delivery.of(2, b"body", wire.NO_PROPERTIES).message_id
