"""Asking a platform something, and telling the ledger what its troubles mean."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from kit.http.client import Answer, Call, NotSent, Outbound
from kit.http.client import Refused as Rejected
from kit.http.client import Unanswered as Silent
from kit.ledger.model import NotAccepted, Parked, Receipt, Refused, Unanswered
from publisher.platforms.catalogue import Catalogue

MOST_SHOWN: Final = 200
LARGEST_ANSWER: Final = 8 * 1024 * 1024
Trouble = Rejected | NotSent | Silent
TROUBLES: Final = (Rejected, NotSent, Silent)


@dataclass(frozen=True, slots=True)
class Complaint:
    """An error as a platform words it: its codes, the most telling first, and its message."""

    codes: Sequence[str]
    message: str


@dataclass(frozen=True, slots=True)
class Speech:
    """How one platform is spoken to, and what its errors mean.

    `read` finds codes and message in an error; whatever it holds, that does not fail. `wait` says in seconds what the
    platform asks to wait, where it has a way of its own to say so.
    """

    outbound: Outbound
    name: str
    prefix: str
    catalogue: Catalogue
    read: Callable[[Rejected], Complaint]
    wait: Callable[[Rejected], float | None] = field(default=lambda rejected: rejected.retry_after)

    async def ask(
        self,
        method: str,
        url: str,
        token: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        within: float = 15.0,
        attempts: int = 1,
    ) -> Answer:
        """One call. More than one attempt only where the request may be repeated, whatever its method.

        Raises:
            Rejected, NotSent, Silent: to be turned into an outcome by `outcome`.
        """
        named = {"accept": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
        if body is not None:
            named["content-type"] = "application/json; charset=UTF-8"
        call = Call(
            method,
            url,
            named | dict(headers or {}),
            body,
            deadline=within,
            attempts=attempts,
            at_most=LARGEST_ANSWER,
            idempotent=attempts > 1,
        )
        return await self.outbound.send(call)

    async def remove(self, url: str, token: str, external_id: str) -> Receipt:
        """Take down what stands there; what is gone is done.

        Raises:
            Refused, NotAccepted, Parked: by what the platform answered.
        """
        try:
            await self.ask("DELETE", url, token)
        except TROUBLES as trouble:
            if isinstance(trouble, Rejected) and trouble.status == HTTPStatus.NOT_FOUND:
                return Receipt(external_id, said="it was gone")
            raise self.outcome(trouble, public=False) from trouble
        return Receipt(external_id, said="deleted")

    def outcome(self, trouble: Trouble, *, public: bool) -> Exception:
        """The ledger's outcome; `public` says that the request may have made something public.

        What cannot have made anything public is not accepted where nobody knows: it harms nobody.
        """
        if isinstance(trouble, NotSent):
            return self._away(str(trouble), trouble.retry_after)
        if isinstance(trouble, Silent):
            return self._silent(str(trouble), "answer-lost", f"{self.name} did not answer.", public=public)
        complaint = self.read(trouble)
        said = f"{trouble.status} {' '.join(complaint.codes)}: {complaint.message}"[: MOST_SHOWN * 2]
        for code in (*complaint.codes, str(trouble.status)):
            if code in self.catalogue:
                meaning = self.catalogue[code]
                known = meaning.raised(said, retry_after=self.wait(trouble))
                return known if public or not isinstance(known, Unanswered) else self._away(said, None)
        if trouble.status >= HTTPStatus.INTERNAL_SERVER_ERROR or trouble.status == HTTPStatus.REQUEST_TIMEOUT:
            plain = f"{self.name} answered with an error of its own."
            return self._silent(said, "their-error", plain, public=public)
        words = f"{self.name} refused it"
        reason = f"{words}: {complaint.message}" if complaint.message else f"{words}."
        return Refused(reason, code=f"{self.prefix}-{trouble.status}", said=said)

    def code(self, trouble: Trouble) -> str:
        """The most telling code of an error; empty when it has none."""
        codes = self.read(trouble).codes if isinstance(trouble, Rejected) else ()
        return codes[0] if codes else ""

    def _away(self, said: str, retry_after: float | None) -> NotAccepted:
        return NotAccepted(f"{self.name} cannot be reached.", code="away", said=said, retry_after=retry_after)

    def _silent(self, said: str, code: str, plain: str, *, public: bool) -> Exception:
        if public:
            return Unanswered(plain, code=code, said=said)
        return NotAccepted(plain, code=code, said=said)


def token_of(access_token: str | None) -> str:
    """The token of what is on its way.

    Raises:
        Parked: there is none.
    """
    if access_token is None:
        raise Parked("The account must be connected again.", code="no-token")
    return access_token


def one_line(text: object) -> str:
    """Text of theirs in one line of bounded length, without control characters."""
    line = " ".join(str(text).split())
    return "".join(character for character in line if character.isprintable())[:MOST_SHOWN]


def document(answer: Answer) -> Mapping[str, Any]:
    """The JSON object of an answer; an empty one where there is none."""
    try:
        body = answer.json()
    except Silent:
        return {}
    return body if isinstance(body, dict) else {}


def at(found: Any, *path: str | int) -> Any:
    """What stands at a place of a document; None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            found = found[step] if isinstance(found, list) and -len(found) <= step < len(found) else None
        else:
            found = found.get(step) if isinstance(found, dict) else None
    return found


def seconds(value: object) -> float | None:
    """A lifetime as platforms say it; None when it is none."""
    return float(value) if isinstance(value, int | float) and value > 0 else None
