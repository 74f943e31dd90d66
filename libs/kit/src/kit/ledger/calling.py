"""One call or one look: bounded in time, and whatever comes of it is a value."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

import structlog

from kit.ledger import outcomes, pace
from kit.ledger.claims import Claim, LookClaim
from kit.ledger.kind import Kind
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from kit.ledger.recording import Outcome
from kit.telemetry import tracing

log = structlog.get_logger(__name__)

T = TypeVar("T")


async def call(kind: Kind[Any], claim: Claim, work: Any) -> Outcome:
    """Make the call; never raises but when it is cancelled."""
    began = pace.now()
    came = await _tried(kind, "call", kind.call(claim.entry, work))
    change = outcomes.called(
        came, kind.timing, attempt=claim.entry.attempt, age=claim.age + max(0.0, pace.now() - claim.taken)
    )
    return Outcome(claim.entry, claim.lane_id, "call", change, began, pace.now() - began)


async def look(kind: Kind[Any], claim: LookClaim, work: Any) -> Outcome:
    """Look once; never raises but when it is cancelled."""
    began = pace.now()
    came = await _tried(kind, "look", kind.look(claim.entry, work))
    return Outcome(
        claim.entry,
        claim.lane_id,
        "look",
        looked(kind, claim, came),
        began,
        pace.now() - began,
        claim.looks,
    )


def looked(kind: Kind[Any], claim: LookClaim, came: Any) -> outcomes.Change:
    """What this look means, with the time that went by since it was claimed."""
    gone = pace.now() - claim.taken
    return outcomes.looked(
        came,
        kind.timing,
        looks=claim.looks,
        blanks=claim.blanks,
        since_call=claim.since_call + gone,
        quiet=claim.quiet,
        age=claim.age + gone,
        attempt=claim.entry.attempt,
    )


async def _tried(kind: Kind[Any], what: str, tried: Awaitable[T]) -> T | Exception:
    try:
        with tracing.continued(None, f"{what} {kind.name}", kind="client"):
            async with asyncio.timeout(kind.timing.call_within):
                return await tried
    except (Refused, NotAccepted, Parked, Unanswered) as trouble:
        return trouble
    except TimeoutError:
        return Unanswered("No answer came in time.", code="timeout")
    except Exception as bug:
        log.exception("ledger.call_failed", kind=kind.name, what=what)
        return bug
