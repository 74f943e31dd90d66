"""A user is handed over, and forgotten: every table that the data map names."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import asyncpg
import pytest

from contracts.compliance import ErasureBegun, ExportRequested
from contracts.event import Event
from contracts.generation import GenerationErasureAnswered, GenerationExportPartReady
from generation import migrations
from kit.db.provision import with_database
from kit.ids import new_id
from kit.privacy.answering import Answering
from kit.privacy.counting import Count
from kit.privacy.datamap import of_service
from kit.privacy.person import Person
from kit.testing.handing_over import Collected, by_table

from .lives import live
from .story import Story

MAP: Final = of_service(migrations)


@dataclass(slots=True)
class Asking:
    """Compliance as generation knows it: it asks by events, and is handed pieces."""

    story: Story
    collected: Collected = field(default_factory=Collected)

    async def ask(self, event: Event) -> None:
        """Let it arrive twice, and work until nothing is due."""
        await self.story.hear(event, 0, 1)
        answering = Answering(
            self.story.database,
            self.story.keyring,
            "generation",
            self.story.made.holdings,
            Count(MAP),
            self.collected,
            GenerationExportPartReady,
            GenerationErasureAnswered,
        )
        while await answering.work():
            pass

    async def export(self, person: Person) -> dict[str, list[dict[str, Any]]]:
        """What is handed over, by table."""
        event = ExportRequested(
            organization_id=None, time=self.story.now(), export_id=new_id(), person_kind="user", person_id=person.id
        )
        await self.ask(event)
        return by_table(
            list(await self.collected.lines(self.story.keyring, "generation", person, event.export_id, 1))
        )

    async def erase(self, person: Person) -> None:
        await self.ask(
            ErasureBegun(
                organization_id=None,
                time=self.story.now(),
                erasure_id=new_id(),
                person_kind="user",
                person_id=person.id,
                way="erase",
            )
        )


@pytest.fixture
def asking(story: Story) -> Asking:
    return Asking(story)


def about_users() -> set[str]:
    return {name for name, table in MAP.tables.items() if any(subject == "user" for subject, _ in table.leads)}


async def everything(story: Story) -> str:
    """All rows, as the administrator reads them, but for what is on its way."""
    admin = await asyncpg.connect(with_database(story.place.admin_url, story.place.name))
    try:
        await admin.execute("SET search_path = generation, kit")
        tables = MAP.tables.keys() - {"outbox", "privacy_tasks", "processed_messages"}
        found = [str(row) for name in tables for row in await admin.fetch(f"SELECT t::text FROM {name} AS t")]
        return "\n".join(found)
    finally:
        await admin.close()


def test_every_table_that_leads_to_a_user_has_a_holding(story: Story) -> None:
    assert {name for holding in story.made.holdings.holdings for name in holding.tables} == about_users()


async def test_what_a_user_did_is_handed_over_and_nothing_of_others(story: Story, asking: Asking) -> None:
    ada, bob, places = Person("user", new_id()), Person("user", new_id()), (new_id(), new_id())
    for number, organization_id in enumerate(places):
        await live(story, ada, organization_id, f"adas words {number}")
        await live(story, bob, organization_id, f"bobs words {number}")
    found = await asking.export(ada)
    assert found.keys() >= about_users() - {"batches", "budgets", "moderation_policies"}
    assert "adas words 0" in str(found["generations"])
    for rows in found.values():
        assert {UUID(row["organization_id"]) for row in rows if "organization_id" in row} <= set(places)
    assert "bobs words" not in str(found)
    assert str(bob.id) not in str(found)


async def test_after_an_erasure_nothing_leads_to_the_user_and_others_are_as_before(
    story: Story, asking: Asking
) -> None:
    ada, bob, ours = Person("user", new_id()), Person("user", new_id()), new_id()
    await live(story, bob, ours, "bobs words")
    await live(story, ada, ours, "adas words")
    before = (await everything(story)).count(str(bob.id))
    assert str(ada.id) in await everything(story)
    await asking.erase(ada)
    after = await everything(story)
    assert str(ada.id) not in after
    assert after.count(str(bob.id)) == before
    (answer,) = [each for each in await story.told_by_the_platform() if isinstance(each, GenerationErasureAnswered)]
    assert answer.outcome == "done"
