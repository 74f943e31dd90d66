"""What happens in auth, told through its doors."""

import asyncio
import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import httpx
from pydantic import SecretStr

from auth.api import ROUTERS
from auth.bootstrap import Parts, build, endpoint_parts
from auth.federation.parts import outside
from auth.passwords.hashing import Passwords
from auth.settings import AuthSettings
from auth.worker import SUBSCRIPTIONS
from contracts import decode
from contracts.billing import EntitlementsChanged
from contracts.event import Event, encode
from kit.db.database import Database, Row
from kit.http.acting import Acting, recorded
from kit.http.app import create_app
from kit.http.caller import TokenVerifier
from kit.http.client import Outbound
from kit.ledger.model import Receipt
from kit.mail import MailServer
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.seal import Keyring, LocalMasterKey
from kit.testing.databases import TestDatabase
from kit.testing.delivering import Delivering
from kit.testing.programs import eventually

GOOD = "plum-otter-gravel-94-sky"
SEALING_KEY = "c2VhbGluZy1rZXktb2YtYXV0aC10ZXN0cy0zMi1ieXQ"
GATEWAY_SECRET = "Z2F0ZXdheS1hbmQtYXV0aC1zaGFyZS10aGlzLTMyYnk"
LINK = re.compile(r"#token=([A-Za-z0-9_-]+)")


def settings(place: TestDatabase, **changed: Any) -> AuthSettings:
    given: dict[str, Any] = {
        "http_port": 0,
        "jwks_url": "http://auth.test/.well-known/jwks.json",
        "database_url": SecretStr(place.url("auth")),
        "sealing_key": SecretStr(SEALING_KEY),
        "public_url": "https://app.test",
        "telnyx_key": SecretStr("KEY-of-tests"),
        "telnyx_from": "+15005550001",
        "mail_from": "Rostrum <no-reply@rostrum.test>",
        "client_secrets": {"gateway": SecretStr(GATEWAY_SECRET)},
    }
    return AuthSettings(**(given | changed))


@dataclass
class Postbox:
    """A mail server that takes everything, or does what `trouble` says, or hands on to a real one.

    While `holds` is set, what was taken is not answered.
    """

    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    urgent: list[bool] = field(default_factory=list)
    """Of each mail whether somebody waits for it."""
    trouble: Exception | None = None
    first: asyncio.Event = field(default_factory=asyncio.Event)
    holds: asyncio.Event | None = None
    real: MailServer | None = None

    async def send(self, message: EmailMessage, sender: str, recipient: str, *, urgent: bool) -> Receipt:
        assert sender == "no-reply@rostrum.test"
        self.urgent.append(urgent)
        if self.trouble is not None:
            raise self.trouble
        if self.real is not None:
            return await self.real.send(message, sender, recipient, urgent=urgent)
        self.taken.append((recipient, message))
        self.first.set()
        if self.holds is not None:
            await self.holds.wait()
        return Receipt(said="250 OK")

    def to(self, address: str) -> list[EmailMessage]:
        return [message for recipient, message in self.taken if recipient.casefold() == address.casefold()]

    def token(self, address: str) -> str:
        """The token of the newest link sent to this address."""
        for message in reversed(self.to(address)):
            found = LINK.search(text_of(message))
            if found:
                return found.group(1)
        raise AssertionError(f"no mail to {address} holds a link")


CODE = re.compile(r"^(\d{6}) ")


