"""The chapter in which Ada writes to many: who wants no more is passed over, and an answer flows into the inbox."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from local.visitor import NotSeen, Visitor, seen

_BODY = {"type": "BODY", "text": "Hello {{1}}, our sale begins today.", "example": {"body_text": [["Ann"]]}}


@dataclass(slots=True)
class Broadcasting:
    """What one visitor does with broadcasts, by a number and a business account of the story's own."""

    visitor: Visitor
    tag: str
    channel: str = ""
    template: str = ""
    broadcast: str = ""

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The chapter in order."""
        return (
            ("A template is reviewed; three people agree, and one takes it back", self.people_agree),
            ("A broadcast reaches who wants it, once, and passes over who does not", self.many_are_written_to),
            ("An answer to it flows into the inbox", self.somebody_answers),
        )

    @property
    def _number(self) -> str:
        return str(2 * 10**14 + int(self.tag, 16))

    def phone(self, place: int) -> str:
        """The number of somebody of this story, in digits."""
        return f"43660{int(self.tag, 16) % 10**6:06d}{place}"

    async def people_agree(self) -> str:
        """Connect a number, have a template approved, and let people write, agree, and one of them write STOP."""
        account = str(3 * 10**14 + int(self.tag, 16))
        number = {"id": self._number, "waba_id": account, "display_phone_number": f"+{self.phone(0)}"}
        await self.control("POST", "/whatsapp/control/numbers", number)
        body = {"kind": "whatsapp", "phone_number_id": self._number, "waba_id": account}
        self.channel = await self._made("/v1/channels", {**body, "access_token": "sandbox-whatsapp-token"})
        design = {"name": f"sale_{self.tag}", "language": "en_US", "category": "MARKETING", "components": [_BODY]}
        wish = {"channel_id": self.channel, **design, "submit": True}
        self.template = await self._made("/v1/message-templates", wish)
        theirs = await seen("the template at WhatsApp", lambda: self._theirs(account))
        path = f"/whatsapp/control/templates/{theirs['id']}/decide"
        await self.control("POST", path, {"event": "APPROVED"})
        await seen("the template as approved", self._approved)
        for place in (1, 2, 3):
            someone = {"id": self._id(place), "wa_id": self.phone(place), "name": f"Cleo {place}"}
            await self.control("POST", "/whatsapp/control/people", someone)
            await self.say(self._id(place), f"Hello {self.tag}")
        people = await seen("three contacts", self._contacts)
        before = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()  # WhatsApp tells of STOP by the second
        for each in people:
            agreed = {"state": "granted", "channel_kinds": ["whatsapp"], "purposes": ["marketing"], "at": before}
            await self.visitor.call("POST", f"/v1/contacts/{each}/consents", expect=201, json=agreed)
        await self.say(self._id(3), "STOP")
        await seen("the consent as withdrawn", self._withdrawn)
        return "approved; two agree, one has taken it back"

    async def many_are_written_to(self) -> str:
        """Write to all three, start, and see who got it."""
        words = {"template_id": self.template, "variables": {"1": "{{contact.first_name|there}}"}}
        people = await seen("three contacts", self._contacts)
        body = {"name": "Sale", "channel_id": self.channel, "messages": [words], "audience": {"contact_ids": people}}
        self.broadcast = await self._made("/v1/broadcasts", body)
        path = f"/v1/broadcasts/{self.broadcast}"
        before = (await self.visitor.call("GET", f"{path}/preflight", expect=200)).json()
        if (before["recipients"], before["without_consent"], before["obstacles"]) != (3, 1, []):
            raise NotSeen(f"before it begins: {before}")
        await self.visitor.call("POST", f"{path}/start", expect=200)
        done = await seen("a completed broadcast", self._completed)
        got = await self._received()
        if len(got) != 2 or (done["sent"], done["skipped"]) != (2, 1):
            raise NotSeen(f"{len(got)} arrived, counted {done}")
        return f"2 of 3 got it, 1 passed over; {before['cost_micros'] / 10**6:.4f} {before['currency']} forecast"

    async def somebody_answers(self) -> str:
        """One of them answers; what they were sent stands before it in the conversation."""
        await asyncio.sleep(1)  # WhatsApp tells seconds: whoever wrote twice in one has an order only between the two
        await self.say(self._id(1), "I will come")
        talk = await seen("the answer in a conversation", self._answered)
        path = f"/v1/conversations/{talk}/messages"
        found = (await self.visitor.call("GET", path, expect=200)).json()["items"]
        last = [each["text"] for each in found][-2:]
        if last != ["Hello Cleo, our sale begins today.", "I will come"]:
            raise NotSeen(f"the conversation ends with {last}")
        counts = (await self.visitor.call("GET", f"/v1/broadcasts/{self.broadcast}", expect=200)).json()["counts"]
        if counts["replied"] != 1:
            raise NotSeen(f"counted {counts}")
        return f"conversation {talk}; 1 reply counted"

    async def _made(self, path: str, body: dict[str, Any]) -> str:
        key = {"idempotency-key": secrets.token_hex(8)}
        answer = await self.visitor.call("POST", path, expect=201, headers=key, json=body)
        return str(answer.json()["id"])

    async def say(self, person: str, text: str) -> None:
        """Let somebody at WhatsApp write to our number."""
        said = {"type": "text", "text": text, "phone_number_id": self._number}
        await self.control("POST", f"/whatsapp/control/people/{person}/say", said)

    def _id(self, place: int) -> str:
        return f"sale{self.tag}{place}"

    async def _theirs(self, account: str) -> dict[str, Any] | None:
        url = f"{self.visitor.addresses.sandbox}/whatsapp/control/templates"
        found: list[dict[str, Any]] = (await self.visitor.http.get(url, params={"waba_id": account})).json()
        return found[0] if found else None

    async def _approved(self) -> bool | None:
        found = (await self.visitor.call("GET", f"/v1/message-templates/{self.template}", expect=200)).json()
        return True if found["status"] == "approved" else None

    async def talks(self) -> list[dict[str, Any]]:
        """The newest conversations by our number."""
        found = (await self.visitor.call("GET", "/v1/conversations?limit=100", expect=200)).json()["items"]
        return [each for each in found if each["channel_id"] == self.channel]

    async def _contacts(self) -> list[str] | None:
        found = sorted({each["contact_id"] for each in await self.talks()})
        return found if len(found) == 3 else None

    async def _withdrawn(self) -> bool | None:
        talks = await self.talks()
        stopped = next((each for each in talks if (each["last_message"] or {}).get("excerpt") == "STOP"), None)
        if stopped is None:
            return None
        path = f"/v1/contacts/{stopped['contact_id']}/consents"
        found = (await self.visitor.call("GET", path, expect=200)).json()["items"]
        mine = [each["state"] for each in found if each["purpose"] == "marketing"]
        return True if mine == ["withdrawn"] else None

    async def _completed(self) -> dict[str, Any] | None:
        found = (await self.visitor.call("GET", f"/v1/broadcasts/{self.broadcast}", expect=200)).json()
        counts: dict[str, Any] = found["counts"]
        return counts if found["state"] == "completed" else None

    async def _answered(self) -> str | None:
        talks = await self.talks()
        return next((each["id"] for each in talks if each["last_message"]["excerpt"] == "I will come"), None)

    async def _received(self) -> list[dict[str, Any]]:
        url = f"{self.visitor.addresses.sandbox}/whatsapp/control/messages"
        found: list[dict[str, Any]] = (
            await self.visitor.http.get(url, params={"phone_number_id": self._number})
        ).json()["items"]
        return found

    async def control(self, method: str, path: str, body: dict[str, Any]) -> None:
        """Ask the sandbox for something, as the outside world."""
        answer = await self.visitor.http.request(method, self.visitor.addresses.sandbox + path, json=body)
        if answer.is_error:
            raise NotSeen(f"{method} {path}: {answer.status_code}: {answer.text[:300]}")
