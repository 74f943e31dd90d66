"""Talking to Meta's Graph API: one request, and what its errors mean."""

import hashlib
import hmac
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from kit.http.client import Answer, Call, NotSent, Outbound
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import NotAccepted, Parked, Refused, Unanswered
from publisher.platforms.base import Outgoing
from publisher.platforms.catalogue import Catalogue, Meaning

MOST_SHOWN: Final = 200
_PAGES: Final = 10
_SKEW: Final = timedelta(minutes=2)

Params = Mapping[str, str | bool | int | None]


@dataclass(frozen=True, slots=True)
class GraphApi:
    """The Graph API behind a base address, in one version; each call is one attempt within `within` seconds.

    With the application's secret each call proves that it is the application's (`appsecret_proof`), so that a token
    that got lost is of no use to others.
    """

    outbound: Outbound
    base_url: str
    version: str
    secret: str = field(default="", repr=False)
    within: float = 15.0

    async def get(self, path: str, token: str, *, within: float | None = None, **params: str) -> dict[str, Any]:
        """Read a node or an edge."""
        return await self._ask("GET", path, token, params, within)

    async def post(self, path: str, token: str, **params: str | bool | int | None) -> dict[str, Any]:
        """Change something, in exactly one attempt; a parameter that is None or empty is left out."""
        return await self._ask("POST", path, token, params, None)

    async def delete(self, path: str, token: str) -> dict[str, Any]:
        """Remove something."""
        return await self._ask("DELETE", path, token, {}, None)

    async def all(self, path: str, token: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """The items of an edge, page by page, at most ten pages of them."""
        async for item, _ in self._items(path, token, params):
            yield item

    async def recent(
        self, path: str, token: str, *, age: timedelta, by: str, **params: str
    ) -> AsyncIterator[dict[str, Any]]:
        """The items of an edge, newest first, back to this age by Meta's own clock; `by` is their time."""
        async for item, told_at in self._items(path, token, params):
            if moment(item.get(by)) < told_at - age:
                return
            yield item

    async def _items(self, path: str, token: str, params: Params) -> AsyncIterator[tuple[dict[str, Any], datetime]]:
        after = ""
        for _ in range(_PAGES):
            asked = {**params, "after": after} if after else params
            answer = await self._answer("GET", path, token, asked, None)
            page, told_at = _object(answer), _told_at(answer)
            items = page.get("data")
            for item in items if isinstance(items, list) else ():
                if isinstance(item, dict):
                    yield item, told_at
            paging = page.get("paging") or {}
            after = (paging.get("cursors") or {}).get("after", "") if paging.get("next") else ""
            if not after:
                return

    async def _ask(self, method: str, path: str, token: str, params: Params, within: float | None) -> dict[str, Any]:
        return _object(await self._answer(method, path, token, params, within))

    async def _answer(self, method: str, path: str, token: str, params: Params, within: float | None) -> Answer:
        said = {name: _said(value) for name, value in params.items() if value not in (None, "")}
        if self.secret:
            said["appsecret_proof"] = hmac.digest(self.secret.encode(), token.encode(), hashlib.sha256).hex()
        headers = {"authorization": f"Bearer {token}", "accept": "application/json"}
        url, body = f"{self.base_url}/{self.version}{path}", None
        if method == "POST":
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(said).encode()
        elif said:
            url = f"{url}?{urlencode(said)}"
        call = Call(method, url, headers, body, deadline=within or self.within, attempts=1, at_most=4 * 1024 * 1024)
        return await self.outbound.send(call)


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error as Meta words it; code and subcode are what tells, not the HTTP status."""

    status: int
    code: int
    subcode: int
    message: str
    transient: bool

    @property
    def said(self) -> str:
        """In one line, for the record of attempts."""
        return f"{self.status} {self.code}/{self.subcode}: {self.message}"[: MOST_SHOWN * 2]

    @classmethod
    def of(cls, refusal: Rejected) -> "Complaint":
        """Read the body of an error; whatever it holds, this does not fail."""
        try:
            body = refusal.answer.json()
        except Exception:  # noqa: BLE001 - an error page of a proxy is no JSON, and tells nothing
            body = None
        found = body.get("error") if isinstance(body, dict) else None
        error = found if isinstance(found, dict) else {}
        message = error.get("error_user_msg") or error.get("message") or ""
        return cls(
            refusal.status,
            _number(error.get("code")),
            _number(error.get("error_subcode")),
            one_line(message),
            error.get("is_transient") is True,
        )


def meaning(complaint: Complaint, catalogue: Catalogue, name: str) -> Meaning:
    """What an error means: by its subcode, else by its code, else by its status."""
    for key in (str(complaint.subcode), str(complaint.code)):
        if key in catalogue:
            return catalogue[key]
    if complaint.status >= HTTPStatus.INTERNAL_SERVER_ERROR or complaint.transient:
        return Meaning("unanswered", "their-error", f"{name} answered with an error of its own.")
    if complaint.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Meaning("not_accepted", "rate-limited", f"{name} takes no more calls for now.", 900.0, whole_lane=True)
    if complaint.status == HTTPStatus.UNAUTHORIZED:
        return Meaning("parked", "token-refused", f"{name} does not accept the permission any more.")
    told = f": {complaint.message}" if complaint.message else "."
    return Meaning("refused", f"meta-{complaint.code or complaint.status}", f"{name} refused it{told}")


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Turns what goes wrong at one platform of Meta's into the ledger's outcomes."""

    name: str
    catalogue: Catalogue

    @contextmanager
    def harmless(self) -> Iterator[None]:
        """For calls that show nothing to anybody: what may have happened may simply be done again."""
        try:
            with self.of(again=False):
                yield
        except Unanswered as silence:
            raise NotAccepted(silence.reason, code=silence.code, said=silence.said) from silence

    @contextmanager
    def of(self, *, again: bool) -> Iterator[None]:
        """For calls that show something; with `again` a duplicate may be our own earlier attempt."""
        try:
            yield
        except Rejected as rejected:
            complaint = Complaint.of(rejected)
            known = meaning(complaint, self.catalogue, self.name)
            if known.code == "duplicate" and again:
                raise Unanswered(
                    f"{self.name} has this already.", code="duplicate", said=complaint.said
                ) from rejected
            raise known.raised(complaint.said, retry_after=rejected.retry_after) from rejected
        except NotSent as trouble:
            raise NotAccepted(
                f"{self.name} cannot be reached.", code="away", said=str(trouble), retry_after=trouble.retry_after
            ) from trouble
        except Silent as trouble:
            raise Unanswered(f"{self.name} did not answer.", code="answer-lost", said=str(trouble)) from trouble


def token_of(access_token: str | None) -> str:
    """The token.

    Raises:
        Parked: there is none.
    """
    if access_token is None:
        raise Parked("The account must be connected again.", code="no-token")
    return access_token


def named(body: Mapping[str, Any], *keys: str) -> str:
    """The id in an answer, under the first of these names that it has.

    Raises:
        Unanswered: it names nothing.
    """
    for key in keys:
        if isinstance(body.get(key), str | int) and body[key]:
            return str(body[key])
    raise Unanswered("Meta's answer names nothing.", code="no-id")


def one_line(text: object) -> str:
    """Text of theirs in one line of bounded length, without control characters."""
    line = " ".join(str(text).split())
    return "".join(character for character in line if character.isprintable())[:MOST_SHOWN]


def comparable(text: object) -> str:
    """A text apart from the white space that a platform may have changed."""
    return " ".join(str(text or "").split())


def no_longer(name: str) -> Refused:
    """The permission does not open this account any more."""
    return Refused(f"{name} has ended the permission; connect the account again.", code="permission-ended")


def moment(value: object) -> datetime:
    """A time as Meta writes it: `2026-11-30T12:00:00+0000`, or seconds; long ago where it is none."""
    text = str(value)
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text[:11]), UTC)
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def age_of(outgoing: Outgoing, called_at: datetime, now: datetime) -> timedelta:
    """How long ago the first attempt began, and a little longer."""
    return now - min(outgoing.since or called_at, called_at) + _SKEW


def _told_at(answer: Answer) -> datetime:
    """Meta's time when it answered; ours when it did not say."""
    try:
        return parsedate_to_datetime(answer.headers.get("date", "")).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.now(UTC)


def _said(value: str | bool | int | None) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _object(answer: Answer) -> dict[str, Any]:
    body = answer.json()
    if not isinstance(body, dict):
        raise Unanswered("Meta's answer cannot be read.", code="unreadable-answer")
    return body
