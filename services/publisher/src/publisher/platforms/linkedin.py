"""LinkedIn: publishing text as a member or as an organization, and looking for what may be live."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final

import orjson

from kit.http.client import Answer, NotSent
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import Found, Look, NotAccepted, NotFound, Parked, Receipt, Refused, Unanswered
from postrules import little
from publisher.accounts.model import AccountKind
from publisher.platforms.base import Identity, Outgoing, Tokens
from publisher.platforms.linkedin_api import Complaint, LinkedInApi, encoded, one_line
from publisher.platforms.linkedin_oauth import LinkedInOAuth

SKEW: Final = timedelta(minutes=2)
PAGE: Final = 100
PAGES: Final = 5
PLAIN: Final[dict[int, str]] = {
    HTTPStatus.FORBIDDEN: "LinkedIn does not let this account publish here",
    HTTPStatus.UNPROCESSABLE_ENTITY: "LinkedIn does not accept this post",
}


@dataclass(frozen=True, slots=True)
class LinkedIn:
    """The platform as the ledger's kinds use it."""

    api: LinkedInApi
    oauth: LinkedInOAuth

    @property
    def on(self) -> bool:
        """Whether client id and secret are set."""
        return bool(self.oauth.client_id and self.oauth.client_secret)

    def consent_url(self, state: str) -> str:
        """Where a member allows what we ask for."""
        return self.oauth.consent_url(state)

    async def exchange(self, code: str) -> Tokens:
        """Tokens for a code."""
        return await self.oauth.exchange(code)

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token."""
        return await self.oauth.renew(refresh_token)

    async def identities(self, kind: AccountKind, tokens: Tokens) -> list[Identity]:
        """The member, or the pages that the member administers.

        Raises:
            Refused: there is none, or LinkedIn does not tell.
        """
        try:
            found = await (
                self._member(tokens.access_token)
                if kind is AccountKind.MEMBER
                else self._organizations(tokens.access_token)
            )
        except (Rejected, NotSent, Silent, Unanswered) as trouble:
            raise Refused(
                "LinkedIn did not say whose account this is; connect it again.", code="nobody", said=str(trouble)
            ) from trouble
        if not found:
            raise Refused("This member administers no page at LinkedIn.", code="no-page")
        return found

    async def publish(self, outgoing: Outgoing, *, again: bool, now: datetime) -> Receipt:
        """Publish a text.

        Raises:
            Refused, NotAccepted, Parked, Unanswered: by what LinkedIn answered.
        """
        if outgoing.access_token is None:
            raise Parked("The account must be connected again.", code="no-token")
        try:
            answer = await self.api.post("/rest/posts", outgoing.access_token, _body(outgoing))
        except Rejected as rejected:
            raise _outcome(rejected, again=again, now=now) from rejected
        except NotSent as trouble:
            raise NotAccepted(
                "LinkedIn cannot be reached.", code="away", said=str(trouble), retry_after=trouble.retry_after
            ) from trouble
        except Silent as trouble:
            raise Unanswered("LinkedIn did not answer.", code="answer-lost", said=str(trouble)) from trouble
        urn = answer.headers.get("x-restli-id", "")
        if answer.status != HTTPStatus.CREATED or not urn:
            raise Unanswered("LinkedIn's answer names no post.", code="no-id", said=f"{answer.status}")
        return Receipt(urn, said=f"{answer.status} {urn}")

    async def look(self, outgoing: Outgoing, called_at: datetime, now: datetime) -> Look:
        """Read the author's recent posts and find the one that says the same.

        The window is measured back from LinkedIn's own clock. What members have posted may be read with a permission
        only that LinkedIn gives to few; without it this never finds anything out.

        Raises:
            NotAccepted, Parked, Unanswered: it could not be looked for now.
        """
        if outgoing.access_token is None:
            raise Parked("The account must be connected again.", code="no-token")
        if outgoing.behind:
            raise NotAccepted("An earlier post with the same text is being looked for first.", code="behind")
        age = now - min(outgoing.since or called_at, called_at) + SKEW
        wanted = _comparable(little.shown(outgoing.text))
        for page in range(PAGES):
            answer = await self._posts_of(outgoing, page)
            elements = _elements(answer)
            since = _told_at(answer, now) - age
            for element in elements:
                if _is_it(element, outgoing, wanted, since):
                    return Found(Receipt(str(element["id"]), said=f"found {element['id']}"))
            if len(elements) < PAGE or _created(elements[-1]) < since:
                return NotFound(f"not among {page * PAGE + len(elements)} posts")
        raise NotAccepted("More was posted since than can be read.", code="too-many")

    def url_of(self, external_id: str) -> str:
        """Where people see the post."""
        return f"https://www.linkedin.com/feed/update/{external_id}/"

    async def _posts_of(self, outgoing: Outgoing, page: int) -> Answer:
        query = f"q=author&author={encoded(outgoing.author)}&count={PAGE}&start={page * PAGE}&sortBy=CREATED"
        try:
            return await self.api.get(f"/rest/posts?{query}", outgoing.access_token or "", finder=True)
        except Rejected as rejected:
            complaint = Complaint.of(rejected)
            if rejected.status == HTTPStatus.UNAUTHORIZED:
                raise _dead_token(complaint) from rejected
            raise NotAccepted(
                "LinkedIn does not let us read this account's posts.",
                code="unreadable",
                said=complaint.said,
                retry_after=rejected.retry_after,
            ) from rejected
        except (NotSent, Silent) as trouble:
            raise Unanswered("LinkedIn did not answer.", code="answer-lost", said=str(trouble)) from trouble

    async def _member(self, token: str) -> list[Identity]:
        said = _object(await self.api.get("/v2/userinfo", token))
        if not said.get("sub"):
            raise Refused("LinkedIn did not say whose account this is; connect it again.", code="nobody")
        urn = f"urn:li:person:{said['sub']}"
        return [Identity(AccountKind.MEMBER, urn, one_line(said.get("name") or "") or "LinkedIn member")]

    async def _organizations(self, token: str) -> list[Identity]:
        path = "/rest/organizationAcls?q=roleAssignee&role=ADMINISTRATOR&state=APPROVED&count=100"
        elements = _elements(await self.api.get(path, token, finder=True))
        urns = [str(element.get("organization") or element.get("organizationTarget") or "") for element in elements]
        return [await self._organization(urn, token) for urn in urns if urn.startswith("urn:li:organization:")]

    async def _organization(self, urn: str, token: str) -> Identity:
        number = urn.rpartition(":")[2]
        name = ""
        with suppress(Rejected, NotSent, Silent, Unanswered):  # a name is no reason to refuse an account
            said = _object(await self.api.get(f"/rest/organizations/{number}", token))
            name = one_line(said.get("localizedName") or "")
        return Identity(AccountKind.ORGANIZATION, urn, name or f"LinkedIn page {number}")


def _body(outgoing: Outgoing) -> bytes:
    return orjson.dumps(
        {
            "author": outgoing.author,
            "commentary": little.rendered(outgoing.text),
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": False,
        }
    )


def _outcome(rejected: Rejected, *, again: bool, now: datetime) -> Exception:
    """What an error of LinkedIn's means for a post that was sent."""
    complaint = Complaint.of(rejected)
    if rejected.status == HTTPStatus.UNAUTHORIZED:
        return _dead_token(complaint)
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


