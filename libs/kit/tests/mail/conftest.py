import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest

from kit.db.database import Database
from kit.ledger.ledger import Ledger
from kit.mail import Category, Composer, Mail, Mailer, Post, SmtpServer, Templates, mail_kinds
from kit.seal import Keyring, LocalMasterKey
from kit.testing import sample
from kit.testing.databases import Databases, TestDatabase
from kit.testing.delivering import Delivering

TEMPLATES = Path(__file__).parent / "templates"
ACCOUNT = Category("account", essential=True, repeat_when_unknown=True)
NEWS = Category("news")
DIGESTS = Category("digests")


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The sandbox's mail server, seen from both sides."""

    http: httpx.AsyncClient
    smtp_url: str

    async def messages(self) -> list[dict[str, Any]]:
        """What has arrived, oldest first."""
        found, cursor = list[dict[str, Any]](), ""
        while True:
            asked = {"limit": "100", **({"cursor": cursor} if cursor else {})}
            answer = (await self.http.get("/mailbox/messages", params=asked)).raise_for_status().json()
            found += answer["items"]
            cursor = answer["next_cursor"]
            if not cursor:
                return found[::-1]

    async def goes_wrong(self, *rules: dict[str, Any]) -> None:
        (await self.http.put("/control/mailbox/faults", json=list(rules))).raise_for_status()

    async def calls(self) -> int:
        """How often a mail was offered."""
        answer = (await self.http.get("/control/mailbox/received?limit=100")).raise_for_status()
        return len(answer.json()["items"])


@pytest.fixture(scope="session")
def listening() -> Iterator[dict[str, Any]]:
    """The sandbox as a process of its own, for all tests of a worker."""
    command = [sys.executable, "-m", "sandbox"]
    settings = {"SANDBOX_HTTP_PORT": "0", "SANDBOX_SMTP_PORT": "0", "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        yield orjson.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.fixture
async def sandbox(listening: dict[str, Any]) -> AsyncIterator[Sandbox]:
    async with httpx.AsyncClient(base_url=listening["http"], timeout=20, verify=False) as http:
        (await http.post("/control/reset")).raise_for_status()
        yield Sandbox(http, f"smtp://{listening['servers']['mailbox'][0]}")


@pytest.fixture
async def place(databases: Databases) -> TestDatabase:
    return await databases.clone({"sample": sample})


@pytest.fixture
async def database(place: TestDatabase) -> AsyncIterator[Database]:
    opened = await Database.open(place.url("sample"), name="mail test", pool_size=4, acquire_within=30)
    try:
        yield opened
    finally:
        await opened.close()


@dataclass(frozen=True, slots=True)
class Writing:
    """A service that writes mails, with its ledger in the test's hand."""

    mailer: Mailer
    delivering: Delivering

    async def queue(self, *mails: Mail) -> list[bool]:
        organizations = {mail.organization_id for mail in mails if mail.organization_id}
        async with self.mailer.database.transaction(*organizations) as tx:
            return [await self.mailer.queue(tx, mail) for mail in mails]

    async def states(self) -> Sequence[tuple[str, str]]:
        rows = await self.delivering.ask("SELECT status, code FROM outgoing_mails ORDER BY id")
        return [(row["status"], row["code"]) for row in rows]


Write = Callable[..., Writing]


@pytest.fixture
def write(place: TestDatabase, database: Database, sandbox: Sandbox) -> Write:
    def made(url: str = sandbox.smtp_url, composer: Composer | None = None) -> Writing:
        keyring = Keyring(database, LocalMasterKey.from_text("A" * 43))
        post = Post(
            "Rostrum <no-reply@rostrum.test>", (ACCOUNT, NEWS, DIGESTS), "https://api.rostrum.test/v1/unsubscribe"
        )
        kinds = mail_kinds(keyring, SmtpServer.at(url), Templates(TEMPLATES), post, composer)
        ledger = Ledger(database, kinds)
        return Writing(Mailer(database, keyring, ledger, post), Delivering(place, "sample", ledger))

    return made


@pytest.fixture
def writing(write: Write) -> Writing:
    return write()


def greeting(key: str, category: Category = NEWS, organization_id: UUID | None = None, **more: Any) -> Mail:
    given = {"to": "ada@example.com", "parameters": {"name": "Ada", "link": "https://x.test/"}} | more
    return Mail("greeting", category.name, key, organization_id=organization_id, **given)
