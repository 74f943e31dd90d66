"""Sessions that ended before their tokens did: heard over the broker, asked of auth, shared through Redis."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import hiredis
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict

from contracts.auth import SessionsRevoked, SigningKeyRemoved
from gateway.redis_pipe import RedisAway, RedisPipe, Script
from gateway.tokens import Session

log = structlog.get_logger(__name__)

KEPT_SECONDS = 900.0
STALE_SECONDS = 30.0
MOST_REVOCATIONS = 32 * 1024 * 1024
"""Bytes of a snapshot: a hundred and fifty thousand sessions that ended within a quarter of an hour."""

RAISE_EPOCH = Script(
    "local held = tonumber(redis.call('GET', KEYS[1]) or '-1') or -1 "
    "if tonumber(ARGV[1]) >= held then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end return 1"
)


class Revocation(BaseModel):
    """One session of a user has ended, or all that began with an older epoch."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    user_id: UUID
    session_id: UUID | None = None
    epoch: int = 0
    revoked_at: AwareDatetime | None = None


class Snapshot(BaseModel):
    """What auth says has ended lately, and what time the platform has."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    now: AwareDatetime
    revocations: list[Revocation]
    removed_keys: list[str] = []


class Revocations:
    """What has ended, as far as this process knows; kept for longer than any token lives."""

    def __init__(self, *, keep: float = KEPT_SECONDS, now: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._now = now
        self._epochs: dict[str, tuple[int, float]] = {}
        self._sessions: dict[str, float] = {}
        self._keys: dict[str, float] = {}
        self._heard_at = float("-inf")
        self.on_news: Callable[[], None] = lambda: None
        """Called after a revocation that was not known; for what outlives a request."""

    @property
    def fresh(self) -> bool:
        """Whether word has come lately; without it, remembered tokens are not relied upon."""
        return self._now() - self._heard_at < STALE_SECONDS

    def heard(self) -> None:
        """The feed or the snapshot works."""
        self._heard_at = self._now()

    def note(self, revocation: Revocation) -> bool:
        """Remember a revocation; says whether it was news."""
        news = self._remember(revocation)
        if news:
            self.on_news()
        return news

    def _remember(self, revocation: Revocation) -> bool:
        now = self._now()
        if revocation.session_id is not None:
            session = str(revocation.session_id)
            known = session in self._sessions
            self._sessions[session] = now
            return not known
        user = str(revocation.user_id)
        held, _ = self._epochs.get(user, (-1, 0.0))
        self._epochs[user] = (max(held, revocation.epoch), now)
        return revocation.epoch > held

    def note_key(self, kid: str) -> bool:
        """Remember that a signing key was taken away; says whether it was news."""
        known = kid in self._keys
        self._keys[kid] = self._now()
        if not known:
            self.on_news()
        return not known

    def cover(self, session: Session) -> bool:
        """Whether this session has ended, or its token is one of a key that was taken away."""
        sessions = self._sessions
        if session.session_id in sessions or session.client_id in sessions or session.kid in self._keys:
            return True
        ended = self._epochs.get(session.user_id)
        return ended is not None and session.epoch < ended[0]

    def forget_old(self) -> None:
        """Drop what no living token can be touched by any more."""
        before = self._now() - self._keep
        self._sessions = {session: at for session, at in self._sessions.items() if at > before}
        self._keys = {kid: at for kid, at in self._keys.items() if at > before}
        self._epochs = {user: held for user, held in self._epochs.items() if held[1] > before}

    def __len__(self) -> int:
        return len(self._sessions) + len(self._epochs)


class RevocationWatch:
    """Brings revocations in, from the snapshot every few seconds and from the feed at once, and shares the news."""

    def __init__(
        self,
        revocations: Revocations,
        redis: RedisPipe,
        namespace: str,
        ask: Callable[[], Awaitable[bytes]],
        learn_time: Callable[[datetime], None],
        *,
        drop_key: Callable[[str], Awaitable[None]] | None = None,
        every: float = 5.0,
    ) -> None:
        self._drop_key = drop_key
        self._revocations = revocations
        self._redis = redis
        self._namespace = namespace
        self._ask = ask
        self._learn_time = learn_time
        self._every = every

    async def hear(self, event: SessionsRevoked) -> None:
        """Take a revocation from the broker."""
        await self.take(Revocation(user_id=event.user_id, session_id=event.session_id, epoch=event.epoch))

    async def hear_key(self, event: SigningKeyRemoved) -> None:
        """Take from the broker that a signing key was taken away."""
        await self.take_key(event.kid)

    async def take_key(self, kid: str) -> None:
        """Do without a signing key from now on; each process hears of it by itself, not through Redis."""
        if self._revocations.note_key(kid) and self._drop_key is not None:
            await self._drop_key(kid)

    async def take(self, revocation: Revocation) -> None:
        """Remember one revocation and, when it is news, tell the other processes through Redis."""
        if self._revocations.note(revocation):
            await self._share(revocation)

    async def _share(self, revocation: Revocation) -> None:
        kept = round(KEPT_SECONDS * 1000)
        try:
            if revocation.session_id is not None:
                await self._redis.ask("SET", f"{self._namespace}:revoked:{revocation.session_id}", 1, "PX", kept)
            else:
                key = f"{self._namespace}:epoch:{revocation.user_id}"
                await self._redis.run(RAISE_EPOCH, [key], [revocation.epoch, kept])
        except (RedisAway, hiredis.ReplyError):
            log.warning("revocations.not_shared")

    async def synchronise(self) -> bool:
        """Ask auth what has ended lately; says whether it answered."""
        try:
            snapshot = Snapshot.model_validate_json(await self._ask())
        except Exception as trouble:  # noqa: BLE001 - auth may be away; we go on with what we know and ask again
            log.warning("revocations.not_asked", error=type(trouble).__name__)
            return False
        self._learn_time(snapshot.now)
        for kid in snapshot.removed_keys:
            await self.take_key(kid)
        for revocation in snapshot.revocations:
            await self.take(revocation)
        self._revocations.heard()
        self._revocations.forget_old()
        return True

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            await self.synchronise()
            await asyncio.sleep(self._every)