@dataclass
class Phones:
    """A provider of text messages that takes everything, or does what `trouble` says."""

    taken: list[tuple[str, str]] = field(default_factory=list)
    trouble: Exception | None = None

    async def send(self, number: str, text: str) -> Receipt:
        if self.trouble is not None:
            raise self.trouble
        self.taken.append((number, text))
        return Receipt(external_id=f"message-{len(self.taken)}")

    def to(self, number: str) -> list[str]:
        return [text for recipient, text in self.taken if recipient == number]

    def code(self, number: str) -> str:
        """The code of the newest text that holds one."""
        for text in reversed(self.to(number)):
            found = CODE.search(text)
            if found:
                return found.group(1)
        raise AssertionError(f"no text to {number} holds a code")


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@dataclass
class Person:
    """Somebody who is signed in."""

    http: httpx.AsyncClient
    email: str
    tokens: dict[str, Any]

    @property
    def user_id(self) -> str:
        return str(self.tokens["user_id"])

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.tokens['access_token']}"} | more.pop("headers", {})
        return await self.http.request(method, path, headers=headers, **more)

    async def refresh(self, organization_id: str | None = None, token: str | None = None) -> httpx.Response:
        body = {"refresh_token": token or self.tokens["refresh_token"]}
        if organization_id:
            body["organization_id"] = organization_id
        answer = await self.http.post("/v1/sessions/refresh", json=body)
        if answer.status_code == 200 and token is None:
            self.tokens = answer.json()
        return answer

    async def create(self, name: str = "Acme") -> str:
        answer = await self.call("POST", "/v1/organizations", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def members(self, organization_id: str) -> dict[str, dict[str, Any]]:
        """The members by address."""
        answer = await self.call("GET", f"/v1/organizations/{organization_id}/members?limit=100")
        assert answer.status_code == 200, answer.text
        return {each["email"]: each for each in answer.json()["items"]}

    async def invite(self, organization_id: str, email: str, role: str = "editor", **more: Any) -> httpx.Response:
        path = f"/v1/organizations/{organization_id}/invitations"
        return await self.call("POST", path, json={"email": email, "role": role}, **more)


class Story:
    """The application, its mails and its people."""

    def __init__(
        self,
        place: TestDatabase,
        database: Database,
        passwords: Passwords,
        settings: AuthSettings,
        keyring: Keyring | None = None,
        *,
        real_texts: bool = False,
    ) -> None:
        self.place = place
        self.database = database
        self.postbox = Postbox()
        self.phones = Phones()
        sender = None if real_texts else self.phones
        self.outbound = Outbound(clock=database.clock, rules=outside(settings.sandbox_provider_url))
        self.keyring = keyring or Keyring(database, LocalMasterKey.from_text(SEALING_KEY))
        self.parts: Parts = build(database, self.keyring, passwords, self.outbound, settings, self.postbox, sender)
        self.delivering = Delivering(place, "auth", self.parts.ledger)
        self.verifier = TokenVerifier(
            self.parts.keys.jwks, settings.token_issuer, settings.token_audience, database.clock
        )
        app = create_app(
            service="auth",
            title="Auth",
            routers=ROUTERS,
            parts=endpoint_parts(self.parts),
            verifier=self.verifier,
            acting=recorded(Acting("auth.request.impersonated", changes=False), database),
        )
        self.app = app
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://auth.test", timeout=60)

    async def begin(self) -> None:
        await self.parts.rotation.ensure()

    async def end(self) -> None:
        await self.http.aclose()
        await self.outbound.close()

    async def deliver(self, workers: int = 1) -> None:
        """Send all mails that are due, and look for those whose fate is unknown."""
        await self.delivering.work(workers)

    async def admin(self, sql: str, *args: object) -> list[Row]:
        """Ask as nobody may but a test: across all tenants."""
        return await self.delivering.ask(sql, *args)

    async def sign_up(self, email: str, password: str = GOOD) -> httpx.Response:
        return await self.http.post("/v1/accounts", json={"email": email, "password": password})

    async def verify(self, token: str, password: str = GOOD) -> httpx.Response:
        return await self.http.post("/v1/accounts/verify", json={"token": token, "password": password})

    async def sign_in(self, email: str, password: str = GOOD, **more: Any) -> httpx.Response:
        return await self.http.post("/v1/sessions", json={"email": email, "password": password, **more})

    async def person(self, email: str) -> Person:
        """Somebody who has signed up, verified the address and signed in."""
        before = len(self.postbox.to(email))
        assert (await self.sign_up(email)).status_code == 202

        async def has_come() -> bool:
            await self.deliver()
            return len(self.postbox.to(email)) > before

        await eventually(has_come)
        assert (await self.verify(self.postbox.token(email))).status_code == 200
        answer = await self.sign_in(email)
        assert answer.status_code == 201, answer.text
        return Person(self.http, email, answer.json())

    async def member(self, owner: Person, organization_id: str, email: str, role: str) -> Person:
        """Somebody who was invited and has accepted."""
        person = await self.person(email)
        assert (await owner.invite(organization_id, email, role)).status_code == 201
        assert (await self.accept(person)).status_code == 200
        return person

    async def accept(self, person: Person) -> httpx.Response:
        """Follow the newest invitation in the mailbox."""
        await self.deliver()
        token = self.postbox.token(person.email)
        return await person.call("POST", "/v1/invitations/accept", json={"token": token})

    async def hear(self, event: Event) -> None:
        """Let an event arrive: twice, as may happen, and once more as another message."""
        subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
        for generation in (0, 0, 1):
            delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
            await Applier(self.database, event.type, event.type, subscription).apply([delivery])

    async def grant(
        self, organization_id: str, *, version: int = 1, plan: str = "free", **limits: int | None
    ) -> None:
        """Billing says what an organization may use."""
        event = EntitlementsChanged(
            organization_id=UUID(organization_id),
            time=self.database.clock.now(),
            version=version,
            plan=plan,
            limits=limits,
        )
        await self.hear(event)

    async def told(self, *kinds: type[Event]) -> list[Event]:
        """What has left for the other services, oldest first."""
        async with self.database.transaction() as tx:
            rows = await tx.fetch("SELECT body FROM outbox ORDER BY id")
        events = [decode(row["body"]) for row in rows]
        return [event for event in events if not kinds or isinstance(event, kinds)]

    async def count(self, table: str, organization_id: UUID | None = None) -> int:
        async with self.database.transaction(*([organization_id] if organization_id else [])) as tx:
            return int(await tx.fetchval(f"SELECT count(*) FROM {table}"))


def problem(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a problem document."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.status_code, answer.json()["type"].removeprefix("urn:rostrum:problem:")
