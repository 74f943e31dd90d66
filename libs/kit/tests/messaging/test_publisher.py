import asyncio
import gc
import ssl
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import aio_pika
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pamqp import commands, frame
from pamqp.common import FieldValue
from yarl import URL

from kit.messaging.address import BrokerAddress
from kit.messaging.broker import OwnedConnection
from kit.messaging.confirms import Confirms
from kit.messaging.errors import BrokerLost, PublishRefused
from kit.messaging.publisher import Publisher
from kit.messaging.wire import Message
from kit.testing.listening import listening
from kit.testing.proxy import proxied

from .conftest import ADDED, CREATED, Bus


@asynccontextmanager
async def publishing(url: str, heartbeat: int = 20) -> AsyncIterator[Publisher]:
    publisher = await Publisher.connect(BrokerAddress.parse(url), name="test", heartbeat=heartbeat, within=30)
    try:
        yield publisher
    finally:
        await publisher.close()


async def test_every_message_of_a_batch_arrives_with_its_properties(bus: Bus, broker_url: str) -> None:
    messages = [
        Message(bus.topology.events, ADDED, b"body %d" % n, f"id-{n}", ADDED, {"generation": 7, "note": "n"})
        for n in range(300)
    ]
    async with publishing(broker_url) as publisher:
        await publisher.publish_many(messages)
    taken = await bus.take(bus.queue(ADDED), 300)
    assert [message.body for message in taken] == [b"body %d" % n for n in range(300)]
    first = taken[0]
    assert first.content_type == "application/cloudevents+json"
    assert (first.message_id, first.type) == ("id-0", ADDED)
    assert first.headers == {"generation": 7, "note": "n"}
    assert first.delivery_mode == 2


async def test_a_body_larger_than_a_frame_is_split_and_comes_back_whole(bus: Bus, broker_url: str) -> None:
    bodies = [b"a" * 131_064, b"b" * 131_065, b"c" * 1_000_000, b""]
    async with publishing(broker_url) as publisher:
        await publisher.publish_many([Message(bus.topology.events, CREATED, body) for body in bodies])
    taken = await bus.take(bus.queue(CREATED), 4)
    assert [message.body for message in taken] == bodies


async def test_many_tasks_publish_over_one_connection(bus: Bus, broker_url: str) -> None:
    async with publishing(broker_url) as publisher:
        batch = [Message(bus.topology.events, ADDED, b"x" * 500)] * 100
        await asyncio.gather(*(publisher.publish_many(batch) for _ in range(20)))
    assert await bus.depth(bus.queue(ADDED)) == 2000


async def test_a_mandatory_message_without_a_queue_is_refused_and_the_others_arrive(
    bus: Bus, broker_url: str
) -> None:
    own = bus.queue(CREATED)
    messages = [
        Message("", own, b"1", "a", mandatory=True),
        Message("", f"{own}/nowhere", b"2", "b", mandatory=True),
        Message("", own, b"3", "c", mandatory=True),
    ]
    async with publishing(broker_url) as publisher:
        with pytest.raises(PublishRefused) as refusal:
            await publisher.publish_many(messages)
        await publisher.publish_many(messages[:1])
    assert list(refusal.value.refused) == [1]
    assert [message.body for message in await bus.take(own, 3)] == [b"1", b"3", b"1"]


async def test_a_refused_publish_names_exactly_the_refused(bus: Bus, broker_url: str) -> None:
    """A queue with a limit of one that rejects: the broker nacks what does not fit."""
    name = f"{bus.topology.namespace}/full"
    async with bus.connection.channel() as channel:
        limits: dict[str, FieldValue] = {"x-max-length": 1, "x-overflow": "reject-publish"}
        await channel.declare_queue(name, durable=True, arguments=limits)
        try:
            async with publishing(broker_url) as publisher:
                await publisher.publish_many([Message("", name, b"1")])
                with pytest.raises(PublishRefused) as refusal:
                    await publisher.publish_many(
                        [Message("", name, b"2"), Message("", bus.queue(ADDED), b"3"), Message("", name, b"4")]
                    )
        finally:
            await channel.queue_delete(name)
    assert sorted(refusal.value.refused) == [0, 2]
    assert len(await bus.take(bus.queue(ADDED))) == 1


