"""The chapter in which Ada brings her contacts along: a large file, what is wrong in it, a broadcast to some."""

import asyncio
import csv
import io
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from local.demo.broadcasting import Broadcasting
from local.demo.hearing import listening
from local.visitor import NotSeen, Visitor, seen

CONTACTS: Final = 100_000
"""Rows of the file; one in fifty is bad."""

_BAD: Final = 50
_PIECE: Final = 8 * 1024 * 1024
_PATIENCE: Final = 900.0
_GUESTS: Final = 300
"""People of the file who live in Graz and have WhatsApp, at most: the plan includes 500 messages a month."""
_STOP: Final = 5
_ANSWER: Final = 4
_AT_ONCE: Final = 20

Watch = Callable[[str, int, int], None]
"""Hears what goes on, how much of it is done, and of how much."""


@dataclass(slots=True)
class Importing:
    """What one visitor does with a file of contacts, over the number and template of the broadcasts."""

    visitor: Visitor
    tag: str
    broadcasting: Broadcasting
    contacts: int = CONTACTS
    watch: Watch = lambda _what, _done, _of: None
    imported: str = ""
    broadcast: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)
    """The progress of the broadcast as the open page was told of it."""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            (
                f"{self.contacts:,} contacts come from a file; bad rows are told of, with reasons",
                self.many_come,
            ),
            ("Some of them, who have WhatsApp, want no more and write STOP", self.some_want_no_more),
            ("A broadcast to a segment is seen live; who wrote STOP is passed over", self.a_segment_is_written_to),
            ("Their answers flow into the inbox", self.some_answer),
        )

    @property
    def guests(self) -> int:
        """How many of the file's people have WhatsApp."""
        return min(_GUESTS, self.contacts // _BAD)

    def phone(self, guest: int) -> str:
        """The number of one of them, in digits."""
        return f"43676{int(self.tag, 16) % 10**4:04d}{guest:03d}"

    def _lines(self) -> Iterator[str]:
        """A heading, the guests, and everybody else; one row in fifty has neither a number nor an address."""
        yield "Full Name;Mobile;E-mail;Town\n"
        for number in range(self.contacts):
            if number % _BAD == _BAD - 1:
                yield f"Nobody {number};12;not an address;Linz\n"
            elif (guest := number - number // _BAD) < self.guests:
                yield f"Guest {guest};+{self.phone(guest)};guest{guest}.{self.tag}@example.com;Graz\n"
            else:
                yield f"Person {number};+43670{number:07d};p{number}@example.org;Wien\n"

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
        bad = self.contacts // _BAD
        if (told["state"], told["made"], told["faulty"]) != ("finished", self.contacts - bad, bad):
            raise NotSeen(f"the import came to {told}")
        report = (await self.visitor.call("GET", f"{path}/report", expect=200)).text
        lines = list(csv.reader(io.StringIO(report)))[1:]
        wrong = {line[0] for line in lines}
        if len(wrong) != bad:
            raise NotSeen(f"{len(wrong)} rows are told of, {bad} are bad")
        first = "; ".join(f"row {line[0]}: {line[3]}" for line in lines[:1])
        rate = f"{self.contacts / minutes:,.0f} rows/min"
        return f"{rate}; dry run {dry['faulty']} bad; {bad:,} rows reported ({first})"

    async def some_want_no_more(self) -> str:
        """The guests are at WhatsApp; a few write STOP, which takes back what the file said of their consent."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def comes(guest: int) -> None:
            someone = {"id": self._id(guest), "wa_id": self.phone(guest), "name": f"Guest {guest}"}
            async with limit:
                await self.broadcasting.control("POST", "/whatsapp/control/people", someone)

        await asyncio.gather(*(comes(guest) for guest in range(self.guests)))
        await asyncio.sleep(1.0)  # WhatsApp tells times by the second: STOP must not seem older than the import
        for guest in range(_STOP):
            await self._say(guest, "STOP")
        for guest in range(_STOP):
            await seen(f"the consent of guest {guest} as withdrawn", lambda guest=guest: self._withdrawn(guest))  # type: ignore[misc]
        return f"{self.guests} are at WhatsApp; {_STOP} have taken their consent back"

    async def a_segment_is_written_to(self) -> str:
        """Save a segment, write to whom it means, and watch it on the page that is open."""
        query = {"attribute": "town", "is": "Graz"}
        segment = await self._call("POST", "/v1/segments", 201, {"name": f"Graz {self.tag}", "query": query})
        words = {"template_id": self.broadcasting.template, "variables": {"1": "{{contact.first_name|there}}"}}
        body = {
            "name": "Graz",
            "channel_id": self.broadcasting.channel,
            "messages": [words],
            "audience": {"segment_id": segment["id"]},
        }
        self.broadcast = str((await self._call("POST", "/v1/broadcasts", 201, body))["id"])
        path = f"/v1/broadcasts/{self.broadcast}"
        await seen("its recipients", self._prepared)
        before = await self._call("GET", f"{path}/preflight", 200)
        if (before["recipients"], before["without_consent"], before["obstacles"]) != (self.guests, _STOP, []):
            raise NotSeen(f"before it begins: {before}")
        async with listening(self.visitor) as facts:
            await self.visitor.call("POST", f"{path}/start", expect=200)
            await self._watched(facts)
        counts = await seen("its counts", self._completed)
        if (counts["total"], counts["sent"], counts["skipped"]) != (self.guests, self.guests - _STOP, _STOP):
            raise NotSeen(f"counted {counts}")
        live = f"{len(self.heard)} times told of while it went"
        return f"{counts['sent']} of {self.guests} got it, {_STOP} passed over; {live}"

    async def _watched(self, facts: Any) -> None:
        """Hear of it until it is completed."""
        async with asyncio.timeout(_PATIENCE):
            async for fact in facts:
                if fact.get("subject") != self.broadcast:
                    continue
                told = fact["data"]
                if fact["type"] == "inbox.broadcast.progressed.v1":
                    self.heard.append(told)
                    self.watch("A broadcast leaves", told["total"] - told["waiting"], told["total"])
                elif fact["type"] == "inbox.broadcast.changed.v1" and told["state"] == "completed":
                    break
        if not self.heard or self.heard[-1]["waiting"]:
            raise NotSeen(f"the open page was told {self.heard[-1:]} at last")

    async def some_answer(self) -> str:
        """What they answer stands in conversations, and is counted."""
        for guest in range(_STOP, _STOP + _ANSWER):
            await self._say(guest, f"I will come, {self.tag}")
        await seen(f"{_ANSWER} answers counted", self._replied)
        found = await seen(f"{_ANSWER} conversations", self._conversations)
        return f"{len(found)} conversations; {_ANSWER} replies counted"

    def _id(self, guest: int) -> str:
        return f"guest{self.tag}{guest}"

    async def _say(self, guest: int, text: str) -> None:
        await self.broadcasting.say(self._id(guest), text)

    async def _call(self, method: str, path: str, expect: int, body: dict[str, Any] | None = None) -> dict[str, Any]:
        key = {"idempotency-key": secrets.token_hex(8)} if method == "POST" else {}
        answer = await self.visitor.call(method, path, expect=expect, headers=key, json=body)
        found: dict[str, Any] = answer.json()
        return found

    async def _ended(self) -> dict[str, Any] | None:
        found = await self._call("GET", f"/v1/contact-imports/{self.imported}", 200)
        self.watch("Contacts come in", found["made"] + found["faulty"], self.contacts)
        return None if found["state"] == "running" else found

    async def _withdrawn(self, guest: int) -> bool | None:
        wanted = {"kind": "whatsapp_id", "value": self.phone(guest)}
        found = (await self.visitor.call("POST", "/v1/contacts/lookup", expect=200, json=wanted)).json()["items"]
        path = f"/v1/contacts/{found[0]['id']}/consents"
        known = (await self.visitor.call("GET", path, expect=200)).json()["items"]
        states = {each["state"] for each in known if each["purpose"] == "marketing"}
        return True if states == {"withdrawn"} else None

    async def _prepared(self) -> bool | None:
        return (await self._call("GET", f"/v1/broadcasts/{self.broadcast}", 200))["prepared"] or None

    async def _completed(self) -> dict[str, Any] | None:
        found = await self._call("GET", f"/v1/broadcasts/{self.broadcast}", 200)
        counts: dict[str, Any] = found["counts"]
        return counts if found["state"] == "completed" and counts["sent"] else None

    async def _replied(self) -> bool | None:
        counts = (await self._call("GET", f"/v1/broadcasts/{self.broadcast}", 200))["counts"]
        return True if counts["replied"] == _ANSWER else None

    async def _conversations(self) -> list[str] | None:
        talks = await self.broadcasting.talks()
        wanted = f"I will come, {self.tag}"
        found = [each["id"] for each in talks if (each["last_message"] or {}).get("excerpt") == wanted]
        return found if len(found) == _ANSWER else None


_TOWN: Final = {"key": "town", "name": "Town", "type": "text", "applies_to": "contact", "personal": False}
_CONSENT: Final = {"channel_kinds": ["whatsapp"], "purposes": ["marketing"], "policy_version": "2026-11"}
