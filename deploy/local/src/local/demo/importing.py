"""The chapter in which Ada brings her contacts along: a large file, what is wrong in it, and whom she writes to."""

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
"""Places of the people of the file who have WhatsApp; the first two want no more."""


@dataclass(slots=True)
class Importing:
    """What one visitor does with a file of contacts, over the number and template of the broadcasts."""

    visitor: Visitor
    tag: str
    broadcasting: Broadcasting
    imported: str = ""
    broadcast: str = ""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            (f"{CONTACTS:,} contacts come from a file; each bad row is told of, with its reason", self.many_come),
            ("A broadcast to a segment of them passes over who wrote STOP", self.some_are_written_to),
            ("One of them answers, and the answer is at the imported contact", self.one_answers),
            ("They leave as a file, by an address that lasts minutes", self.they_leave),
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

    async def some_are_written_to(self) -> str:
        """Let two of the guests write STOP; write to all of their town."""
        for place in _GUESTS:
            someone = {"id": f"sale{self.tag}{place}", "wa_id": self._phone(place), "name": f"Guest {place}"}
            await self.broadcasting.control("POST", "/whatsapp/control/people", someone)
        for place in _GUESTS[:2]:
            await self.broadcasting.say(place, "STOP")
        await seen("who wrote STOP", self._two_stopped)
        segment = {"name": f"Graz {self.tag}", "query": _GRAZ}
        audience = {"segment_id": (await self._call("POST", "/v1/segments", 201, segment))["id"]}
        words = {"template_id": self.broadcasting.template, "variables": {"1": "{{contact.first_name|there}}"}}
        channel = self.broadcasting.channel
        body = {"name": "Graz", "channel_id": channel, "messages": [words], "audience": audience}
        self.broadcast = str((await self._call("POST", "/v1/broadcasts", 201, body))["id"])
        path = f"/v1/broadcasts/{self.broadcast}"
        before = await self._call("GET", f"{path}/preflight", 200)
        if (before["recipients"], before["without_consent"]) != (len(_GUESTS), 2):
            raise NotSeen(f"before it begins: {before}")
        await self._call("POST", f"{path}/start", 200)
        counts = await seen("a completed broadcast", self._completed, within=_PATIENCE)
        if (counts["sent"], counts["skipped"]) != (len(_GUESTS) - 2, 2):
            raise NotSeen(f"counted {counts}")
        return f"{counts['sent']} of {len(_GUESTS)} got it, {counts['skipped']} passed over"

    async def one_answers(self) -> str:
        """What one of them writes stands in a conversation with the contact of the file."""
        await self.broadcasting.say(_GUESTS[5], "See you in Graz")
        talk = await seen("the answer in a conversation", self._answered)
        name = (await self._call("GET", f"/v1/contacts/{talk['contact_id']}", 200))["name"]
        if name != f"Guest {_GUESTS[5]}":
            raise NotSeen(f"the answer is {name}'s")
        lines = (await self._call("GET", f"/v1/contacts/{talk['contact_id']}/timeline", 200))["items"]
        told = {each["what"] for each in lines}
        if not {"imported", "consent", "broadcast", "conversation_opened"} <= told:
            raise NotSeen(f"the timeline tells of {told}")
        return f"conversation {talk['id']}; the timeline tells of {', '.join(sorted(told))}"

    async def they_leave(self) -> str:
        """Have the segment written to a file, and fetch it without any token."""
        export = await self._call("POST", "/v1/contact-exports", 202, {"query": _GRAZ})
        path = f"/v1/contact-exports/{export['id']}"

        async def ready() -> bool | None:
            return True if (await self._call("GET", path, 200))["state"] == "finished" else None

        await seen("the file", ready)
        address = (await self._call("POST", f"{path}/address", 200))["path"]
        answer = await self.visitor.http.get(self.visitor.addresses.gateway + address)
        lines = list(csv.reader(io.StringIO(answer.text, newline="")))
        if answer.status_code != 200 or len(lines) != 1 + len(_GUESTS):
            raise NotSeen(f"{answer.status_code} and {len(lines)} lines")
        return f"{len(answer.content):,} bytes, {len(lines) - 1} contacts"

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

    async def _two_stopped(self) -> bool | None:
        query = {"all": [_GRAZ, {"consent": {"channel_kind": "whatsapp", "purpose": "marketing"} | _WITHDRAWN}]}
        found = await self._call("POST", "/v1/segments/preview", 200, {"query": query})
        return True if found["contacts"] == 2 else None

    async def _completed(self) -> dict[str, Any] | None:
        found = await self._call("GET", f"/v1/broadcasts/{self.broadcast}", 200)
        counts: dict[str, Any] = found["counts"]
        return counts if found["state"] == "completed" else None

    async def _answered(self) -> dict[str, Any] | None:
        found = (await self._call("GET", "/v1/conversations?limit=100", 200))["items"]
        return next((each for each in found if each["last_message"]["excerpt"] == "See you in Graz"), None)


_TOWN: Final = {"key": "town", "name": "Town", "type": "text", "applies_to": "contact", "personal": False}
_GRAZ: Final = {"attribute": "town", "is": "Graz"}
_WITHDRAWN: Final = {"state": "withdrawn"}
_CONSENT: Final = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "policy_version": "2026-11"}
