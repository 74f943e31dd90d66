"""Pages that somebody names, fetched through the guard, and what is to be read on them.

Redirects are followed by ourselves, a few, each through the guard again: an address that was checked is no pass for
where it leads. What a page holds besides its text (scripts, menus, comments) is left out by trafilatura.
"""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from kit.http import guard
from kit.http.client import AddressNotAllowed, Answer, Call, Outbound
from kit.http.client import NotSent as NotReached
from kit.http.client import Refused as TheySaidNo
from kit.http.transport import AnswerTooLarge
from kit.http.transport import Unanswered as Unheard
from kit.ledger.model import NotAccepted, Refused

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a page."""

MOST_REDIRECTS: Final = 3
LONGEST: Final = 20_000
"""Characters that are kept of a page."""

_HEADERS: Final = {
    "accept": "text/html, text/plain;q=0.9",
    "accept-encoding": "identity",
    "user-agent": "Rostrum (reads a page that its owner named)",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """Reads pages on the public internet."""

    outbound: Outbound

    async def read(self, url: str) -> str:
        """The readable text of a page.

        Raises:
            Refused: there is nothing to be read there, and will not be.
            NotAccepted: not just now.
        """
        answer = await self._fetched(url)
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/plain":
            text = answer.body.decode("utf-8", errors="replace")
        elif kind in {"text/html", "application/xhtml+xml"}:
            text = await asyncio.to_thread(readable, answer.body)
        else:
            raise Refused("This is no page of text.", code="not_a_page")
        if not text.strip():
            raise Refused("There is no text to be read on this page.", code="nothing_to_read")
        return text.replace("\0", "")[:LONGEST]

    async def _fetched(self, url: str) -> Answer:
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self._asked(url)
            if answer.status < 300:
                return answer
            url = urljoin(url, answer.headers.get("location", ""))
        raise Refused("The page leads on and on.", code="too_many_redirects")

    async def _asked(self, url: str) -> Answer:
        call = Call("GET", url, _HEADERS, deadline=15.0, attempts=1, at_most=LARGEST, guarded=True)
        try:
            return await self.outbound.send(call)
        except AddressNotAllowed:
            raise Refused("This address is not on the public internet.", code="address_not_allowed") from None
        except AnswerTooLarge:
            raise Refused("The page is larger than 2 MiB.", code="page_too_large") from None
        except TheySaidNo as said:
            if said.status == 429 or said.status >= 500:
                raise NotAccepted("The page cannot be had just now.", code="page_away") from None
            raise Refused("The page is not shown to us.", code=f"status_{said.status}") from None
        except (NotReached, Unheard):
            raise NotAccepted("The page cannot be had just now.", code="page_away") from None


def fetchable(url: str) -> bool:
    """Whether an address may be asked for at all, as far as its spelling shows."""
    try:
        guard.parse(url, guard.Rules())
    except guard.AddressRefused:
        return False
    return True


def readable(page: bytes) -> str:
    """The text of a page that people read it for; empty where there is none."""
    import trafilatura  # noqa: PLC0415 - takes long to load

    found = trafilatura.extract(page, include_comments=False, include_tables=False, favor_precision=True)
    return found or ""
