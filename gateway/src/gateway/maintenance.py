"""Whether the platform is closed for maintenance: told by auth, shared through Redis, known to each process."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from math import ceil

import hiredis
import structlog
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from contracts.auth import SystemSettingChanged
from gateway.problems import MAINTENANCE, Refused, retry_after
from gateway.redis_pipe import RedisAway, RedisPipe, Script
from gateway.routes import Route

log = structlog.get_logger(__name__)

SETTING = "maintenance"
USUAL_WAIT = 60
LONGEST_WAIT = 3600
KEPT_SECONDS = 30 * 86_400

KEEP_NEWEST = Script(
    "local held = redis.call('HGET', KEYS[1], 'version') "
    "if not held or tonumber(ARGV[1]) >= tonumber(held) then "
    "redis.call('HSET', KEYS[1], 'version', ARGV[1], 'told', ARGV[2]) "
    "redis.call('EXPIRE', KEYS[1], ARGV[3]) end return 1"
)


class Told(BaseModel):
    """What auth says: closed or not, why, until when perhaps, and which paths are open all the same."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: int = 0
    on: bool = False
    message: str = ""
    until: AwareDatetime | None = None
    allowed_paths: tuple[str, ...] = ()


class Maintenance:
    """What this process knows; without any word the platform is open."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.told = Told()

    def note(self, told: Told) -> bool:
        """Remember, unless something newer is known; says whether it was news."""
        if told.version < self.told.version or told == self.told:
            return False
        if told.on is not self.told.on:
            log.warning("maintenance.switched", on=told.on)
        self.told = told
        return True

    def check(self, route: Route, path: str) -> None:
        """Let a request through, or not.

        Staff comes in, and so do platforms that call webhooks: what they bring is stored, whatever else stands
        still, and would not be brought again. Keys are read by services that go on.

        Raises:
            Refused: with what staff says, and when to come back.
        """
        told = self.told
        if not told.on or route.staff or route.through_maintenance or _among(path, told.allowed_paths):
            return
        problem = replace(MAINTENANCE, detail=told.message) if told.message else MAINTENANCE
        raise Refused(problem, [retry_after(self._wait())])

    def _wait(self) -> int:
        if self.told.until is None:
            return USUAL_WAIT
        return min(max(ceil((self.told.until - self._now()).total_seconds()), USUAL_WAIT), LONGEST_WAIT)


def _among(path: str, prefixes: tuple[str, ...]) -> bool:
    return any(path == prefix or path.startswith(f"{prefix}/") for prefix in prefixes)


class MaintenanceWatch:
    """Brings it in: from auth when an event says so and every few seconds, from Redis where auth does not answer.

    Auth may be what is being maintained: then a process that starts learns from Redis what the others know.
    """

    def __init__(
        self,
        maintenance: Maintenance,
        redis: RedisPipe,
        namespace: str,
        ask: Callable[[], Awaitable[bytes]],
        *,
        every: float = 5.0,
    ) -> None:
        self._maintenance = maintenance
        self._redis = redis
        self._key = f"{namespace}:maintenance"
        self._ask = ask
        self._every = every
        self._missed = asyncio.Event()

    async def hear(self, event: SystemSettingChanged) -> None:
        """Take word from the broker that a setting has changed."""
        if event.setting == SETTING:
            self.missed()

    def missed(self) -> None:
        """Ask soon."""
        self._missed.set()

    async def synchronise(self) -> bool:
        """Ask auth, else Redis; says whether one of them told."""
        try:
            told = Told.model_validate_json(await self._ask())
        except Exception as trouble:  # noqa: BLE001 - auth may be away; the others may know, and we ask again
            log.info("maintenance.not_asked", error=type(trouble).__name__)
            return await self.recall()
        if self._maintenance.note(told):
            await self._share(told)
        return True

    async def _share(self, told: Told) -> None:
        try:
            await self._redis.run(KEEP_NEWEST, [self._key], [told.version, told.model_dump_json(), KEPT_SECONDS])
        except (RedisAway, hiredis.ReplyError):
            log.warning("maintenance.not_shared")

    async def recall(self) -> bool:
        """Take what the processes last knew from Redis; says whether there was something."""
        try:
            held = await self._redis.ask("HGET", self._key, "told")
            if not isinstance(held, bytes):
                return False
            self._maintenance.note(Told.model_validate_json(held))
        except (RedisAway, hiredis.ReplyError, ValidationError) as trouble:
            log.info("maintenance.not_recalled", error=type(trouble).__name__)
            return False
        return True

    async def run(self) -> None:
        """Ask for ever."""
        while True:
            self._missed.clear()
            await self.synchronise()
            try:
                async with asyncio.timeout(self._every):
                    await self._missed.wait()
            except TimeoutError:
                pass