async def test_an_exchange_that_does_not_exist_is_reported_as_a_loss(bus: Bus, broker_url: str) -> None:
    async with publishing(broker_url) as publisher:
        with pytest.raises(BrokerLost, match="NOT_FOUND"):
            await publisher.publish_many([Message(f"{bus.topology.namespace}.nowhere", "x", b"1")])
        assert publisher.lost
        with pytest.raises(BrokerLost):
            await publisher.publish_many([Message(bus.topology.events, ADDED, b"1")])


async def test_a_cut_connection_fails_everything_in_flight(bus: Bus, broker_url: str) -> None:
    address = BrokerAddress.parse(broker_url)
    async with proxied(address.host, address.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/"
        async with publishing(url) as publisher:
            held = proxy.hold("to_server", b"held-back")
            waiting = [
                asyncio.ensure_future(publisher.publish_many([Message(bus.topology.events, ADDED, b"held-back")]))
                for _ in range(3)
            ]
            await held.reached.wait()
            proxy.cut()
            held.release()
            outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [BrokerLost] * 3


async def test_a_broker_that_does_not_confirm_in_time_counts_as_lost(bus: Bus, broker_url: str) -> None:
    address = BrokerAddress.parse(broker_url)
    async with proxied(address.host, address.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/"
        async with publishing(url) as publisher:
            held = proxy.hold("to_server", b"held-back")
            with pytest.raises(BrokerLost, match="not confirmed"):
                await publisher.publish_many([Message(bus.topology.events, ADDED, b"held-back")], within=0.2)
            held.release()


async def test_a_broker_that_falls_silent_is_noticed_by_its_heartbeat(bus: Bus, broker_url: str) -> None:
    address = BrokerAddress.parse(broker_url)
    async with proxied(address.host, address.port) as proxy:
        url = f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/"
        async with publishing(url, heartbeat=1) as publisher:
            held = proxy.hold("to_client", b"")
            with pytest.raises(BrokerLost, match="nothing heard"):
                await publisher.publish_many([Message(bus.topology.events, ADDED, b"1")], within=30)
            held.release()


async def test_heartbeats_keep_an_idle_connection_open(bus: Bus, broker_url: str) -> None:
    """Without them the broker would close it after twice the interval, or three times."""
    async with publishing(broker_url, heartbeat=4) as publisher:
        await asyncio.sleep(14)
        await publisher.publish_many([Message(bus.topology.events, ADDED, b"1")])


async def test_wrong_credentials_are_said_plainly(broker_url: str) -> None:
    address = BrokerAddress.parse(broker_url)
    wrong = f"amqp://guest:wr%40ng@{address.host}:{address.port}/"
    with pytest.raises(BrokerLost, match="ACCESS_REFUSED"):
        await Publisher.connect(BrokerAddress.parse(wrong), name="test")


async def test_nobody_listening_is_said_plainly() -> None:
    with pytest.raises(BrokerLost, match="No broker at"):
        await Publisher.connect(BrokerAddress.parse("amqp://127.0.0.1:1/"), name="test")


def test_an_address_is_percent_decoded_and_hides_its_password() -> None:
    address = BrokerAddress.parse("amqps://us%2Fer:p%40ss@broker.example/%2Fhouse?cafile=ca.pem")
    assert (address.user, address.password, address.vhost) == ("us/er", "p@ss", "/house")
    assert (address.port, address.tls) == (5671, True)
    assert "p@ss" not in repr(address)
    assert BrokerAddress.parse("amqp://h").vhost == "/"
    with pytest.raises(ValueError, match="broker URL"):
        BrokerAddress.parse("http://h")


async def test_confirms_may_come_in_any_order() -> None:
    confirms = Confirms()
    one = confirms.expect([Message("", "q", b"")] * 3)
    two = confirms.expect([Message("", "q", b"")] * 3)
    confirms.answered(5, multiple=False, refused=False)
    confirms.answered(2, multiple=False, refused=True)
    confirms.settle()
    assert not one.done.done()
    confirms.answered(3, multiple=True, refused=False)
    confirms.settle()
    assert one.done.result() == {1: "refused by a queue"}
    assert not two.done.done()
    confirms.answered(6, multiple=True, refused=True)
    confirms.settle()
    assert sorted(two.done.result()) == [0, 2]


async def test_a_virtual_host_that_does_not_exist_is_said_plainly(broker_url: str) -> None:
    with pytest.raises(BrokerLost, match="no/where"):
        await Publisher.connect(BrokerAddress.parse(broker_url.rstrip("/") + "/no%2Fwhere"), name="test")


async def test_while_the_broker_blocks_publishers_nothing_is_written(bus: Bus, broker_url: str) -> None:
    """As it does when it runs out of memory or disk."""
    async with publishing(broker_url) as publisher:
        publisher.data_received(frame.marshal(commands.Connection.Blocked("memory"), 0))
        waiting = asyncio.ensure_future(publisher.publish_many([Message(bus.topology.events, ADDED, b"1")]))
        await asyncio.sleep(0.2)
        assert await bus.depth(bus.queue(ADDED)) == 0
        publisher.data_received(frame.marshal(commands.Connection.Unblocked(), 0))
        await waiting
    assert await bus.depth(bus.queue(ADDED)) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"AMQP\x00\x00\x08\x00",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x01\x00\x00\xff\xff\xff\xff",
        b"\x01\x00\x00\x00",
    ],
)
async def test_something_that_is_not_a_broker_is_noticed(answer: bytes) -> None:
    async def reply(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(8)
        writer.write(answer)

    async with listening(reply) as port:
        with pytest.raises(BrokerLost):
            await Publisher.connect(BrokerAddress.parse(f"amqp://127.0.0.1:{port}/"), name="test", within=2)


async def test_a_server_that_says_nothing_is_given_up(broker_url: str) -> None:
    address = BrokerAddress.parse(broker_url)
    async with proxied(address.host, address.port) as proxy:
        held = proxy.hold("to_client", b"")
        url = f"amqp://guest:guest@127.0.0.1:{proxy.listening_on}/"
        with pytest.raises(BrokerLost):
            await Publisher.connect(BrokerAddress.parse(url), name="test", within=0.3)
        held.release()


async def test_amqps_is_encrypted_and_checks_the_certificate(bus: Bus, broker_url: str, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    address = BrokerAddress.parse(broker_url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while chunk := await source.read(65536):
            sink.write(chunk)
        sink.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection(address.host, address.port)
        try:
            await asyncio.gather(pump(reader, up_writer), pump(up_reader, writer))
        finally:
            up_writer.close()
            await up_writer.wait_closed()

    async with listening(accept, ssl=context) as port:
        async with publishing(f"amqps://guest:guest@127.0.0.1:{port}/?cafile={certificate}") as publisher:
            await publisher.publish_many([Message(bus.topology.events, ADDED, b"secret")])
        with pytest.raises(BrokerLost, match="SSLCertVerificationError"):
            await Publisher.connect(BrokerAddress.parse(f"amqps://127.0.0.1:{port}/"), name="test")
    assert [message.body for message in await bus.take(bus.queue(ADDED))] == [b"secret"]


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.mark.parametrize(("kind", "complaints"), [(OwnedConnection, 0), (aio_pika.Connection, 1)])
def test_a_connection_that_was_never_made_is_collected_in_silence(
    kind: type[aio_pika.Connection], complaints: int
) -> None:
    """Where no loop runs just then; the library's own leaves a coroutine behind that nobody awaits."""
    heard: list[object] = []
    hook, sys.unraisablehook = sys.unraisablehook, heard.append
    try:
        gc.collect()
        heard.clear()  # what others left behind
        with ThreadPoolExecutor(1) as thread:  # a new thread has no loop
            thread.submit(_make_and_forget, kind).result()
    finally:
        sys.unraisablehook = hook
    assert len(heard) == complaints


def _make_and_forget(kind: type[aio_pika.Connection]) -> None:
    async def make() -> aio_pika.Connection:
        return kind(URL("amqp://guest:guest@127.0.0.1:1/"))

    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(make())
    del connection
    gc.collect()
    loop.close()
