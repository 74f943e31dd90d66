"""`POST /v1/presence`: a page says which conversation it shows and whether somebody types there."""

from typing import Final, cast
from uuid import UUID

import hiredis
import orjson

from gateway.events.passing import SEEN_BY, Doing, Passing
from gateway.problems import NO_ORGANIZATION, OVERLOADED, Problem, Refused, retry_after
from gateway.redis_pipe import RedisAway
from gateway.routes import Timeouts
from gateway.tokens import Session
from gateway.visit import Visit

PATH: Final = "/v1/presence"
LIMIT: Final = 1024

ROLE_MISSING: Final = Problem(403, "role-missing", "Your role does not allow this.")
NOT_A_PRESENCE: Final = Problem(
    422,
    "presence-invalid",
    "This says nothing of where somebody is.",
    'Send {"conversation_id": "<id>", "doing": "viewing" | "typing" | "left"} and nothing else.',
)
_DOINGS: Final = frozenset({"viewing", "typing", "left"})


class PresenceDoor:
    """Takes what pages say, and answers who else is there. Nothing of it is kept for longer than half a minute."""

    def __init__(self, passing: Passing) -> None:
        self._passing = passing

    async def serve(self, visit: Visit, session: Session | None, timeouts: Timeouts) -> None:
        """Note it, tell the others, and say who is there.

        Raises:
            Refused: no organization, a role that sees no conversations, or something else was sent.
        """
        if session is None or session.organization_id is None:
            raise Refused(NO_ORGANIZATION)
        if session.role not in SEEN_BY:
            raise Refused(ROLE_MISSING)
        conversation_id, doing = _said(await _body(visit, timeouts))
        try:
            found = await self._passing.note(session.organization_id, session.user_id, conversation_id, doing)
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
