"""What the troubles of a call over HTTP mean to the ledger."""

from kit.http import client
from kit.ledger.model import NotAccepted, Refused, Unanswered

Trouble = client.NotSent | client.Unanswered | client.Refused

_BUSY = 429
_TIMED_OUT = 408


def judged(trouble: Trouble, *, said: str = "", whole_lane: bool = True) -> Refused | NotAccepted | Unanswered:
    """What to raise instead of a trouble of the client.

    What never left is not accepted, or refused when it cannot be sent at all. 429 parks the lane as long as the other
    side says (`whole_lane=False`: the message alone). 408 and 5xx prove nothing. Any other 4xx is a refusal.
    `said` goes into the record of the attempt, redacted; the body of the answer does only if the caller passes it.
    """
    match trouble:
        case client.Unsendable():
            return Refused("The request cannot be sent.", code="unsendable", said=said or str(trouble))
        case client.NotSent():
            return NotAccepted(
                "The other side cannot be reached.", code="not-sent", said=said, retry_after=trouble.retry_after
            )
        case client.Refused():
            return _answered(trouble, said, whole_lane=whole_lane)
        case _:
            return Unanswered("No usable answer came.", code="unanswered", said=said or str(trouble))


def _answered(trouble: client.Refused, said: str, *, whole_lane: bool) -> Refused | NotAccepted | Unanswered:
    code, said = f"http-{trouble.status}", said or f"status {trouble.status}"
    if trouble.status == _BUSY:
        return NotAccepted(
            "The other side asks for patience.",
            code=code,
            said=said,
            retry_after=trouble.retry_after,
            whole_lane=whole_lane,
        )
    if trouble.status == _TIMED_OUT or trouble.status >= 500:
        return Unanswered("The other side failed.", code=code, said=said)
    return Refused("The other side refused.", code=code, said=said)
