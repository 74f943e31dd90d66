import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from contracts import encode, new_id
from contracts.auth import SessionsRevoked, SigningKeyRemoved
from gateway.deadlines import Sweep
from gateway.feed import Feed
from gateway.fetch import fetch
from gateway.redis_pipe import RedisPipe
from gateway.revocations import KEPT_SECONDS, MOST_REVOCATIONS, Revocation, Revocations, RevocationWatch
from gateway.tokens import Session
from gateway.upstream import Upstream
from kit.messaging.broker import Broker
from kit.messaging.topology import Topology
from kit.process import cancelled

from .conftest import WITHIN, until

USER, SESSION = uuid4(), uuid4()


def session(epoch: Any = 1, user: Any = USER, of: Any = SESSION) -> Any:
    return Session(user_id=str(user), session_id=str(of), epoch=epoch, expires_at=0.0)


@pytest.fixture
async def redis(redis_url: str, namespace: str) -> Any:
    pipe = RedisPipe(redis_url, timeout=WITHIN)
    await pipe.start()
    yield pipe
    keys = await pipe.ask("KEYS", f"{namespace}:*")
    assert isinstance(keys, list)
    for key in keys:
        await pipe.ask("DEL", key)
    await pipe.stop()


class Auth:
    """Answers the snapshot, or does not."""

    def __init__(self) -> None:
        self.revocations: list[Revocation] = []
        self.removed_keys: list[str] = []
        self.now, self.asked, self.away = datetime.now(UTC), 0, False

    async def __call__(self) -> Any:
        self.asked += 1
        if self.away:
            raise OSError("away")
        listed = [revocation.model_dump(mode="json") for revocation in self.revocations]
        return orjson.dumps({"now": self.now, "revocations": listed, "removed_keys": self.removed_keys})


def watching(known: Any, redis: Any, namespace: str, auth: Any, learned: Any = None) -> Any:
    return RevocationWatch(known, redis, namespace, auth, (learned if learned is not None else []).append)


def test_a_session_and_an_epoch_end_what_they_name_and_nothing_else() -> None:
    known = Revocations()
    known.note(Revocation(user_id=USER, session_id=SESSION, epoch=3))
    assert known.cover(session())
    assert not known.cover(session(of=uuid4()))
    known.note(Revocation(user_id=USER, epoch=5))
    assert known.cover(session(epoch=4, of=uuid4()))
    assert not known.cover(session(epoch=5, of=uuid4()))
    assert not known.cover(session(user=uuid4(), of=uuid4()))


def test_an_older_epoch_after_a_newer_changes_nothing() -> None:
    known = Revocations()
    assert known.note(Revocation(user_id=USER, epoch=5))
    assert not known.note(Revocation(user_id=USER, epoch=5))
    assert not known.note(Revocation(user_id=USER, epoch=2))
    assert known.cover(session(epoch=4))


def test_what_no_living_token_can_be_touched_by_is_forgotten() -> None:
    now = [0.0]
    known = Revocations(now=lambda: now[0])
    known.note(Revocation(user_id=USER, session_id=SESSION))
    known.note(Revocation(user_id=USER, epoch=5))
    now[0] = KEPT_SECONDS - 1
    known.forget_old()
    assert len(known) == 2
    now[0] = KEPT_SECONDS + 1
    known.forget_old()
    assert len(known) == 0


def test_without_word_for_thirty_seconds_memory_is_stale() -> None:
    now = [0.0]
    known = Revocations(now=lambda: now[0])
    seen = [known.fresh]
    known.heard()
    seen.append(known.fresh)
    now[0] = 31.0
    seen.append(known.fresh)
    assert seen == [False, True, False]


async def test_the_snapshot_brings_revocations_and_the_platforms_time(redis: Any, namespace: str) -> None:
    known, auth = Revocations(), Auth()
    learned: list[datetime] = []
    auth.now = datetime.now(UTC) + timedelta(days=3)
    auth.revocations = [Revocation(user_id=USER, epoch=7), Revocation(user_id=USER, session_id=SESSION)]
    assert await watching(known, redis, namespace, auth, learned).synchronise()
    assert learned == [auth.now]
    assert known.fresh
    assert known.cover(session(epoch=9))
    assert await redis.ask("GET", f"{namespace}:epoch:{USER}") == b"7"
    assert 0 < await redis.ask("PTTL", f"{namespace}:revoked:{SESSION}") <= KEPT_SECONDS * 1000


async def test_a_snapshot_that_fails_changes_nothing(redis: Any, namespace: str) -> None:
    known, auth = Revocations(), Auth()
    learned: list[datetime] = []
    auth.away = True
    assert not await watching(known, redis, namespace, auth, learned).synchronise()
    assert (known.fresh, learned) == (False, [])


async def test_a_busy_quarter_of_an_hour_is_not_too_much_to_hear_of(redis: Any, namespace: str, tools: Any) -> None:
    known, auth = Revocations(), Auth()
    auth.revocations = [Revocation(user_id=uuid4(), session_id=uuid4(), revoked_at=auth.now) for _ in range(10_000)]
    body = await auth()
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    async with tools.raw_service(tools.answering(answer)) as port:
        upstream = Upstream("auth", f"http://127.0.0.1:{port}", Sweep())
        ask = partial(fetch, upstream, "/internal/revocations", within=WITHIN, at_most=MOST_REVOCATIONS)
        assert await watching(known, redis, namespace, ask).synchronise()
        upstream.close()
    assert len(known) == 10_000


async def test_an_epoch_in_redis_only_rises(redis: Any, namespace: str) -> None:
    watch = watching(Revocations(), redis, namespace, Auth())
    await watch.take(Revocation(user_id=USER, epoch=7))
    await watching(Revocations(), redis, namespace, Auth()).take(Revocation(user_id=USER, epoch=3))
    assert await redis.ask("GET", f"{namespace}:epoch:{USER}") == b"7"


