"""The chapter in which Ada brings her contacts along: a large file, and what is wrong in it."""

import csv
import io
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from local.demo.broadcasting import Broadcasting
from local.visitor import NotSeen, Visitor, seen

CONTACTS: Final = 20_000
"""Rows of the file; one in fifty is bad."""

_BAD: Final = 50
_PIECE: Final = 8 * 1024 * 1024
_PATIENCE: Final = 600.0
_GUESTS: Final = range(10, 30)
"""Places of the people of the file who have WhatsApp."""


@dataclass(slots=True)
class Importing:
    """What one visitor does with a file of contacts, over the number and template of the broadcasts."""

    visitor: Visitor
    tag: str
    broadcasting: Broadcasting
    imported: str = ""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            (f"{CONTACTS:,} contacts come from a file; each bad row is told of, with its reason", self.many_come),
        )

    def _lines(self) -> Iterator[str]:
        """A heading, the guests, and everybody else; one row in fifty has neither a number nor an address."""
        yield "Full Name;Mobile;E-mail;Town\n"
        for number in range(CONTACTS):
            if number < len(_GUESTS):
                place = _GUESTS[number]
                yield f"Guest {place};+{self._phone(place)};guest{place}@example.com;Graz\n"
            elif number % _BAD == _BAD - 1:
                yield f"Nobody {number};12;not an address;Linz\n"
            else:
                yield f"Person {number};+4367{number:08d};p{number}@example.org;Wien\n"

    async def many_come(self) -> str:
        """Upload in pieces, look, try, import, and read the report."""
        await self._call("POST", "/v1/attributes", 201, _TOWN)
        content = "".join(self._lines()).encode()
        begun = await self._call("POST", "/v1/contact-imports", 201, {"size": len(content)})
        self.imported = str(begun["id"])
        path = f"/v1/contact-imports/{self.imported}"
        for at in range(0, len(content), _PIECE):
            headers = {"upload-offset": str(at), "content-type": "application/offset+octet-stream"}
            piece = content[at : at + _PIECE]
            await self.visitor.call("PATCH", f"{path}/file", expect=200, headers=headers, content=piece)
        columns = (await self._call("GET", f"{path}/inspection", 200))["columns"]
        if columns != ["name", "phone", "email", "attribute:town"]:
            raise NotSeen(f"columns are taken for {columns}")
        wanted = {"columns": [{"column": place, "to": to} for place, to in enumerate(columns)], "consent": _CONSENT}
        dry = await self._call("POST", f"{path}/check", 200, wanted)
        began = time.monotonic()
        await self._call("POST", f"{path}/start", 202, wanted)
        told = await seen("the import's end", self._ended, within=_PATIENCE)
        minutes = (time.monotonic() - began) / 60
        bad = CONTACTS // _BAD
        if (told["state"], told["made"], told["faulty"]) != ("finished", CONTACTS - bad, bad):
            raise NotSeen(f"the import came to {told}")
        report = (await self.visitor.call("GET", f"{path}/report", expect=200)).text
        lines = list(csv.reader(io.StringIO(report)))[1:]
        wrong = {line[0] for line in lines}
        if len(wrong) != bad:
            raise NotSeen(f"{len(wrong)} rows are told of, {bad} are bad")
        first = "; ".join(f"row {line[0]}: {line[3]}" for line in lines[:1])
        return f"{CONTACTS / minutes:,.0f} rows/min; dry run {dry['faulty']} bad; {bad:,} rows reported ({first})"

    def _phone(self, place: int) -> str:
        return self.broadcasting.phone(place)

    async def _call(self, method: str, path: str, expect: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
        key = {"idempotency-key": secrets.token_hex(8)} if method == "POST" else {}
        answer = await self.visitor.call(method, path, expect=expect, headers=key, json=body)
        found: dict[str, Any] = answer.json()
        return found

    async def _ended(self) -> dict[str, Any] | None:
        found = await self._call("GET", f"/v1/contact-imports/{self.imported}", 200)
        return None if found["state"] == "running" else found


_TOWN: Final = {"key": "town", "name": "Town", "type": "text", "applies_to": "contact", "personal": False}
_CONSENT: Final = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "policy_version": "2026-11"}
