"""LinkedIn's subscriptions to what people do on the pages of organizations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import orjson

from kit.http.client import NotSent, Unanswered
from kit.http.client import Refused as Rejected
from kit.ledger.model import NotAccepted, Parked, Receipt, Refused
from publisher.platforms.linkedin.api import Complaint, LinkedInApi, encoded

EVENT_TYPE: Final = "ORGANIZATION_SOCIAL_ACTION_NOTIFICATIONS"
_PASSING: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.UPGRADE_REQUIRED)


@dataclass(frozen=True, slots=True)
class LinkedInNotices:
    """Asks LinkedIn to notify `webhook`; a subscription is one of our application, a member and a page.

    LinkedIn notifies only addresses that were entered for the application in its developer portal before.
    """

    api: LinkedInApi
    application: str
    webhook: str

    @property
    def on(self) -> bool:
        """Whether we know our application's URN."""
        return bool(self.application)

    async def subscribe(self, page: str, token: str) -> Receipt:
        """Subscribe our webhook to the page, for the member whose token it is."""
        with _outcomes():
            path = self._path(await self._member(token), page)
            answer = await self.api.put(path, token, orjson.dumps({"webhook": self.webhook}))
        return Receipt(said=f"{answer.status} subscribed")

    async def unsubscribe(self, page: str, token: str) -> Receipt:
        """End that subscription; one that is not there has ended."""
        with _outcomes():
            path = self._path(await self._member(token), page)
            try:
                answer = await self.api.delete(path, token)
            except Rejected as rejected:
                if rejected.status != HTTPStatus.NOT_FOUND:
                    raise
                return Receipt(said="404 there was none")
        return Receipt(said=f"{answer.status} ended")

    async def _member(self, token: str) -> str:
        said = (await self.api.get("/v2/userinfo", token)).json()
        if not isinstance(said, dict) or not said.get("sub"):
            raise NotAccepted("LinkedIn did not say who gave the permission.", code="nobody")
        return f"urn:li:person:{said['sub']}"

    def _path(self, member: str, page: str) -> str:
        parts = {"developerApplication": self.application, "user": member, "entity": page, "eventType": EVENT_TYPE}
        key = ",".join(f"{name}:{encoded(value)}" for name, value in parts.items())
        return f"/rest/eventSubscriptions/({key})"


@contextmanager
def _outcomes() -> Iterator[None]:
    """What LinkedIn's errors mean here: what may have been done may be repeated, so nothing is ever unknown."""
    try:
        yield
    except Rejected as rejected:
        raise _outcome(rejected) from rejected
    except (NotSent, Unanswered) as trouble:
        raise NotAccepted("LinkedIn did not answer.", code="away", said=str(trouble)) from trouble


def _outcome(rejected: Rejected) -> Exception:
    complaint = Complaint.of(rejected)
    if rejected.status == HTTPStatus.UNAUTHORIZED:
        return Parked("LinkedIn does not accept the permission any more.", code="token-refused", said=complaint.said)
    if rejected.status in _PASSING or rejected.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NotAccepted(
            "LinkedIn does not take subscriptions now.",
            code="not-now",
            said=complaint.said,
            retry_after=rejected.retry_after,
        )
    words = "LinkedIn does not notify us about this page"
    reason = f"{words}: {complaint.message}" if complaint.message else f"{words}."
    return Refused(reason, code=f"linkedin-{complaint.status}", said=complaint.said)
