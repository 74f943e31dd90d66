"""What people do all the time while things go wrong; each lane goes on until it is told to stop."""

import asyncio
import secrets
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx

from contracts.event import new_id
from local.chaos import books
from local.chaos.client import Client
from local.chaos.outside import Sandbox
from local.chaos.tenant import Tenant
from local.chaos.traffic import Clock, Lane, Traffic
from local.visitor import Visitor


class Lanes(Traffic):
    """What the people of one tenant do."""

    def __init__(
        self, tenant: Tenant, others: Sequence[Tenant], sandbox: Sandbox, stop: asyncio.Event, now: Clock
    ) -> None:
        super().__init__(tenant, sandbox, stop, now)
        self._others = others

    def all(self) -> Sequence[Lane]:
        """Every lane."""
        return (self.found, self.invite, self.post, self.write, self.reply, self.look_around)

    async def found(self) -> None:
        """Create organizations, some twice at once under one key as an impatient browser does."""
        random, count = self._tenant.random("found"), 0
        while not self._stop.is_set():
            count += 1
            mark = f"Branch {count} of {self._tenant.tag}"
            times = 2 if random.random() < 0.3 else 1
            body = {"name": mark}
            await asyncio.gather(
                *(self._make(books.ORGANIZATION, mark, "/v1/organizations", body) for _ in range(times))
            )
            await self._rest(random.uniform(0.5, 2.5))

    async def invite(self) -> None:
        """Invite people; some of them come, and some of those are removed again."""
        random, count = self._tenant.random("invite"), 0
        path = f"/v1/organizations/{self._tenant.organization}/invitations"
        guests: set[asyncio.Task[None]] = set()
        while not self._stop.is_set():
            count += 1
            mark = f"guest{count}.{self._tenant.tag}@example.com"
            await self._make(books.INVITATION, mark, path, {"email": mark, "role": "editor"})
            if random.random() < 0.5 and mark in self._book.accepted[books.INVITATION]:
                guests.add(asyncio.create_task(self._join(mark, leaves=random.random() < 0.4)))
            await self._rest(random.uniform(2.0, 5.0))
        await asyncio.gather(*guests)

    async def post(self) -> None:
        """Schedule posts, now or some seconds ahead, to one page or several."""
        random, count = self._tenant.random("post"), 0
        while not self._stop.is_set():
            count += 1
            mark = f"Post {count} of {self._tenant.tag}"
            targets = random.sample(sorted(self._tenant.accounts.values()), random.choice((1, 1, 2)))
            due = datetime.fromtimestamp(self._now() + random.uniform(3.0, 12.0), UTC)
            when: str = "now" if random.random() < 0.4 else due.isoformat()
            body = {"text": mark, "targets": targets, "publish_at": when}
            await self._make(books.POST, mark, "/v1/posts", body, refused={422})
            await self._rest(random.uniform(0.3, 1.5))

    async def write(self) -> None:
        """Let people write to the number, each at most once in a second, as WhatsApp's times have no fractions."""
        await asyncio.gather(*(self._person(each) for each in self._tenant.people))

    async def reply(self) -> None:
        """Answer in some conversation, as an agent does; a message carries an id of its own from the first try."""
        random, count, known = self._tenant.random("reply"), 0, list[str]()
        while not self._stop.is_set():
            if len(known) < len(self._tenant.people):
                found = await self._owner.ask("GET", "/v1/conversations?limit=50", {200})
                known = [each["id"] for each in found.json()["items"]] if found else known
            if known:
                count += 1
                await self._say(f"Reply {count} of {self._tenant.tag}", random.choice(known))
            await self._rest(random.uniform(0.2, 1.2))

    async def look_around(self) -> None:
        """Ask for what is another's: none of it may be shown; what is one's own must be."""
        random = self._tenant.random("look")
        while not self._stop.is_set():
            other = random.choice(self._others)
            for path in (f"/v1/organizations/{other.organization}", f"/v1/channels/{other.channel}"):
                answer = await self._owner.ask("GET", path, {200, 404})
                self._book.probes += 1
                if answer is not None and answer.status_code != httpx.codes.NOT_FOUND:
                    self._book.strangers.append(f"{self._tenant.organization} saw {path}")
            await self._compare("/v1/billing/organization", "organization_id")
            await self._rest(random.uniform(1.0, 3.0))

    async def _compare(self, path: str, name: str) -> None:
        answer = await self._owner.ask("GET", path, {200, 404})
        self._book.probes += 1
        if answer is not None and answer.status_code == httpx.codes.OK:
            found = answer.json()[name]
            if found != self._tenant.organization:
                self._book.strangers.append(f"{self._tenant.organization} saw {found} at {path}")

    async def _say(self, mark: str, conversation: str) -> None:
        self._book.asked[books.REPLY].add(mark)
        said = {"id": str(new_id()), "text": mark}
        self._book.asked[books.REPLY_ID].add(said["id"])
        path = f"/v1/conversations/{conversation}/messages"
        answer = await self._owner.ask("POST", path, {202}, key=said["id"], json=said)
        if answer is not None:
            self._book.accept(books.REPLY, mark, answer.json()["id"])

    async def _person(self, person: str) -> None:
        random, count, at = self._tenant.random(person), 0, 0
        while not self._stop.is_set():
            count += 1
            at = max(at + 1, int(time.time()))
            mark = f"Message {count} of {person}"
            said = {"type": "text", "text": mark, "phone_number_id": self._tenant.number, "at": at}
            self._book.asked[books.SAID].add(mark)
            answer = await self._sandbox.ask("POST", f"/whatsapp/control/people/{person}/say", said)
            self._book.accept(books.SAID, mark, answer["id"])
            await self._rest(random.uniform(1.0, 3.0))

    async def _join(self, email: str, *, leaves: bool) -> None:
        """An invited person opens an account, follows both mails, and may be removed again; seats may be short."""
        visitor = Visitor(self._owner.visitor.addresses, self._owner.visitor.http, email)
        guest = Client(visitor, self._book, self._owner.over)
        word = {"email": email, "password": visitor.password}
        self._book.asked[books.PERSON].add(email)
        self._book.asked[books.MEMBER].add(email)
        if await guest.ask("POST", "/v1/accounts", {202}, json=word) is None:
            return
        verified = await self._follow(guest, "/verify", "/v1/accounts/verify", {200, 410}, word["password"])
        if verified is None or not await guest.sign_in():
            return
        self._book.accept(books.PERSON, email, visitor.user_id)
        joined = await self._follow(guest, "/invitations/accept", "/v1/invitations/accept", {200, 409, 410})
        if joined is not None and joined.status_code == httpx.codes.OK:
            self._book.accept(books.MEMBER, email, visitor.user_id)
            if leaves:
                await self._remove(email, visitor.user_id)

    async def _follow(
        self, guest: Client, link: str, path: str, expect: set[int], password: str = ""
    ) -> httpx.Response | None:
        """Wait for a mail with such a link and use it."""
        while not guest.over.is_set():
            mails = await self._sandbox.ask("GET", "/mailbox/messages", to=guest.visitor.email)
            for address in (urlsplit(each) for mail in mails["items"] for each in mail["links"]):
                if address.path.endswith(link) and address.fragment.startswith("token="):
                    body = {"token": address.fragment.removeprefix("token=")}
                    return await guest.ask(
                        "POST", path, expect, json=body | ({"password": password} if password else {})
                    )
            await asyncio.sleep(0.3)
        return None

    async def _remove(self, email: str, user_id: str) -> None:
        path = f"/v1/organizations/{self._tenant.organization}/members"
        members = await self._owner.ask("GET", f"{path}?limit=100", {200})
        if members is None:
            return
        found = next((each["id"] for each in members.json()["items"] if each["user_id"] == user_id), None)
        if found is not None and await self._owner.ask("DELETE", f"{path}/{found}", {204, 404}) is not None:
            self._book.removed.add(email)


def fresh_tag() -> str:
    """What the marks of one tenant carry."""
    return secrets.token_hex(4)