async def test_a_revoked_session_is_refused_though_its_token_is_remembered(house: Any) -> None:
    door = await house()
    token = door.issuer.token(sub=str(USER), sid=str(SESSION))
    other = door.issuer.token(sub=str(USER))
    assert (await door.ask("/v1/closed", token=token)).status == 200
    door.parts.revocations.note(Revocation(user_id=USER, session_id=SESSION))
    answer = await door.ask("/v1/closed", token=token)
    assert (answer.status, answer["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert answer.json()["type"] == "urn:rostrum:problem:session-revoked"
    assert (await door.ask("/v1/closed", token=other)).status == 200
    door.parts.revocations.note(Revocation(user_id=USER, epoch=2))
    assert (await door.ask("/v1/closed", token=other)).status == 401
    assert (await door.ask("/v1/closed", token=door.issuer.token(sub=str(USER), epoch=2))).status == 200


async def test_what_one_process_heard_holds_in_all_through_redis(house: Any, redis: Any, namespace: str) -> None:
    """The second gateway has heard nothing; the limits' round trip tells it."""
    deaf = await house()
    token = deaf.issuer.token(sub=str(USER), sid=str(SESSION))
    assert (await deaf.ask("/v1/closed", token=token)).status == 200
    hearing = watching(Revocations(), redis, namespace, Auth())
    await hearing.take(Revocation(user_id=USER, session_id=SESSION))
    assert (await deaf.ask("/v1/closed", token=token)).status == 401
    fresh = deaf.issuer.token(sub=str(USER))
    assert (await deaf.ask("/v1/closed", token=fresh)).status == 200
    await hearing.take(Revocation(user_id=USER, epoch=2))
    assert (await deaf.ask("/v1/closed", token=fresh)).status == 401


async def test_an_event_on_the_broker_reaches_every_gateway(broker_url: str, redis: Any, namespace: str) -> None:
    topology, broker = Topology(namespace), Broker(broker_url, name="test")
    connection = await broker.connect("test")
    channel = connection.channel()
    await channel.initialize()
    exchange = await channel.declare_exchange(topology.events, "topic", durable=True)
    everyone, tasks = [], []
    try:
        for _ in range(2):
            known, auth = Revocations(), Auth()
            watch = watching(known, redis, namespace, auth)
            feed = Feed(
                broker, topology, {SessionsRevoked: watch.hear}, returned=watch.synchronise, alive=known.heard
            )
            everyone.append((known, auth, feed))
            tasks.append(asyncio.create_task(feed.run()))
        await until(lambda: all(feed.listening and auth.asked for _, auth, feed in everyone))
        raw = await channel.get_underlay_channel()
        for body in (b"rubbish", revoked(USER, SESSION, 1), revoked(USER, None, 4)):
            await raw.basic_publish(body, exchange=exchange.name, routing_key=SessionsRevoked.type)
        await until(lambda: all(len(known) == 2 for known, _, _ in everyone))
        assert all(known.cover(session(epoch=3, of=uuid4())) and known.fresh for known, _, _ in everyone)
    finally:
        await cancelled(*tasks)
        await channel.exchange_delete(topology.events)
        await connection.close()
        await broker.close()


def revoked(user: UUID, of: UUID | None, epoch: int) -> bytes:
    return encode(SessionsRevoked(id=new_id(), time=datetime.now(UTC), user_id=user, session_id=of, epoch=epoch))


async def test_tokens_of_a_key_that_was_taken_away_die_though_they_are_remembered(
    house: Any, redis: Any, namespace: str
) -> None:
    """The key set that auth gave last, and may give once more, still holds it."""
    door = await house()
    token = door.issuer.token()
    assert (await door.ask("/v1/closed", token=token)).status == 200
    keys = door.keys
    auth = Auth()
    watch = RevocationWatch(
        door.parts.revocations, redis, namespace, auth, list[datetime]().append, drop_key=keys.drop
    )
    await watch.hear_key(SigningKeyRemoved(id=new_id(), time=datetime.now(UTC), key_id=new_id(), kid="k1"))
    answer = await door.ask("/v1/closed", token=token)
    assert answer.status == 401
    assert (await door.ask("/v1/closed", token=door.issuer.token())).status == 401
    door.issuer.kid = "k2"
    assert (await door.ask("/v1/closed", token=door.issuer.token())).status == 200, "the new one is asked for at once"


async def test_a_gateway_that_was_cut_off_learns_of_removed_keys_by_the_snapshot(redis: Any, namespace: str) -> None:
    known, auth, dropped = Revocations(), Auth(), list[str]()
    news: list[int] = []
    known.on_news = lambda: news.append(1)

    async def drop(kid: str) -> None:
        dropped.append(kid)

    watch = RevocationWatch(known, redis, namespace, auth, list[datetime]().append, drop_key=drop)
    auth.removed_keys = ["k1"]
    assert await watch.synchronise()
    assert await watch.synchronise()
    assert (dropped, news) == (["k1"], [1]), "once, and long connections are looked at"
    of_key = Session(user_id=str(USER), session_id=str(SESSION), epoch=1, expires_at=0.0, kid="k1")
    assert known.cover(of_key)
    assert not known.cover(session())


def test_a_removed_key_is_remembered_longer_than_its_tokens_live() -> None:
    now = [0.0]
    known = Revocations(now=lambda: now[0])
    assert known.note_key("k1")
    assert not known.note_key("k1")
    now[0] = KEPT_SECONDS - 1
    known.forget_old()
    assert not known.note_key("k1")
    now[0] = 3 * KEPT_SECONDS
    known.forget_old()
    assert known.note_key("k1")
