"""What users do with an organization, through its doors, and what of it then stands in which table."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx

from contracts.compliance import ErasureBegun, ExportRequested
from contracts.event import Event, encode
from contracts.generation import TextsHandedOver
from contracts.publisher import PublisherErasureAnswered, PublisherExportPartReady
from kit.db.provision import with_database
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.holding import Holdings
from kit.privacy.person import Person
from kit.seal import Keyring
from kit.testing.handing_over import Collected
from kit.testing.programs import eventually
from publisher import migrations
from publisher.worker import SUBSCRIPTIONS

from .library import begin
from .story import POSTING, READING, Story

MAP: Final = of_service(migrations)
ACCOUNTS: Final = "/v1/connected-accounts"

NAMING: Final = {"outbox", "privacy_tasks"}
"""Tables in which the id of somebody who was forgotten may still stand: facts on their way, and what was asked."""


@dataclass(frozen=True, slots=True)
class Life:
    """Somebody who has connected their own account and a page, written, and asked for a consent."""

    user: Person
    organization_id: UUID
    client: httpx.AsyncClient
    account: str
    page: str
    draft: str
    waiting: str
    markers: tuple[str, ...]
    """What tells of their account: its name and the platform's id of it."""


@dataclass(slots=True)
class Asking:
    """Compliance as the publisher knows it: it asks by events, and is handed pieces."""

    story: Story
    collected: Collected = field(default_factory=Collected)

    @property
    def keyring(self) -> Keyring:
        return self.story.made.connections.keyring

    @property
    def holdings(self) -> Holdings:
        return self.story.made.holdings

    def answering(self, holdings: Holdings | None = None) -> Answering:
        return Answering(
            self.story.database,
            self.keyring,
            "publisher",
            holdings or self.holdings,
            Count(MAP),
            self.collected,
            PublisherExportPartReady,
            PublisherErasureAnswered,
        )

    async def export(self, person: Person) -> UUID:
        """Ask for what is kept; twice, as may happen."""
        event = ExportRequested(
            organization_id=person.organization_id,
            time=self.story.now(),
            export_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
        )
        await self.hear(event)
        await self.hear(event, generation=1)
        return event.export_id

    async def erasure(self, person: Person, way: str = "erase") -> UUID:
        """Ask that they be forgotten; twice, as may happen."""
        event = ErasureBegun(
            organization_id=person.organization_id,
            time=self.story.now(),
            erasure_id=new_id(),
            person_kind=person.kind,
            person_id=person.id,
            way=way,
        )
        await self.hear(event)
        await self.hear(event, generation=1)
        return event.erasure_id

    async def hear(self, event: Event, generation: int = 0) -> None:
        """Let this arrive as the consumer hands it on."""
        subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
        delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
        await Applier(self.story.database, event.type, event.type, subscription).apply([delivery])

    async def work(self) -> None:
        """Work until nothing is due."""
        answering = self.answering()
        while await answering.work():
            pass

    async def through(self, erasure_id: UUID) -> None:
        """Let time pass and work until the erasure is done."""
        for _ in range(10):
            await self.work()
            if await rows(self.story, "SELECT FROM privacy_tasks WHERE id = $1 AND state = 'done'", erasure_id):
                return
            await self.story.forward(seconds=301)
        raise AssertionError("the erasure does not end")

    async def erased(self, erasure_id: UUID) -> list[PublisherErasureAnswered]:
        """What was answered to this erasure."""
        found = await self.story.told_by_the_platform()
        return [
            each for each in found if isinstance(each, PublisherErasureAnswered) and each.erasure_id == erasure_id
        ]

    async def handed_over(self, export_id: UUID) -> list[PublisherExportPartReady]:
        """What was answered to this export."""
        found = await self.story.told_by_the_platform()
        return [each for each in found if isinstance(each, PublisherExportPartReady) and each.export_id == export_id]

    async def lines(self, person: Person, export_id: UUID, attempt: int = 1) -> list[dict[str, Any]]:
        return list(await self.collected.lines(self.keyring, "publisher", person, export_id, attempt))

    async def rows_of(self, person: Person, *organization_ids: UUID) -> dict[str, int]:
        """Rows by table that lead to a person, counted by the data map."""
        async with self.story.database.transaction(*organization_ids) as tx:
            return await Count(MAP).rows(tx, person)


