"""A user is handed over, and forgotten: here with their key, and at Stripe."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from billing import migrations
from billing.worker import SUBSCRIPTIONS
from contracts.billing import BillingErasureAnswered, BillingExportPartReady
from contracts.compliance import ErasureBegun, ExportRequested
from contracts.event import Event, encode
from kit.db.provision import with_database
from kit.ids import new_id
from kit.messaging.applying import Applier
from kit.messaging.delivery import Delivery
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.person import Person
from kit.testing.handing_over import Collected, by_table

from .story import PRO, Story

MAP: Final = of_service(migrations)
DETAILS: Final = "/v1/billing/details"


@dataclass(slots=True)
class Asking:
    """Compliance as billing knows it: it asks by events, and is handed pieces."""

    story: Story
    collected: Collected = field(default_factory=Collected)

    async def ask(self, event: Event) -> None:
        """Let it arrive twice, and work until nothing is due."""
        subscription = next(each for each in SUBSCRIPTIONS if each.event is type(event))
        for generation in (0, 1):
            delivery = Delivery(1, encode(event), event.id, event.type, generation, event=event)
            await Applier(self.story.database, event.type, event.type, subscription).apply([delivery])
        answering = Answering(
            self.story.database,
            self.story.keyring,
            "billing",
            self.story.made.holdings,
            Count(MAP),
            self.collected,
            BillingExportPartReady,
            BillingErasureAnswered,
        )
        while await answering.work():
            pass

    async def rows_of(self, person: Person, *organization_ids: UUID) -> dict[str, int]:
        """Rows by table that lead to a person, counted by the data map."""
        async with self.story.database.transaction(*organization_ids) as tx:
            return await Count(MAP).rows(tx, person)


@pytest.fixture
def asking(story: Story) -> Asking:
    return Asking(story)


async def live(story: Story, name: str) -> tuple[Person, UUID]:
    """Somebody who gave details for invoices and went to a page."""
    person, ours = Person("user", new_id()), await story.organization()
    client = story.client(ours, sub=str(person.id))
    begun = await client.post("/v1/billing/checkouts", json=PRO, headers={"idempotency-key": new_id().hex})
    assert begun.status_code == 201, begun.text
    version = (await client.get(DETAILS)).headers["etag"]
    body = {"name": name, "memo": f"memo of {name}", "tax_id_type": "us_ein", "tax_id": "12-3456789"}
    answer = await client.patch(DETAILS, json=body, headers={"if-match": version})
    assert answer.status_code == 200, answer.text

    async def told() -> bool:
        return bool((await client.get(DETAILS)).json()["told"] == "told")

    await story.until(told)
    return person, ours


async def everything(story: Story) -> str:
    """All rows, as the administrator reads them, but for what is on its way."""
    admin = await asyncpg.connect(with_database(story.place.admin_url, story.place.name))
    try:
        await admin.execute("SET search_path = billing, kit")
        tables = MAP.tables.keys() - {"outbox", "privacy_tasks", "processed_messages"}
        found = [str(row) for name in tables for row in await admin.fetch(f"SELECT t::text FROM {name} AS t")]
        return "\n".join(found)
    finally:
        await admin.close()


async def names_at_stripe(story: Story) -> list[tuple[str | None, str | None, int]]:
    found = (await story.stripe.ask("/v1/customers"))["data"]
    return sorted(
        [
            (
                each["name"],
                each["invoice_settings"]["footer"],
                await story.stripe.count(f"/v1/customers/{each['id']}/tax_ids"),
            )
            for each in found
        ],
        key=str,
    )


def test_every_table_that_leads_to_a_user_has_a_holding(story: Story) -> None:
    about = {name for name, table in MAP.tables.items() if any(subject == "user" for subject, _ in table.leads)}
    assert {name for holding in story.made.holdings.holdings for name in holding.tables} == about


async def test_what_a_user_gave_is_handed_over_opened_and_nothing_of_others(story: Story, asking: Asking) -> None:
    await story.sold()
    ada, ours = await live(story, "Ada Ltd")
    await live(story, "Bob Ltd")
    event = ExportRequested(time=story.database.clock.now(), export_id=new_id(), person_kind="user", person_id=ada.id)
    await asking.ask(event)
    lines: list[dict[str, Any]] = list(
        await asking.collected.lines(story.keyring, "billing", ada, event.export_id, 1)
    )
    found = by_table(lines)
    (customer,) = found["customers"]
    assert (customer["organization_id"], customer["details"]["name"]) == (str(ours), "Ada Ltd")
    (checkout,) = found["checkouts"]
    assert (checkout["plan"], checkout["state"]) == ("pro", "open")
    assert len(found["idempotency_keys"]) == 1
    assert "Bob Ltd" not in str(lines)
    assert "url" not in checkout


async def test_who_is_forgotten_stands_nowhere_any_more_also_not_at_stripe(story: Story, asking: Asking) -> None:
    await story.sold()
    ada, ours = await live(story, "Ada Ltd")
    await live(story, "Bob Ltd")
    event = ErasureBegun(
        time=story.database.clock.now(), erasure_id=new_id(), person_kind="user", person_id=ada.id, way="erase"
    )
    await asking.ask(event)
    assert await asking.rows_of(ada, ours) == {}
    assert str(ada.id) not in await everything(story)
    client = story.client(ours)

    async def emptied() -> bool:
        return bool((await client.get(DETAILS)).json()["told"] == "none")

    await story.until(emptied)
    assert await names_at_stripe(story) == [("Bob Ltd", "memo of Bob Ltd", 1), (None, None, 0)]
    answers = [bytes(row["body"]) for row in await story.rows("SELECT body FROM outbox")]
    (answer,) = [body for body in answers if b"billing.erasure.answered" in body]
    assert f"{ours}/customer:".encode() in answer
    shown = (await client.get("/v1/billing/checkouts")).json()["items"]
    assert [each["state"] for each in shown] == ["open"]
