"""What LinkedIn's errors mean for what was sent."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

from kit.http.client import NotSent
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from publisher.platforms.linkedin.api import Complaint

PLAIN: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "LinkedIn does not let this account publish here",
    HTTPStatus.NOT_FOUND: "It is not there any more",
    HTTPStatus.UNPROCESSABLE_ENTITY: "LinkedIn does not accept this post",
}


def of_post(trouble: Rejected | NotSent | Silent, *, again: bool, now: datetime) -> Exception:
    """What a trouble means for a request that may have made something public."""
    if isinstance(trouble, NotSent):
        return NotAccepted(
            "LinkedIn cannot be reached.", code="away", said=str(trouble), retry_after=trouble.retry_after
        )
    if isinstance(trouble, Silent):
        return Unanswered("LinkedIn did not answer.", code="answer-lost", said=str(trouble))
    return _outcome(trouble, again=again, now=now)


def of_upload(trouble: Rejected | NotSent | Silent, now: datetime) -> Exception:
    """What a trouble means for a request that makes nothing public: it may be made again."""
    outcome = of_post(trouble, again=False, now=now)
    if isinstance(outcome, Unanswered):
        return NotAccepted(outcome.reason, code=outcome.code, said=outcome.said)
    return outcome


def of_removal(trouble: Rejected | NotSent | Silent) -> Exception:
    """What a trouble means for taking something down, which may be repeated."""
    return of_upload(trouble, datetime.now(UTC))


def _outcome(rejected: Rejected, *, again: bool, now: datetime) -> Exception:
    """What an error of LinkedIn's means for a post that was sent."""
    complaint = Complaint.of(rejected)
    if rejected.status == HTTPStatus.UNAUTHORIZED:
        return dead_token(complaint)
    if rejected.status == HTTPStatus.TOO_MANY_REQUESTS:
        return NotAccepted(
            "LinkedIn takes no more posts of this account for now.",
            code="rate-limited",
            said=complaint.said,
            retry_after=rejected.retry_after or _until_midnight(now),
            whole_lane=True,
        )
    if rejected.status == HTTPStatus.UPGRADE_REQUIRED:
        return NotAccepted(
            "LinkedIn has switched off the version of its API that we speak.",
            code="api-version-sunset",
            said=complaint.said,
            retry_after=3600.0,
            whole_lane=True,
        )
    if rejected.status >= HTTPStatus.INTERNAL_SERVER_ERROR or rejected.status == HTTPStatus.REQUEST_TIMEOUT:
        return Unanswered("LinkedIn answered with an error of its own.", code="their-error", said=complaint.said)
    return _refusal(complaint, again=again)


def _refusal(complaint: Complaint, *, again: bool) -> Exception:
    if complaint.code == "DUPLICATE_POST":
        if again:  # the post it is a duplicate of may be our own earlier attempt
            return Unanswered("LinkedIn has this post already.", code="duplicate", said=complaint.said)
        return Refused(
            "This account has posted the same text already, and LinkedIn refuses it a second time.",
            code="duplicate",
            said=complaint.said,
        )
    words = PLAIN.get(complaint.status, "LinkedIn refused the post")
    reason = f"{words}: {complaint.message}" if complaint.message else f"{words}."
    return Refused(reason, code=f"linkedin-{complaint.status}", said=complaint.said)


def dead_token(complaint: Complaint) -> Parked:
    """The permission is not accepted."""
    return Parked("LinkedIn does not accept the permission any more.", code="token-refused", said=complaint.said)


def _until_midnight(now: datetime) -> float:
    """Seconds until LinkedIn's daily limits begin anew, at midnight UTC."""
    utc = now.astimezone(UTC)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - utc).total_seconds()