async def live(story: Story, user: Person, organization_id: UUID, number: int) -> Life:
    """Everything that a user can do, once, but decide on a delivery."""
    client = story.client(organization_id, sub=str(user.id))
    await story.grant(organization_id, connected_accounts=None, posts_per_month=None, storage_mb=None)
    name, handle, page, title = (f"{what}mark{number:07d}" for what in ("Name", "id", "", "Page"))
    page = f"77{number:07d}"
    control = story.linkedin.http
    (await control.post("/linkedin/control/pages", json={"id": page, "name": title})).raise_for_status()
    person = {"id": handle, "name": name, "pages": {page: "ADMINISTRATOR"}}
    (await control.post("/linkedin/control/people", json=person)).raise_for_status()
    account = await story.connect(client, "member", handle)
    connected = await story.connect(client, "organization", handle)
    body = {"text": f"words of {number}", "targets": [account], "overrides": {account: f"others of {number}"}}
    written = await client.post("/v1/posts", json=body, headers={"idempotency-key": new_id().hex})
    assert written.status_code == 201, written.text
    waiting = await story.post(client, account, publish_at="2027-06-01T09:00:00Z")
    await rows(  # as a platform's first comment leaves it, which LinkedIn has none of
        story,
        "INSERT INTO delivery_steps (id, organization_id, delivery_id, what) VALUES ($1, $2, $3, 'comment')",
        new_id(),
        organization_id,
        UUID(waiting["deliveries"][0]["id"]),
    )
    await story.consent(client)
    file = {"csv": f"text,accounts\r\nrow of {number},{account}\r\n"}
    assert (await client.post("/v1/publishing/imports", json=file)).status_code == 202
    assert (await begin(client, 1000, filename=f"{number}.jpg")).status_code == 201
    starts = {"local": "2027-06-01T09:00", "zone": "UTC"}
    recurring = {"text": f"words of {number}", "targets": [account], "rule": "FREQ=YEARLY", "starts": starts}
    assert (await client.post("/v1/publishing/recurrences", json=recurring)).status_code == 201
    await hand_over(story, user.id, organization_id)
    stopped = await client.post("/v1/publishing/stops", json={"reason": f"words of {number}"})
    lifted = await client.post(f"/v1/publishing/stops/{stopped.json()['id']}/lift", json={})
    assert lifted.status_code == 200, lifted.text
    return Life(
        user, organization_id, client, account, connected, written.json()["id"], waiting["id"], (name, handle)
    )


async def hand_over(story: Story, user_id: UUID, organization_id: UUID) -> None:
    """Texts are to become a draft, and wait for a worker."""
    event = TextsHandedOver(
        organization_id=organization_id,
        time=story.now(),
        post_id=new_id(),
        generation_id=new_id(),
        user_id=user_id,
        account_ids=[],
        texts="c2VhbGVk",
    )
    subscription = next(each for each in SUBSCRIPTIONS if each.event is TextsHandedOver)
    delivery = Delivery(1, encode(event), event.id, event.type, 0, event=event)
    await Applier(story.database, event.type, event.type, subscription).apply([delivery])


async def decide(story: Story, *deciding: tuple[Life, Life]) -> list[dict[str, Any]]:
    """Let each first one decide on a post of the second one that nobody could confirm: it is published."""
    await story.linkedin.fails(
        {"kind": "drop_after_effect", "match": POSTING, "times": len(deciding)},
        {"kind": "refuse_before_effect", "status": 403, "match": READING},
    )
    posts = [await story.post(author.client, author.account) for _, author in deciding]
    decided: list[dict[str, Any]] = []
    async with story.working():
        for (person, author), post in zip(deciding, posts, strict=True):

            async def unconfirmed(author: Life = author, post: dict[str, Any] = post) -> bool:
                await story.forward(minutes=10)
                return bool((await story.shown(author.client, post))["status"] == "unconfirmed")

            await eventually(unconfirmed)
            path = f"/v1/posts/{post['id']}/deliveries/{post['deliveries'][0]['id']}/resolve"
            answer = await person.client.post(path, json={"outcome": "published"})
            assert answer.status_code == 200, answer.text
            decided.append(answer.json())
    return decided


async def rows(story: Story, sql: str, *args: Any) -> list[Any]:
    """What the administrator reads, whosever it is."""
    admin = await asyncpg.connect(with_database(story.place.admin_url, story.place.name))
    try:
        await admin.execute("SET search_path = publisher, kit")
        return list(await admin.fetch(sql, *args))
    finally:
        await admin.close()


async def photograph(story: Story) -> dict[str, Counter[str]]:
    """Every row of every table of the schema, as text; bytes are in hexadecimal digits."""
    tables = await rows(
        story,
        "SELECT relname FROM pg_class WHERE relnamespace = 'publisher'::regnamespace AND relkind IN ('r', 'p')",
    )
    return {
        name: Counter(row["text"] for row in await rows(story, f'SELECT t::text AS text FROM "{name}" AS t'))
        for name in (table["relname"] for table in tables)
    }
