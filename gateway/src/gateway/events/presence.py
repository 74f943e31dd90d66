"""`POST /v1/presence`: a page says which conversation it shows and whether somebody types there."""

from typing import Final, cast
from uuid import UUID

import hiredis
import orjson

from gateway.events.facts import mark_of
from gateway.events.passing import SEEN_BY, Doing, Passing
from gateway.events.sight import Sight
from gateway.problems import NO_ORGANIZATION, OVERLOADED, Problem, Refused, retry_after
from gateway.redis_pipe import RedisAway
from gateway.routes import Timeouts
from gateway.tokens import Session
from gateway.visit import Visit

PATH: Final = "/v1/presence"
LIMIT: Final = 1024

ROLE_MISSING: Final = Problem(403, "role-missing", "Your role does not allow this.")
UNSEEN: Final = Problem(404, "conversation-not-found", "There is no such conversation in this organization.")
NOT_A_PRESENCE: Final = Problem(
    422,
    "presence-invalid",
    "This says nothing of where somebody is.",
    'Send {"conversation_id": "<id>", "doing": "viewing" | "typing" | "left"} and nothing else.',
)
_DOINGS: Final = frozenset({"viewing", "typing", "left"})


class PresenceDoor:
    """Takes what pages say, and answers who else is there. Nothing of it is kept for longer than half a minute."""

    def __init__(self, passing: Passing, sight: Sight) -> None:
        self._passing = passing
        self._sight = sight

    async def serve(self, visit: Visit, session: Session | None, timeouts: Timeouts) -> None:
        """Note it, tell the others, and say who is there.

        Raises:
            Refused: no organization, a role that sees no conversations, a conversation that the caller does not see,
                or something else was sent.
        """
        if session is None or session.organization_id is None:
            raise Refused(NO_ORGANIZATION)
        if session.role not in SEEN_BY:
            raise Refused(ROLE_MISSING)
        conversation_id, doing = _said(await _body(visit, timeouts))
        seen_by = await self._sight.of(session.organization_id, conversation_id)
        if seen_by.isdisjoint((session.role, mark_of(session.user_id))):
            raise Refused(UNSEEN)
        try:
            found = await self._passing.note(
                session.organization_id, session.user_id, conversation_id, doing, seen_by
            )
        except (RedisAway, hiredis.ReplyError):
            raise Refused(OVERLOADED, [retry_after(2)]) from None
        others = [{"user_id": who, "doing": what} for who, what in found if who != session.user_id]
        content = orjson.dumps({"others": others})
        visit.answer(200, [(b"content-type", b"application/json"), (b"cache-control", b"no-store")], content)


async def _body(visit: Visit, timeouts: Timeouts) -> bytes:
    pieces, more = [], True
    while more:
        piece, more = await visit.read_body(LIMIT, timeouts)
        pieces.append(piece)
    return b"".join(pieces)


def _said(body: bytes) -> tuple[UUID, Doing]:
    try:
        told = orjson.loads(body)
        if not isinstance(told, dict) or set(told) != {"conversation_id", "doing"} or told["doing"] not in _DOINGS:
            raise Refused(NOT_A_PRESENCE)
        return UUID(told["conversation_id"]), cast("Doing", told["doing"])
    except (ValueError, TypeError, AttributeError):
        raise Refused(NOT_A_PRESENCE) from None