def _dead_token(complaint: Complaint) -> Parked:
    return Parked("LinkedIn does not accept the permission any more.", code="token-refused", said=complaint.said)


def _until_midnight(now: datetime) -> float:
    """Seconds until LinkedIn's daily limits begin anew, at midnight UTC."""
    utc = now.astimezone(UTC)
    midnight = utc.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - utc).total_seconds()


def _is_it(element: dict[str, Any], outgoing: Outgoing, wanted: str, since: datetime) -> bool:
    return (
        element.get("author") == outgoing.author
        and _created(element) >= since
        and isinstance(element.get("id"), str)
        and element["id"] not in outgoing.taken
        and _comparable(little.plain(str(element.get("commentary") or ""))) == wanted
    )


def _comparable(text: str) -> str:
    """A text apart from the white space that a platform may have changed."""
    return " ".join(text.split())


def _created(element: dict[str, Any]) -> datetime:
    milliseconds = element.get("createdAt") or element.get("publishedAt") or 0
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)


def _told_at(answer: Answer, now: datetime) -> datetime:
    """LinkedIn's time when it answered; ours when it did not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return now


def _elements(answer: Answer) -> list[dict[str, Any]]:
    elements = _object(answer).get("elements")
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise Unanswered("LinkedIn's answer cannot be read.", code="unreadable-answer")
    return elements


def _object(answer: Answer) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise Unanswered("LinkedIn's answer cannot be read.", code="unreadable-answer")
    return body
