"""Facebook Login: consent, codes, tokens that live for 60 days, and the tokens of pages.

A person's token opens the pages they may publish on, each with a token of its own that lives as long as the
permission. So the page's token is what we publish with, and the person's is what renews it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from kit.http.client import Answer, Call, NotSent, Outbound, Unanswered
from kit.http.client import Refused as Rejected
from kit.ledger.model import NotAccepted, Refused
from publisher.platforms.base import Tokens
from publisher.platforms.meta.graph import Complaint
from publisher.platforms.speaking import seconds

LONG_LIVED: Final = 60 * 86_400.0
_TEMPORARY: Final = frozenset({1, 2, 4, 17, 341, 613})


@dataclass(frozen=True, slots=True)
class FacebookLogin:
    """Our application at Meta, as one of Facebook or Instagram; `name` is what people call the platform.

    Everything goes by POST, so that secrets stand in no address.
    """

    outbound: Outbound
    name: str
    base_url: str
    consent_base_url: str
    version: str
    client_id: str
    client_secret: str
    redirect_uri: str
    scopes: str

    def __repr__(self) -> str:
        return f"FacebookLogin({self.name})"

    @property
    def on(self) -> bool:
        """Whether client id and secret are set."""
        return bool(self.client_id and self.client_secret)

    def consent_url(self, state: str, challenge: str) -> str:
        """The dialog in which a person chooses pages and allows what we ask for; there is no PKCE with a secret."""
        _ = challenge
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "state": state,
            "response_type": "code",
            "scope": ",".join(self.scopes.split()),
        }
        return f"{self.consent_base_url}/{self.version}/dialog/oauth?{urlencode(asked)}"

    async def exchange(self, code: str, verifier: str) -> Tokens:
        """A code for a token of an hour, and that for one of 60 days.

        Raises:
            Refused: no token came; the person begins again.
        """
        _ = verifier
        with exchanging(self.name):
            short = token_in(await self._ask({"code": code, "redirect_uri": self.redirect_uri}))
            return await self._long_lived(short)

    async def renew(self, refresh_token: str) -> Tokens:
        """A person's token for a newer one of 60 days; asking twice harms nothing.

        Raises:
            Refused: the permission has ended.
            NotAccepted: not now.
        """
        with renewing(self.name):
            return await self._long_lived(refresh_token)

    async def _long_lived(self, token: str) -> Tokens:
        body = await self._ask({"grant_type": "fb_exchange_token", "fb_exchange_token": token})
        return lasting(body, self.scopes)

    async def _ask(self, form: Mapping[str, str]) -> dict[str, Any]:
        secret = {"client_id": self.client_id, "client_secret": self.client_secret}
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        url = f"{self.base_url}/{self.version}/oauth/access_token"
        body = urlencode({**form, **secret}).encode()
        return object_in(await self.outbound.send(Call("POST", url, headers, body, deadline=10.0, attempts=1)))


def page_tokens(person: Tokens, page_token: str) -> Tokens:
    """The tokens of a page: its own to publish with, the person's to renew it."""
    return Tokens(page_token, person.expires_in, person.access_token, person.expires_in, person.scopes)


@contextmanager
def exchanging(name: str) -> Iterator[None]:
    """Whatever goes wrong with a code, the person begins again.

    Raises:
        Refused: no token came.
    """
    try:
        yield
    except Rejected as rejected:
        raise Refused(
            f"{name} did not accept the permission; connect the account again.",
            code="code-refused",
            said=Complaint.of(rejected).said,
        ) from rejected
    except (NotSent, Unanswered) as trouble:
        raise Refused(
            f"{name} did not answer; connect the account again.", code="answer-lost", said=str(trouble)
        ) from trouble


@contextmanager
def renewing(name: str) -> Iterator[None]:
    """What goes wrong with a renewal, of which only errors about the permission end it.

    Raises:
        Refused: the permission has ended.
        NotAccepted: not now.
    """
    try:
        yield
    except Rejected as rejected:
        raise _renewal_refused(name, rejected) from rejected
    except (NotSent, Unanswered) as trouble:
        raise NotAccepted(f"{name} did not answer.", code="away", said=str(trouble)) from trouble


def lasting(body: Mapping[str, Any], scopes: str) -> Tokens:
    """A token that is given for a newer one while it lives: it is its own refresh token.

    Its lifetime is 60 days where the answer does not say.
    """
    value, lives = token_in(body), seconds(body.get("expires_in")) or LONG_LIVED
    return Tokens(value, lives, value, lives, tuple(scopes.split()))


def token_in(body: Mapping[str, Any]) -> str:
    """The token of an answer.

    Raises:
        Unanswered: there is none.
    """
    value = body.get("access_token")
    if not isinstance(value, str) or not value:
        raise Unanswered("no token came")
    return value


def object_in(answer: Answer) -> dict[str, Any]:
    """The object of an answer.

    Raises:
        Unanswered: it is none.
    """
    body = answer.json()
    if not isinstance(body, dict):
        raise Unanswered("no object came")
    return body


def _renewal_refused(name: str, rejected: Rejected) -> Exception:
    complaint = Complaint.of(rejected)
    if complaint.status < 500 and not complaint.transient and complaint.code not in _TEMPORARY:
        return Refused(
            f"{name} has ended the permission; connect the account again.",
            code="permission-ended",
            said=complaint.said,
        )
    return NotAccepted(
        f"{name} does not renew the permission now.",
        code="away",
        said=complaint.said,
        retry_after=rejected.retry_after,
    )
