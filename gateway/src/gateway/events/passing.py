"""What is true for seconds only: who looks at a conversation, who types in it, who is connected.

It goes over Redis from browser to browser, is never kept and never told again: whoever was away asks anew.
"""

from dataclasses import dataclass
from importlib.resources import files
from typing import Final, Literal, cast
from uuid import UUID

import orjson

from contracts.permissions import PERMISSIONS
from gateway.redis_pipe import Argument, RedisPipe, Script

Doing = Literal["viewing", "typing", "left"]

HOLDS: Final = {"viewing": 30.0, "typing": 6.0}
"""Seconds for which what somebody does is believed; their page says it again within these."""

SEEN_BY: Final = PERMISSIONS["conversations.read"].roles
"""The roles that are told of it, and may say it."""

_NOTE: Final = Script(files("gateway.events").joinpath("passing.lua").read_text(encoding="utf-8"))
_KEPT_MS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Passed:
    """One piece of news, who may see it, and of whom it is: they need not be told."""

    id: str
    roles: frozenset[str]
    body: bytes
    user_id: str


class Passing:
    """Says and reads passing news."""

    def __init__(self, redis: RedisPipe, namespace: str) -> None:
        self._redis = redis
        self._prefix = f"{namespace}:passing:"

    def key(self, organization_id: UUID) -> str:
        """The passing news of an organization."""
        return f"{self._prefix}{organization_id}"

    async def note(
        self,
        organization_id: UUID,
        user_id: str,
        conversation_id: UUID,
        doing: Doing,
        seen_by: frozenset[str] = SEEN_BY,
    ) -> list[list[str]]:
        """Say what somebody does in a conversation; who is there now, and what each does.

        Raises:
            RedisAway: nobody was told.
        """
        stays = "" if doing == "left" else doing
        holds = HOLDS.get(doing, 0.0)
        news = {"conversation_id": str(conversation_id), "user_id": user_id, "doing": doing, "seconds": holds}
        keys = [f"{self._prefix}{organization_id}:{conversation_id}", self.key(organization_id)]
        milliseconds, body = round(holds * 1000), _body("doing", news)
        told = ",".join(sorted(seen_by))
        arguments: list[Argument] = [user_id, stays, milliseconds, told, body, _KEPT_MS]
        found = cast("list[bytes]", await self._redis.run(_NOTE, keys, arguments))
        return [each.decode().split(" ", 1) for each in found]

    async def tell_connected(self, organization_id: UUID, user_id: str, *, connected: bool) -> None:
        """Say that somebody came or went, as far as this process knows.

        Raises:
            RedisAway: nobody was told.
        """
        news = {"user_id": user_id, "connected": connected}
        key, body = self.key(organization_id), _body("presence", news)
        await self._redis.ask("XADD", key, "MAXLEN", "~", 200, "*", "r", _roles(), "d", body, "u", user_id)
        await self._redis.ask("PEXPIRE", key, _KEPT_MS)

    async def newest(self, organization_id: UUID) -> str:
        """The place after which news are news.

        Raises:
            RedisAway: it cannot be asked.
        """
        found = await self._redis.ask("XREVRANGE", self.key(organization_id), "+", "-", "COUNT", 1)
        return passed(found)[-1].id if found else "0-0"


def passed(raw: object) -> list[Passed]:
    """What Redis answers, as news."""
    return [
        Passed(place.decode(), frozenset(fields[1].decode().split(",")), fields[3], fields[5].decode())
        for place, fields in cast("list[tuple[bytes, list[bytes]]]", raw)
    ]


def _body(kind: str, news: object) -> bytes:
    return orjson.dumps({"type": kind, "data": news})


def _roles() -> str:
    return ",".join(sorted(SEEN_BY))
