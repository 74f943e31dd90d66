"""The steps of the story; each returns what it has seen from outside."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import aio_pika
import httpx

from contracts import Event, decode
from kit.messaging.broker import OwnedConnection
from local.demo.assisting import Assisting
from local.demo.broadcasting import Broadcasting
from local.demo.buying import Buying
from local.demo.identity import Identity
from local.demo.importing import CONTACTS, Importing, Watch
from local.demo.outside import Outside
from local.demo.pages import Pages
from local.demo.privacy import Privacy
from local.demo.publishing import Publishing
from local.demo.writing import Writing
from local.plan import Plan
from local.staff import hired
from local.visitor import Addresses, NotSeen, Visitor, newcomer, seen

_SOON = 30.0  # seconds, far less than a token lives


@dataclass(slots=True)
class Story:
    """Two organizations that never hear of each other, told in steps that build on one another.

    `contacts` are the rows of the file that is imported; `watch` hears how far a long step has come.
    """

    plan: Plan
    http: httpx.AsyncClient
    contacts: int = CONTACTS
    watch: Watch = lambda _what, _done, _of: None
    tag: str = field(default_factory=lambda: secrets.token_hex(4))
    ada: Visitor = field(init=False)
    ben: Visitor = field(init=False)
    eve: Visitor = field(init=False)
    first: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    queues: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ada, self.ben, self.eve = (
            Visitor(self.addresses, self.http, f"{name}.{self.tag}@example.com") for name in ("ada", "ben", "eve")
        )

    @property
    def addresses(self) -> Addresses:
        """The public doors."""
        return self.plan.addresses

    def steps(self) -> Sequence[tuple[str, Callable[[], Awaitable[str]]]]:
        """The story in order."""
        broadcasting = Broadcasting(self.ada, self.tag)
        outside = Outside(self.ada, lambda: self.eve, self.tag)
        buying = Buying(self.ada, self.tag, partial(hired, self.plan, self.http))
        publishing = Publishing(lambda: buying.pat, self.tag)
        privacy = Privacy(self.ada, lambda: self.eve, lambda: outside.conversation, outside.question)
        return (
            ("Ada signs up; a known address is answered alike", self.ada_signs_up),
            ("Ada verifies by the link in the mail and signs in", self.ada_verifies),
            ("Ada creates an organization, twice with one key: one", self.ada_creates_an_organization),
            ("A partner's queue is opened for it", self.a_partner_queue_opens),
            ("Eve founds another organization, with a partner of its own", self.eve_founds_another),
            ("Ada invites Ben, who accepts by the link in the mail", self.ben_joins),
            ("Billing knows the organization and its free plan", self.billing_knows),
            ("The partner hears what happened, and nothing else", self.the_partner_hears),
            ("Eve sees nothing of it", self.eve_sees_nothing),
            *Identity(self.ada, self.tag).steps(),
            *buying.steps(),
            *outside.steps(),
            *broadcasting.steps(),
            *Importing(self.ada, self.tag, broadcasting, self.contacts, self.watch).steps(),
            *Assisting(self.ada, lambda: outside.account, self.tag).steps(),
            *Pages(self.ada, lambda: self.eve, self.tag).steps(),
            *publishing.steps(),
            *Writing(lambda: buying.pat, publishing.accounts).steps(),
            *privacy.steps(),
            ("Ben is removed; his token stops at the gateway", self.ben_leaves),
        )

    async def ada_signs_up(self) -> str:
        """Sign up, and once more with the same address."""
        body = {"email": self.ada.email, "password": self.ada.password}
        first = await self.ada.call("POST", "/v1/accounts", expect=202, json=body)
        again = await self.ada.call("POST", "/v1/accounts", expect=202, json=body)
        if first.content != again.content:
            raise NotSeen("the two answers differ")
        return "202 and the same body both times"

    async def ada_verifies(self) -> str:
        """Use the mail's link, then the password."""
        await self.ada.verify()
        tokens = await self.ada.sign_in()
        return f"a token for user {tokens['user_id']}, good for {tokens['expires_in']} s"

    async def ada_creates_an_organization(self) -> str:
        """The same request twice makes one organization."""
        key = secrets.token_hex(8)
        self.first = await self.ada.create_organization(f"First {self.tag}", key=key)
        again = await self.ada.create_organization(f"First {self.tag}", key=key)
        if again["id"] != self.first["id"]:
            raise NotSeen("a second organization was made")
        await self.ada.refresh(self.first["id"])
        return f"organization {self.first['id']}"

    async def a_partner_queue_opens(self) -> str:
        """Ask for a partner queue and wait until it is open."""
        self.queues["first"] = await self._open_partner_queue(self.ada)
        return self.queues["first"]

    async def eve_founds_another(self) -> str:
        """A second tenant."""
        self.eve = await newcomer(self.addresses, self.http, self.eve.email)
        self.second = await self.eve.found(f"Second {self.tag}")
        self.queues["second"] = await self._open_partner_queue(self.eve)
        path = f"/v1/organizations/{self.second['id']}"
        tag = (await self.eve.call("GET", path, expect=200)).headers["etag"]
        await self.eve.call("PATCH", path, expect=200, headers={"if-match": tag}, json={"name": f"Eve's {self.tag}"})
        return f"organization {self.second['id']}"

    async def ben_joins(self) -> str:
        """Invite, sign up, accept."""
        path = f"/v1/organizations/{self.first['id']}"
        await self.ada.call(
            "POST",
            f"{path}/invitations",
            expect=201,
            headers={"idempotency-key": secrets.token_hex(8)},
            json={"email": self.ben.email, "role": "editor"},
        )
        token = await self.ben.token_from_mail("/invitations/accept")
        await self.ben.sign_up()
        await self.ben.verify()
        await self.ben.sign_in()
        await self.ben.call("POST", "/v1/invitations/accept", expect=200, json={"token": token})
        members = (await self.ada.call("GET", f"{path}/members", expect=200)).json()["items"]
        roles = sorted(member["role"] for member in members)
        if roles != ["editor", "owner"]:
            raise NotSeen(f"the members' roles are {roles}")
        return "members: owner and editor"

    async def billing_knows(self) -> str:
        """Billing learned of it from events alone."""

        async def look() -> dict[str, Any] | None:
            answer = await self.ada.call("GET", "/v1/billing/organization")
            found: dict[str, Any] = answer.json()
            return found if answer.status_code == 200 and found["seats_used"] == 2 else None

        known = await seen("billing's view with two seats", look)
        if known["organization_id"] != self.first["id"] or known["plan"] != "free":
            raise NotSeen(f"billing says {known}")
        return f"plan {known['plan']}, {known['seats_used']} seats used"

    async def the_partner_hears(self) -> str:
        """Read the partner's queue as a partner would."""
        wanted = {"auth.invitation.created.v1", "auth.invitation.accepted.v1", "auth.member.added.v1"}
        heard = await self._heard("first", wanted)
        strangers = {str(event.organization_id) for event in heard} - {self.first["id"]}
        if strangers:
            raise NotSeen(f"events of other organizations: {strangers}")
        return ", ".join(sorted({event.type for event in heard}))

    async def eve_sees_nothing(self) -> str:
        """The other tenant's API, billing and partner queue are silent about the first."""
        await self.eve.call("GET", f"/v1/organizations/{self.first['id']}", expect=404)
        await self.eve.call("GET", f"/v1/organizations/{self.first['id']}/members", expect=404)
        mine = (await self.eve.call("GET", "/v1/organizations", expect=200)).json()["items"]
        billed = await seen("billing's view of Eve's organization", self._billed_to_eve)
        heard = await self._heard("second", {"auth.organization.renamed.v1"})
        ids = {item["id"] for item in mine} | {billed["organization_id"]} | {str(e.organization_id) for e in heard}
        if ids - {self.second["id"], "None"}:
            raise NotSeen(f"Eve sees {ids}")
        return "404 for the organization and its members; own list, billing and partner queue hold only her own"

    async def _billed_to_eve(self) -> dict[str, Any] | None:
        answer = await self.eve.call("GET", "/v1/billing/organization")
        found: dict[str, Any] = answer.json()
        return found if answer.status_code == httpx.codes.OK else None

    async def ben_leaves(self) -> str:
        """Removal works before the token expires."""
        path = f"/v1/organizations/{self.first['id']}/members"
        await self.ben.refresh(self.first["id"])
        await self.ben.call("GET", path, expect=200)
        members = (await self.ada.call("GET", path, expect=200)).json()["items"]
        ben = next(member for member in members if member["user_id"] == self.ben.user_id)
        await self.ada.call("DELETE", f"{path}/{ben['id']}", expect=204)

        async def look() -> int | None:
            status = (await self.ben.call("GET", "/v1/me")).status_code
            return status if status == 401 else None

        await seen("401 for Ben's token", look, within=_SOON)
        return "401 for the token that was good a moment ago"

    async def _open_partner_queue(self, owner: Visitor) -> str:
        await owner.call("PUT", "/v1/partner-queue")

        async def look() -> str | None:
            found = (await owner.call("GET", "/v1/partner-queue", expect=200)).json()
            return str(found["queue"]) if found["state"] == "open" else None

        return await seen("an open partner queue", look)

    async def _heard(self, which: str, wanted: set[str]) -> list[Event]:
        """Take everything from a partner's queue until all wanted types were among it."""
        connection = await aio_pika.connect(self.addresses.broker, connection_class=OwnedConnection)
        heard: list[Event] = []
        try:
            channel = await connection.channel()
            queue = await channel.get_queue(self.queues[which], ensure=False)

            async def look() -> bool | None:
                while message := await queue.get(no_ack=True, fail=False):
                    heard.append(decode(message.body))
                await asyncio.sleep(0)
                return True if wanted <= {event.type for event in heard} else None

            await seen(f"{sorted(wanted)} in the partner's queue", look)
        finally:
            await connection.close()
        return heard
